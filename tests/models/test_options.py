"""What a model is made with: its options, and what is said about those it doesn't take."""

import inspect
import re

import pytest
from mistakes import assert_explained

from minidl import models, nn, use_backend
from minidl.errors import DTypeError

NAMES = models.list()
LOAD = 'Published weights are read from a file: models.load_weights(model, "resnet50.pth").'
MOVE = "Move the network with .to(backend), or make it within minidl.use_backend(backend)."
OF_RESNET50 = (
    "num_classes, in_channels, width, zero_init_residual, groups, width_per_group, stride_in_1x1, "
    "attention."
)
REFUSED = {
    ("resnet50", "pretrained", True): f"pretrained=True is PyTorch's argument. {LOAD}",
    ("lenet5", "weights", "DEFAULT"): f"weights='DEFAULT' is PyTorch's argument. {LOAD}",
    ("resnet18", "features_only", True): (
        "features_only=True is PyTorch's argument. See what a layer makes by a hook: "
        "model.layer4.register_forward_hook(hook)."
    ),
    ("resnet18", "drop_rate", 0.1): (
        "drop_rate=0.1 is PyTorch's argument. It is dropout here, in networks that have it."
    ),
    ("resnet18", "global_pool", ""): (
        "global_pool='' is PyTorch's argument. Put another layer in the place of model.avgpool."
    ),
    ("resnet18", "device", "cpu"): f"device='cpu' is PyTorch's argument. {MOVE}",
    ("resnet18", "backend", "numpy"): f"there is no argument 'backend'. {MOVE}",
    ("resnet18", "dtype", "float64"): (
        "dtype='float64' is PyTorch's argument. Networks are made in float32: convert with "
        ".double() or .to(dtype)."
    ),
    ("resnet50", "stride_in_1x", True): (
        f"there is no argument 'stride_in_1x'. Did you mean stride_in_1x1? There are: {OF_RESNET50}"
    ),
    ("resnet50", "stride", 2): f"there is no argument 'stride'. There are: {OF_RESNET50}",
    ("preact_resnet18", "flavour", 1): (
        "there is no argument 'flavour'. There are: num_classes, in_channels, width, attention, "
        "order."
    ),
    ("densenet121", "num_clases", 10): (
        "there is no argument 'num_clases'. Did you mean num_classes? There are: num_classes, "
        "in_channels, growth_rate, width, bottleneck, dropout."
    ),
    ("resnext50_32x4d", "groups", 2): (
        "there is no argument 'groups'. It is what makes it resnext50_32x4d."
    ),
    ("vgg11_bn", "batch_norm", False): (
        "there is no argument 'batch_norm'. It is what makes it vgg11_bn."
    ),
    ("efficientnet_b0", "width_mult", 0.5): (
        "there is no argument 'width_mult'. It is width here, a multiplier of the numbers of "
        "channels, such as 0.5."
    ),
    ("mobilenet_v2", "width", 0.5): (
        "there is no argument 'width'. It is width_mult here, a multiplier of the numbers of "
        "channels, such as 0.5."
    ),
    ("resnet18", "width_mult", 0.5): (
        "there is no argument 'width_mult'. It is width here, a number of channels, such as 64."
    ),
    ("resnet18", "width", 0.5): "width is 0.5, expected a number of channels, such as 64.",
}


@pytest.mark.parametrize("how", ["by its name", "called"])
@pytest.mark.parametrize(("model", "option", "value"), REFUSED)
def test_an_option_that_there_is_not_is_explained(model, option, value, how):
    sentence = f"{model}: {REFUSED[model, option, value]}"
    if how == "called":
        assert_explained(lambda: getattr(models, model)(**{option: value}), DTypeError, sentence)
    else:
        assert_explained(lambda: models.create(model, **{option: value}), DTypeError, sentence)


def test_pytorchs_arguments_that_mean_nothing_pass():
    nothing = {"pretrained": False, "weights": None, "progress": True, "drop_rate": 0.0}
    assert models.create("lenet5", num_classes=3, **nothing).fc3.out_features == 3


def test_an_option_given_twice_is_refused():
    sentence = "resnet18: num_classes is given twice, in its place and by its name."
    assert_explained(lambda: models.resnet18(10, num_classes=10), DTypeError, sentence)


def test_what_an_options_own_function_raises_is_left_as_it_is():
    def attention(channels):
        raise TypeError("squeeze() got an unexpected keyword argument 'squeezed'")

    with pytest.raises(TypeError, match="squeezed") as caught:
        models.resnet18(attention=attention)
    assert not isinstance(caught.value, DTypeError)


VALUES = {
    **{"num_classes": 3, "in_channels": 3, "stem_stride": 1, "hidden": 8, "grid": 1},
    **dict.fromkeys(("dropout", "dropout_aux", "drop_path", "momentum", "eps"), 0.125),
    **dict.fromkeys(("zero_init_residual", "stride_in_1x1", "batch_norm", "transform_input"), True),
    **dict.fromkeys(("tf_same", "init_per_group", "squeeze_excite", "aux_logits"), True),
    **{"groups": 2, "width_per_group": 64, "growth_rate": 4, "bottleneck": 2, "width_mult": 0.5},
    **{"attention": models.squeeze_excite, "activation": nn.ReLU, "order": "original"},
    "shortcut": models.resnet.projection,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_model_takes_all_options_that_are_listed(name):
    with pytest.raises(DTypeError) as caught:
        models.create(name, nonsense=1)
    listed = re.fullmatch(r".*'nonsense'\. There are: (.*)\.", str(caught.value))[1].split(", ")
    multiplied = name.startswith(("efficientnet", "tf_", "googlenet", "inception"))
    own = {"width": 0.5 if multiplied else 48, "depth": 40 if name == "densenet_bc" else 0.5}
    with use_backend("meta"):
        models.create(name, **{option: (VALUES | own)[option] for option in listed})


def test_a_registered_function_keeps_its_signature_and_text():
    assert [*inspect.signature(models.resnet18).parameters] == [
        "num_classes",
        "in_channels",
        "options",
    ]
    assert models.resnet18.__doc__.startswith("ResNet-18; ")
    assert models.resnet18.__module__ == "minidl.models.resnet"


def test_a_registered_class_stays_a_class(monkeypatch):
    monkeypatch.setattr(models.registry, "_makers", {})

    @models.register
    class OwnNet(nn.Module):
        def __init__(self, width=3):
            super().__init__()

    assert isinstance(models.create("OwnNet", width=4), OwnNet)
    sentence = "OwnNet: there is no argument 'depth'. There are: width."
    assert_explained(lambda: models.create("OwnNet", depth=4), DTypeError, sentence)


# ------------------------------------------------------------------------------- the list


def test_a_part_of_names_lists_them_and_a_whole_name_itself():
    assert models.list("inception") == ["inception_v2", "inception_v3", "inception_v4"]
    assert models.list("resnet18") == ["resnet18"]
    assert "seresnet18" not in models.list("resnet*")
    assert "seresnet18" in models.list("resnet")


def test_pytorchs_arguments_of_the_list_are_explained():
    assert models.list(pretrained=False) == NAMES
    sentence = (
        "models.list: pretrained=True is PyTorch's argument. models.card(name).reference says "
        "whose weights a network takes."
    )
    assert_explained(lambda: models.list(pretrained=True), DTypeError, sentence)
    sentence = "models.list: there is no argument 'exclude'. There are: pattern."
    assert_explained(lambda: models.list(exclude="vgg*"), DTypeError, sentence)
