"""DenseNet: our modules are torchvision's, but its published files are older than their names.

In the files a dense layer has "norm.1", "conv.1", "norm.2", "conv.2"; the rest is called alike.
"""

_LAYERS = (6, 12, 48, 32)  # of the deepest, 201 layers; smaller ones don't meet all of them
_LAYER = (("norm1", "norm.1"), ("conv1", "conv.1"), ("norm2", "norm.2"), ("conv2", "conv.2"))
_ALIKE = (
    "features.conv0",
    "features.norm0",
    *(f"features.transition{i}.{layer}" for i in (1, 2, 3) for layer in ("norm", "conv")),
    "features.norm5",
    "classifier",
)

TORCHVISION_FILES: tuple[tuple[str, str], ...] = (
    *((name, name) for name in _ALIKE),
    *(
        (f"{layer}.{ours}", f"{layer}.{theirs}")
        for block, n in enumerate(_LAYERS, start=1)
        for layer in (f"features.denseblock{block}.denselayer{i}" for i in range(1, n + 1))
        for ours, theirs in _LAYER
    ),
)
