"""Module: finding parameters, state, modes, moving; containers."""

import importlib

import numpy as np
import pytest

import minidl
from minidl import models, nn
from minidl.errors import ArgumentError, BackendError, DTypeError, OutOfRangeError
from minidl.optim import SGD


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.scale = nn.Parameter(minidl.ones(1))

    def forward(self, x):
        return self.norm(self.conv(x)) * self.scale


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Parameter(minidl.zeros(2))
        self.blocks = nn.ModuleList([Block(), Block()])
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))

    def forward(self, x):
        return x


PYTORCH_PARAMETERS = [
    "first",
    "blocks.0.scale",
    "blocks.0.conv.weight",
    "blocks.0.norm.weight",
    "blocks.0.norm.bias",
    "blocks.1.scale",
    "blocks.1.conv.weight",
    "blocks.1.norm.weight",
    "blocks.1.norm.bias",
    "head.1.weight",
    "head.1.bias",
]


def test_parameter_names_and_order_are_pytorchs():
    assert [name for name, _ in Net().named_parameters()] == PYTORCH_PARAMETERS


def test_state_names_and_order_are_pytorchs():
    names = list(Block().state_dict())
    assert names == [
        "scale",
        "conv.weight",
        "norm.weight",
        "norm.bias",
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ]


def test_module_names():
    assert [name for name, _ in Block().named_modules()] == ["", "conv", "norm"]
    assert [name for name, _ in nn.Sequential(Block()).named_modules("net")] == [
        "net",
        "net.0",
        "net.0.conv",
        "net.0.norm",
    ]


def test_what_is_shared_is_a_parameter_once_and_stands_under_both_names_in_the_state():
    shared = nn.Linear(2, 2)
    net = nn.Sequential(shared, nn.ReLU(), shared)
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias"]
    assert list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    assert [name for name, _ in tied.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    twin = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    twin.load_state_dict(tied.state_dict())
    assert (twin[1].weight == tied[0].weight).all()


# ------------------------------------------------------------------------------- attributes


def test_attributes_are_found_replaced_and_deleted():
    block = Block()
    replacement = nn.Parameter(minidl.zeros(1))
    block.scale = replacement
    assert block.scale is replacement
    assert dict(block.named_parameters())["scale"] is replacement
    block.conv = nn.Identity()
    assert "conv.weight" not in dict(block.named_parameters())
    del block.scale
    with pytest.raises(AttributeError, match="Block has no attribute 'scale'"):
        _ = block.scale
    block.scale = 3
    assert block.scale == 3
    block.scale = nn.Parameter(minidl.ones(1))  # and back: the plain attribute must not hide it
    assert isinstance(block.scale, nn.Parameter)


def test_a_parameter_may_become_none_and_come_back():
    layer = nn.Linear(2, 2)
    layer.bias = None
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    layer(minidl.ones(1, 2))
    layer.bias = nn.Parameter(minidl.ones(2))
    assert len(list(layer.parameters())) == 2


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            lambda b: setattr(b, "scale", minidl.ones(1)),
            DTypeError,
            "'scale' is a Tensor, expected a Parameter",
        ),
        (
            lambda b: setattr(b, "conv", minidl.ones(1)),
            DTypeError,
            "'conv' is a Tensor, expected a Module",
        ),
        (lambda b: setattr(b, "norm", 3), DTypeError, "del module.norm"),
        (lambda b: b.register_buffer("x", [1.0]), DTypeError, "'x' is a list, expected a Tensor"),
        (lambda b: b.register_parameter("p", minidl.ones(1)), DTypeError, "expected a Parameter"),
        (lambda b: b.register_buffer("a.b", None), ArgumentError, "the name is 'a.b'"),
        (
            lambda b: b.register_buffer("forward", None),
            ArgumentError,
            "attribute 'forward' already",
        ),
        (lambda b: b.nothing, AttributeError, "Block has no attribute 'nothing'"),
        (lambda b: delattr(b, "nothing"), AttributeError, "Block has no attribute 'nothing'"),
        (lambda b: nn.Module()(1), NotImplementedError, "Module has no forward method"),
        (lambda b: nn.Parameter([1.0]), DTypeError, "Parameter: data is a list"),
        (lambda b: b.to("int64"), DTypeError, "a backend or a floating dtype"),
        (lambda b: b.to("nowhere"), BackendError, "There is no backend 'nowhere'"),
        (lambda b: b.to(None), DTypeError, "dtype is None"),
    ],
)
def test_attribute_errors(act, error, message):
    with pytest.raises(error) as caught:
        act(Block())
    assert message in str(caught.value)


