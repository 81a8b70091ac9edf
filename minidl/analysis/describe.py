"""What a layer or an operation is called in a drawing, and what kind it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minidl import nn
from minidl.nn import Module

KINDS = ("convolution", "dense", "norm, activation", "pooling", "block", "other", "operation", "io")
"""The kinds of boxes, each in its own colour."""

_CLASSES: tuple[tuple[str, tuple[type[Module], ...]], ...] = (
    ("convolution", (nn.Conv2d, nn.ConvTranspose2d)),
    ("dense", (nn.Linear,)),
    ("pooling", (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d)),
    (
        "norm, activation",
        (
            *(nn.BatchNorm1d, nn.BatchNorm2d, nn.LocalResponseNorm, nn.ReLU, nn.ReLU6),
            *(nn.LeakyReLU, nn.Sigmoid, nn.Hardsigmoid, nn.Tanh, nn.SiLU, nn.Hardswish),
            *(nn.Softmax, nn.LogSoftmax, nn.Dropout, nn.Identity),
        ),
    ),
)
_SIGNS = {"add": "+", "subtract": "−", "negative": "−", "multiply": "×", "divide": "÷"}
_WORDS = {
    "concatenate": "concat",
    "index": "slice",
    "max": "maximum",
    "min": "minimum",
    "matmul": "matrix product",
    "channel_shuffle": "shuffle",
    "astype": "cast",
}


def is_sign(title: str) -> bool:
    """Whether the operation is drawn as a sign in a circle."""
    return title in _SIGNS.values()


def operation_title(name: str, inputs: Sequence[tuple[int, ...]], output: tuple[int, ...]) -> str:
    """What to write for an operation of the backend.

    >>> operation_title("add", [(1, 2), (1, 2)], (1, 2))
    '+'
    >>> operation_title("reshape", [(1, 16, 5, 5)], (1, 400))
    'flatten'
    """
    if name == "reshape" and len(output) == 2 and any(len(shape) > 2 for shape in inputs):
        return "flatten"
    return _SIGNS.get(name) or _WORDS.get(name) or name.replace("_", " ")


def kind_of(module: Module) -> str:
    """The kind of a module that calls no others.

    >>> kind_of(nn.MaxPool2d(2))
    'pooling'
    """
    return next((kind for kind, classes in _CLASSES if isinstance(module, classes)), "other")


def details_of(module: Module) -> str:
    """The arguments that matter in a picture.

    >>> details_of(nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3))
    '7×7, 64, /2'
    >>> details_of(nn.Linear(400, 120))
    '120'
    """
    if isinstance(module, nn.Linear):
        return str(module.out_features)
    window = getattr(module, "kernel_size", None)
    if window is None:
        return ""
    parts = ["×".join(map(str, _pair(window)))]
    groups = getattr(module, "groups", 1)
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        parts.append(str(module.out_channels))
    parts += _stride(module, window)
    if getattr(module, "dilation", 1) not in (1, (1, 1)):
        parts.append(f"dilation {'×'.join(map(str, _pair(module.dilation)))}")
    if groups != 1:
        parts.append("depthwise" if groups == module.in_channels else f"{groups} groups")
    return ", ".join(parts)


def _stride(module: Module, window: Any) -> list[str]:
    stride = getattr(module, "stride", None)
    rows, columns = _pair(window if stride is None else stride)
    if rows == columns == 1:
        return []
    sign = "×" if isinstance(module, nn.ConvTranspose2d) else "/"
    return [f"{sign}{rows}" if rows == columns else f"{sign}{rows}×{columns}"]


def _pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)


def amount_text(n: int) -> str:
    """A large number, short.

    >>> [amount_text(n) for n in (850, 9_408, 118_013_952, 3_857_973_248)]
    ['850', '9.4k', '118M', '3.9G']
    """
    for unit, size in (("", 1), ("k", 10**3), ("M", 10**6)):
        if n < 999.5 * size:
            return f"{n / size:.1f}{unit}" if n < 99.5 * size and unit else f"{n / size:.0f}{unit}"
    return f"{n / 1e9:.1f}G"


def costs_text(parameters: int, macs: int) -> str:
    """Both in few letters; nothing for a layer that costs nothing.

    >>> costs_text(9_408, 118_013_952)
    '9.4k params · 118M MACs'
    """
    parts = [f"{amount_text(parameters)} params"] if parameters else []
    parts += [f"{amount_text(macs)} MACs"] if macs else []
    return " · ".join(parts)
