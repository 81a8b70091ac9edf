"""What a recipe names: the optimizer, the schedule of its rate, the augmentation, the loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minidl.datasets import Dataset, transforms
from minidl.datasets.dataloader import Transform
from minidl.datasets.transforms.resizing import output_size
from minidl.functional import cross_entropy
from minidl.models.blocks import WithAuxiliary
from minidl.nn import BatchNorm1d, BatchNorm2d, Module
from minidl.optim import (
    SGD,
    Adam,
    AdamW,
    CosineAnnealingLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    Optimizer,
    RMSprop,
    SequentialLR,
    StepLR,
)
from minidl.tensor import Tensor
from minidl.train.recipes import Recipe

__all__ = [
    "leaves_one_out",
    "loss_and_logits",
    "make_augmentation",
    "make_optimizer",
    "make_resize",
    "make_schedule",
    "resized_shape",
]

_WARMUP_START = 0.01
"""The fraction of the rate that a warm-up starts from."""

_AUGMENTATIONS: dict[str, Callable[[tuple[int, int]], Transform]] = {
    "shift": lambda size: transforms.RandomCrop(size, padding=2),
    "crop": lambda size: transforms.RandomCrop(size, padding=4),
    "flip": lambda size: transforms.RandomHorizontalFlip(),
    "affine": lambda size: transforms.RandomAffine(10, translate=(0.1, 0.1), scale=(0.9, 1.1)),
    "erase": lambda size: transforms.RandomErasing(0.25),
}
"""From the height and width of the images. Shift and crop: by up to 2, or 4, pixels each way."""


def make_optimizer(recipe: Recipe, model: Module) -> Optimizer:
    """The recipe's optimizer, for all parameters of the model.

    >>> from minidl import nn
    >>> make_optimizer(Recipe(epochs=1, batch_size=1, lr=0.5, momentum=0), nn.Linear(2, 2))
    SGD(
      2 parameters: lr=0.5, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False
    )
    """
    common: dict[str, Any] = {"lr": recipe.lr, "weight_decay": recipe.weight_decay}
    parameters = model.parameters()
    if recipe.optimizer == "sgd":
        return SGD(parameters, momentum=recipe.momentum, **common)
    if recipe.optimizer == "rmsprop":
        return RMSprop(parameters, momentum=recipe.momentum, **common)
    return {"adam": Adam, "adamw": AdamW}[recipe.optimizer](parameters, **common)


def make_schedule(recipe: Recipe, optimizer: Optimizer, steps_per_epoch: int) -> LRScheduler:
    """The rate's course over a run, step by step: a warm-up, if any, then the recipe's schedule."""
    steps = recipe.epochs * steps_per_epoch
    warmup = min(round(recipe.warmup_epochs * steps_per_epoch), steps // 2)
    rest = _after_warmup(recipe.schedule, optimizer, steps - warmup)
    if not warmup:
        return rest
    rising = LinearLR(optimizer, start_factor=_WARMUP_START, total_iters=warmup)
    return SequentialLR(optimizer, [rising, rest], milestones=[warmup])


def _after_warmup(name: str, optimizer: Optimizer, steps: int) -> LRScheduler:
    if name == "cosine":
        return CosineAnnealingLR(optimizer, T_max=steps)
    if name == "step":
        return StepLR(optimizer, step_size=math.ceil(steps / 3), gamma=0.1)
    return LambdaLR(optimizer, lambda step: 1.0)


def make_augmentation(recipe: Recipe, dataset: Dataset) -> Transform | None:
    """One transform for the loader, resizing first; None where the recipe names none."""
    resize = make_resize(recipe.image_size, dataset)
    steps: list[Transform] = [] if resize is None else [resize]
    size = resized_shape(recipe.image_size, dataset.images.shape)[-2:]
    steps += [_AUGMENTATIONS[name]((size[0], size[1])) for name in recipe.augmentation]
    return transforms.Compose(steps) if steps else None


def make_resize(image_size: int | None, dataset: Dataset) -> Transform | None:
    """Makes the images' shorter side so long; None where it is already, or the size is None."""
    shape = dataset.images.shape
    if image_size is None or resized_shape(image_size, shape) == shape:
        return None
    return transforms.Resize(image_size)


def resized_shape(image_size: int | None, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of images whose shorter side is made `image_size`.

    >>> resized_shape(32, (10, 1, 28, 28)), resized_shape(None, (3, 28, 28))
    ((10, 1, 32, 32), (3, 28, 28))
    """
    if image_size is None:
        return shape
    height, width = shape[-2:]
    return (*shape[:-2], *output_size(height, width, image_size))


def leaves_one_out(model: Module, images: int, batch_size: int) -> bool:
    """Whether an epoch does without the one image that would be its last batch.

    Where maps have shrunk to a pixel, batch norm gets one value per channel from a single image,
    and refuses it: a value is its own mean. Networks without batch norm take such a batch.

    >>> from minidl import nn
    >>> [leaves_one_out(nn.BatchNorm2d(8), n, 64) for n in (128, 129, 130, 1)]
    [False, True, False, False]
    >>> leaves_one_out(nn.Linear(8, 8), 129, 64)
    False
    """
    one_is_left = images > batch_size and images % batch_size == 1
    return one_is_left and any(isinstance(m, (BatchNorm1d, BatchNorm2d)) for m in model.modules())


def loss_and_logits(
    recipe: Recipe, output: Tensor | WithAuxiliary, labels: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss of what a network returned, and its logits.

    loss = CE(logits) + auxiliary_weight · Σ CE(auxiliary logits): Szegedy et al. 2015, "Going
    deeper with convolutions", section 5.
    """
    logits, auxiliary = output if isinstance(output, WithAuxiliary) else (output, ())
    loss = cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
    for head in auxiliary:
        extra = cross_entropy(head, labels, label_smoothing=recipe.label_smoothing)
        loss = loss + recipe.auxiliary_weight * extra
    return loss, logits
