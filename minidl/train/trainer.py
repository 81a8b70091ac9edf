"""The training loop: `fit`. Beside it what it measures with: `predict` and `evaluate`."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from minidl.creation import tensor
from minidl.datasets import DataLoader, Dataset
from minidl.errors import MinidlError
from minidl.functional import cat, cross_entropy
from minidl.grad_mode import no_grad
from minidl.nn import Module
from minidl.optim import SGD
from minidl.tensor import Tensor
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
    """Mean over the epoch, measured on each batch before the step on it."""
    train_accuracy: float
    """Likewise."""
    test_loss: float
    """After the epoch."""
    test_accuracy: float
    """After the epoch."""
    seconds: float
    """Of training; measuring on the test images isn't counted."""


class Watcher:
    """Told by `fit` how it goes; these methods do nothing, override what you want to see."""

    def on_step(self, epoch: int, images: int, loss: float, accuracy: float) -> None:
        """One step was done, on so many images; loss and accuracy: the epoch's mean so far."""

    def on_epoch(self, epoch: Epoch) -> None:
        """One epoch was done and measured."""


def fit(
    model: Module,
    training: Dataset,
    test: Dataset,
    recipe: Recipe,
    *,
    seed: int = 0,
    watchers: Sequence[Watcher] = (),
) -> list[Epoch]:
    """Train `model` in place with SGD on the cross-entropy; measure on `test` after each epoch.

    `seed` fixes the order of the images. The initial weights are those the model comes with, and
    dropout draws from the default generator (`minidl.manual_seed`). It computes where the model's
    parameters live.

    >>> import numpy as np
    >>> from minidl import nn
    >>> points = np.array([[-1.0], [1.0]], np.float32).repeat(20, axis=0)
    >>> signs = Dataset(points, np.array([0, 1]).repeat(20))
    >>> history = fit(nn.Linear(1, 2), signs, signs, Recipe(epochs=3, batch_size=8, lr=0.5))
    >>> history[-1].test_accuracy
    1.0

    Raises MinidlError if the loss becomes infinite or NaN.
    """
    optimizer = SGD(
        model.parameters(),
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )
    backend = optimizer.parameters[0].backend
    loader = DataLoader(training, recipe.batch_size, shuffle=True, seed=seed, backend=backend)
    step, steps = 0, recipe.epochs * len(loader)
    history = []
    for epoch in range(1, recipe.epochs + 1):
        model.train()
        began = time.perf_counter()
        seen, loss_sum, right = 0, 0.0, 0.0
        for images, labels in loader:
            optimizer.lr = recipe.lr_at(step / steps)
            logits = model(images)
            loss = cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

            step += 1
            seen += len(labels)
            loss_sum += len(labels) * _finite(loss.item(), epoch, optimizer.lr)
            right += len(labels) * accuracy(logits, labels)
            for watcher in watchers:
                watcher.on_step(epoch, len(labels), loss_sum / seen, right / seen)
        seconds = time.perf_counter() - began
        test_loss, test_accuracy = evaluate(model, test)
        result = Epoch(
            epoch=epoch,
            lr=optimizer.lr,
            train_loss=loss_sum / seen,
            train_accuracy=right / seen,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            seconds=seconds,
        )
        history.append(result)
        for watcher in watchers:
            watcher.on_epoch(result)
    return history


def predict(model: Module, dataset: Dataset, batch_size: int = _EVALUATION_BATCH) -> Tensor:
    """The logits (N, classes) of all images, in evaluation mode and without a graph."""
    backend = next(model.parameters()).backend
    was_training = model.training
    model.eval()
    with no_grad():
        loader = DataLoader(dataset, batch_size, backend=backend)
        logits = cat([model(images) for images, _ in loader])
    model.train(was_training)
    return logits


def evaluate(model: Module, dataset: Dataset) -> tuple[float, float]:
    """Mean cross-entropy and accuracy on a data set."""
    logits = predict(model, dataset)
    labels = tensor(dataset.labels, dtype="int64", backend=logits.backend)
    return cross_entropy(logits, labels).item(), accuracy(logits, labels)


def _finite(loss: float, epoch: int, lr: float) -> float:
    if not math.isfinite(loss):
        raise MinidlError(
            f"fit: the loss became {loss} in epoch {epoch}, at a learning rate of {lr:g}. Training "
            "diverged: try a learning rate ten times smaller."
        )
    return loss
