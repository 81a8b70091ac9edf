"""What published weights expect of a network that neither names nor shapes can tell.

Each function takes the network and the name of the weights' file ("load_weights" if there is none),
and returns what to warn of: "" where the network computes as the weights expect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = [
    "SCALED",
    "expects_another_scale",
    "expects_tensorflows_padding",
    "may_be_tensorflows",
    "no_doubt",
]

SCALED: Mapping[str, Any] = {"transform_input": True}

_EFFICIENTNET = re.compile(r"(tf_)?efficientnet_(?:b|lite)\d")
"""timm's name of a network within that of a file."""


def no_doubt(model: Any, file: str) -> str:
    """Weights of these names always mean networks like ours."""
    return ""


def expects_another_scale(model: Any, file: str) -> str:
    """GoogLeNet and Inception v3, published for ImageNet: torchvision makes them with
    transform_input=True, since the weights came from TensorFlow.
    """
    if model.transform is not None or model.fc.out_features != 1000:
        return ""
    return (
        "the published weights of this network expect transform_input=True, and the model was made "
        "without: its answers would be wrong, though it accepts the weights. Create it with "
        "transform_input=True, unless you trained these weights yourself."
    )


def expects_tensorflows_padding(model: Any, file: str) -> str:
    """EfficientNet-Lite0 of TensorFlow."""
    if _eps_of(model) == 1e-3:
        return ""
    return (
        f"these weights expect batch norms with eps 0.001, the model's have {_eps_of(model):g}, "
        "and its padding differs: it will be less accurate. Create 'tf_efficientnet_lite0'."
    )


def may_be_tensorflows(model: Any, file: str) -> str:
    """timm's EfficientNets: those called tf_… have the same parameters and compute otherwise."""
    eps, pads_like_tensorflow = _eps_of(model), _pads_like_tensorflow(model)
    kinds = {(1e-5, False): "efficientnet", (1e-3, True): "tf_efficientnet"}
    kind = kinds.get((eps, pads_like_tensorflow))
    named = _EFFICIENTNET.findall(file)
    if named and kind == f"{named[-1]}efficientnet":
        return ""
    padding = "TensorFlow's padding" if pads_like_tensorflow else "padding alike on both sides"
    return (
        "timm gives these names to two kinds of networks, which compute otherwise: efficientnet_… "
        "(batch norms with eps=1e-5, padding alike on both sides) and tf_efficientnet_… (eps=1e-3, "
        f"TensorFlow's padding). This model has eps={eps:g} and {padding}, as "
        f"{f'{kind}_… has' if kind else 'neither has'}. Create it with eps=1e-5 for weights of the "
        "former, with eps=1e-3, tf_same=True for those of the latter."
    )


def _eps_of(model: Any) -> float:
    """Of its batch norms, which have the same."""
    return next(float(m.eps) for m in model.modules() if hasattr(m, "running_var"))


def _pads_like_tensorflow(model: Any) -> bool:
    return any(getattr(module, "padding", None) == "tf_same" for module in model.modules())
