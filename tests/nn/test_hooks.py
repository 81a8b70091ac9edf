"""Hooks on modules: what they see, what they may replace, and when they run."""

import copy
from typing import Any, NamedTuple

import numpy as np
import pytest

import minidl
from minidl import autograd, nn
from minidl.errors import AutogradError, DTypeError, InPlaceError


class Scale(nn.Module):
    """x · factor, and what else it is given."""

    def forward(self, x, factor=2.0, *, shift=0.0):
        return x * factor + shift


class Two(nn.Module):
    """Two outputs."""

    def forward(self, x, y):
        return x * 2, x * y


def test_a_module_without_hooks_says_so():
    layer = nn.ReLU()
    assert not layer.has_hooks
    handles = [
        layer.register_forward_pre_hook(print),
        layer.register_forward_hook(print),
        layer.register_full_backward_pre_hook(print),
        layer.register_full_backward_hook(print),
    ]
    for handle in handles:
        assert layer.has_hooks
        handle.remove()
        handle.remove()
    assert not layer.has_hooks


def test_hooks_run_around_forward_in_the_order_of_registration():
    log: list[Any] = []

    class Says(nn.Module):
        def forward(self, x):
            log.append("forward")
            return x + 1

    module = Says()
    for i in (1, 2):
        module.register_forward_hook(lambda m, args, y, i=i: log.append((i, m, args, y)))
        module.register_forward_pre_hook(lambda m, args, i=i: log.append((-i, m, args)))
    x = minidl.ones(2)
    y = module(x)
    assert log == [
        (-1, module, (x,)),
        (-2, module, (x,)),
        "forward",
        (1, module, (x,), y),
        (2, module, (x,), y),
    ]


def test_forward_hooks_replace_inputs_and_outputs():
    module = Scale()
    module.register_forward_pre_hook(lambda m, args: args[0] + 1)
    module.register_forward_pre_hook(lambda m, args: (args[0], 10.0))
    module.register_forward_hook(lambda m, args, y: y + args[0])
    module.register_forward_hook(lambda m, args, y: [y])
    assert module(minidl.ones(1))[0].tolist() == [22.0]


def test_hooks_with_kwargs_see_and_replace_them():
    module = Scale()
    seen = []
    x = minidl.ones(1)

    def forget_shift(m, args, kwargs):
        seen.append((args, dict(kwargs)))
        return (*args, 3.0), {}

    with module.register_forward_pre_hook(forget_shift, with_kwargs=True):
        module.register_forward_hook(
            lambda m, args, kwargs, y: seen.append((args, kwargs, y.item())), with_kwargs=True
        )
        assert module(x, shift=5.0).item() == 3.0
    assert seen == [((x,), {"shift": 5.0}), ((x, 3.0), {}, 3.0)]
    assert module(x, shift=5.0).item() == 7.0
    assert seen[2] == ((x,), {"shift": 5.0}, 7.0)


def test_a_hook_may_remove_itself_while_it_runs():
    module, calls = nn.Identity(), []
    register = {
        "forward_pre": module.register_forward_pre_hook,
        "forward": module.register_forward_hook,
        "backward_pre": module.register_full_backward_pre_hook,
        "backward": module.register_full_backward_hook,
    }
    handles = {}

    def once(kind):
        def hook(*_):
            calls.append(kind)
            handles[kind].remove()

        return hook

    for kind, add in register.items():
        handles[kind] = add(once(kind))
        add(lambda *_, kind=kind: calls.append(f"{kind} again"))
    for _ in range(2):
        module(minidl.ones(2, requires_grad=True)).sum().backward()
    first = [c for kind in register for c in (kind, f"{kind} again")]
    assert calls == first + [f"{kind} again" for kind in register]


def test_a_copy_has_the_hooks_and_its_own_list_of_them():
    module, calls = nn.Identity(), []
    handle = module.register_forward_hook(lambda *_: calls.append(1))
    twin = copy.deepcopy(module)
    handle.remove()
    module(minidl.ones(1))
    assert calls == []
    twin(minidl.ones(1))
    assert calls == [1]


# --------------------------------------------------------------------------------- backward


def leaf(*values):
    return minidl.tensor(values, requires_grad=True)


