"""Every registered network is trained by name, on images of 28×28 and 32×32."""

import io
import json

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

import minidl
from minidl import models
from minidl.cli import app
from minidl.datasets import Dataset
from minidl.errors import ArgumentError
from minidl.train import RECIPES, Recipe, as_published, continue_run, predict, recipe_for, run
from minidl.train.families import FAMILIES, differences
from minidl.train.ingredients import loss_and_logits, make_augmentation, resized_shape
from minidl.train.photos import preparation
from minidl.train.trained import trained

NAMES = models.list()
IMAGES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32)}


def quiet():
    return Console(file=io.StringIO(), width=200)


def minidl_train(*arguments):
    result = CliRunner().invoke(app, ["train", *map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", IMAGES)
def test_recipes_network_takes_a_step_on_the_images_it_is_for(name, data):
    recipe = recipe_for(name, data)
    shape = resized_shape(recipe.image_size, (2, *IMAGES[data]))
    with minidl.use_backend("meta"):
        options = {**recipe.options, "in_channels": shape[1]}
        network = models.create(name, num_classes=10, **options).train()
        labels = minidl.zeros(2, dtype="int64")
        loss, logits = loss_and_logits(recipe, network(minidl.zeros(*shape)), labels)
        loss.backward()
    assert logits.shape == (2, 10)
    assert all(p.grad is not None and p.grad.shape == p.shape for p in network.parameters())


def test_every_network_has_one_recipe():
    in_families = [name for family in FAMILIES for name in family.names.split()]
    assert sorted([*in_families, *RECIPES]) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_as_published_is_the_card(name):
    card, recipe = models.card(name), as_published(recipe_for(name), name)
    assert recipe.options == {}
    assert recipe.image_size == min(card.input[1:])
    assert recipe_for(name, "folder").image_size == recipe.image_size


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.names.split()[0])
def test_changed_options_are_given_beside_the_published_ones(family):
    for name in family.names.split():
        published = {option: value for option, (_, value) in family.changed.items()}
        with minidl.use_backend("meta"):
            default, same = models.create(name), models.create(name, **published)
        shapes = [{key: p.shape for key, p in m.state_dict().items()} for m in (default, same)]
        assert shapes[0] == shapes[1]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            "vgg16",
            "not as published: a quarter of the channels, dense layers of 256 units instead of "
            "4096, pooled to 1×1 instead of 7×7, images resized to 32×32",
        ),
        (
            "alexnet_2012",
            "not as published: 3/8 of the channels, dense layers of 512 units instead of 4096, "
            "pooled to 1×1 instead of 6×6, images resized to 67×67",
        ),
        (
            "googlenet_2014",
            "not as published: half of the channels, no auxiliary heads, images resized to 32×32",
        ),
        (
            "densenet161",
            "not as published: a quarter of the channels that a layer adds, a quarter of the "
            "channels, images resized to 32×32",
        ),
        ("densenet_bc", "not as published: 40 layers instead of 100"),
        (
            "efficientnet_b3",
            "not as published: a quarter of the channels, a first stride of 1 instead of 2",
        ),
        ("shufflenet_v2_x1_0", "not as published: a first stride of 1 instead of 2"),
        ("resnet20", ""),
    ],
)
def test_what_was_changed_is_said_in_plain_words(model, said):
    assert differences(model, recipe_for(model), (1, 28, 28)) == said


def test_images_that_have_the_size_are_not_said_to_be_resized():
    assert "resized" not in differences("vgg16", recipe_for("vgg16"), (3, 32, 32))


def test_options_of_a_network_of_ones_own_are_said_as_they_are_written():
    assert differences("of_a_student", Recipe(1, 1, 0.1, options={"width": 3}), (1, 8, 8)) == (
        "made with: width=3"
    )


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.names.split()[0])
def test_every_change_has_words(family):
    model = family.names.split()[0]
    words = differences(model, recipe_for(model), (1, 28, 28))
    assert not any(option in words for option in (*family.changed, "=", "_", "None"))


@pytest.mark.parametrize("name", ["vgg11_bn", "nin", "resnet18", "shufflenet_v2_x0_5"])
def test_train_eval_and_resume_by_name_rebuild_the_same_network(name, tmp_path):
    pytest.importorskip("matplotlib", reason="the pictures need matplotlib")
    common = ("--data", "fashion-mnist", "--data-dir", "bundled", "--limit", 64)
    output = minidl_train(name, *common, "--epochs", 1, "--out", tmp_path)
    recipe = recipe_for(name)
    assert f"{name}, {differences(name, recipe, (1, 28, 28))}\n" in output
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["options"] == {"num_classes": 10, "in_channels": 1, **recipe.options}
    assert config["recipe"]["image_size"] == recipe.image_size
    figures = json.loads((tmp_path / "metrics.jsonl").read_text())

    found = trained(tmp_path)
    assert found.image_size == recipe.image_size
    result = CliRunner().invoke(app, ["eval", str(tmp_path), "--data-dir", "bundled"])
    assert result.exit_code == 0, result.output
    assert "of 2,000 images" in result.output
    again = continue_run(tmp_path, console=quiet())
    assert again[-1].test_loss == figures["test_loss"]


def test_an_image_that_would_be_a_batch_by_itself_is_left_out_and_that_is_said(tmp_path):
    common = ("googlenet", "--data-dir", "bundled", "--epochs", 1)
    left = "65 images in batches of 64 leave a single one over"
    assert left in minidl_train(*common, "--limit", 65, "--out", tmp_path / "65")
    assert "leave a single one" not in minidl_train(
        *common, "--limit", 66, "--out", tmp_path / "66"
    )


def test_as_published_trains_the_published_network_on_images_of_its_size(tmp_path):
    output = minidl_train("nin", "--as-published", "--data-dir", "bundled", "--limit", 2,
                          "--epochs", 1, "--out", tmp_path)  # fmt: skip
    assert "nin, images resized to 224×224\n" in output
    assert trained(tmp_path).network.block1.conv.out_channels == 96
    with pytest.raises(ArgumentError, match="image_size"):
        continue_run(tmp_path, recipe={"image_size": 67}, console=quiet())


def test_resizing_stands_before_augmentation_and_leaves_what_fits():
    images = np.zeros((2, 28, 28), np.uint8)
    data = Dataset(images, np.zeros(2, int))
    recipe = Recipe(1, 1, 0.1, augmentation=("shift",), image_size=32)
    batch = images[:, None].astype(np.float32)
    assert make_augmentation(recipe, data)(batch, np.random.default_rng(0)).shape[2:] == (32, 32)
    assert make_augmentation(Recipe(1, 1, 0.1, image_size=28), data) is None


def test_measuring_resizes_as_training_did():
    seen = []

    class Network(minidl.nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = minidl.nn.Linear(1, 2)

        def forward(self, x):
            seen.append(x.shape)
            return self.fc(x.mean((2, 3)))

    data = Dataset(np.zeros((3, 28, 28), np.uint8), np.zeros(3, int))
    predict(Network(), data, image_size=32)
    assert seen == [(3, 1, 32, 32)]


@pytest.mark.parametrize("data", ["mnist", "fashion-mnist"])
def test_photos_are_resized_as_the_images_were(data, tmp_path):
    run("nin", data, data_dir="bundled", limit=2, out=tmp_path, console=quiet(),
        recipe=Recipe(1, 2, 0.01, options={"width": 3}, image_size=67))  # fmt: skip
    prepare = preparation(trained(tmp_path))
    assert prepare.normalized(np.zeros((1, 1, 28, 28), np.float32)).shape == (1, 1, 67, 67)
