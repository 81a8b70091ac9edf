"""What is said about names and arguments of torchvision's and timm's that minidl hasn't got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from minidl.errors import DTypeError, fail
from minidl.naming import PyTorchs, missing_name, refuse_arguments

_WEIGHTS = 'Published weights are read from a file: models.load_weights(model, "resnet50.pth")'
_MOVING = "Move the network with .to(backend), or make it within minidl.use_backend(backend)"
_MAKING: PyTorchs = {
    "pretrained": (False, _WEIGHTS),
    "weights": (None, _WEIGHTS),
    "weights_backbone": (None, _WEIGHTS),
    "checkpoint_path": ("", _WEIGHTS),
    "progress": (True, "Nothing is downloaded"),
    "features_only": (
        False,
        "See what a layer makes by a hook: model.layer4.register_forward_hook(hook)",
    ),
    "drop_rate": (0.0, "It is dropout here, in networks that have it"),
    "drop_path_rate": (0.0, "It is drop_path here, in networks that have it"),
    "global_pool": ("avg", "Put another layer in the place of model.avgpool"),
    "device": (None, _MOVING),
    "dtype": (None, "Networks are made in float32: convert with .double() or .to(dtype)"),
}
LISTING: PyTorchs = {
    "pretrained": (False, "models.card(name).reference says whose weights a network takes"),
    "include": (None, 'Give the pattern alone: models.list("resnet*")'),
    "filter": ("", 'Give the pattern alone: models.list("resnet*")'),
}
"""Arguments of `list`."""

NAMES = {
    **dict.fromkeys(("create_model", "get_model"), "It is models.create(name)."),
    **dict.fromkeys(("get_model_weights", "get_weight", "list_pretrained"), f"{_WEIGHTS}."),
    **dict.fromkeys(
        ("mobilenet_v3_large", "mobilenet_v3_small"), "The nearest is models.mobilenet_v2."
    ),
    "list_models": "It is models.list(pattern).",
    "is_model": "Ask for it: name in models.list().",
}
"""For minidl.models."""


def refuse_name(name: str, known: Iterable[str]) -> NoReturn:
    """Explain a name that minidl.models hasn't got."""
    of_weights = {name: f"{_WEIGHTS}."} if name.endswith("_Weights") else NAMES
    missing_name("minidl.models", name, known, of_weights)


def refuse_option(
    model: str, name: str, value: Any, known: Mapping[str, Any], fixed: tuple[str, ...]
) -> None:
    """Explain an option that a model doesn't take; what means nothing passes.

    `known` are its options and what they are if not given, `fixed` those that make it what it is.
    """
    advice = ""
    if name in fixed:
        advice = f"It is what makes it {model}."
    elif name == "backend":
        advice = f"{_MOVING}."
    elif name == "width_mult" and "width" in known:
        advice = f"It is width here, {_kind(known['width'])}."
    elif name == "width" and "width_mult" in known:
        advice = f"It is width_mult here, {_kind(known['width_mult'])}."
    if advice:
        raise DTypeError(f"{model}: there is no argument {name!r}. {advice}")
    refuse_arguments(model, {name: value}, [*known], _MAKING)


def refuse_width(model: str, width: float, default: int) -> NoReturn:
    """Explain that a fraction is no number of channels."""
    fail(model, "width", width, _kind(default), error=DTypeError)


def _kind(width: float) -> str:
    if isinstance(width, int):
        return f"a number of channels, such as {width}"
    return "a multiplier of the numbers of channels, such as 0.5"
