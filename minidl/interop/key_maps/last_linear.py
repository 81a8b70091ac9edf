"""Networks of which pretrainedmodels calls only the last layer otherwise than torchvision."""

RESNET: tuple[tuple[str, str], ...] = (
    *((name, name) for name in ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4")),
    ("fc", "last_linear"),
)
DENSENET: tuple[tuple[str, str], ...] = (("features", "features"), ("classifier", "last_linear"))
