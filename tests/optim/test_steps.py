"""Every optimizer against a loop over single numbers; when parameters join, leave and move."""

import math

import numpy as np
import optim_cases as cases
import pytest

import minidl
from minidl import backends, optim
from minidl.backends.numpy import NumpyBackend
from minidl.errors import InPlaceError


def sgd(p, gradients, lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    b = None
    for g in gradients:
        g += weight_decay * p
        if momentum == 0:
            p -= lr * g
            continue
        b = g if b is None else momentum * b + (1 - dampening) * g
        p -= lr * (g + momentum * b) if nesterov else lr * b
    return p


def adam(p, gradients, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        p, m, v = adam_step(p, g + weight_decay * p, m, v, t, lr, *betas, eps)
    return p


def adamw(p, gradients, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        p, m, v = adam_step(p - lr * weight_decay * p, g, m, v, t, lr, *betas, eps)
    return p


def adam_step(p, g, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return p - lr * m_hat / (math.sqrt(v_hat) + eps), m, v


def rmsprop(
    p, gradients, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False
):
    v = a = b = 0.0
    for g in gradients:
        g += weight_decay * p
        v = alpha * v + (1 - alpha) * g**2
        a = alpha * a + (1 - alpha) * g
        d = g / (math.sqrt(v - a**2 if centered else v) + eps)
        b = momentum * b + d
        p -= lr * b
    return p


LOOPS = {"SGD": sgd, "Adam": adam, "AdamW": adamw, "RMSprop": rmsprop}


@pytest.mark.parametrize("name", cases.OPTIMIZERS)
def test_twenty_steps_in_float64_agree_with_the_loop(name):
    kind, options, second = cases.OPTIMIZERS[name]
    start, grads = cases.arrays(20, seed=5)
    params = [minidl.tensor(a, requires_grad=True) for a in start]
    for _ in cases.run(cases.make(optim, name, params), params, grads, minidl.tensor):
        pass
    for i, (p, array) in enumerate(zip(params, start, strict=True)):
        mine = options if i < 2 else {**options, **second}
        for place in np.ndindex(array.shape):
            gradients = [float(each[i][place]) for each in grads if each[i] is not None]
            expected = LOOPS[kind](float(array[place]), gradients, **mine)
            assert p.detach().numpy()[place] == pytest.approx(expected, rel=1e-12, abs=1e-13)


ALL = [
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("Adam", {"lr": 0.1}),
    ("AdamW", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.9, "centered": True}),
]


def stepped(kind, options, gradients, start=1.0):
    """A float64 number after these gradients; None: the parameter has none in that step."""
    p = minidl.tensor([start], dtype="float64", requires_grad=True)
    optimizer = getattr(optim, kind)([p], **options)
    for g in gradients:
        p.grad = None if g is None else minidl.tensor([g], dtype="float64")
        optimizer.step()
    return p.item()


@pytest.mark.filterwarnings("ignore::minidl.errors.ForgottenBackward")
@pytest.mark.parametrize(("kind", "options"), ALL)
def test_a_first_gradient_in_step_5_is_a_first_step(kind, options):
    late = stepped(kind, options, [None] * 4 + [2.0, None, -3.0])
    assert late == stepped(kind, options, [2.0, -3.0])
    assert late != 1.0


class Recording(NumpyBackend):
    """Notes how many parameters each kernel call moves, and in which step."""

    calls: list

    def adam_step(self, params, *lists, step, **options):
        self.calls.append((len(params), params[0].dtype.name, step))
        NumpyBackend.adam_step(params, *lists, step=step, **options)


def test_parameters_of_one_dtype_and_step_share_a_kernel_call():
    backend = Recording()
    backend.calls = []

    def leaf(dtype):
        return minidl.tensor([1.0], dtype=dtype, backend=backend, requires_grad=True)

    params = [leaf("float32"), leaf("float64"), leaf("float32"), leaf("float32")]
    optimizer = optim.Adam(params)
    for p in params[:3]:
        p.sum().backward()
    optimizer.step()
    params[3].sum().backward()
    optimizer.step()
    first = [(2, "float32", 1), (1, "float64", 1)]
    assert backend.calls == [*first, (2, "float32", 2), (1, "float64", 2), (1, "float32", 1)]


def test_momentum_switched_on_later_starts_with_the_whole_gradient_despite_dampening():
    p = minidl.zeros(1, dtype="float64", requires_grad=True)
    optimizer = optim.SGD([p], lr=1.0, dampening=0.5)
    for momentum in (0.0, 0.5, 0.5):
        optimizer.param_groups[0]["momentum"] = momentum
        p.grad = minidl.full((1,), 4.0, dtype="float64")
        optimizer.step()
    assert p.item() == -(4 + 4 + (2 + 2))


def test_groups_have_options_of_their_own():
    p, q = (minidl.ones(1, dtype="float64", requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([{"params": [p]}, {"params": q, "lr": 0.25}], lr=1.0)
    (p + q).sum().backward()
    optimizer.step()
    assert (p.item(), q.item()) == (0.0, 0.75)


def test_a_group_can_be_added_later():
    p, q = (minidl.ones(1, dtype="float64", requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        p.sum().backward()
        optimizer.step()
    optimizer.add_param_group({"params": [q], "lr": 0.25})
    optimizer.zero_grad()
    q.sum().backward()
    optimizer.step()
    assert q.item() == 0.75
    assert optimizer.parameters == [p, q]


def test_a_group_given_is_not_changed():
    group = {"params": (minidl.zeros(1) for _ in range(2))}
    optimizer = optim.SGD([group])
    assert list(group) == ["params"]
    assert len(optimizer.param_groups[0]["params"]) == 2


def test_lr_of_all_groups_can_be_read_and_set_together():
    optimizer = optim.SGD([{"params": [minidl.zeros(1)]}, {"params": [minidl.zeros(1)]}], lr=0.5)
    assert optimizer.lr == 0.5
    optimizer.lr = 0.25
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_a_step_is_in_place_raises_the_version_and_leaves_the_gradient(kind, options):
    p = minidl.ones(2, requires_grad=True)
    array = p._array
    (p * 3).sum().backward()
    optimizer = getattr(optim, kind)([p], **options)
    optimizer.step()
    assert p._array is array
    assert p.version == 1
    assert p.grad.tolist() == [3.0, 3.0]
    assert p.tolist() != [1.0, 1.0]
    optimizer.zero_grad()
    assert p.grad is None


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_backward_through_values_from_before_the_step_is_refused(kind, options):
    p = minidl.ones(2, requires_grad=True)
    y = (p * p).sum()
    p.grad = minidl.ones(2)
    getattr(optim, kind)([p], **options).step()
    with pytest.raises(InPlaceError):
        y.backward()


@pytest.mark.parametrize(("kind", "options"), ALL)
def test_the_state_follows_a_parameter_to_another_dtype_and_backend(kind, options):
    name = "optim-twin"
    if name not in backends.names():
        backends.register(name, NumpyBackend)
    module = minidl.nn.Linear(1, 1, bias=False)
    with minidl.no_grad():
        module.weight.fill_(1.0)
    optimizer = getattr(optim, kind)(module.parameters(), **options)
    module.weight.grad = minidl.full((1, 1), 2.0)
    optimizer.step()
    module.to(name, "float64")
    module.weight.grad = module.weight.new_full((1, 1), -3.0)
    optimizer.step()
    assert module.weight.dtype == np.float64
    assert module.weight.item() == pytest.approx(stepped(kind, options, [2.0, -3.0]), rel=1e-6)
    assert all(
        t.backend.name == name and t.dtype == np.float64
        for key, t in optimizer.state[module.weight].items()
        if key != "step"
    )


def test_a_refused_step_changes_nothing():
    array = np.ones(1, np.float32)
    array.flags.writeable = False
    p, q = minidl.ones(1, requires_grad=True), minidl.from_numpy(array, requires_grad=True)
    p.grad, q.grad = minidl.ones(1), minidl.ones(1)
    optimizer = optim.Adam([p, q])
    with pytest.raises(InPlaceError, match=r"Adam\.step: the tensor is a read-only"):
        optimizer.step()
    assert p.item() == 1.0
    assert optimizer.state == {}


def test_shapes_without_data_can_be_optimized():
    p = minidl.zeros(3, 2).to("meta").requires_grad_()
    p.sum().backward()
    optimizer = optim.Adam([p])
    optimizer.step()
    assert optimizer.state[p]["exp_avg"].shape == (3, 2)


def test_strided_parameters_are_written_through():
    base = minidl.zeros(4, 3)
    p = base[::2, ::-1].detach().requires_grad_()
    p.grad = minidl.arange(6, dtype="float32").reshape(2, 3)
    optim.SGD([p], lr=1.0, momentum=0.9).step()
    assert base.tolist() == [[-2.0, -1.0, 0.0], [0.0] * 3, [-5.0, -4.0, -3.0], [0.0] * 3]
