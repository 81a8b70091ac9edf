"""Weights that don't fit a network are refused, saying why; without strict, what fits is loaded."""

import warnings

import numpy as np
import pytest
from interop.published import arrays, check_equal, on_meta, thin

import minidl
from minidl import models, nn
from minidl.errors import ArgumentError, DataError, DTypeError
from minidl.models import load_weights


@pytest.fixture(scope="module")
def state():
    return arrays(thin())


def unchanged_after(model, source, match, strict=True):
    before = {k: v.numpy().copy() for k, v in model.state_dict().items()}
    with pytest.raises(ArgumentError, match=match):
        load_weights(model, source, strict)
    check_equal(model, before)


def refusal(name, options, theirs):
    """What is said of the weights of the network with the options `theirs`, in one with others."""
    model = on_meta(name, **options)
    with minidl.use_backend("meta"), pytest.raises(ArgumentError) as caught:
        load_weights(model, on_meta(name, **theirs).state_dict())
    return str(caught.value)


def test_another_number_of_classes_names_the_option(state):
    match = r"fc.weight is \(1000, 16\), expected \(10, 16\).*\n.*num_classes=1000.*strict=False"
    unchanged_after(thin(num_classes=10), state, match)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("alexnet", "classifier.6"),
        ("vgg11_bn", "classifier.6"),
        ("nin", "block4.conv, block4.fc1, block4.fc2"),
        ("googlenet", "aux1.fc2, aux2.fc2, fc"),
        ("inception_v3", "AuxLogits.fc, fc"),
        ("preact_resnet50", "fc"),
        ("densenet121", "classifier"),
        ("mobilenet_v2", "fc"),
        ("efficientnet_b0", "fc"),
    ],
)
def test_another_number_of_classes_names_the_layers_that_go_with_it(name, head):
    assert refusal(name, {"num_classes": 10}, {}).endswith(
        "\nThe weights are for 1000 classes, the model has 10. Create it with num_classes=1000; "
        f"or, to train it for 10 classes, load all but {head} with strict=False."
    )


def test_another_number_of_channels_names_the_option(state):
    unchanged_after(thin(in_channels=1), state, "in_channels=3")


def test_all_that_differs_in_one_network_is_said_at_once():
    said = refusal("googlenet", {"num_classes": 3, "in_channels": 1, "aux_logits": False}, {})
    assert [line.split(":")[0] for line in said.splitlines()[-3:]] == [
        "The weights have auxiliary heads, the model hasn't",
        "The weights are for 1000 classes, the model has 3. Create it with num_classes=1000; or, "
        "to train it for 3 classes, load all but fc with strict=False.",
        "The weights are for images of 3 channels",
    ]


@pytest.mark.parametrize(
    "options", [{}, {"num_classes": 10}, {"num_classes": 10, "in_channels": 1}]
)
def test_weights_of_another_width_are_not_called_those_of_other_classes(options):
    said = refusal("resnet18", options, {"width": 32}).splitlines()[-1]
    assert said == (
        "These are the weights of another network, or of one made with other options, such as its "
        "width."
    )


def test_dense_layers_for_other_inputs_are_no_convolutions_of_other_channels():
    with pytest.raises(ArgumentError, match="the weights of another network"):
        load_weights(nn.Sequential(nn.Linear(4, 3)), {"0.weight": np.ones((3, 5), np.float32)})


def test_without_strict_what_fits_is_loaded_and_the_rest_reported(state):
    model = thin(num_classes=10)
    fc = model.fc.weight.detach().numpy().copy()
    partly = {**state, "extra": np.ones(2)}
    del partly["bn1.weight"]
    with pytest.warns(UserWarning, match="only 119 of ResNet's 122 tensors fit") as warned:
        report = load_weights(model, partly, strict=False)
    assert "strict=False" not in str(warned[0].message)
    assert (report.missing, report.unexpected) == (["bn1.weight"], ["extra"])
    assert [line.split()[0] for line in report.misshapen] == ["fc.weight", "fc.bias"]
    assert report.loaded == len(state) - 3
    np.testing.assert_array_equal(model.fc.weight.detach().numpy(), fc)
    np.testing.assert_array_equal(model.conv1.weight.detach().numpy(), state["conv1.weight"])
    assert str(report).startswith(f"{len(state) - 3} of {len(state)} tensors, named as by")
    assert "missing: bn1.weight\n  unexpected: extra\n  misshapen: fc.weight is" in str(report)


