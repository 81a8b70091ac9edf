"""The rows "arrays" and "xp": broken on purpose, each in one way, they are all caught."""

import numpy as np
import pytest

from minidl import backends
from minidl.backends.contract import XP_FUNCTIONS
from minidl.backends.numpy import NumpyBackend
from minidl.testing import conformance
from minidl.testing.conformance.example import ARRAY_METHODS
from minidl.testing.conformance.parts import examples
from minidl.testing.conformance.suites.arrays import ARRAY_EXAMPLES
from minidl.testing.conformance.suites.xp import XP_EXAMPLES

BUFFERS = {}


def cached_add(a, b, out=None):
    if out is None:
        result = np.add(a, b)
        out = BUFFERS.setdefault((result.shape, result.dtype), result)
    return np.add(a, b, out=out)


def sum_to_a_number(x, axis=None, keepdims=False, dtype=None):
    return np.sum(x, axis=axis, dtype=dtype, keepdims=keepdims and axis is not None)


def one_pass_variance(x, axis=None, keepdims=False, correction=0):
    mean = np.mean(x, axis, keepdims=keepdims)
    return np.mean(np.square(x), axis, keepdims=keepdims) - np.square(mean)


def last_of_ties(x, axis=None, keepdims=False):
    found = np.argmax(np.flip(x, axis), axis=axis, keepdims=keepdims)
    return (x.size if axis is None else x.shape[axis]) - 1 - found


XP_MUTANTS = {
    "subtracting": ("add", np.subtract),
    "keeping one buffer": ("add", cached_add),
    "ignoring out": ("multiply", lambda a, b, out=None: np.multiply(a, b)),
    "in place": ("negative", lambda x, out=None: np.negative(x, out=x)),
    "losing NaN": ("maximum", lambda a, b, out=None: np.fmax(a, b, out=out)),
    "in double precision": ("divide", lambda a, b, out=None: np.divide(a, b) * np.float64(1)),
    "in single precision": ("exp", lambda x, out=None: np.exp(np.float32(x), out=out)),
    "keeping integers": ("clip", lambda x, low, high: np.clip(x, low, high).astype(x.dtype)),
    "swapping choices": ("where", lambda c, a, b: np.where(c, b, a)),
    "ignoring keepdims without axis": ("sum", sum_to_a_number),
    "in one pass": ("var", one_pass_variance),
    "taking the last of ties": ("argmax", last_of_ties),
    "skipping NaN": ("min", lambda x, axis=None, keepdims=False: np.nanmin(x, axis)),
    "in order of memory": ("reshape", lambda x, shape: np.reshape(x, shape, order="A")),
    "of two": ("concatenate", lambda arrays, axis=0: np.concatenate(arrays[:2], axis)),
    "always zeros": ("pad", lambda x, widths, constant_values=0: np.pad(x, widths)),
    "along the last axis": ("take_along_axis", lambda x, i, axis: np.take_along_axis(x, i, -1)),
    "doing nothing": ("astype", lambda x, dtype: x),
}  # fmt: skip


@pytest.mark.parametrize("mutant", XP_MUTANTS)
def test_a_wrong_function_of_xp_is_caught(mutant):
    name, wrong = XP_MUTANTS[mutant]
    xp = NumpyBackend.xp.extended(**{name: wrong})
    backend = type("Mutant", (NumpyBackend,), {"name": "mutant", "xp": xp})()
    (row,) = conformance.run(backend, "xp").rows
    assert (row.status, row.implemented_by) == ("fail", "Mutant")
    assert f"{name}(" in row.failure.message  # the function is named
    with pytest.raises(conformance.ConformanceError):
        row.failure.call.check(backend)
    row.failure.call.check("numpy")


RIGHT = NumpyBackend()


def only_empty(self, target, source):
    if target.size == 0:
        RIGHT.copy_into(target, source)


def assign_only(self, shape, key, values):
    result = np.zeros(shape, values.dtype)
    result[key] = values
    return result


def cached_zeros(self, shape, dtype):
    result = BUFFERS.setdefault(("zeros", shape, dtype), np.empty(shape, dtype))
    result[...] = 0
    return result


