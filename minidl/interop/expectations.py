"""What published weights expect of a network that neither names nor shapes can tell.

Each function takes the network and the name of the weights' file ("load_weights" if there is none),
and returns what to warn of, or to note: "" where the network computes as the weights expect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from minidl.nn import ReLU6

__all__ = [
    "SCALED",
    "expects_another_scale",
    "expects_relu6",
    "expects_strides_in_3x3",
    "expects_tensorflows_padding",
    "expects_torchvisions_norms",
    "is_not_timms",
    "no_doubt",
    "which_of_timms",
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


def expects_torchvisions_norms(model: Any, file: str) -> str:
    """torchvision's EfficientNets: b5 to b7 are trained with another eps than the smaller ones."""
    eps = 1e-3 if model.fc.in_features >= 2048 else 1e-5
    lite = not any(".se." in name for name, _ in model.named_modules())  # torchvision has none
    if lite or (_eps_of(model), _pads_like_tensorflow(model)) == (eps, False):
        return ""
    return (
        f"torchvision's network of this size has batch norms with eps={eps:g} and padding alike on "
        f"both sides, this model has {_computes(model)}: its answers would be wrong, though it "
        f"accepts the weights. Create it with eps={eps:g}, tf_same=False, unless you trained these "
        "weights yourself."
    )


def expects_strides_in_3x3(model: Any, file: str) -> str:
    """The ResNets published for ImageNet, whose bottlenecks lose no pixel."""
    first = [m for name, m in model.named_modules() if name.endswith(".conv1")]
    strided = any(m.kernel_size == (1, 1) and m.stride != 1 for m in first)
    if not strided or model.fc.out_features != 1000:
        return ""
    return (
        "the published weights of this network expect strides in the 3×3 convolutions, and the "
        "model was made with stride_in_1x1=True: its answers would be wrong, though it accepts the "
        "weights. Create it without, unless you trained these weights yourself."
    )


def expects_relu6(model: Any, file: str) -> str:
    """timm's MobileNet v1."""
    if isinstance(model.stem.act, ReLU6):
        return ""
    return (
        f"timm's weights expect ReLU6, and the model has {type(model.stem.act).__name__}: its "
        "answers would be wrong, though it accepts the weights. Create it without activation=…, "
        "unless you trained these weights yourself."
    )


def is_not_timms(model: Any, file: str) -> str:
    """timm's EfficientNets: those called tf_… have the same parameters and compute otherwise.

    Warns of a model that is neither kind, and of a file whose name says that it's the other one.
    """
    named, kind = _EFFICIENTNET.findall(file), _timms_kind(model)
    if kind and (not named or kind == f"{named[-1]}efficientnet"):
        return ""
    return (
        "timm gives these names to two kinds of networks, which compute otherwise: efficientnet_… "
        "(batch norms with eps=1e-5, padding alike on both sides) and tf_efficientnet_… (eps=1e-3, "
        f"TensorFlow's padding). This model has {_computes(model)}, as "
        f"{f'{kind}_…' if kind else 'neither'} has. Create it with eps=1e-5 for weights of the "
        "former, with eps=1e-3, tf_same=True for those of the latter."
    )


def which_of_timms(model: Any, file: str) -> str:
    """Which of the two kinds the model is, where the file's name doesn't tell the weights'."""
    kind = _timms_kind(model)
    if not kind or _EFFICIENTNET.search(file):
        return ""
    (other,) = (computes for computes, name in _KINDS.items() if name != kind)
    return (
        f"the model computes as timm's {kind}_… do; weights of its {_KINDS[other]}_…, which have "
        "the same names, want a model with eps={:g}, tf_same={}".format(*other)
    )


_KINDS = {(1e-5, False): "efficientnet", (1e-3, True): "tf_efficientnet"}
"""timm's, by their eps and whether they pad as TensorFlow does."""


def _timms_kind(model: Any) -> str:
    return _KINDS.get((_eps_of(model), _pads_like_tensorflow(model)), "")


def _computes(model: Any) -> str:
    same = _pads_like_tensorflow(model)
    padding = "TensorFlow's padding" if same else "padding alike on both sides"
    return f"eps={_eps_of(model):g} and {padding}"


def _eps_of(model: Any) -> float:
    """Of its batch norms, which have the same."""
    return next(float(m.eps) for m in model.modules() if hasattr(m, "running_var"))


def _pads_like_tensorflow(model: Any) -> bool:
    return any(getattr(module, "padding", None) == "tf_same" for module in model.modules())
