"""The training loop: `fit`, and `Trainer`, which can be stopped and continued exactly.

Beside it what it measures with: `predict` and `evaluate`.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minidl.creation import tensor
from minidl.datasets import DataLoader, Dataset
from minidl.errors import MinidlError
from minidl.functional import cat, cross_entropy
from minidl.grad_mode import no_grad
from minidl.nn import Module
from minidl.optim import ExponentialMovingAverage, checks
from minidl.random import Generator, default_generator
from minidl.tensor import Tensor
from minidl.train.ingredients import (
    leaves_one_out,
    loss_and_logits,
    make_augmentation,
    make_optimizer,
    make_resize,
    make_schedule,
)
from minidl.train.metrics import accuracy
from minidl.train.recipes import Recipe

_EVALUATION_BATCH = 250
"""Images at once where nothing is learned: large enough for speed, small enough for memory."""


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training images gave."""

    epoch: int
    """Counted from 1."""
    lr: float
    """In the epoch's last step."""
    train_loss: float
    """Mean over the epoch of what was minimised, measured on each batch before the step on it."""
    train_accuracy: float
    """Likewise."""
    test_loss: float
    """After the epoch: the cross-entropy."""
    test_accuracy: float
    """After the epoch."""
    seconds: float
    """Of training; measuring on the test images isn't counted."""


class Watcher:
    """Told by the loop how it goes; these methods do nothing, override what you want to see.

    A watcher may raise to end the training: a `Trainer`'s state is in order whenever one is told.
    """

    def on_step(self, epoch: int, images: int, loss: float, accuracy: float) -> None:
        """One step was done, on so many images; loss and accuracy: the epoch's mean so far."""

    def on_evaluation(self, images: int) -> None:
        """So many test images more were looked at."""

    def on_epoch(self, epoch: Epoch) -> None:
        """One epoch was done and measured."""


@dataclass
class EpochSoFar:
    """Sums over the images of the epoch that is under way."""

    images: int = 0
    loss: float = 0.0
    right: float = 0.0
    seconds: float = 0.0
    lr: float = 0.0


