"""The pictures of a run."""

import numpy as np
import pytest

from minidl.datasets import Dataset
from minidl.train import Epoch, pictures


def test_the_surest_mistakes_are_those_with_the_most_certain_answers():
    labels = np.array([0, 0, 0, 0, 1, 1])
    logits = np.array([[1, 0], [0, 1], [0, 3], [2, 0], [9, 0], [0, 9]], float)
    #       right, a mistake that is shown anyway, a mistake, right, the surest mistake, right
    assert pictures._surest_mistakes(logits, labels, shown=[0, 1]) == [4, 2]
    assert pictures._surest_mistakes(logits, labels, shown=[]) == [4, 2, 1]


@pytest.mark.parametrize(
    ("border", "colors"),
    [(0, "gray_r"), (255, "gray"), (30, "gray")],
    ids=["MNIST", "paper", "photo"],
)
@pytest.mark.parametrize("shape", [(6, 12, 10), (6, 1, 12, 10)])
def test_only_images_on_a_background_of_zeros_are_drawn_as_ink_on_paper(border, colors, shape):
    images = np.full(shape, border, np.uint8)
    images[..., 3:9, 3:7] = 128
    assert pictures._colors(images) == colors


def drawn(path):
    image = pytest.importorskip("matplotlib.image", reason="the pictures need matplotlib")
    return image.imread(path)[..., :3]


def test_mistakes_in_a_confusion_matrix_have_shades_of_their_own(tmp_path):
    """One mistake in 200 would be almost white beside 199 right answers."""
    pytest.importorskip("matplotlib", reason="the pictures need matplotlib")
    matrix = np.array([[199, 1], [0, 200]])
    pictures.save_confusion(matrix, ("a", "b"), tmp_path / "a.png", "A title")
    pixels = drawn(tmp_path / "a.png").reshape(-1, 3)
    red = (pixels[:, 0] > 0.6) & (pixels[:, 1] < 0.3) & (pixels[:, 2] < 0.3)
    blue = (pixels[:, 2] > 0.5) & (pixels[:, 0] < 0.3)
    assert red.mean() > 0.05
    assert blue.mean() > 0.1


@pytest.mark.parametrize("epochs", [1, 2, 30])
@pytest.mark.parametrize("loss", [0.5, 1e19])
def test_curves_of_any_length_and_size_can_be_drawn(tmp_path, epochs, loss):
    pytest.importorskip("matplotlib", reason="the pictures need matplotlib")
    history = [Epoch(k + 1, 0.1, loss, 1.0, loss / (k + 1), 0.0, 1.0) for k in range(epochs)]
    pictures.save_curves(history, tmp_path / "a.png", "A title", "A note.")
    assert drawn(tmp_path / "a.png").std() > 0.05


def test_predictions_of_colour_images_can_be_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="the pictures need matplotlib")
    images = np.random.default_rng(0).integers(0, 256, (12, 3, 8, 6), dtype=np.uint8)
    data = Dataset(images, np.arange(12) % 3)
    pictures.save_predictions(data, np.eye(3)[np.zeros(12, int)], tmp_path / "colour.png")
    pixels = drawn(tmp_path / "colour.png")
    assert (pixels.max(axis=2) - pixels.min(axis=2)).max() > 0.3  # colours were drawn


@pytest.fixture
def figures(monkeypatch):
    """The figures that are drawn, instead of their files."""
    pytest.importorskip("matplotlib", reason="the pictures need matplotlib")
    kept = []
    monkeypatch.setattr(pictures, "_save", lambda figure, path: kept.append(figure))
    return kept


@pytest.mark.parametrize("names", [("0", "1", "2"), ("Shirt", "Sandal", "Bag")])
def test_words_over_predictions_can_be_read_and_say_what_was_said(figures, tmp_path, names):
    images = np.random.default_rng(0).integers(0, 256, (90, 28, 28), dtype=np.uint8)
    data = Dataset(images, np.arange(90) % 3, class_names=names)
    pictures.save_predictions(data, np.eye(3)[np.zeros(90, int)], tmp_path / "a.png", "A title")
    (axes,) = figures[0].axes
    words = {text.get_text(): text.get_size() for text in axes.texts}
    assert {"A title", "The first test images", "The mistakes it was surest of"} <= words.keys()
    between = ", " if len(names[0]) == 1 else "\n"
    assert f"said {names[0]}{between}is {names[1]}" in words
    assert names[0] in words  # a right answer stands alone
    assert min(words.values()) >= 9  # points: 15 pixels


def test_curves_have_a_title_a_note_and_their_last_values(figures, tmp_path):
    history = [Epoch(k, 0.1, 1 / k, 0.5, 0.5 / k, 0.9, 1.0) for k in (1, 2)]
    pictures.save_curves(history, tmp_path / "a.png", "A title", "A note.")
    figure = figures[0]
    assert figure.get_suptitle() == "A title"
    assert figure.get_supxlabel() == "A note."
    left, right = ([text.get_text() for text in axes.texts] for axes in figure.axes)
    assert sorted(left) == ["test 0.25", "train 0.5"]
    assert sorted(right) == ["test 90.00%", "train 50.00%"]
