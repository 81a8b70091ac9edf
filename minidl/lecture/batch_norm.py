"""Slides "Batch Normalization", "What Batch Norms really do", "Details": formulas, layers."""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl
from minidl.backends import use_backend
from minidl.lecture.report import LectureTable, Row, holds, row, unknown
from minidl.lecture.verdicts import Reading
from minidl.nn import BatchNorm1d, BatchNorm2d, Module

EPS = 0.1
"""Large, to show where it stands."""
CLOSE = 1e-12


def batch_norm() -> LectureTable:
    """What layers compute, against the words and formulas."""
    return LectureTable(
        "batch-norm",
        "Batch Normalization, What Batch Norms really do, Details",
        (
            *_formulas(),
            *_axes(),
            unknown("ideal minibatch size", "64 to 256", "another slide has ~128"),
            unknown("optimal minibatch size", "~128", "another slide has 64 to 256"),
        ),
        f"Layers in training mode, float64, ε = {EPS}.",
    )


def _formulas() -> tuple[Row, ...]:
    """Mean, γ, β and ε, of a convolution's batch norm."""
    x = _numbers(4, 3, 5, 6)
    gamma, beta = (np.array(v).reshape(1, 3, 1, 1) for v in ([0.5, 1.0, 2.0], [1.0, 0.0, -1.0]))
    y, layer = _run(BatchNorm2d(3, eps=EPS, momentum=1.0), x, gamma, beta)
    mean, variance = (f(x, axis=(0, 2, 3), keepdims=True) for f in (np.mean, np.var))
    sigma = np.sqrt(variance + EPS)
    inside = _largest(y - (gamma * (x - mean) / sigma + beta))
    outside = _largest(y - (gamma * (x - mean) / (np.sqrt(variance) + EPS) + beta))
    kept = layer.running_var.numpy().reshape(1, 3, 1, 1)
    n = x.size // 3
    off = _largest(layer.running_mean.numpy() - x.sum(axis=(0, 2, 3)) / n)
    return (
        holds(
            "μ_B",
            "1/|B| Σ x_i",
            off < CLOSE,
            f"off by {off:.0e}",
            "one for each channel; B are all its values in the minibatch, not only the samples",
        ),
        holds(
            "x_{i+1}, with σ_B² = variance + ε",
            "γ (x_i − μ_B) / σ_B + β",
            inside < CLOSE,
            f"off by {inside:.0e}",
            f"were ε added to the root instead: off by {outside:.1f}",
        ),
        row(
            "“empirical variance” that is kept",
            "σ_B²",
            ("that of the slide before, with ε", _largest(kept - sigma**2) < CLOSE),
            Reading(
                "the one without ε, divided by n − 1",
                _largest(kept - variance * n / (n - 1)) < CLOSE,
                "Σ (x_i − μ_B)² / (n − 1)",
            ),
            note="ε belongs to the division, not to the variance",
        ),
    )


def _axes() -> tuple[Row, Row]:
    """What is normalised together."""
    x = _numbers(8, 5)
    y, _ = _run(BatchNorm1d(5, eps=EPS), x)
    maps = _numbers(4, 3, 5, 6)
    z, _ = _run(BatchNorm2d(3, eps=EPS), maps)
    return (
        row(
            "a dense layer's normalization",
            "one for all",
            ("all features", _largest(y - _normalised(x, (0, 1))) < CLOSE),
            Reading(
                "all samples, each feature by itself",
                _largest(y - _normalised(x, (0,))) < CLOSE,
                "one per feature",
            ),
        ),
        holds(
            "a convolution's normalization",
            "one per channel",
            _largest(z - _normalised(maps, (0, 2, 3))) < CLOSE,
            "one per channel",
        ),
    )


def _normalised(x: Any, axes: tuple[int, ...]) -> Any:
    mean, variance = (f(x, axis=axes, keepdims=True) for f in (np.mean, np.var))
    return (x - mean) / np.sqrt(variance + EPS)


def _numbers(*shape: int) -> Any:
    """Some that have nothing in common; means and deviations differ along axis 1."""
    channel = np.arange(1.0, shape[1] + 1).reshape(1, -1, *[1] * (len(shape) - 2))
    return channel + channel * np.sin(np.arange(np.prod(shape)) ** 2.0).reshape(shape)


def _run(layer: Module, x: Any, weight: Any = None, bias: Any = None) -> tuple[Any, Any]:
    """What the layer makes of x on "numpy", and the layer."""
    with use_backend("numpy"), minidl.no_grad():
        layer = layer.to("numpy").double()
        for parameter, values in ((layer.weight, weight), (layer.bias, bias)):
            if values is not None:
                parameter.copy_(minidl.tensor(values.reshape(-1)))
        return layer(minidl.tensor(x)).numpy(), layer


def _largest(difference: Any) -> float:
    return float(np.abs(difference).max())