def test_forgetting_super_init_is_named():
    class Forgot(nn.Module):
        def __init__(self):
            self.layer = nn.Identity()

    with pytest.raises(ArgumentError, match=r"Forgot: call super\(\).__init__\(\) before"):
        Forgot()


# ------------------------------------------------------------------------------------ state


def test_state_dict_shares_memory_and_loading_writes_into_it():
    layer = nn.Linear(2, 2)
    state = layer.state_dict()
    assert not state["weight"].requires_grad
    parameter = layer.weight
    layer.load_state_dict({"weight": np.ones((2, 2)), "bias": [1.0, 2.0]})
    assert layer.weight is parameter
    assert parameter.requires_grad
    assert state["weight"].tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert (layer.bias.dtype, layer.bias.tolist()) == (np.float32, [1.0, 2.0])
    assert parameter.version > 0


WRONG_STATES = {
    "missing": ({"weight": np.ones((2, 2))}, "missing: bias"),
    "unexpected": (
        {"weight": np.ones((2, 2)), "bias": np.ones(2), "more": np.ones(1)},
        "unexpected: more",
    ),
    "misshapen": (
        {"weight": np.ones((2, 2)), "bias": np.ones(3)},
        "misshapen: bias is (3,), expected (2,)",
    ),
}


@pytest.mark.parametrize("name", WRONG_STATES)
def test_a_state_that_does_not_fit_changes_nothing(name):
    state, message = WRONG_STATES[name]
    layer = nn.Linear(2, 2)
    before = {key: t.tolist() for key, t in layer.state_dict().items()}
    with pytest.raises(ArgumentError) as caught:
        layer.load_state_dict(state)
    assert "the state does not fit Linear" in str(caught.value)
    assert message in str(caught.value)
    assert {key: t.tolist() for key, t in layer.state_dict().items()} == before


def test_a_state_with_values_of_the_wrong_kind_changes_nothing():
    layer = nn.Linear(2, 2)
    before = layer.weight.tolist()
    for bad in ("text", None, minidl.ones(2, backend="meta")):
        with pytest.raises((DTypeError, BackendError)):
            layer.load_state_dict({"weight": np.zeros((2, 2)), "bias": bad})
        assert layer.weight.tolist() == before
    with pytest.raises(DTypeError, match="the state is a list, expected a dict"):
        layer.load_state_dict([1])


def test_not_strict_passes_over_names_but_not_over_shapes():
    layer = nn.Linear(2, 2)
    layer.load_state_dict({"bias": np.ones(2), "more": np.ones(1)}, strict=False)
    assert layer.bias.tolist() == [1.0, 1.0]
    with pytest.raises(ArgumentError, match="misshapen"):
        layer.load_state_dict({"bias": np.ones(3)}, strict=False)


# --------------------------------------------------------------------------- modes, moving


def test_train_and_eval_reach_all_modules():
    net = Net()
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    net.blocks[0].train()
    assert net.blocks[0].norm.training
    assert not net.blocks[1].norm.training


def test_freezing_and_zero_grad():
    layer = nn.Linear(2, 2)
    layer(minidl.ones(1, 2)).sum().backward()
    layer.zero_grad()
    assert all(p.grad is None for p in layer.parameters())
    assert not layer.requires_grad_(False)(minidl.ones(1, 2)).requires_grad


def test_to_keeps_the_objects_so_that_an_optimizer_keeps_up():
    net = Block()
    optimizer = SGD(net.parameters(), lr=0.1, momentum=0.9)
    x = minidl.rand(2, 2, 5, 5)
    net(x).sum().backward()
    optimizer.step()
    before = list(net.parameters())
    assert net.double() is net
    assert all(p is q for p, q in zip(before, net.parameters(), strict=True))
    assert net.norm.running_mean.dtype == np.float64
    assert net.norm.num_batches_tracked.dtype == np.int64
    assert all(p.grad is None for p in net.parameters())
    scale = net.scale.item()
    (net(x.double()) ** 2).sum().backward()
    optimizer.step()  # its momentum follows
    assert net.scale.item() != scale
    assert net.scale.dtype == np.float64