class Trainer:
    """All that a training run consists of, and the loop over it.

    `state_dict()` is everything that the rest of the run depends on. A trainer made with the same
    arguments that loads it goes on to the same weights, bit for bit, as if it had never stopped;
    from within an epoch too.

    >>> import numpy as np
    >>> from minidl import nn
    >>> points = np.array([[-1.0], [1.0]], np.float32).repeat(20, axis=0)
    >>> signs = Dataset(points, np.array([0, 1]).repeat(20))
    >>> trainer = Trainer(nn.Linear(1, 2), signs, signs, Recipe(epochs=3, batch_size=8, lr=0.5))
    >>> state = trainer.state_dict()
    >>> trainer.run()[-1].test_accuracy
    1.0

    Arguments are those of `fit`.
    """

    def __init__(
        self, model: Module, training: Dataset, test: Dataset, recipe: Recipe, *, seed: int = 0
    ) -> None:
        self.model, self.test, self.recipe = model, test, recipe
        self.optimizer = make_optimizer(recipe, model)
        self.loader = DataLoader(
            training,
            recipe.batch_size,
            shuffle=True,
            drop_last=leaves_one_out(model, len(training), recipe.batch_size),
            seed=seed,
            transform=make_augmentation(recipe, training),
            backend=self.optimizer.parameters[0].backend,
        )
        self.schedule = make_schedule(recipe, self.optimizer, len(self.loader))
        self.average: ExponentialMovingAverage | None = None
        if recipe.ema_decay is not None:
            self.average = ExponentialMovingAverage(model, recipe.ema_decay)
        self.so_far = EpochSoFar()
        self.history: list[Epoch] = []

    def run(self, watchers: Sequence[Watcher] = ()) -> list[Epoch]:
        """Train until all epochs are done, from wherever it stands."""
        while len(self.history) < self.recipe.epochs:
            # Where a run was stopped while it measured, the loader is an epoch ahead already.
            if self.loader.epoch == len(self.history):
                self._train_epoch(watchers)
            self._measure(watchers)
        if self.average is not None:
            self.average.copy_to()
        return self.history

    def _train_epoch(self, watchers: Sequence[Watcher]) -> None:
        """All batches, or those that are left, of the epoch that the loader is in."""
        self.model.train()
        epoch, so_far = len(self.history) + 1, self.so_far
        began = time.perf_counter()
        for images, labels in self.loader:
            loss, logits = loss_and_logits(self.recipe, self.model(images), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            so_far.lr = self.optimizer.lr
            self.schedule.step()
            if self.average is not None:
                self.average.update()

            so_far.images += len(labels)
            so_far.loss += len(labels) * _finite(loss.item(), epoch, so_far.lr)
            so_far.right += len(labels) * accuracy(logits, labels)
            so_far.seconds += time.perf_counter() - began
            mean_loss, mean_accuracy = so_far.loss / so_far.images, so_far.right / so_far.images
            for watcher in watchers:
                watcher.on_step(epoch, len(labels), mean_loss, mean_accuracy)
            began = time.perf_counter()

    def _measure(self, watchers: Sequence[Watcher]) -> None:
        """The epoch's figures; on the test images those of the averaged weights, if any."""
        measured = (self.model, self.test, watchers, self.recipe.image_size)
        if self.average is None:
            test_loss, test_accuracy = evaluate(*measured)
        else:
            with self.average.applied():
                test_loss, test_accuracy = evaluate(*measured)
        epoch = Epoch(
            epoch=len(self.history) + 1,
            lr=self.so_far.lr,
            train_loss=self.so_far.loss / self.so_far.images,
            train_accuracy=self.so_far.right / self.so_far.images,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            seconds=self.so_far.seconds,
        )
        self.history.append(epoch)
        self.so_far = EpochSoFar()
        for watcher in watchers:
            watcher.on_epoch(epoch)

    @property
    def images_per_epoch(self) -> int:
        """All training images, but for one where it would be the last batch of a batch norm."""
        return len(self.loader.dataset) - self.loader.drop_last

    @property
    def images_done(self) -> int:
        """Training images looked at so far, over all epochs."""
        return len(self.history) * self.images_per_epoch + self.so_far.images

    def state_dict(self) -> dict[str, Any]:
        """What the rest of the run depends on; its tensors share memory with the model."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "loader": self.loader.state_dict(),
            "generators": [generator.get_state() for generator in self._generators()],
            "so_far": dataclasses.asdict(self.so_far),
            "history": [dataclasses.asdict(epoch) for epoch in self.history],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict()` was called.

        Raises ArgumentError for a state of another model, recipe or data set.
        """
        checks.check_keys("Trainer.load_state_dict", "the state", state, self.state_dict())
        self.loader.load_state_dict(state["loader"])
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        for generator, place in zip(self._generators(), state["generators"], strict=True):
            generator.set_state(place)
        self.so_far = EpochSoFar(**state["so_far"])
        self.history = [Epoch(**epoch) for epoch in state["history"]]

    def _generators(self) -> list[Generator]:
        """The default one, and those that modules keep as attributes."""
        own = [vars(module).values() for module in self.model.modules()]
        return [default_generator, *(g for each in own for g in each if isinstance(g, Generator))]


def fit(
    model: Module,
    training: Dataset,
    test: Dataset,
    recipe: Recipe,
    *,
    seed: int = 0,
    watchers: Sequence[Watcher] = (),
) -> list[Epoch]:
    """Train `model` in place on the cross-entropy; measure on `test` after each epoch.

    An epoch sees every image once; in networks with batch norms, not the one that would be a last
    batch by itself: another one each epoch.

    `seed` fixes the order of the images and their augmentation. The initial weights are those the
    model comes with, and dropout draws from the default generator (`minidl.manual_seed`). It
    computes where the model's parameters live.

    >>> import numpy as np
    >>> from minidl import nn
    >>> points = np.array([[-1.0], [1.0]], np.float32).repeat(20, axis=0)
    >>> signs = Dataset(points, np.array([0, 1]).repeat(20))
    >>> history = fit(nn.Linear(1, 2), signs, signs, Recipe(epochs=3, batch_size=8, lr=0.5))
    >>> history[-1].test_accuracy
    1.0

    Raises MinidlError if the loss becomes infinite or NaN.
    """
    return Trainer(model, training, test, recipe, seed=seed).run(watchers)


def predict(
    model: Module,
    dataset: Dataset,
    watchers: Sequence[Watcher] = (),
    batch_size: int = _EVALUATION_BATCH,
    image_size: int | None = None,
) -> Tensor:
    """The logits (N, classes) of all images, in evaluation mode and without a graph.

    The images' shorter side is resized to `image_size`, as the recipe's says that was trained with.
    """
    backend = next(model.parameters()).backend
    was_training = model.training
    model.eval()
    logits = []
    with no_grad():
        transform = make_resize(image_size, dataset)
        for images, _ in DataLoader(dataset, batch_size, transform=transform, backend=backend):
            logits.append(model(images))
            for watcher in watchers:
                watcher.on_evaluation(len(images))
    model.train(was_training)
    return cat(logits)


def evaluate(
    model: Module,
    dataset: Dataset,
    watchers: Sequence[Watcher] = (),
    image_size: int | None = None,
) -> tuple[float, float]:
    """Mean cross-entropy and accuracy on a data set; arguments as those of `predict`."""
    logits = predict(model, dataset, watchers, image_size=image_size)
    labels = tensor(dataset.labels, dtype="int64", backend=logits.backend)
    return cross_entropy(logits, labels).item(), accuracy(logits, labels)


def _finite(loss: float, epoch: int, lr: float) -> float:
    if not math.isfinite(loss):
        raise MinidlError(
            f"fit: the loss became {loss} in epoch {epoch}, at a learning rate of {lr:g}. Training "
            "diverged: try a learning rate ten times smaller."
        )
    return loss
