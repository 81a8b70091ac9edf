"""What a recipe names is what it gets."""

import math

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.datasets import Dataset
from minidl.functional import cross_entropy
from minidl.models.blocks import WithAuxiliary
from minidl.train import Recipe, Trainer, evaluate, fit
from minidl.train.ingredients import (
    loss_and_logits,
    make_augmentation,
    make_optimizer,
    make_schedule,
)
from minidl.train.recipes import AUGMENTATIONS, RECIPES, SCHEDULES

PLAIN = {"epochs": 3, "batch_size": 4, "lr": 0.4}


def rates(steps_per_epoch=4, **changes):
    """The rate of every step of a run, and the one after its end."""
    recipe = Recipe(**{**PLAIN, **changes})
    optimizer = make_optimizer(recipe, nn.Linear(1, 1))
    schedule = make_schedule(recipe, optimizer, steps_per_epoch)
    found = [optimizer.lr]
    for _ in range(recipe.epochs * steps_per_epoch):
        schedule.step()
        found.append(optimizer.lr)
    return found


def test_cosine_goes_from_the_rate_to_zero():
    expected = [0.2 * (1 + math.cos(math.pi * t / 12)) for t in range(13)]
    assert rates(schedule="cosine") == pytest.approx(expected, abs=1e-15)


def test_step_divides_by_ten_after_each_third():
    assert rates(schedule="step")[:12] == pytest.approx([0.4] * 4 + [0.04] * 4 + [0.004] * 4)


def test_constant_stays():
    assert rates(schedule="constant") == [0.4] * 13


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_warm_up_rises_to_the_rate_and_the_schedule_follows(schedule):
    found = rates(schedule=schedule, warmup_epochs=1)
    assert found[0] == pytest.approx(0.004)
    assert np.diff(found[:5]) == pytest.approx(np.full(4, (0.4 - 0.004) / 4))
    assert found[4] == 0.4
    if schedule == "cosine":
        assert found[12] == pytest.approx(0, abs=1e-15)


def test_a_warm_up_takes_half_of_a_short_run_at_most():
    found = rates(schedule="constant", warmup_epochs=5)
    assert found[5] < 0.4
    assert found[6] == 0.4


@pytest.mark.parametrize(
    ("name", "kind", "momentum"),
    [
        ("sgd", "SGD", 0.8),
        ("adam", "Adam", None),
        ("adamw", "AdamW", None),
        ("rmsprop", "RMSprop", 0.8),
    ],
)
def test_the_optimizer_gets_the_recipes_numbers(name, kind, momentum):
    recipe = Recipe(**PLAIN, optimizer=name, momentum=0.8, weight_decay=0.02)
    optimizer = make_optimizer(recipe, nn.Linear(2, 3))
    assert type(optimizer).__name__ == kind
    (group,) = optimizer.param_groups
    assert (group["lr"], group["weight_decay"]) == (0.4, 0.02)
    assert group.get("momentum") == momentum
    assert len(group["params"]) == 2


def test_auxiliary_heads_add_a_fraction_of_their_losses():
    labels = minidl.tensor([0, 2])
    heads = [minidl.randn(2, 3) for _ in range(3)]
    recipe = Recipe(**PLAIN, auxiliary_weight=0.25, label_smoothing=0.1)
    loss, logits = loss_and_logits(recipe, WithAuxiliary(heads[0], tuple(heads[1:])), labels)
    each = [cross_entropy(head, labels, label_smoothing=0.1).item() for head in heads]
    assert loss.item() == pytest.approx(each[0] + 0.25 * (each[1] + each[2]), rel=1e-6)
    assert logits is heads[0]


def test_a_network_with_auxiliary_heads_can_be_trained():
    class TwoHeads(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.main, self.side = nn.Linear(2, 4), nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x):
            x = self.stem(x)
            return WithAuxiliary(self.main(x), (self.side(x),)) if self.training else self.main(x)

    data = Dataset(np.eye(2, dtype=np.float32).repeat(8, 0), np.arange(2).repeat(8))
    network = TwoHeads()
    before = network.side.weight.detach().numpy().copy()
    history = fit(network, data, data, Recipe(epochs=6, batch_size=4, lr=0.3))
    assert history[-1].test_accuracy == 1.0
    assert not np.array_equal(network.side.weight.detach().numpy(), before)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_augmentation_changes_images_and_keeps_their_shape(name):
    images = np.random.default_rng(0).random((16, 3, 12, 10)).astype(np.float32)
    dataset = Dataset(images, np.zeros(16, int))
    augment = make_augmentation(Recipe(**PLAIN, augmentation=(name,)), dataset)
    changed = augment(images, np.random.default_rng(1))
    assert changed.shape == images.shape
    assert changed.dtype == images.dtype
    assert not np.array_equal(changed, images)


def test_no_augmentation_is_none():
    dataset = Dataset(np.zeros((1, 4, 4), np.uint8), np.zeros(1, int))
    assert make_augmentation(Recipe(**PLAIN), dataset) is None


def test_the_average_of_the_weights_is_measured_and_kept():
    points = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    data = Dataset(points, (points[:, 0] > 0).astype(int))
    recipe = Recipe(epochs=1, batch_size=16, lr=0.5, momentum=0, schedule="constant", ema_decay=0.5)
    network = nn.Linear(2, 2)
    start = network.weight.detach().numpy().copy()
    trainer = Trainer(network, data, data, recipe)
    seen = []
    update = trainer.average.update
    trainer.average.update = lambda: (seen.append(network.weight.detach().numpy().copy()), update())
    (epoch,) = trainer.run()
    expected = start
    for weight in seen:
        expected = 0.5 * expected + 0.5 * weight
    np.testing.assert_allclose(network.weight.detach().numpy(), expected, rtol=1e-5)
    assert (epoch.test_loss, epoch.test_accuracy) == evaluate(network, data)


def test_lenets_recipes_use_plain_sgd():
    for recipe in (RECIPES["lenet5"], RECIPES["lenet5_1998"]):
        assert recipe.optimizer == "sgd"
        numbers = (recipe.warmup_epochs, recipe.label_smoothing, recipe.ema_decay)
        assert numbers == (0, 0, None)
        assert recipe.augmentation == ("affine",)