def test_backward_hooks_see_the_gradients_of_inputs_and_outputs():
    module, log = Two(), []
    module.register_full_backward_pre_hook(lambda m, dy: log.append(("before", m, dy)))
    module.register_full_backward_hook(lambda m, dx, dy: log.append(("after", m, dx, dy)))
    x, y = leaf(1.0, 2.0), leaf(5.0, 7.0)
    a, b = module(x, y)
    (a * 3 + b * 10).sum().backward()
    (before, m, first), (after, n, grad_input, grad_output) = log
    assert (before, after) == ("before", "after")
    assert m is n is module
    assert [g.tolist() for g in first] == [[3.0, 3.0], [10.0, 10.0]]
    assert all(p is q for p, q in zip(first, grad_output, strict=True))
    assert [g.tolist() for g in grad_input] == [[56.0, 76.0], [10.0, 20.0]]
    assert x.grad.tolist() == [56.0, 76.0]
    assert y.grad.tolist() == [10.0, 20.0]


def test_an_input_without_gradient_is_none_to_backward_hooks():
    module, log = Scale(), []
    module.register_full_backward_hook(lambda m, dx, dy: log.append((dx, dy)))
    x = leaf(1.0)
    module(x, 4.0, shift=leaf(1.0)).backward()
    ((dx, nothing), (dy,)) = log[0]
    assert (dx.item(), nothing, dy.item()) == (4.0, None, 1.0)
    module(minidl.ones(1), leaf(2.0)).backward()
    assert log[1][0][0] is None
    assert log[1][0][1].item() == 1.0


def test_the_first_layer_has_no_gradient_of_its_input_but_its_hooks_run():
    layer, log = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, dx, dy: log.append((dx, dy[0].tolist())))
    layer(minidl.ones(3, 2)).sum().backward()
    assert log == [((None,), [[1.0], [1.0], [1.0]])]
    assert layer.weight.grad.tolist() == [[3.0, 3.0]]


def test_an_unused_output_has_a_gradient_of_zeros():
    module, log = Two(), []
    module.register_full_backward_hook(lambda m, dx, dy: log.append([g.tolist() for g in dy]))
    module(leaf(1.0), leaf(2.0))[1].backward()
    assert log == [[[0.0], [1.0]]]


def test_backward_hooks_replace_gradients():
    module = Two()
    module.register_full_backward_pre_hook(lambda m, dy: (dy[0] * 0, dy[1] * 2))
    module.register_full_backward_hook(lambda m, dx, dy: (dx[0] + dy[1], dx[1]))
    module.register_full_backward_hook(lambda m, dx, dy: (dx[0] * 100, dx[1]))
    x, y = leaf(3.0), leaf(5.0)
    a, b = module(x, y)
    (a + b).backward()
    assert x.grad.item() == (2 * 5 + 2) * 100
    assert y.grad.item() == 2 * 3


def test_outputs_of_a_named_tuple_keep_their_names():
    class Pair(NamedTuple):
        main: Any
        other: Any

    class Named(nn.Module):
        def forward(self, x):
            return Pair(x * 2, "label")

    module, log = Named(), []
    module.register_full_backward_hook(lambda m, dx, dy: log.append((dx[0].item(), dy)))
    y = module(leaf(1.0))
    assert isinstance(y, Pair)
    y.main.backward()
    assert log[0][0] == 2.0
    assert log[0][1][1] is None


def test_hooks_of_nested_modules_run_from_the_outermost_output_inwards():
    net, log = nn.Sequential(nn.Linear(2, 3), nn.ReLU()), []
    for name, module in net.named_modules():
        module.register_full_backward_pre_hook(lambda m, dy, name=name: log.append(f"{name}<"))
        module.register_full_backward_hook(lambda m, dx, dy, name=name: log.append(f">{name}"))
    net(minidl.ones(1, 2, requires_grad=True)).sum().backward()
    assert log == ["<", "1<", ">1", "0<", ">0", ">"]


def test_a_module_called_twice_shows_each_calls_gradients():
    module, log = Scale(), []
    module.register_full_backward_hook(lambda m, dx, dy: log.append((dx[0].item(), dy[0].item())))
    x = leaf(1.0)
    module(module(x, 3.0), 5.0).backward()
    assert log == [(5.0, 1.0), (15.0, 5.0)]


def test_hooks_run_in_every_backward_over_a_retained_graph():
    module, log = Scale(), []
    module.register_full_backward_hook(lambda m, dx, dy: log.append(dy[0].item()))
    y = module(leaf(1.0))
    y.backward(retain_graph=True)
    y.backward(minidl.tensor([7.0]))
    assert log == [1.0, 7.0]