ARRAY_MUTANTS = {
    "index_add to zeros": ("index_add", lambda self, shape, key, v: np.zeros(shape, v.dtype)),
    "index_add assigning": ("index_add", assign_only),
    "copy_into doing nothing": ("copy_into", lambda self, target, source: None),
    "copy_into for empty arrays": ("copy_into", only_empty),
    "copy that is none": ("copy", lambda self, array: array),
    "copy in another order": ("copy", lambda self, array: np.array(array, order="K")),
    "zeros from one buffer": ("zeros", cached_zeros),
    "zeros as ones": ("zeros", lambda self, shape, dtype: np.ones(shape, dtype)),
    "full of integers": ("full", lambda self, s, v, d: np.full(s, int(v == v and v), d)),
    "empty of one dtype": ("empty", lambda self, shape, dtype: np.empty(shape)),
    "asarray ignoring dtype": ("asarray", lambda self, data, dtype=None: np.asarray(data)),
    "to_numpy flattening": ("to_numpy", lambda self, array: np.atleast_1d(array)),
    "from_dlpack copying": ("from_dlpack", lambda self, other: np.array(other)),
    "is_array of everything": ("is_array", lambda self, value: True),
    "index in order": ("index", lambda self, array, key: np.array(RIGHT.index(array, key)).T),
}


@pytest.mark.parametrize("mutant", ARRAY_MUTANTS)
def test_a_wrong_function_of_the_arrays_is_caught(mutant):
    name, wrong = ARRAY_MUTANTS[mutant]
    backend = type("Mutant", (NumpyBackend,), {"name": "mutant", name: wrong})()
    (row,) = conformance.run(backend, ["arrays"]).rows
    assert (row.status, row.implemented_by) == ("fail", "Mutant")
    row.failure.call.check("numpy")


def test_every_function_has_examples():
    assert set(XP_EXAMPLES) == set(XP_FUNCTIONS)
    assert all(len(texts) >= 5 for texts in XP_EXAMPLES.values())
    texts = " ".join(text for text, _ in ARRAY_EXAMPLES)
    assert all(f"{name}(" in texts for name in ARRAY_METHODS)


@pytest.mark.parametrize("backend", ["numpy", "meta", "cuda-on-cpu"])
def test_the_built_in_backends_pass(backend):
    report = conformance.run(backend, ["arrays", "xp"])
    assert report.ok, report.failures()
    assert min(row.cases for row in report.rows) > 100
    assert report.summary().endswith("arrays: pass; xp: pass.")


def test_a_run_of_everything_checks_both_first():
    class OnlyArrays(backends.numpy_arrays.NumpyArrays):
        name = "only-arrays"

    report = conformance.run(OnlyArrays(), max_examples=0)
    assert [row.kernel for row in report.rows[:2]] == ["arrays", "xp"]


def test_meta_is_compared_by_shape_and_dtype():
    meta = backends.get("meta")
    xp = meta.xp.extended(sum=meta.xp.max)
    backend = type("Mutant", (type(meta),), {"name": "mutant", "xp": xp})()
    (row,) = conformance.run(backend, "xp").rows
    assert "sum(" in row.failure.message


@pytest.mark.parametrize("part", ["arrays", "xp"])
def test_examples_print_as_themselves(part):
    for example in examples(part, "float32"):
        again = eval(repr(example), {"Example": conformance.Example})
        assert repr(again) == repr(example)


def test_printed_lines_can_be_pasted(monkeypatch, capsys):
    xp = NumpyBackend.xp.extended(add=np.subtract)
    mutant = type("Mutant", (NumpyBackend,), {"name": "mutant", "xp": xp})()
    monkeypatch.setitem(backends.registry._instances, "mutant", mutant)
    report = conformance.run("mutant", "xp")
    assert "xp.add(x, y)[0, 0] is" in report.failures()
    with pytest.raises(conformance.ConformanceError, match=r"add\(x, y\)"):
        exec(report.rows[0].failure.call.script("mutant"), {})
    assert "array(" in capsys.readouterr().out
