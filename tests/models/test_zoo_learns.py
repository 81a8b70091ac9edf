"""Every registered network learns: ten steps on eight real images lower their loss, in float32.

On the smallest images that its structure allows, with all of its layers, and with fewer channels
where its recipe has fewer. Dropout is off: ten steps are too few to see through its noise.
"""

import pytest
from models.zoo import check_learns

import minidl
from minidl import models
from minidl.errors import MinidlError
from minidl.train import recipe_for

NAMES = models.list()

SMALLEST = {
    **dict.fromkeys(models.list("vgg*"), 32),  # five pools
    **dict.fromkeys(models.list("densenet*"), 29),
    "densenet_bc": 4,
    **dict.fromkeys(models.list("plain*"), 4),
    **dict.fromkeys([f"resnet{depth}" for depth in (20, 32, 44, 56, 110)], 4),
    "alexnet": 63,
    "alexnet_2012": 67,
    "alexnet_lecture": 67,
    "nin": 67,
    "googlenet": 15,
    "googlenet_2014": 31,
    "inception_v2": 31,
    "inception_v3": 75,
    "inception_v4": 75,
    "lenet5": 28,
    "lenet5_1998": 28,
}
"""Height and width of which the last pool still gets a window; 4 for the networks for CIFAR-10,
which end with a fourth of that. LeNet takes no other size."""
ANY = 32
"""For the others, which take a single pixel too, but are left with one of 32×32 already: then the
last batch norms see one value an image."""

SLOW = {
    "densenet201": "200 layers",
    **dict.fromkeys([f"efficientnet_b{i}" for i in range(4, 8)], "more than 30 blocks"),
    "resnet152": "150 layers",
    "preact_resnet152": "150 layers",
}
"""Those that take more than a few seconds on a busy machine, and why."""


def options_of(name):
    """Its recipe's, without dropout, and with the published stem."""
    options = {**recipe_for(name).options}
    options.pop("stem_stride", None)
    if name.startswith(("alexnet", "vgg", "nin", "googlenet", "inception_v3", "inception_v4")):
        options["dropout"] = 0.0
    if name in ("inception_v3", "inception_v4"):
        options["width"] = 0.125  # an eighth of the channels: many layers, but small ones
    if name == "googlenet":
        options["aux_logits"] = False
    if "efficientnet" in name:
        options |= {"width": 0.25, "dropout": 0.0, "drop_path": 0.0}
    return options


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in NAMES]
)
def test_ten_steps_on_real_images_lower_their_loss(name):
    check_learns(name, SMALLEST.get(name, ANY), **options_of(name))


@pytest.mark.parametrize("name", [name for name in SMALLEST if SMALLEST[name] > 4])
def test_there_is_no_smaller_image_that_it_takes(name):
    size = SMALLEST[name]
    with minidl.use_backend("meta"):
        network = models.create(name, in_channels=1, **options_of(name)).train()
        network(minidl.zeros(8, 1, size, size))
        with pytest.raises(MinidlError):
            network(minidl.zeros(8, 1, size - 1, size - 1))


def test_the_tables_name_registered_networks():
    assert set(SMALLEST) | set(SLOW) <= set(NAMES)
