"""A recipe for every network of the zoo, for images of 28×28 and 32×32.

MNIST's and Fashion-MNIST's images are 28×28, CIFAR-10's 32×32; most networks were made for 224×224
and more, and for more than a laptop. All of a network's layers stay. A thin variant has fewer
channels in each; what needs larger images gets them enlarged, to about the smallest that its
structure allows. `minidl train --as-published` trains the published network on images of the
published size.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from minidl import models
from minidl.models.efficientnet import SCALES
from minidl.train.data import FOLDER
from minidl.train.recipes import RECIPES, Recipe

__all__ = ["FAMILIES", "Family", "as_published", "differences", "recipe_for"]


@dataclass(frozen=True)
class Family:
    """Networks that are trained alike."""

    names: str
    """Separated by blanks."""
    training: Recipe
    changed: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Options of the maker: (here, as published)."""
    image_size: int | None = None
    """What images are resized to; None: they stay as they are."""

    @property
    def recipe(self) -> Recipe:
        """The training's, with the options and the size."""
        options = {name: here for name, (here, _) in self.changed.items()}
        return dataclasses.replace(self.training, options=options, image_size=self.image_size)


_NORMALISED = Recipe(epochs=10, batch_size=64, lr=0.1, weight_decay=5e-4)
"""For networks with batch norms."""
_WARMED_UP = dataclasses.replace(_NORMALISED, lr=0.05, warmup_epochs=0.5)
"""For those whose loss shoots up in the first steps at the full rate: the deep and the separable.
He et al. 2016, "Deep residual learning", §4.2, warm ResNet-110 up for that reason."""
_PLAIN = Recipe(epochs=8, batch_size=32, lr=0.001, optimizer="adam", warmup_epochs=0.5)
"""For those without, which plain SGD hardly moves from their first weights; and Inception v4."""
_VGG_BN = dataclasses.replace(_NORMALISED, epochs=5, lr=0.05)
_NIN = dataclasses.replace(_PLAIN, epochs=9, lr=0.002)
_SHUFFLENET_V2 = dataclasses.replace(_NORMALISED, epochs=4, weight_decay=1e-4)
"""Tried on four fifths of the 10,000 bundled images of Fashion-MNIST, never on test images; the
rest was for validation. One seed each, and the cosine's last epoch where not said otherwise.

resnet18, width 16: 86.9% after 6 epochs at a rate of 0.1; with images shifted by up to 2 pixels
84.5% in the fifth of 6. vgg11_bn: 80.8% in the third of 4 epochs at 0.05 and batch size 64; of
width 12, at batch size 32, 83.5% there. nin, width 24: Adam at 0.002 and batch size 32 82.3% after
5 epochs, at 0.004 and 64 77.6% in the fourth of 5; SGD at 0.05 and batch size 64 75.1% after 6, at
32 still 10% after 5. shufflenet_v2_x0_5: 83.8% in the second of 4 epochs at 0.1; with a stem that
strides 81.2% in the third. The epochs were then chosen for some ten minutes on one core for the
60,000 images of the full set.

Of the others, only the beginning was looked at, for about a minute each: two epochs over as many
images as the brackets say, so a few dozen to a few hundred steps. Their numbers of epochs weren't
tried.

With batch norms, at 0.1 without a warm-up: googlenet 76.5% (7,296), densenet121 74.7% (2,240),
inception_v2 73.2% (6,912), mobilenet_v1 72.9% (2,688), efficientnet_lite0 77.6% (2,880), resnet20
70.3% (1,536), plain20 35.4% and rising (1,088); but shufflenet_v1_g3 began with a loss of 33 and
had 26.4% (1,856), and resnet110's rose to 12.9 within five steps. At 0.05 with a warm-up:
shufflenet_v1_g3 79.1% (6,208), mobilenet_v2 80.1% (4,096), efficientnet_b0 49.7% and rising
(3,072); Adam was slower for that. resnet110 hadn't learned anything after 15 steps of that either,
nor plain110 after 20 at 0.1: whether they do with this recipe wasn't seen. By the 120th
step of it preact_resnet18 had 77% and resnext50_32x4d 72% of the last 20 steps' images right.

Without batch norms, by Adam: alexnet_lecture 79.1% (8,000) and alexnet 70.4% (6,336) at batch size
64; vgg16 was left at 20.1% (7,488) there, and had 66.7% at 32 (6,112); vgg19 49.5% (6,912),
alexnet_2012 59.4% (8,000) and googlenet_2014 58.8% (3,328) at 64, all three rising. SGD didn't move
vgg16 in 50 steps. inception_v4, which has batch norms, stayed at chance in 70 steps of SGD at 0.05
and 64; by Adam it had 39% of the training images up to its 160th step right, before having seen
them. inception_v3, by SGD at 0.05 and batch size 32: 40% of those up to its 200th step, 26% up to
its 100th, where Adam had 16%.

Not tried, or for a few steps only: all depths and sizes that aren't named here, seresnet,
densenet_bc, tf_efficientnet_lite0, vgg_lecture.
"""

