"""Module: finding parameters, state, modes, moving; containers."""

import copy
import importlib
import pickle

import numpy as np
import pytest

import minidl
from minidl import models, nn
from minidl.errors import ArgumentError, AutogradError, BackendError, DTypeError, OutOfRangeError
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


def test_named_children_are_direct_and_submodules_and_parameters_are_found_by_name():
    net = Net()
    assert [name for name, _ in net.named_children()] == ["blocks", "head"]
    assert net.get_submodule("blocks.1.conv") is net.blocks[1].conv
    assert net.get_submodule("") is net
    assert net.get_parameter("blocks.0.norm.bias") is net.blocks[0].norm.bias
    tied = nn.Sequential(net.head, net.head)
    assert tied.get_parameter("1.1.bias") is net.head[1].bias


def test_prefix_and_recurse_as_in_pytorch():
    block = Block()
    assert [name for name, _ in block.named_parameters("net", recurse=False)] == ["net.scale"]
    assert list(block.parameters(recurse=False)) == [block.scale]
    assert [name for name, _ in block.named_buffers(prefix="b")] == [
        "b.norm.running_mean",
        "b.norm.running_var",
        "b.norm.num_batches_tracked",
    ]
    assert list(block.buffers(recurse=False)) == []


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


def test_buffers_that_are_not_persistent_move_but_are_not_saved():
    module = nn.Module()
    module.register_buffer("grid", minidl.ones(2), persistent=False)
    module.register_buffer("count", minidl.ones(1))
    assert list(module.state_dict()) == ["count"]
    assert [name for name, _ in module.named_buffers()] == ["grid", "count"]
    assert module.double().grid.dtype == np.float64
    module.load_state_dict({"count": [3.0]})
    assert module.count.item() == 3.0
    module.grid = minidl.zeros(2)
    assert list(module.state_dict()) == ["count"]
    del module.grid
    module.register_buffer("grid", minidl.ones(2))
    assert list(module.state_dict()) == ["count", "grid"]


def test_modules_registered_by_name():
    module = nn.Module()
    for k, register in enumerate((module.add_module, module.register_module)):
        register(f"layer{k}", nn.Linear(2, 2))
    names = ["layer0.weight", "layer0.bias", "layer1.weight", "layer1.bias"]
    assert list(module.state_dict()) == names
    with pytest.raises(DTypeError, match="'last' is a function, expected a Module or None"):
        module.add_module("last", lambda x: x)


def test_attributes_can_be_completed():
    assert {"conv", "norm", "scale", "forward"} <= set(dir(Block()))
    with pytest.raises(AttributeError) as caught:
        _ = Block().nrom
    assert str(caught.value) == "Block has no attribute 'nrom'. Did you mean norm?"


def test_modules_in_a_plain_list_are_refused_unless_they_are_found_anyway():
    block = Block()
    for layers in ([nn.ReLU()], (3, nn.ReLU()), {"act": nn.ReLU()}):
        with pytest.raises(DTypeError, match="of modules, whose parameters would not be"):
            block.layers = layers
    block.layers = [block.conv, block.norm]  # a view of what is registered is fine
    block.sizes = [1, 2]
    assert len(list(block.parameters())) == 4


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            lambda b: b.get_submodule("nrom"),
            ArgumentError,
            "get_submodule: Block has no submodule 'nrom'. Did you mean norm? There are: conv, "
            "norm.",
        ),
        (
            lambda b: b.get_parameter("conv.wieght"),
            ArgumentError,
            "get_parameter: Block has no parameter 'conv.wieght'. Did you mean conv.weight? There "
            "are: scale, conv.weight, norm.weight, norm.bias.",
        ),
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

    class ForgotAndAssignsNothing(nn.Module):
        def __init__(self):
            pass

    with pytest.raises(ArgumentError, match=r"super\(\).__init__\(\) was not called"):
        list(ForgotAndAssignsNothing().parameters())


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
    keys = layer.load_state_dict({"bias": np.ones(2), "more": np.ones(1)}, strict=False)
    assert keys == (["weight"], ["more"])
    assert (keys.missing_keys, keys.unexpected_keys) == (["weight"], ["more"])
    assert layer.bias.tolist() == [1.0, 1.0]
    assert layer.load_state_dict(layer.state_dict()) == ([], [])
    with pytest.raises(ArgumentError, match="misshapen"):
        layer.load_state_dict({"bias": np.ones(3)}, strict=False)