def test_gradients_of_gradients_pass_through_backward_hooks():
    class Cube(nn.Module):
        def forward(self, x):
            return x**3

    module, x = Cube(), leaf(2.0)
    module.register_full_backward_hook(lambda m, dx, dy: (dx[0] * 2,))
    (first,) = autograd.grad(module(x), x, create_graph=True)
    assert first.item() == 2 * 3 * 4
    assert autograd.grad(first, x)[0].item() == 2 * 2 * 3 * 2


def test_no_graph_means_no_backward_hooks_and_nothing_between():
    module = nn.Identity()
    module.register_full_backward_hook(print)
    x = leaf(1.0)
    with minidl.no_grad():
        assert module(x) is x
    y = minidl.ones(2)
    assert module(y) is y


@pytest.mark.parametrize("inputs", ["float32", "float64"])
def test_gradients_are_the_same_with_hooks_as_without(inputs):
    def gradients(watched):
        minidl.manual_seed(0)
        net = nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 3 * 4, 3)
        ).to(inputs)
        if watched:
            for module in net.modules():
                module.register_full_backward_hook(lambda *_: None)
                module.register_full_backward_pre_hook(lambda *_: None)
                module.register_forward_hook(lambda *_: None)
                module.register_forward_pre_hook(lambda *_: None)
        x = minidl.randn(3, 2, 5, 6, dtype=inputs, requires_grad=True)
        (net(x) ** 2).sum().backward()
        return [t.grad.numpy() for t in (x, *net.parameters())]

    for with_hooks, without in zip(gradients(True), gradients(False), strict=True):
        np.testing.assert_array_equal(with_hooks, without)


# ------------------------------------------------------------------------------------ fused

ACTIVATIONS = {"identity": nn.Identity, "relu": nn.ReLU, "relu6": nn.ReLU6, "silu": nn.SiLU}