_ALEXNET = {"hidden": (512, 4096), "grid": (1, 6)}
_VGG = {"width": (16, 64), "hidden": (256, 4096), "grid": (1, 7)}
_RESNET = {"width": (16, 64)}
_STEM = {"stem_stride": (1, 2)}

FAMILIES = (
    Family("alexnet", _PLAIN, {"width": (32, 64), **_ALEXNET}, 63),
    Family("alexnet_2012", _PLAIN, {"width": (36, 96), **_ALEXNET}, 67),
    Family("alexnet_lecture", _PLAIN, {"width": (36, 96), **_ALEXNET, "grid": (1, 5)}, 67),
    Family("vgg11_bn vgg13_bn vgg16_bn vgg19_bn", _VGG_BN, _VGG, 32),
    Family("vgg11 vgg13 vgg16 vgg19 vgg_lecture", _PLAIN, _VGG, 32),
    Family("nin", _NIN, {"width": (24, 96)}, 67),
    Family("resnet18", _NORMALISED, _RESNET),
    Family(
        "resnet34 resnet50 resnet101 resnet152 "
        "preact_resnet18 preact_resnet50 preact_resnet101 preact_resnet152 "
        "seresnet18 seresnet34 seresnet50 resnext50_32x4d resnext101_32x8d",
        _WARMED_UP,
        _RESNET,
    ),
    Family(  # made for CIFAR-10
        "resnet20 resnet32 resnet44 resnet56 resnet110 plain20 plain32 plain44 plain56 plain110",
        _WARMED_UP,
    ),
    Family("densenet_bc", _NORMALISED, {"depth": (40, 100)}),
    Family(
        "densenet121 densenet169 densenet201",
        _NORMALISED,
        {"growth_rate": (8, 32), "width": (16, 64)},
        32,
    ),
    Family("densenet161", _NORMALISED, {"growth_rate": (12, 48), "width": (24, 96)}, 32),
    *(
        Family(name, _WARMED_UP, {"width": (round(scale.width / 4, 3), scale.width), **_STEM})
        for name, scale in SCALES.items()
    ),
    Family(
        "efficientnet_lite0 tf_efficientnet_lite0", _NORMALISED, {"width": (0.25, 1.0), **_STEM}
    ),
    Family("mobilenet_v1", _NORMALISED, {"width_mult": (0.25, 1.0), **_STEM}),
    Family("mobilenet_v2", _WARMED_UP, {"width_mult": (0.25, 1.0), **_STEM}),
    Family(
        "shufflenet_v1_g1 shufflenet_v1_g2 shufflenet_v1_g3 shufflenet_v1_g4 shufflenet_v1_g8",
        _WARMED_UP,
        {"width_mult": (0.5, 1.0), **_STEM},
    ),
    Family(
        "shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0",
        _SHUFFLENET_V2,
        _STEM,
    ),
    Family("googlenet", _NORMALISED, {"width": (0.5, 1.0)}),
    Family("inception_v2", _NORMALISED, {"width": (0.5, 1.0)}, 32),
    # Without auxiliary heads, which want larger images.
    Family("googlenet_2014", _PLAIN, {"width": (0.5, 1.0), "aux_logits": (False, True)}, 32),
    Family("inception_v3", _WARMED_UP, {"width": (0.25, 1.0), "aux_logits": (False, True)}, 75),
    Family("inception_v4", _PLAIN, {"width": (0.25, 1.0)}, 75),
)
_BY_NAME = {name: family for family in FAMILIES for name in family.names.split()}