def stack(depth):
    return nn.Sequential(*(nn.Linear(1, 1) for _ in range(depth)))


def refusal(module, state):
    with pytest.raises(ArgumentError) as caught:
        module.load_state_dict(state)
    return str(caught.value)


def test_long_lists_of_names_are_shortened():
    state = {f"{name}.more": value for name, value in stack(4).state_dict().items()}
    assert refusal(stack(110), state) == (
        "load_state_dict: the state does not fit Sequential.\n"
        "  missing: 0.weight, 0.bias, 1.weight, 1.bias, 2.weight … and 215 more\n"
        "  unexpected: 0.weight.more, 0.bias.more, 1.weight.more, 1.bias.more, 2.weight.more … "
        "and 3 more\n"
        "Names under which weights were published elsewhere are read by "
        "minidl.models.load_weights(module, path)."
    )


def test_a_prefix_of_all_names_is_pointed_out():
    state = {f"module.{name}": value for name, value in stack(1).state_dict().items()}
    assert refusal(stack(1), state) == (
        "load_state_dict: the state does not fit Sequential.\n"
        "  missing: 0.weight, 0.bias\n"
        "  unexpected: module.0.weight, module.0.bias\n"
        'Every name begins with "module.", which PyTorch\'s DataParallel adds. Remove it: '
        '{name.removeprefix("module."): value for name, value in state.items()}.'
    )
    renamed = {name.removeprefix("module."): value for name, value in state.items()}
    assert stack(1).load_state_dict(renamed) == ([], [])
    deeper = {f"net.body.{name}": value for name, value in stack(1).state_dict().items()}
    assert 'Every name begins with "net.body.". Remove it' in refusal(stack(1), deeper)
    assert "Every name" not in refusal(nn.Linear(1, 1), {"layer.kernel": [1.0]})


def test_a_prefix_that_all_names_lack_is_pointed_out():
    wrapped = nn.Sequential({"body": stack(2)})
    assert refusal(wrapped, stack(2).state_dict()).endswith(
        'Every name lacks "body." at its beginning. Load the state into module.body.'
    )
    wrapped.body.load_state_dict(stack(2).state_dict())


# ------------------------------------------------------------------------ copying, pickling


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_equal_and_independent_and_share_what_the_original_shared(again):
    net = nn.Sequential(Block(), nn.Linear(2, 2), nn.Linear(2, 2)).eval()
    net[2].weight = net[1].weight
    net[0].register_buffer("grid", minidl.ones(2), persistent=False)
    twin = again(net)
    assert list(twin.state_dict()) == list(net.state_dict())
    assert [type(p) for p in twin.parameters()] == [nn.Parameter] * 7
    assert all(p.requires_grad for p in twin.parameters())
    assert not twin.training
    assert twin[2].weight is twin[1].weight
    x = minidl.randn(1, 2, 4, 5)
    assert (twin[0](x) == net[0](x)).all()
    with minidl.no_grad():
        twin[1].weight.fill_(7)
        twin[0].norm.running_mean.fill_(7)
    assert not (net[1].weight == 7).any()
    assert not (net[0].norm.running_mean == 7).any()
    assert "grid" not in dict(twin[0].state_dict())


def test_a_module_that_holds_a_computed_tensor_is_not_copied():
    block = Block()
    block.cache = block.scale * 2
    for again in (copy.deepcopy, pickle.dumps):
        with pytest.raises(AutogradError, match=r"belongs to a graph. Use .detach\(\) first"):
            again(block)


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
        "  (0): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2), bias=False)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "  )\n"
        ")"
    )


@pytest.mark.oracle
def test_the_trees_drawn_are_pytorchs():
    torch = pytest.importorskip("torch")

    def tree(layers):
        class Inner(layers.Module):
            def __init__(self):
                super().__init__()
                self.items = layers.ModuleList([layers.ReLU(), layers.Tanh()])
                self.empty = layers.ModuleList()
                self.nothing = None
                self.register_module("down", None)

            def extra_repr(self):
                return "size=3"

        return repr(layers.Sequential(layers.Sequential(Inner()), layers.Flatten(), Inner()))

    assert tree(nn) == tree(torch.nn)


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


def test_a_grown_slice_keeps_all_its_layers():
    rest = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))[1:]
    rest.append(nn.Tanh())
    assert [type(m).__name__ for m in rest] == ["ReLU", "Linear", "Tanh"]


