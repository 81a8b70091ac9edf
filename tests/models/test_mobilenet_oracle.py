"""MobileNet v1 and v2 of other widths, and as timm has it, beside their references.

`make test-zoo` compares those of the published width with the references on their cards.
"""

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from models.references import Published
from models.zoo_oracle import CLASSES, Reference, check_agreement

pytestmark = pytest.mark.oracle

IMAGE = (64, 47)


def reference(name, width_mult):
    """The reference of that width."""
    if name == "mobilenet_v1":
        theirs, options = Published("timm", f"mobilenetv1_{round(100 * width_mult)}", IMAGE), {}
    else:
        theirs, options = Published("torchvision", name, IMAGE), {"width_mult": width_mult}
    return Reference(
        name,
        lambda: theirs.make(num_classes=CLASSES, **options),
        (3, *IMAGE),
        naming=theirs.library,
        options={"width_mult": width_mult},
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "width_mult"),
    [("mobilenet_v1", 1.25), ("mobilenet_v2", 0.35), ("mobilenet_v2", 1.4)],
)
def test_networks_of_other_widths_agree(name, width_mult):
    check_agreement(reference(name, width_mult))


@pytest.mark.slow
def test_mobilenet_v2_agrees_with_timms():
    theirs = Published("timm", "mobilenetv2_100", IMAGE)
    make = lambda: theirs.make(num_classes=CLASSES)  # noqa: E731
    check_agreement(Reference("mobilenet_v2", make, (3, *IMAGE), naming="timm"))
