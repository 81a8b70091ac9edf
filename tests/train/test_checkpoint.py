"""Checkpoints: states come back bit for bit, models come from files, strangers are refused."""

import math

import numpy as np
import pytest

import minidl
from minidl import models, nn
from minidl.datasets import Dataset
from minidl.errors import ArgumentError, DataError, DTypeError
from minidl.files.tensor_file import write_tensors
from minidl.train import Recipe, Trainer, load_checkpoint, load_model, save_checkpoint
from minidl.train.checkpoint import pack, unpack
from minidl.train.trainer import Watcher

CONFIG = {"model": "lenet5", "options": {"num_classes": 4, "in_channels": 1}}


def points(n=40, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    return Dataset(x, (x[:, 0] > 0).astype(int))


def network():
    minidl.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.4), nn.ReLU(), nn.Linear(8, 2))


RECIPES = {
    "sgd": Recipe(epochs=3, batch_size=8, lr=0.1, weight_decay=0.01),
    "adamw": Recipe(epochs=3, batch_size=8, lr=0.01, optimizer="adamw", warmup_epochs=1),
    "adam": Recipe(epochs=3, batch_size=8, lr=0.01, optimizer="adam", schedule="step"),
    "rmsprop": Recipe(epochs=3, batch_size=8, lr=0.01, optimizer="rmsprop", ema_decay=0.8),
}


def weights(trainer):
    return [p.detach().numpy().tobytes() for p in trainer.model.parameters()]


def figures(trainer):
    return [{**vars(epoch), "seconds": 0} for epoch in trainer.history]


class StoppedError(Exception):
    """Raised by a watcher."""


class StopAt(Watcher):
    """Raises when it was told something for the n-th time."""

    def __init__(self, number):
        self.left = number

    def told(self, *anything):
        self.left -= 1
        if self.left == 0:
            raise StoppedError

    on_step = on_evaluation = on_epoch = told


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("moment", range(1, 22))
def test_a_state_of_any_moment_continues_bit_for_bit(tmp_path, name, moment):
    """Five steps, an evaluation and an epoch's end, three times: 21 moments, each in a file."""
    data, test = points(), points(seed=1)
    unbroken = Trainer(network(), data, test, RECIPES[name], seed=2)
    unbroken.run()

    stopped = Trainer(network(), data, test, RECIPES[name], seed=2)
    with pytest.raises(StoppedError):
        stopped.run([StopAt(moment)])
    save_checkpoint(tmp_path / "last", stopped.state_dict(), {})
    minidl.manual_seed(99)
    minidl.rand(3)

    resumed = Trainer(network(), data, test, RECIPES[name], seed=2)
    state, _ = load_checkpoint(tmp_path / "last")
    resumed.load_state_dict(state)
    resumed.run()
    assert weights(resumed) == weights(unbroken)
    assert figures(resumed) == figures(unbroken)


def test_a_generator_that_a_module_keeps_continues_too(tmp_path):
    class Noise(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.source = nn.Linear(3, 2), minidl.Generator(5)

        def forward(self, x):
            noise = self.source.normal(x.shape).astype(np.float32) if self.training else 0.0
            return self.fc(x + noise)

    minidl.manual_seed(0)
    start = Noise().state_dict()

    def trainer():
        module = Noise()
        module.load_state_dict(start)
        return Trainer(module, points(), points(), RECIPES["sgd"])

    unbroken, stopped, resumed = trainer(), trainer(), trainer()
    unbroken.run()
    with pytest.raises(StoppedError):
        stopped.run([StopAt(3)])
    save_checkpoint(tmp_path / "last", stopped.state_dict(), {})
    resumed.load_state_dict(load_checkpoint(tmp_path / "last")[0])
    resumed.run()
    assert weights(resumed) == weights(unbroken)


def test_a_state_of_other_data_is_refused_before_anything_changes():
    stopped = Trainer(network(), points(), points(), RECIPES["sgd"], seed=2)
    other = Trainer(network(), points(48), points(), RECIPES["sgd"], seed=2)
    before = weights(other)
    with pytest.raises(ArgumentError, match="samples"):
        other.load_state_dict(stopped.state_dict())
    assert weights(other) == before


@pytest.mark.parametrize(
    "state",
    [
        {"empty": {}, "list": [], "none": None, "yes": True},
        {"numbers": [0.1, -0.0, 5e-324, 1.7e308, 2**70, -3]},
        {"odd": [math.inf, -math.inf], "text": "é\n\0"},
        {"deep": [[{"a": [np.arange(3), {"b": np.float32(0.1)}]}]]},
    ],
)
def test_states_come_back_as_they_were(tmp_path, state):
    save_checkpoint(tmp_path / "a", state, {"model": "x"})
    found, config = load_checkpoint(tmp_path / "a")
    assert repr(found) == repr(unpack(*pack(state)))
    assert config == {"model": "x"}
    np.testing.assert_equal(found, state)


def test_not_a_number_comes_back(tmp_path):
    save_checkpoint(tmp_path / "a", {"loss": math.nan, "zero": -0.0}, {})
    state, _ = load_checkpoint(tmp_path / "a")
    assert math.isnan(state["loss"])
    assert math.copysign(1, state["zero"]) == -1


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({"a": {"b": {1, 2}}}, DTypeError, "a/b is a set"),
        ({"a": [len]}, DTypeError, "a/0"),
        ({"a": {3: 1}}, ArgumentError, "a key of a"),
        ({"a/b": 1}, ArgumentError, "a key of the state"),
        ({"$array": "x"}, ArgumentError, "a key of the state"),
    ],
)
def test_what_is_no_state_is_refused(tmp_path, state, error, message):
    with pytest.raises(error, match=message):
        save_checkpoint(tmp_path / "a", state, {})
    assert not (tmp_path / "a").exists()