def warnings_of(model, source):
    """What is warned of when what fits is loaded."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        report = load_weights(model, source, strict=False)
    return report, [str(warning.message) for warning in found]


def test_without_strict_weights_of_another_network_are_warned_of_with_what_fits():
    """resnet50 has the names of resnet18, and some of its shapes."""
    model = thin()
    other = arrays(models.create("resnet50", width=2))
    report, (warned,) = warnings_of(model, other)
    fitting = [k for k, v in model.state_dict().items() if other[k].shape == v.shape]
    assert 0 < len(fitting) < 122
    assert str(report).startswith(f"{len(fitting)} of 122 tensors")  # counted in the same way
    assert warned.startswith(
        f"load_weights: only {len(fitting)} of ResNet's 122 tensors fit and are loaded, the others "
        "keep their values.\n  unexpected: layer1.0.conv3.weight, "
    )
    assert "\n  misshapen: layer1.0.conv1.weight is (2, 2, 1, 1), expected (2, 2, 3, 3)" in warned
    assert warned.endswith("another network, or of one made with other options, such as its width.")
    assert report.loaded == len(fitting)
    for name in fitting:
        np.testing.assert_array_equal(model.state_dict()[name].numpy(), other[name])


def test_without_strict_what_one_network_may_differ_in_is_not_warned_of(state):
    for options in ({"num_classes": 10}, {"in_channels": 1}, {"num_classes": 2, "in_channels": 4}):
        report, warned = warnings_of(thin(**options), state)
        assert report.misshapen
        assert warned == []
    headless = {k: v for k, v in state.items() if not k.startswith("fc")}
    for source in (headless, {**headless, "fc.0.weight": np.ones(2), "projector.bias": np.ones(2)}):
        report, warned = warnings_of(thin(), source)
        assert report.missing == ["fc.weight", "fc.bias"]
        assert warned == []


OF_ANOTHER_DEPTH = {
    "of fewer blocks": (
        *("resnet34", "resnet18", "torchvision"),
        "they lack layer1.2, layer2.2, layer2.3, layer3.2, layer3.3 … and 3 more, which this model "
        "has.",
    ),
    "of more blocks": (
        *("resnet18", "resnet34", "torchvision"),
        "they have layer1.2, layer2.2, layer2.3, layer3.2, layer3.3 … and 3 more, which this model "
        "lacks.",
    ),
    "without squeeze and excitation": (
        *("seresnet18", "resnet18", "timm"),
        "they lack layer1.0.se, layer1.1.se, layer2.0.se, layer2.1.se, layer3.0.se … and 3 more, "
        "which this model has.",
    ),
}


@pytest.mark.parametrize("case", OF_ANOTHER_DEPTH)
def test_weights_of_a_network_of_other_blocks_are_called_so_and_warned_of(case):
    name, theirs, naming, sentence = OF_ANOTHER_DEPTH[case]
    model = models.create(name, width=2)
    other = models.create(theirs, width=2)
    state = {f"module.{k}": v for k, v in models.export_weights(other, naming).items()}
    sentence = f"\nThese are the weights of another network: {sentence}"
    with pytest.raises(ArgumentError) as caught:
        load_weights(model, state)
    assert str(caught.value).endswith(sentence)
    assert "strict=False" not in str(caught.value)
    _, (warned,) = warnings_of(model, state)
    assert warned.endswith(sentence)


def test_blocks_under_published_names_are_told_by_these():
    model = models.create("mobilenet_v2", width_mult=0.1)
    state = {"features.3.extra.weight": np.ones(2), **models.export_weights(model, "torchvision")}
    with pytest.raises(
        ArgumentError, match=r"they have features\.3\.extra, which this model lacks"
    ):
        load_weights(model, state)


def test_counters_alone_are_no_weights():
    """They fit any network, so that weights of another width seemed to fit as well."""
    model = models.create("resnet18", width=4, num_classes=10)
    unchanged_after(model, arrays(thin()), "another network, or of one made", strict=False)


def test_missing_and_unexpected_names_are_listed_shortly(state):
    less = {k: v for k, v in state.items() if not k.startswith("layer4")}
    unchanged_after(thin(), less, r"missing: layer4.0.conv1.weight, .* … and 20 more")
    more = {**state, **{f"head.{i}": np.ones(1) for i in range(7)}}
    unchanged_after(thin(), more, r"unexpected: head.0, head.1, .* … and 2 more")


def test_weights_of_another_network_are_refused_whatever_strict_says(state):
    for strict in (True, False):
        names = r"5 of its 122 names belong to MobileNetV2.*torchvision, timm.*\n.*there: conv1"
        unchanged_after(models.create("mobilenet_v2"), state, names, strict)
    alien = {"conv1.weight": np.ones((3, 3))}
    unchanged_after(thin(), alien, "does not fit ResNet", strict=False)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ({}, DataError, "no tensors by name, but nothing"),
        ({"epoch": 3, "lr": 0.1}, DataError, "'epoch', 'lr'"),
        ({"state_dict": {"a": 1}}, DataError, "by name, but 'state_dict'; nor has it any at"),
        (
            {"mine": {"a": np.ones(2)}},
            DataError,
            r"some at 'mine': .* minidl.load\(path\)\['mine'\]",
        ),
        ([np.ones(2)], DTypeError, "a list, expected a path or a dict"),
        (None, DTypeError, "a NoneType"),
    ],
)
def test_what_holds_no_weights_is_refused(content, error, message):
    with pytest.raises(error, match=message):
        load_weights(thin(), content)


def test_a_file_without_weights_is_named(tmp_path):
    (tmp_path / "x.pth").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match=r"x\.pth is truncated"):
        load_weights(thin(), tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TypeError("Got unsupported ScalarType BFloat16"), "unsupported ScalarType BFloat16"),
        (RuntimeError("Can't call numpy() on Tensor that requires grad."), "requires grad"),
    ],
)
def test_tensors_that_numpy_cannot_read_are_refused_with_what_to_do(state, error, said):
    class Foreign:
        def __array__(self, *arguments, **options):
            raise error

    model = thin()
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    with pytest.raises(DTypeError, match=rf"'conv1.weight' is a Foreign .*{said}.*float\(\).cpu"):
        load_weights(model, {**state, "conv1.weight": Foreign()})
    check_equal(model, before)
