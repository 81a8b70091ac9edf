"""Every backend and every spec has the contract's signatures, and xp its list."""

import importlib
import inspect
import pathlib
import re

import numpy as np
import pytest

import minidl
from minidl import backends
from minidl.backends.contract import XP_FUNCTIONS, Backend, Namespace, kernel_names
from minidl.backends.meta import MetaBackend
from minidl.backends.numpy import NumpyBackend
from minidl_kernels.common.array_spec import ArraySpec


def shape_of(function):
    """A function's parameters: name, kind, default; without self."""
    parameters = list(inspect.signature(function).parameters.values())
    if parameters and parameters[0].name == "self":
        parameters = parameters[1:]
    return [(p.name, p.kind, p.default) for p in parameters]


@pytest.mark.parametrize("kernel", kernel_names())
@pytest.mark.parametrize("backend", [NumpyBackend, MetaBackend], ids=lambda b: b.name)
def test_kernels_have_the_contracts_signature(backend, kernel):
    assert shape_of(getattr(backend, kernel)) == shape_of(getattr(Backend, kernel))


@pytest.mark.parametrize("name", ["numba", "cuda-on-cpu"])
def test_partial_backends_have_the_contracts_signatures_for_what_they_have(name):
    if name == "numba":
        pytest.importorskip("numba")
    backend = backends.get(name)
    present = [k for k, where in backends.capabilities(name).items() if where != "missing"]
    assert present
    for kernel in present:
        assert shape_of(getattr(backend, kernel)) == shape_of(getattr(Backend, kernel)), kernel


@pytest.mark.parametrize("kernel", kernel_names())
def test_the_meta_backends_kernels_are_the_specs(kernel):
    module = importlib.import_module(getattr(MetaBackend, kernel).__module__)
    assert module.__name__.startswith("minidl_kernels.")
    assert module.__name__.endswith(".spec")


@pytest.mark.parametrize("backend", [NumpyBackend, MetaBackend], ids=lambda b: b.name)
def test_arrays_part_has_the_contracts_signatures(backend):
    methods = [
        name
        for name, member in vars(Backend).items()
        if inspect.isfunction(member) and not name.startswith("_") and name not in kernel_names()
    ]
    assert "index_add" in methods
    for name in methods:
        assert shape_of(getattr(backend, name)) == shape_of(getattr(Backend, name)), name


@pytest.mark.parametrize("backend", [NumpyBackend, MetaBackend], ids=lambda b: b.name)
def test_xp_is_exactly_the_written_list(backend):
    assert sorted(vars(backend.xp)) == sorted(XP_FUNCTIONS)
    assert len(set(XP_FUNCTIONS)) == len(XP_FUNCTIONS)


def test_xp_is_read_only_and_names_what_it_lacks():
    xp = NumpyBackend.xp
    with pytest.raises(AttributeError, match=r"xp\.fft is not in the contract's list"):
        _ = xp.fft
    with pytest.raises(AttributeError, match="read-only and shared"):
        xp.add = None
    assert Namespace(add=np.add).extended(exp=np.exp).exp is np.exp


SAMPLES = {
    "element-wise": (
        ("negative", "absolute", "sign", "exp", "log", "sqrt", "square", "floor", "isnan", "cos"),
        [((2, 3),), {}],
    ),
    "binary": (
        ("add", "subtract", "multiply", "divide", "maximum", "less", "power", "logical_or"),
        [((2, 1, 3), (4, 1)), {}],
    ),
    "reductions": (
        ("sum", "mean", "var", "max", "min", "any", "all"),
        [((2, 3, 4),), {"axis": (0, 2), "keepdims": True}],
    ),
    "reductions to a number": (("sum", "mean", "max", "argmax"), [((2, 3),), {}]),
    "positions": (("argmax", "argmin"), [((2, 3),), {"axis": -1}]),
}


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_xp_without_data_gives_numpys_shapes_and_dtypes(kind, dtype):
    names, (shapes, arguments) = SAMPLES[kind]
    for name in names:
        arrays = [np.ones(shape, dtype) for shape in shapes]
        try:
            expected = np.asarray(getattr(np, name)(*arrays, **arguments))
        except TypeError:
            continue  # bool − bool and the like
        specs = [ArraySpec(a.shape, a.dtype) for a in arrays]
        found = getattr(MetaBackend.xp, name)(*specs, **arguments)
        assert found.shape == expected.shape, name
        assert found.dtype == expected.dtype, name


X, ROWS = ArraySpec((3, 4), "float32"), ArraySpec((2, 4), "float32")


@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        ("concatenate", ([X, ROWS],), {"axis": 1}),
        ("concatenate", ([X, ROWS],), {"axis": 2}),
        ("reshape", (X, (5, -1)), {}),
        ("reshape", (X, (3, 5)), {}),
        ("broadcast_to", (X, (3, 5)), {}),
        ("broadcast_to", (X, (4,)), {}),
        ("transpose", (X, (0, 0)), {}),
        ("flip", (X, (2,)), {}),
        ("sum", (X,), {"axis": 2}),
        ("sum", (X,), {"axis": (0, -2)}),
        ("max", (ArraySpec((0, 4), "float32"),), {"axis": 0}),
        ("matmul", (X, ROWS), {}),
        ("matmul", (X, ArraySpec((), "float32")), {}),
        ("einsum", ("ij,ij->", X, ROWS), {}),
        ("add", (X, ROWS), {}),
        ("pad", (X, ((0, -1), (0, 0))), {}),
        ("take_along_axis", (X, ArraySpec((3,), "int64")), {"axis": 0}),
    ],
)
def test_xp_without_data_refuses_what_numpy_refuses(function, arguments, named):
    def arrays(value):
        if isinstance(value, ArraySpec):
            return np.ones(value.shape, value.dtype)
        return [arrays(each) for each in value] if isinstance(value, list) else value

    for xp, operands in ((np, [arrays(a) for a in arguments]), (MetaBackend.xp, arguments)):
        with pytest.raises(ValueError):  # noqa: PT011  (NumPy's words change)
            getattr(xp, function)(*operands, **named)


def test_views_without_data_take_no_memory():
    huge = ArraySpec((10**6, 10**6), "float64")
    xp = MetaBackend.xp
    assert xp.reshape(xp.transpose(huge), (10**4, -1)).shape == (10**4, 10**8)
    assert xp.sum(huge, axis=0).shape == (10**6,)


def test_out_without_data_is_what_is_returned():
    out = ArraySpec((3, 4), "float64")
    assert MetaBackend.xp.add(X, 1, out=out) is out
    with pytest.raises(TypeError):
        MetaBackend.xp.divide(X, 2, out=ArraySpec((3, 4), "int64"))
    with pytest.raises(ValueError, match="can't hold"):
        MetaBackend.xp.add(X, 1, out=ArraySpec((4,), "float32"))


@pytest.mark.parametrize("name", XP_FUNCTIONS)
def test_every_function_of_xp_is_used(name):
    """The list is what a backend has to provide, so nothing is on it for its own sake."""
    folder = pathlib.Path(minidl.__file__).parent
    code = "".join(
        path.read_text()
        for path in sorted(folder.rglob("*.py"))
        if path.parent.name != "backends" and "testing" not in path.parts
    )
    direct = rf"\bxp\.{name}\("
    by_name = rf'_(unary|compare|position)\("{name}"|(compare|extreme) = "{name}"'
    assert re.search(f"{direct}|{by_name}", code)
