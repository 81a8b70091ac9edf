"""ResNet v2: our modules and timm's resnetv2.

One map serves all depths: it has the blocks of the deepest, 152 layers, and names of blocks that a
smaller network doesn't have are not met there.
"""

_LAYERS = (3, 8, 36, 3)
_BLOCK = (
    ("bn1", "norm1"),
    ("conv1", "conv1"),
    ("bn2", "norm2"),
    ("conv2", "conv2"),
    ("bn3", "norm3"),
    ("conv3", "conv3"),
    ("downsample", "downsample.conv"),
)

TIMM: tuple[tuple[str, str], ...] = (
    ("conv1", "stem.conv"),
    *(
        (f"layer{stage}.{block}.{ours}", f"stages.{stage - 1}.blocks.{block}.{theirs}")
        for stage, n in enumerate(_LAYERS, start=1)
        for block in range(n)
        for ours, theirs in _BLOCK
    ),
    ("bn", "norm"),
    ("fc", "head.fc"),
)
TIMM_SHAPES = {"head.fc.weight": (-1, 1, 1)}
"""Of one output's weights: theirs is a convolution."""