def recipe_for(model: str, data: str = "mnist") -> Recipe:
    """The recipe of a model by name; for a model without one, a plain one to start from.

    Images of one's own, which have any size, are made what the model was published for; so the
    recipe is that of the published network then.

    >>> recipe_for("lenet5").momentum
    0.9
    >>> recipe_for("nin").options, recipe_for("nin").image_size
    ({'width': 24}, 67)
    """
    if model in RECIPES:
        return RECIPES[model]
    if model not in _BY_NAME:
        return Recipe(epochs=10, batch_size=64, lr=0.01)
    recipe = _BY_NAME[model].recipe
    return as_published(recipe, model) if data == FOLDER else recipe


def as_published(recipe: Recipe, model: str) -> Recipe:
    """The same training, for the published network on images of the published size.

    >>> recipe = as_published(recipe_for("nin"), "nin")
    >>> recipe.options, recipe.image_size
    ({}, 224)
    """
    card = models.card(model)
    return dataclasses.replace(recipe, options={}, image_size=min(card.input[1:]) if card else None)


_IN_WORDS = {
    **dict.fromkeys(("width", "width_mult"), "{share} of the channels"),
    "growth_rate": "{share} of the channels that a layer adds",
    "hidden": "dense layers of {here} units instead of {published}",
    "grid": "pooled to {here}×{here} instead of {published}×{published}",
    "depth": "{here} layers instead of {published}",
    "stem_stride": "a first stride of {here} instead of {published}",
    "aux_logits": "no auxiliary heads",
}
"""What a family changes, as `differences` says it."""
_SHARES = {Fraction(1, 2): "half", Fraction(1, 4): "a quarter"}


def differences(model: str, recipe: Recipe, image_shape: tuple[int, ...]) -> str:
    """What is trained instead of the published network on the images as they are; "" if nothing.

    >>> differences("resnet50", recipe_for("resnet50"), (1, 28, 28))
    'not as published: a quarter of the channels'
    >>> differences("vgg16", as_published(recipe_for("vgg16"), "vgg16"), (1, 28, 28))
    'images resized to 224×224'
    """
    published = _BY_NAME[model].changed if model in _BY_NAME else {}
    parts = [_in_words(name, value, published.get(name)) for name, value in recipe.options.items()]
    how = "not as published" if published else "made with"
    said = [f"{how}: {', '.join(parts)}"] if parts else []
    if recipe.image_size is not None and image_shape[-2:] != (recipe.image_size,) * 2:
        said.append(f"images resized to {recipe.image_size}×{recipe.image_size}")
    return ", ".join(said)


def _in_words(name: str, here: Any, changed: tuple[Any, Any] | None) -> str:
    """One of the options that a network was made with; as it is written if no family changes it."""
    if changed is None:
        return f"{name}={here!r}"
    published = changed[1]
    share = ""
    if name in ("width", "width_mult", "growth_rate"):
        fraction = Fraction(here / published).limit_denominator(16)
        share = _SHARES.get(fraction, str(fraction))
    return _IN_WORDS[name].format(share=share, here=here, published=published)
