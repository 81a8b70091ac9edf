"""MobileNet v1: our modules and timm's."""

from minidl.interop.key_maps import stages

_BLOCK = (
    ("depthwise.conv", "conv_dw"),
    ("depthwise.bn", "bn1"),
    ("pointwise.conv", "conv_pw"),
    ("pointwise.bn", "bn2"),
)

TIMM = stages.timm((1, 2, 2, 6, 2), first=_BLOCK, others=_BLOCK, head=False)