def test_a_model_comes_from_a_checkpoint(tmp_path):
    made = models.create("lenet5", num_classes=4)
    save_checkpoint(tmp_path / "a", {"model": made.state_dict()}, CONFIG)
    found, config = load_model(tmp_path / "a")
    assert config == CONFIG
    assert not found.training
    x = minidl.randn(2, 1, 28, 28)
    np.testing.assert_array_equal(found(x).detach().numpy(), made(x).detach().numpy())


def test_a_model_comes_from_the_folder_of_its_run(tmp_path):
    made = models.create("lenet5", num_classes=4)
    save_checkpoint(tmp_path / "last.safetensors", {"model": made.state_dict()}, CONFIG)
    found, config = load_model(tmp_path)
    assert config == CONFIG
    np.testing.assert_array_equal(found.fc3.bias.detach().numpy(), made.fc3.bias.detach().numpy())
    (tmp_path / "last.safetensors").unlink()
    with pytest.raises(DataError, match="holds no checkpoint"):
        load_model(tmp_path)


def test_a_model_that_is_not_registered_is_one_of_ones_own(tmp_path):
    config = {"model": "of_a_student", "options": {}}
    save_checkpoint(tmp_path / "a", {"model": {}}, config)
    with pytest.raises(ArgumentError, match=r"of_a_student, a model of your own.*--load FILE"):
        load_model(tmp_path / "a")


def test_a_model_gets_the_averaged_weights(tmp_path):
    made = models.create("lenet5", num_classes=4)
    averages = [p.detach() * 2 for p in made.parameters()]
    state = {"model": made.state_dict(), "average": {"averages": averages}}
    save_checkpoint(tmp_path / "a", state, CONFIG)
    found, _ = load_model(tmp_path / "a", "lenet5")
    for p, average in zip(found.parameters(), averages, strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), average.numpy())


def test_a_model_comes_from_a_file_of_weights(tmp_path):
    made = models.create("lenet5")
    minidl.save(made.state_dict(), tmp_path / "a")
    found, config = load_model(tmp_path / "a", "lenet5")
    assert config == {"model": "lenet5", "options": {}}
    np.testing.assert_array_equal(
        found.fc3.weight.detach().numpy(), made.fc3.weight.detach().numpy()
    )
    with pytest.raises(ArgumentError, match="doesn't say of which model"):
        load_model(tmp_path / "a")


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    made = models.create("lenet5", num_classes=4)
    save_checkpoint(tmp_path / "a", {"model": made.state_dict()}, CONFIG)
    with pytest.raises(ArgumentError, match="'lenet5', which"):
        load_model(tmp_path / "a", "lenet5_1998")


def test_weights_of_another_shape_are_refused(tmp_path):
    minidl.save(models.create("lenet5", num_classes=3).state_dict(), tmp_path / "a")
    with pytest.raises(ArgumentError, match=r"is not of lenet5.*does not fit"):
        load_model(tmp_path / "a", "lenet5")


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_published_names_are_understood(tmp_path, name):
    made = models.create("resnet18", width=2)
    minidl.save(models.export_weights(made, "pretrainedmodels"), tmp_path / name)
    loaded, config = load_model(tmp_path / name, "resnet18", {"width": 2})
    assert config == {"model": "resnet18", "options": {"width": 2}}
    for key, value in made.state_dict().items():
        np.testing.assert_array_equal(loaded.state_dict()[key].numpy(), value.numpy())


def test_weights_only_are_no_checkpoint(tmp_path):
    minidl.save({"x": minidl.zeros(2)}, tmp_path / "a")
    with pytest.raises(DataError, match="holds tensors only"):
        load_checkpoint(tmp_path / "a")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"checkpoint": 2, "config": {}, "state": {}}, "format 2"),
        ({"checkpoint": 1}, "don't belong together"),
        ({"checkpoint": 1, "config": {}, "state": {"w": {"$array": "w"}}}, "belong together"),
        ({"checkpoint": 1, "config": {}, "state": {"w": {"$number": "x"}}}, "belong together"),
        ({"checkpoint": 1, "config": [], "state": {}}, "not a table"),
        ({"checkpoint": 1, "config": {}, "state": 3}, "not a table"),
    ],
)
def test_what_only_looks_like_a_checkpoint_is_refused(tmp_path, metadata, message):
    write_tensors(tmp_path / "a", {}, metadata)
    with pytest.raises(DataError, match=message):
        load_checkpoint(tmp_path / "a")


@pytest.mark.parametrize("config", [{}, {"model": "lenet5"}, {"model": "x", "options": 3}])
def test_a_checkpoint_without_its_models_name_is_refused(tmp_path, config):
    save_checkpoint(tmp_path / "a", {"model": {}}, config)
    with pytest.raises(DataError, match="doesn't say"):
        load_model(tmp_path / "a")


def test_a_truncated_checkpoint_is_refused(tmp_path):
    save_checkpoint(tmp_path / "a", {"x": np.arange(100)}, {})
    data = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(data[:-1])
    with pytest.raises(DataError, match="damaged"):
        load_checkpoint(tmp_path / "a")