@pytest.mark.parametrize("make", [nn.Sequential, lambda *layers: nn.ModuleList(layers)])
def test_containers_are_extended_sliced_and_have_layers_replaced(make):
    layers = make(nn.Linear(2, 3))
    assert layers.extend([nn.ReLU(), nn.Linear(3, 1)]) is layers
    layers[-1] = nn.Linear(3, 5)
    assert [name for name, _ in layers.named_children()] == ["0", "1", "2"]
    assert layers[2].out_features == 5
    back = layers[1:]
    assert type(back) is type(layers)
    assert list(back) == [layers[1], layers[2]]
    with pytest.raises(DTypeError, match="a layer is 'relu'"):
        layers[1] = "relu"
    with pytest.raises(OutOfRangeError, match="the index is 3, but there are 3"):
        layers[3] = nn.ReLU()


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
        (lambda: nn.Sequential(nn.ReLU())["0"], DTypeError, "the index is '0', expected an int"),
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


# ------------------------------------------------------------------------------- containers


def names(container):
    return [f"{name}:{type(module).__name__}" for name, module in container.named_children()]


@pytest.mark.parametrize("container", [nn.Sequential, lambda *m: nn.ModuleList(m)])
def test_a_container_is_changed_as_a_list_is(container):
    layers = container(nn.ReLU(), nn.Tanh(), nn.Sigmoid())
    assert names(layers.insert(1, nn.SiLU())) == ["0:ReLU", "1:SiLU", "2:Tanh", "3:Sigmoid"]
    assert names(layers.insert(-1, nn.Identity()))[3:] == ["3:Identity", "4:Sigmoid"]
    assert names(layers.insert(99, nn.Flatten()))[5] == "5:Flatten"
    del layers[0]
    assert names(layers) == ["0:SiLU", "1:Tanh", "2:Identity", "3:Sigmoid", "4:Flatten"]
    del layers[1::2]
    assert names(layers) == ["0:SiLU", "1:Identity", "2:Flatten"]
    assert isinstance(layers.pop(-1), nn.Flatten)
    assert names(layers) == ["0:SiLU", "1:Identity"]
    with pytest.raises(IndexError):
        del layers[2]
    with pytest.raises(DTypeError):
        layers.insert(0, "layer")
    assert names(layers) == ["0:SiLU", "1:Identity"]


def test_names_of_a_container_stay_when_it_is_changed():
    net = nn.Sequential({"first": nn.ReLU(), "last": nn.Tanh()}).insert(0, nn.SiLU())
    assert names(net) == ["2:SiLU", "first:ReLU", "last:Tanh"]
    del net[1]
    assert names(net) == ["2:SiLU", "last:Tanh"]


def test_a_dict_of_modules():
    heads = nn.ModuleDict({"digit": nn.Linear(4, 3)})
    heads["parity"] = nn.Linear(4, 2)
    assert list(heads) == list(heads.keys()) == ["digit", "parity"]
    assert list(heads.items()) == list(zip(heads.keys(), heads.values(), strict=True))
    assert list(heads.state_dict())[::2] == ["digit.weight", "parity.weight"]
    assert ("parity" in heads, "sum" in heads, len(heads)) == (True, False, 2)
    replacement = nn.Linear(4, 5)
    heads.update({"digit": replacement})
    assert heads["digit"] is replacement
    assert heads.pop("digit") is replacement
    del heads["parity"]
    assert len(heads) == 0
    with pytest.raises(KeyError, match="there is no module 'parity'"):
        del heads["parity"]
    with pytest.raises(DTypeError):
        heads["x"] = 3
    with pytest.raises(ArgumentError, match="an attribute 'keys' already"):
        heads["keys"] = nn.ReLU()


def test_shared_modules_are_named_twice_if_asked_for():
    layer = nn.BatchNorm1d(2)
    net = nn.Sequential(layer, layer)
    assert [name for name, _ in net.named_modules()] == ["", "0"]
    assert [name for name, _ in net.named_modules(remove_duplicate=False)] == ["", "0", "1"]
    assert [name for name, _ in net.named_parameters(remove_duplicate=False)] == [
        *("0.weight", "0.bias", "1.weight", "1.bias")
    ]
    assert len(list(net.named_buffers(remove_duplicate=False))) == 6
    assert net.get_buffer("1.running_mean") is layer.running_mean
    assert net.get_parameter("1.weight") is layer.weight
