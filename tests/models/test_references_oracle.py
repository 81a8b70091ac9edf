"""Every network beside its fresh reference: layers and their arguments, first weights, the card."""

import importlib
from contextlib import contextmanager

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-oracle")

from models.references import PUBLISHED  # noqa: E402
from models.zoo import on_meta, recorded_calls  # noqa: E402
from torch.nn.modules.module import register_module_forward_hook  # noqa: E402
from torchvision_oracle import import_torchvision  # noqa: E402

import minidl  # noqa: E402
from minidl import models, nn  # noqa: E402
from minidl.interop.namings import namings_of  # noqa: E402

pytestmark = pytest.mark.oracle

IN_TORCHVISION = [n for n in models.list() if models.card(n).reference == "torchvision"]
IN_TIMM = [n for n in models.list() if models.card(n).reference == "timm"]


def reference(name):
    """The network as its library makes it when asked for nothing but its name."""
    return PUBLISHED[name].make()


def to_ours(name):
    """The reference's parameter name → ours."""
    published = models.card(name).reference
    (naming,) = (n for n in namings_of(on_meta(name)) if n.name == published)
    return naming.to_ours()


# ------------------------------------------------------------------- layers, one by one


def pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def described(layer):
    """A layer with weights or statistics, as a tuple; None for any other."""
    kind = type(layer).__name__
    if kind in ("Conv2d", "Conv2dSame"):
        kernel, stride = tuple(layer.weight.shape)[2:], pair(layer.stride)
        same = layer.padding == "tf_same" or kind == "Conv2dSame"
        # with stride 1 and an odd kernel there is nothing odd to place
        padding = tuple(k // 2 for k in kernel) if same and stride == (1, 1) else layer.padding
        padding = "same" if same and stride != (1, 1) else pair(padding)
        bias = layer.bias is not None
        return "conv", tuple(layer.weight.shape), stride, padding, layer.groups, bias
    if kind == "Linear":  # also as a 1×1 convolution, below
        return "dense", tuple(layer.weight.shape), layer.bias is not None
    if hasattr(layer, "running_var"):
        return "norm", tuple(layer.running_var.shape), layer.eps, layer.momentum
    return None


def layers(network, rename=lambda name: name):
    """{parameter's module in our names: its description}."""
    found = {}
    for path, module in network.named_modules():
        if (text := described(module)) is not None:
            ours = rename(f"{path}.weight")
            assert ours is not None, f"{path} has no partner"
            found[ours.removesuffix(".weight")] = text
    return found


@pytest.mark.parametrize("name", [*IN_TORCHVISION, *IN_TIMM])
def test_convolutions_dense_layers_and_norms_have_the_references_arguments(name):
    with torch.device("meta"):
        theirs = layers(reference(name), to_ours(name))
    ours = layers(on_meta(name))
    if name.startswith("preact"):  # timm's dense layer is a convolution
        kind, (out, width, *one), *_, bias = theirs["fc"]
        assert (kind, one) == ("conv", [1, 1])
        theirs["fc"] = ("dense", (out, width), bias)
    assert ours == theirs


# --------------------------------------------------------------- what has no parameters


@contextmanager
def recorded_functions():
    """Inside it, the arguments of PyTorch's pools and dropouts are noted, wherever they run."""
    functions, calls = torch.nn.functional, []
    originals = {n: getattr(functions, n) for n in ("max_pool2d", "avg_pool2d", "dropout")}

    def max_pool2d(
        input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, **options
    ):
        calls.append(
            ("max", pair(kernel_size), pair(stride or kernel_size), pair(padding), ceil_mode)
        )
        return originals["max_pool2d"](
            input, kernel_size, stride, padding, dilation, ceil_mode, **options
        )

    def avg_pool2d(
        input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, *_
    ):
        window = pair(kernel_size), pair(stride or kernel_size), pair(padding)
        calls.append(("average", *window, ceil_mode, count_include_pad))
        return originals["avg_pool2d"](
            input, kernel_size, stride, padding, ceil_mode, count_include_pad
        )

    def dropout(input, p=0.5, training=True, inplace=False):
        calls.append(("dropout", p))
        return input

    replaced = (max_pool2d, avg_pool2d, dropout)
    try:
        for function in replaced:
            setattr(functions, function.__name__, function)
        yield calls
    finally:
        for key, original in originals.items():
            setattr(functions, key, original)


def in_training(name):
    """What ours runs without parameters: (pools and dropouts, drop paths)."""
    network = on_meta(name).train()
    with minidl.use_backend("meta"), minidl.no_grad(), recorded_calls() as calls:
        network(minidl.zeros(2, *models.card(name).input))
    ran = []
    for layer, _ in calls:
        if isinstance(layer, (nn.MaxPool2d, nn.AvgPool2d)):
            stride = pair(layer.stride or layer.kernel_size)
            window = pair(layer.kernel_size), stride, pair(layer.padding), layer.ceil_mode
            if isinstance(layer, nn.MaxPool2d):
                ran.append(("max", *window))
            else:
                ran.append(("average", *window, layer.count_include_pad))
        elif type(layer) is nn.Dropout:  # DropPath is one, too
            ran.append(("dropout", layer.p))
    return ran, [layer.p for layer, _ in calls if isinstance(layer, nn.DropPath)]


def reference_in_training(name):
    """The same of the reference."""
    drop_paths = []

    def note(layer, inputs, output):
        if type(layer).__name__ in ("StochasticDepth", "DropPath"):
            drop_paths.append(getattr(layer, "p", getattr(layer, "drop_prob", None)))

    with torch.device("meta"), torch.no_grad():
        network, image = reference(name).train(), torch.zeros(2, *models.card(name).input)
    hook = register_module_forward_hook(note)
    try:
        with torch.no_grad(), recorded_functions() as calls:
            network(image)
    finally:
        hook.remove()
    return calls, drop_paths


@pytest.mark.parametrize("name", [*IN_TORCHVISION, *IN_TIMM])
def test_pools_dropouts_and_stochastic_depth_are_the_references(name):
    ours, theirs = in_training(name), reference_in_training(name)
    # branches may run in another order, and what drops nothing may be left out
    one, other = (sorted(c for c in ran if c != ("dropout", 0.0)) for ran, _ in (ours, theirs))
    assert one == other
    one, other = ([p for p in drop_paths if p] for _, drop_paths in (ours, theirs))
    assert one == pytest.approx(other)
    if name in IN_TORCHVISION and name.startswith("efficientnet"):
        assert one


# ------------------------------------------------------------------------- first weights

SMALL = ("resnet18", "seresnet18", "preact_resnet18", "mobilenet_v1", "mobilenet_v2")
SMALL += ("shufflenet_v2_x1_0", "efficientnet_b0", "efficientnet_lite0", "tf_efficientnet_lite0")
SMALL += ("densenet121", "googlenet")
MEDIUM = ("resnet50", "seresnet50", "preact_resnet50", "inception_v3", "inception_v4", "alexnet")
MEDIUM += ("vgg11",)


@pytest.mark.parametrize(
    "name", [*SMALL, *(pytest.param(n, marks=pytest.mark.slow) for n in MEDIUM)]
)
def test_first_weights_are_drawn_as_the_references(name):
    """Mean, deviation and largest value of every parameter; six standard errors are allowed."""
    torch.manual_seed(0)
    minidl.manual_seed(0)
    state, rename, wrong = models.create(name).state_dict(), to_ours(name), {}
    for key, value in reference(name).named_parameters():
        ours, theirs = state[rename(key)].numpy().ravel(), value.detach().numpy().ravel()
        spread, error = max(ours.std(), theirs.std()), np.sqrt(1 / ours.size)
        largest = sorted(float(np.abs(v).max()) for v in (ours, theirs))
        alike = (
            abs(ours.mean() - theirs.mean()) <= 6 * np.sqrt(2) * error * spread,
            abs(ours.std() - theirs.std()) <= 6 * error * spread,
            ours.size < 1000 or largest[1] <= 1.6 * largest[0],  # uniform isn't normal
        )
        if not all(alike):
            wrong[key] = (ours.mean(), ours.std(), theirs.mean(), theirs.std(), *largest)
    assert not wrong


# ------------------------------------------------------------------------------- the card


@pytest.mark.parametrize("name", IN_TORCHVISION)
def test_card_has_the_figures_published_with_the_weights(name):
    import_torchvision()
    weights = importlib.import_module("torchvision.models").get_model_weights(name)
    meta, card = weights.IMAGENET1K_V1.meta, models.card(name)
    assert "IMAGENET1K_V1" in card.top1_source
    if name == "googlenet":  # whose auxiliary heads aren't counted
        assert f"{meta['num_params']:,} parameters without the auxiliary heads" in card.notes
    else:
        assert card.parameters == meta["num_params"]
    assert card.top1 == meta["_metrics"]["ImageNet-1K"]["acc@1"]
