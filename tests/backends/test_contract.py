"""Every backend and every spec has the contract's signatures, and xp its list."""

import importlib
import inspect

import numpy as np
import pytest

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
        ("sum", "prod", "mean", "var", "max", "min", "any", "all"),
        [((2, 3, 4),), {"axis": (0, 2), "keepdims": True}],
    ),
    "reductions to a number": (("sum", "mean", "max", "argmax"), [((2, 3),), {}]),
    "positions": (("argmax", "argmin", "cumsum"), [((2, 3),), {"axis": -1}]),
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
        if kind in ("element-wise", "binary") or dtype.startswith("float") or name != "mean":
            wanted = expected.dtype
            if name in ("mean", "var") and not dtype.startswith("float"):
                continue  # never asked for: these functions take floating tensors
            assert found.dtype == wanted, name
