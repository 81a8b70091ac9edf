"""deepcopy, pickle, DLPack and NumPy: what leaves a tensor and comes back."""

import copy
import operator
import pickle

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.errors import AutogradError, BackendError, DTypeError

COPIERS = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda t: pickle.loads(pickle.dumps(t)),
}


@pytest.mark.parametrize("name", COPIERS)
@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_copies_are_equal_and_independent(name, shape, dtype):
    x = minidl.ones(shape, dtype=dtype)
    y = COPIERS[name](x)
    assert (type(y), y.shape, y.dtype, y.backend) == (type(x), x.shape, x.dtype, x.backend)
    assert (y == x).all()
    assert not np.shares_memory(x._array, y._array)
    x.fill_(0)
    assert y.version == 0
    assert (y == 1).all()


def test_a_shallow_copy_shares_memory_and_version():
    p = nn.Parameter(minidl.ones(2))
    q = copy.copy(p)
    assert type(q) is nn.Parameter
    assert q.requires_grad
    with minidl.no_grad():
        p.fill_(3)
    assert q.tolist() == [3.0, 3.0]
    assert q.version == p.version == 1
    with pytest.raises(AutogradError, match="copy: the tensor was computed"):
        copy.copy(p * 2)


@pytest.mark.parametrize("name", COPIERS)
def test_copies_keep_the_class_and_requires_grad(name):
    p = nn.Parameter(minidl.ones(2))
    q = COPIERS[name](p)
    assert type(q) is nn.Parameter
    assert q.requires_grad
    assert q.is_leaf


def test_deepcopy_keeps_the_gradient_and_pickle_does_not():
    x = minidl.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    assert copy.deepcopy(x).grad.tolist() == [3.0, 3.0]
    assert not np.shares_memory(copy.deepcopy(x).grad._array, x.grad._array)
    assert pickle.loads(pickle.dumps(x)).grad is None


@pytest.mark.parametrize("name", COPIERS)
def test_a_computed_tensor_is_refused(name):
    y = minidl.ones(2, requires_grad=True) * 2
    with pytest.raises(AutogradError, match=r"belongs to a graph\. Use \.detach\(\) first"):
        COPIERS[name](y)


@pytest.mark.parametrize("name", ["deepcopy", "pickle"])
def test_a_copied_module_computes_the_same_and_trains_apart(name):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten())
    x = minidl.rand(2, 1, 5, 4)
    net(x)
    twin = COPIERS[name](net)
    assert twin.state_dict().keys() == net.state_dict().keys()
    assert (twin.eval()(x) == net.eval()(x)).all()
    with minidl.no_grad():
        next(net.parameters()).fill_(0)
    assert not (next(twin.parameters()) == 0).all()


def test_deepcopy_keeps_what_is_shared_shared():
    shared = nn.Linear(2, 2)
    twin = copy.deepcopy(nn.Sequential(shared, shared))
    assert twin[0] is twin[1]
    assert len(list(twin.parameters())) == 2


def test_a_module_without_data_can_be_deep_copied():
    with minidl.use_backend("meta"):
        net = nn.Linear(2, 3)
    assert copy.deepcopy(net).weight.shape == (3, 2)


# ------------------------------------------------------------------------------------ NumPy


def test_numpy_and_from_numpy_share_memory():
    array = np.arange(6.0).reshape(2, 3)
    x = minidl.from_numpy(array)
    assert x.dtype == np.float64
    assert np.shares_memory(x.numpy(), array)


def test_array_protocol_honours_dtype_and_copy():
    x = minidl.ones(2)
    assert np.shares_memory(np.asarray(x), x._array)
    assert np.asarray(x, np.float64).dtype == np.float64
    fresh = np.array(x, copy=True)
    assert not np.shares_memory(fresh, x._array)
    fresh[0] = 3  # writable
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, np.float64, copy=False)