@pytest.mark.parametrize("on", ["norm", "activation"])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_hooks_inside_norm_act_see_what_they_would_in_the_single_steps(activation, residual, on):
    def run(end):
        minidl.manual_seed(1)
        norm, act, log = nn.BatchNorm2d(3).double(), ACTIVATIONS[activation](), []
        nn.init.normal_(norm.weight, 1.0, 0.5)
        x = minidl.randn(2, 3, 4, 5, dtype="float64", requires_grad=True)
        r = minidl.randn(2, 3, 4, 5, dtype="float64", requires_grad=True) if residual else None
        watched = norm if on == "norm" else act
        watched.register_forward_pre_hook(lambda m, args: log.extend(args))
        watched.register_forward_hook(lambda m, args, y: log.append(y))
        watched.register_full_backward_hook(lambda m, dx, dy: log.extend((*dx, *dy)))
        y = end(x, norm, act, r)
        (y * minidl.randn(2, 3, 4, 5, dtype="float64")).sum().backward()
        return [t.detach().numpy() for t in (y, x.grad, *([r.grad] if residual else []), *log)]

    def single_steps(x, norm, act, r):
        x = norm(x)
        return act(x if r is None else x + r)

    seen, expected = run(nn.norm_act), run(single_steps)
    assert len(seen) == (3 if residual else 2) + 4
    for got, want in zip(seen, expected, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_hooks_inside_norm_act_change_neither_results_nor_gradients(activation):
    def run(hooked):
        minidl.manual_seed(1)
        norm, act = nn.BatchNorm2d(3).double(), ACTIVATIONS[activation]()
        if hooked:
            norm.register_forward_hook(lambda *_: None)
        x = minidl.randn(2, 3, 4, 5, dtype="float64", requires_grad=True)
        y = nn.norm_act(x, norm, act, x * 2)
        (y * minidl.randn(2, 3, 4, 5, dtype="float64")).sum().backward()
        return y.detach(), x.grad, norm.weight.grad, norm.running_var

    for fused, steps in zip(run(False), run(True), strict=True):
        np.testing.assert_allclose(fused.numpy(), steps.numpy(), rtol=1e-12, atol=1e-13)


# --------------------------------------------------------------------------------- mistakes


def backward_with(hook=None, pre=None):
    def act():
        module = Two()
        if hook:
            module.register_full_backward_hook(hook)
        if pre:
            module.register_full_backward_pre_hook(pre)
        sum(module(leaf(1.0), leaf(2.0))).backward()

    return act


class GivesADict(nn.Module):
    def forward(self, x):
        return {"x": x}


def watched_dict():
    module = GivesADict()
    module.register_full_backward_hook(print)
    module(leaf(1.0))


def wrong_pair():
    module = Scale()
    module.register_forward_pre_hook(lambda m, args, kwargs: args, with_kwargs=True)
    module(leaf(1.0))


MISTAKES = {
    "no function": (
        lambda: nn.ReLU().register_forward_hook(3),
        DTypeError,
        "ReLU: the hook is a int, expected a function.",
    ),
    "one gradient for two": (
        backward_with(lambda m, dx, dy: dx[0]),
        AutogradError,
        "the result has 1 gradients, expected None or 2, as many as it was given.",
    ),
    "a gradient of another shape": (
        backward_with(lambda m, dx, dy: (dx[0], minidl.ones(3))),
        AutogradError,
        "gradient 1 of the result is (3,) float32, expected the given one's (1,) float32.",
    ),
    "a gradient that is no tensor": (
        backward_with(pre=lambda m, dy: (1.0, dy[1])),
        AutogradError,
        "gradient 0 of the result is a float, expected a Tensor of the given one's (1,) float32.",
    ),
    "a gradient changed in place": (
        backward_with(lambda m, dx, dy: dx[0].mul_(2) and None),
        InPlaceError,
        "changed a gradient in place, which other tensors may share. Return a new tensor instead.",
    ),
    "a dict as the output": (
        watched_dict,
        DTypeError,
        "GivesADict: the output is a dict, expected a Tensor or a tuple of them, since the module "
        "has a backward hook.",
    ),
    "no pair": (
        wrong_pair,
        DTypeError,
        "expected None or a pair of a tuple and a dict, (args, kwargs), since it was registered "
        "using with_kwargs.",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistaken_hook_is_explained(mistake):
    act, error, sentence = MISTAKES[mistake]
    with pytest.raises(error) as caught:
        act()
    assert str(caught.value).endswith(sentence)


def test_a_gradient_where_there_is_none_is_refused():
    layer = nn.Linear(1, 1)
    layer.register_full_backward_hook(lambda m, dx, dy: dy)
    with pytest.raises(AutogradError, match=r"gradient 0 of the result is a Tensor, expected None"):
        layer(minidl.ones(1, 1)).backward()


# ---------------------------------------------------------------------------------- PyTorch


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore:Full backward hook is firing:UserWarning")
def test_hooks_are_called_as_pytorch_calls_them():
    torch = pytest.importorskip("torch")

    def log_of(library, layers, x, second):
        log = []

        def values(items):
            return [None if g is None else np.asarray(g.tolist()).round(5).tolist() for g in items]

        class Net(layers.Module):
            def __init__(self):
                super().__init__()
                self.first, self.act = layers.Linear(2, 2), layers.Tanh()

            def forward(self, x, second):
                return self.act(self.first(x)) * second, x * 2

        net = Net()
        with library.no_grad():
            net.first.weight.fill_(0.5)
            net.first.bias.fill_(0.25)
        for name, module in net.named_modules():
            module.register_forward_pre_hook(lambda m, a, n=name: log.append((n, 0, len(a))))
            module.register_forward_hook(
                lambda m, a, y, n=name: log.append((n, 1, type(y) is not tuple))
            )
            module.register_full_backward_pre_hook(
                lambda m, dy, n=name: log.append((n, 2, values(dy)))
            )
            module.register_full_backward_hook(
                lambda m, dx, dy, n=name: log.append((n, 3, values(dx), values(dy)))
            )
        y, z = net(x, second)
        (y.sum() + z.sum() * 3).backward()
        return log

    # Both inputs, or neither: of one alone PyTorch says zeros where it should say None.
    for need in (True, False):
        x, second = [[1.0, -2.0], [0.5, 3.0]], [2.0, 3.0]
        ours, theirs = (
            log_of(
                library,
                layers,
                library.tensor(x, requires_grad=need),
                library.tensor(second, requires_grad=need),
            )
            for library, layers in ((minidl, nn), (torch, torch.nn))
        )
        assert ours == theirs


def test_a_handle_says_whether_the_hook_is_still_there():
    handle = nn.ReLU().register_forward_hook(print)
    assert repr(handle) == "RemovableHandle(registered)"
    handle.remove()
    assert repr(handle) == "RemovableHandle(removed)"
