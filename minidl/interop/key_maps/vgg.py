"""VGG: our modules are torchvision's; timm writes the dense layers as convolutions."""

TIMM: tuple[tuple[str, str], ...] = (
    ("features", "features"),
    ("classifier.0", "pre_logits.fc1"),
    ("classifier.3", "pre_logits.fc2"),
    ("classifier.6", "head.fc"),
)
TIMM_SHAPES = {"pre_logits.fc1.weight": (-1, 7, 7), "pre_logits.fc2.weight": (-1, 1, 1)}
"""Of one output's weights, where theirs are no rows of a matrix."""