@pytest.mark.parametrize("act", [np.asarray, lambda x: x.numpy(), lambda x: np.from_dlpack(x)])
def test_a_tensor_that_requires_a_gradient_does_not_leave_silently(act):
    with pytest.raises(AutogradError, match="detach"):
        act(minidl.ones(1, requires_grad=True))


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "@": lambda a, b: a @ b,
}


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("array_first", [False, True])
def test_arrays_and_tensors_mix_without_losing_the_graph(sign, array_first):
    array, x = np.array([1.0, 2.0]), minidl.tensor([3.0, 4.0], dtype="float64", requires_grad=True)
    pair = (array, x) if array_first else (x, array)
    y = OPERATORS[sign](*pair)
    assert y.requires_grad
    plain = [t if isinstance(t, np.ndarray) else t.detach().numpy() for t in pair]
    np.testing.assert_allclose(y.detach().numpy(), OPERATORS[sign](*plain), rtol=1e-14)


def test_comparisons_with_arrays_give_tensors():
    x = minidl.tensor([1.0, 3.0], dtype="float64")
    assert (np.array([2.0, 2.0]) < x).tolist() == [False, True]
    assert (np.array([1.0, 2.0]) == x).tolist() == [True, False]


NUMPY_FUNCTIONS = {
    "exp": (np.exp, "use x.exp(), or np.exp(x.detach().numpy())."),
    "negative": (np.negative, "use np.negative(x.detach().numpy())."),
    "add.reduce": (np.add.reduce, "use np.add.reduce(x.detach().numpy())."),
    "mean": (np.mean, "use x.mean(), or np.mean(x.detach().numpy())."),
    "sum": (np.sum, "use x.sum(), or np.sum(x.detach().numpy())."),
    "argmax": (np.argmax, "use x.argmax(), or np.argmax(x.detach().numpy())."),
    "reshape": (lambda x: np.reshape(x, 2), "use x.reshape(), or np.reshape(x.detach().numpy())."),
    "stack": (lambda x: np.stack([x, x]), "use np.stack(x.detach().numpy())."),
}


@pytest.mark.parametrize("name", NUMPY_FUNCTIONS)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_numpy_functions_refuse_tensors_instead_of_dropping_the_graph(name, requires_grad):
    act, advice = NUMPY_FUNCTIONS[name]
    with pytest.raises(DTypeError) as caught:
        act(minidl.ones(2, requires_grad=requires_grad))
    assert str(caught.value) == f"{name}: NumPy's functions don't take tensors; {advice}"


def test_numpy_does_not_write_into_an_array_what_a_tensor_computes():
    array = np.ones(2)
    with pytest.raises(DTypeError, match="subtract: NumPy can't write a tensor's result"):
        array -= minidl.ones(2)


ARRAY_OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "@": operator.matmul,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "&": lambda a, b: (a > 1.5) & (b > 2.5),
    "|": lambda a, b: (a > 1.5) | (b > 2.5),
}


@pytest.mark.parametrize("name", ARRAY_OPERATORS)
def test_an_operator_of_an_array_and_a_tensor_makes_a_tensor(name):
    compute = ARRAY_OPERATORS[name]
    a, b = np.array([[1.0, 2.0], [3.0, 0.5]]), np.array([[2.0, 2.0], [4.0, 3.0]])
    expected = compute(a, b)
    for result in (compute(a, minidl.tensor(b)), compute(minidl.tensor(a), b)):
        assert isinstance(result, minidl.Tensor)
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-15)


def test_an_operator_of_an_array_and_a_tensor_is_recorded():
    x = minidl.tensor([2.0, 3.0], requires_grad=True)
    (np.array([5.0, 7.0], dtype="float32") * x).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]
    assert np.multiply(np.float64(2), x).requires_grad


# ----------------------------------------------------------------------------------- DLPack


