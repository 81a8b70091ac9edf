"""torchvision for the oracle tests, also where it was installed without its compiled operators."""

import pytest

TIMM_NAMES = {
    "mobilenet_v1": "mobilenetv1_100",
    "mobilenet_v2": "mobilenetv2_100",
    **{f"preact_resnet{depth}": f"resnetv2_{depth}" for depth in (18, 50, 101, 152)},
}
"""Our name of a network → timm's, where they differ."""


def import_torchvision():
    """The package; skips the test where it isn't installed."""
    torch = pytest.importorskip("torch")
    if not hasattr(import_torchvision, "library"):
        # torchvision attaches to these two while it is imported; pip's --no-deps brings none.
        import_torchvision.library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            if not hasattr(torch.ops.torchvision, operator):
                import_torchvision.library.define(schema)
    return pytest.importorskip("torchvision")
