"""Inception v2: our modules and those of the published BN-Inception weights.

Theirs have no blocks: "inception_3a.conv_1x1.conv" is "inception_3a_1x1", and its batch norm, ours
"inception_3a.conv_1x1.bn", is "inception_3a_1x1_bn".
"""

_STEM = (
    ("conv1", "conv1_7x7_s2"),
    ("conv2_reduce", "conv2_3x3_reduce"),
    ("conv2", "conv2_3x3"),
)
_REDUCTION = (
    ("conv_3x3_reduce", "3x3_reduce"),
    ("conv_3x3", "3x3"),
    ("double_3x3_reduce", "double_3x3_reduce"),
    ("double_3x3_1", "double_3x3_1"),
    ("double_3x3_2", "double_3x3_2"),
)
_INCEPTION = (*_REDUCTION, ("conv_1x1", "1x1"), ("pool_proj", "pool_proj"))
_BLOCKS = {
    "inception_3a": _INCEPTION,
    "inception_3b": _INCEPTION,
    "inception_3c": _REDUCTION,
    "inception_4a": _INCEPTION,
    "inception_4b": _INCEPTION,
    "inception_4c": _INCEPTION,
    "inception_4d": _INCEPTION,
    "inception_4e": _REDUCTION,
    "inception_5a": _INCEPTION,
    "inception_5b": _INCEPTION,
}
_CONVOLUTIONS = (
    *_STEM,
    *(
        (f"{block}.{ours}", f"{block}_{theirs}")
        for block, layers in _BLOCKS.items()
        for ours, theirs in layers
    ),
)

PRETRAINEDMODELS: tuple[tuple[str, str], ...] = (
    *((f"{ours}.conv", theirs) for ours, theirs in _CONVOLUTIONS),
    *((f"{ours}.bn", f"{theirs}_bn") for ours, theirs in _CONVOLUTIONS),
    ("fc", "last_linear"),
)