def test_dlpack_both_ways_shares_memory_with_numpy():
    x = minidl.arange(4.0)
    there = np.from_dlpack(x)
    assert np.shares_memory(there, x._array)
    back = minidl.from_dlpack(np.arange(3.0))
    assert back.tolist() == [0.0, 1.0, 2.0]
    source = np.arange(3.0)
    assert np.shares_memory(minidl.from_dlpack(source)._array, source)


def test_dlpack_between_tensors():
    x = minidl.arange(4.0)
    assert np.shares_memory(minidl.from_dlpack(x)._array, x._array)


@pytest.mark.oracle
def test_dlpack_both_ways_shares_memory_with_torch():
    torch = pytest.importorskip("torch")
    t = torch.arange(4.0)
    x = minidl.from_dlpack(t)
    t[0] = 9
    assert x.tolist() == [9.0, 1.0, 2.0, 3.0]
    there = torch.from_dlpack(minidl.arange(3.0))
    assert there.tolist() == [0.0, 1.0, 2.0]


def test_views_of_foreign_memory_share_a_version():
    x = minidl.from_dlpack(np.arange(4.0))
    view = x[1:].reshape(3, 1)
    assert view.version == x.version
    assert view._storage is x._storage


def test_dlpack_refusals():
    with pytest.raises(DTypeError, match="from_dlpack: the argument is a list"):
        minidl.from_dlpack([1.0])
    with pytest.raises((BackendError, AttributeError)):
        minidl.zeros(2, backend="meta").__dlpack__()


# ---------------------------------------------------------------------------------- tensor()


def test_big_endian_arrays_become_native():
    array = np.array([1, 2], ">i4")
    x = minidl.tensor(array)
    assert x.dtype.isnative
    assert x.tolist() == [1, 2]
    with pytest.raises(DTypeError, match="bytes are swapped"):
        minidl.from_numpy(array)
    assert (minidl.ones(2, dtype="float64") + np.array([1.0, 2.0], ">f8")).tolist() == [2.0, 3.0]


def test_subclasses_of_arrays_become_plain():
    masked = np.ma.array([1.0, 2.0], mask=[True, False])
    assert type(minidl.tensor(masked)._array) is np.ndarray
    assert type(minidl.from_numpy(np.matrix([[1.0]]))._array) is np.ndarray


def test_tensor_copies_and_from_numpy_does_not():
    array = np.ones(2, np.float32)
    copied, shared = minidl.tensor(array), minidl.from_numpy(array)
    array[0] = 5
    assert copied.tolist() == [1.0, 1.0]
    assert shared.tolist() == [5.0, 1.0]
    x = minidl.ones(2)
    y = minidl.tensor(x)
    x.fill_(3)
    assert y.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.5, "float32"),
        ([1, 2], "int64"),
        ([1, 2.0], "float32"),
        (True, "bool"),
        ([], "float32"),
        (np.float64(1), "float64"),
        (np.ones(2), "float64"),
        (np.ones(2, np.uint8), "uint8"),
    ],
)
def test_dtype_of_new_tensors(data, dtype):
    assert minidl.tensor(data).dtype == dtype


def test_deepcopy_of_a_gradient_does_not_stand_in_for_another_tensor():
    class Holder:
        def __init__(self, t):
            self.t = t

        def __getstate__(self):
            return {"t": self.t.detach()}  # a new object, which may get a freed one's id

    p = minidl.ones(2, requires_grad=True)
    p.grad = minidl.tensor([5.0, 5.0])
    holders = [Holder(minidl.tensor([float(i), -1.0])) for i in range(20)]
    copied = copy.deepcopy([p, *holders])
    assert copied[0].grad.tolist() == [5.0, 5.0]
    assert [h.t.tolist() for h in copied[1:]] == [[float(i), -1.0] for i in range(20)]


def test_deepcopy_detaches_a_gradient_with_a_graph():
    x = minidl.tensor([2.0], requires_grad=True)
    (x**3).sum().backward(create_graph=True)
    copied = copy.deepcopy(x)
    assert copied.grad.is_leaf
    assert copied.grad.tolist() == [12.0]
    x.grad = None