def test_to_what_it_is_already_changes_nothing():
    layer = nn.Linear(2, 2)
    layer(minidl.ones(1, 2)).sum().backward()
    array, grad = layer.weight._array, layer.weight.grad
    layer.to("numpy", "float32").float()
    assert layer.weight._array is array
    assert layer.weight.grad is grad


def test_to_another_cpu_backend_copies_nothing():
    pytest.importorskip("numba")
    layer = nn.Linear(2, 2)
    array = layer.weight._array
    layer.to("numba")
    assert layer.weight.backend.name == "numba"
    assert layer.weight._array is array


def test_apply_visits_children_before_parents():
    seen = []
    nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh())).apply(
        lambda m: seen.append(type(m).__name__)
    )
    assert seen.index("Tanh") < len(seen) - 1
    assert seen[-1] == "Sequential"
    assert len(seen) == 4


def test_repr_is_a_tree():
    net = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2, bias=False), nn.Sequential(nn.ReLU()))
    assert repr(net) == (
        "Sequential(\n"
        "  (0): Conv2d(1, 6, kernel_size=(5, 5), padding=2, bias=False)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "  )\n"
        ")"
    )


# ------------------------------------------------------------------------------- containers


def test_sequential_indexing_slicing_and_growing():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    assert net.append(nn.Linear(3, 1)) is net
    assert [type(m).__name__ for m in net] == ["Linear", "ReLU", "Linear"]
    assert len(net) == 3
    assert net[-1] is net[2]
    front = net[:2]
    assert len(front) == 2
    assert front[0] is net[0]
    assert front(minidl.ones(1, 2)).shape == (1, 3)
    assert net(minidl.ones(4, 2)).shape == (4, 1)


def test_sequential_with_names():
    net = nn.Sequential({"fc": nn.Linear(2, 2), "act": nn.ReLU()})
    assert net.fc is net[0]
    assert list(net.state_dict()) == ["fc.weight", "fc.bias"]


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: nn.Sequential(nn.ReLU), DTypeError, "give an instance: nn.ReLU(), not nn.ReLU"),
        (lambda: nn.Sequential(abs), DTypeError, "Wrap a function in a Module"),
        (
            lambda: nn.Sequential({"forward": nn.ReLU()}),
            ArgumentError,
            "attribute 'forward' already",
        ),
        (lambda: nn.Sequential({"a.b": nn.ReLU()}), ArgumentError, "the name is 'a.b'"),
        (lambda: nn.Sequential({1: nn.ReLU()}), ArgumentError, "the name is 1"),
        (lambda: nn.ModuleList([1]), DTypeError, "ModuleList: a layer is 1 (int)"),
        (lambda: nn.Sequential(nn.ReLU())[3], OutOfRangeError, "the index is 3, but there are 1"),
        (lambda: nn.ModuleList()[0], OutOfRangeError, "there are 0 layers"),
    ],
)
def test_container_errors(act, error, message):
    with pytest.raises(error) as caught:
        act()
    assert message in str(caught.value)


# -------------------------------------------------------------------------------- the model

LENET = {
    "conv1.weight": (6, 1, 5, 5),
    "conv1.bias": (6,),
    "conv2.weight": (16, 6, 5, 5),
    "conv2.bias": (16,),
    "fc1.weight": (120, 400),
    "fc1.bias": (120,),
    "fc2.weight": (84, 120),
    "fc2.bias": (84,),
    "fc3.weight": (10, 84),
    "fc3.bias": (10,),
}


@pytest.mark.parametrize("name", ["lenet5", "lenet5_1998"])
def test_lenet_has_61706_parameters_by_these_names(name):
    model = models.create(name)
    assert {key: p.shape for key, p in model.named_parameters()} == LENET
    assert sum(p.numel() for p in model.parameters()) == 61706
    assert model(minidl.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_nn_functional_can_be_imported_by_its_dotted_name():
    functional = importlib.import_module("minidl.nn.functional")
    assert functional.conv2d is minidl.functional.conv2d
    assert nn.functional is functional
    assert functional.__all__ == minidl.functional.__all__
