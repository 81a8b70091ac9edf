"""The training loop, on data small enough to learn in a moment."""

import math

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.datasets import Dataset
from minidl.errors import ArgumentError, ShapeError
from minidl.train import RECIPES, Recipe, accuracy, evaluate, fit, predict, recipe_for
from minidl.train.trainer import Trainer, Watcher

RECIPE = Recipe(epochs=3, batch_size=16, lr=0.1)


def stripes(n=96, seed=0):
    """Noisy 6×8 images of class 0, horizontal stripes, or 1, vertical ones."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    images = rng.normal(0, 0.5, (n, 1, 6, 8)).astype(np.float32)
    images[labels == 0, :, ::2, :] += 1
    images[labels == 1, :, :, ::2] += 1
    return Dataset(images, labels)


def small_network(seed=0, dropout=0.0):
    minidl.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, kernel_size=3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(4 * 4 * 6, 2),
    )


def figures(history):
    """All that a seed fixes: everything but the times."""
    return [
        (e.epoch, e.lr, e.train_loss, e.train_accuracy, e.test_loss, e.test_accuracy)
        for e in history
    ]


def test_training_lowers_the_loss_and_learns_the_classes():
    network = small_network()
    before, _ = evaluate(network, stripes(seed=1))
    history = fit(network, stripes(), stripes(seed=1), RECIPE)
    assert history[-1].test_loss < 0.5 * before
    assert history[-1].train_loss < history[0].train_loss
    assert history[-1].test_accuracy > 0.95


def test_the_same_seed_gives_identical_figures_and_weights():
    runs = []
    for _ in range(2):
        network = small_network(seed=3, dropout=0.5)
        history = fit(network, stripes(), stripes(seed=1), RECIPE, seed=3)
        runs.append((figures(history), [p.detach().numpy() for p in network.parameters()]))
    assert runs[0][0] == runs[1][0]
    for first, second in zip(runs[0][1], runs[1][1], strict=True):
        np.testing.assert_array_equal(first, second)


def test_another_seed_gives_another_order():
    histories = [
        fit(small_network(), stripes(), stripes(seed=1), RECIPE, seed=seed) for seed in (0, 1)
    ]
    assert figures(histories[0]) != figures(histories[1])


def test_one_step_is_gradient_descent_by_hand():
    """A linear model on one batch: w − lr · ∂loss/∂w, the gradient of softmax regression."""
    x = np.array([[1.0, -2.0], [0.5, 3.0], [-1.0, 1.0]])
    labels = np.array([0, 2, 1])
    network = nn.Linear(2, 3).double()
    weight, bias = (p.detach().numpy().copy() for p in (network.weight, network.bias))
    data = Dataset(x, labels)
    fit(network, data, data, Recipe(epochs=1, batch_size=3, lr=0.1, weight_decay=0.01))

    logits = x @ weight.T + bias
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    error = (p - np.eye(3)[labels]) / 3
    expected = weight - 0.1 * (error.T @ x + 0.01 * weight)
    np.testing.assert_allclose(network.weight.detach().numpy(), expected, rtol=1e-12)


def test_train_figures_are_means_over_images_not_batches():
    """With a rate too small to change anything, they are those of the untrained model."""
    network = small_network()
    loss, right = evaluate(network, stripes(90))
    tiny = Recipe(epochs=1, batch_size=32, lr=1e-12)  # batches of 32, 32 and 26
    (epoch,) = fit(network, stripes(90), stripes(), tiny)
    assert epoch.train_loss == pytest.approx(loss, rel=1e-5)
    assert epoch.train_accuracy == pytest.approx(right, abs=1e-12)


def test_watchers_are_told_every_step_and_epoch():
    class Recorder(Watcher):
        def __init__(self):
            self.images, self.epochs = [], []

        def on_step(self, epoch, images, loss, accuracy):
            self.images.append((epoch, images))

        def on_epoch(self, epoch):
            self.epochs.append(epoch)

    recorder = Recorder()
    recipe = Recipe(epochs=2, batch_size=64, lr=0.01)
    history = fit(small_network(), stripes(96), stripes(), recipe, watchers=[recorder])
    assert recorder.images == [(1, 64), (1, 32), (2, 64), (2, 32)]
    assert recorder.epochs == history


def normed_network():
    """Its batch norm gets one value per channel from each image."""
    minidl.manual_seed(0)
    norm = nn.BatchNorm2d(4)
    return nn.Sequential(nn.Conv2d(1, 4, (6, 8)), norm, nn.ReLU(), nn.Flatten(), nn.Linear(4, 2))


class Sizes(Watcher):
    """Those of the batches; it stops a run after so many, if told."""

    def __init__(self, stop_after=None):
        self.sizes, self.stop_after = [], stop_after

    def on_step(self, epoch, images, loss, accuracy):
        self.sizes.append(images)
        if len(self.sizes) == self.stop_after:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("images", "sizes"), [(33, [16, 16]), (34, [16, 16, 2]), (32, [16, 16]), (17, [16])]
)
def test_a_batch_norm_gets_no_last_batch_of_a_single_image(images, sizes):
    watcher = Sizes()
    trainer = Trainer(normed_network(), stripes(images), stripes(), RECIPE)
    history = trainer.run([watcher])
    assert watcher.sizes == 3 * sizes
    assert trainer.images_done == 3 * sum(sizes)
    assert math.isfinite(history[-1].train_loss)


def test_without_batch_norm_every_image_is_seen():
    watcher = Sizes()
    trainer = Trainer(small_network(), stripes(33), stripes(), RECIPE)
    trainer.run([watcher])
    assert watcher.sizes == 3 * [16, 16, 1]
    assert trainer.images_done == 99


def test_the_image_that_is_left_out_is_another_one_in_each_epoch():
    loader = Trainer(normed_network(), stripes(33), stripes(), RECIPE).loader
    left_out = set()
    for _ in range(5):
        seen = np.concatenate([images for images, _ in loader.numpy_batches()])
        assert len(np.unique(seen, axis=0)) == 32
        left_out |= {
            i for i, x in enumerate(stripes(33).images) if not (x == seen).all((1, 2, 3)).any()
        }
    assert len(left_out) > 1


def test_a_run_that_leaves_one_image_out_resumes_exactly():
    def trainer():
        return Trainer(normed_network(), stripes(33), stripes(), RECIPE, seed=2)

    whole, stopped, resumed = trainer(), trainer(), trainer()
    whole.run()
    with pytest.raises(KeyboardInterrupt):
        stopped.run([Sizes(stop_after=3)])  # the first step of the second epoch
    resumed.load_state_dict(stopped.state_dict())
    assert figures(resumed.run()) == figures(whole.history)
    for one, other in zip(resumed.model.parameters(), whole.model.parameters(), strict=True):
        np.testing.assert_array_equal(one.detach().numpy(), other.detach().numpy())


def test_diverging_training_stops_with_advice():
    with pytest.raises(minidl.MinidlError, match="learning rate ten times smaller"):
        fit(small_network(), stripes(), stripes(), Recipe(epochs=20, batch_size=16, lr=1e30))


def test_predict_evaluates_without_dropout_and_restores_the_mode():
    network = small_network(dropout=0.9)
    first, second = (predict(network, stripes(300)).numpy() for _ in range(2))
    assert first.shape == (300, 2)
    np.testing.assert_array_equal(first, second)
    assert network.training
    predict(network.eval(), stripes())
    assert not network.training


def test_accuracy_counts_rows_whose_largest_logit_is_at_the_label():
    logits = minidl.tensor([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 5.0]])
    assert accuracy(logits, minidl.tensor([1, 1, 0, 2])) == 0.75


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [((3,), (3,), r"\(N, classes\)"), ((3, 2), (2,), "one label per row")],
)
def test_accuracy_refuses_shapes_that_do_not_fit(logits, labels, message):
    with pytest.raises(ShapeError, match=message):
        accuracy(minidl.zeros(logits), minidl.zeros(labels).long())


def test_accuracy_of_nothing_is_an_error():
    with pytest.raises(ArgumentError, match="at least one sample"):
        accuracy(minidl.zeros((0, 2)), minidl.zeros(0).long())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"lr": 0.0}, "lr"),
        ({"lr": math.nan}, "lr"),
        ({"schedule": "linear"}, "constant, cosine, step"),
        ({"optimizer": "lion"}, "sgd, adam, adamw, rmsprop"),
        ({"momentum": 1.0}, "momentum"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"warmup_epochs": -1}, "warmup_epochs"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"auxiliary_weight": math.inf}, "auxiliary_weight"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"augmentation": ("flip", "mixup")}, "some of shift"),
    ],
)
def test_recipe_refuses_values_without_sense(change, message):
    with pytest.raises(ArgumentError, match=message):
        Recipe(**{"epochs": 1, "batch_size": 1, "lr": 0.1, **change})


def test_every_recipe_belongs_to_a_model():
    assert set(RECIPES) <= set(minidl.models.list())


def test_a_model_without_recipe_gets_a_plain_one():
    assert recipe_for("of_a_student").epochs >= 1
