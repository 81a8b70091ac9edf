"""The conformance suite itself: its report, its promises, its cases."""

import builtins
import sys

import numpy as np
import pytest

from minidl import backends
from minidl.backends import kernel_names
from minidl.backends.contract import Backend
from minidl.backends.numpy import NumpyBackend
from minidl.backends.numpy_arrays import NumpyArrays
from minidl.errors import ArgumentError, BackendError, MissingDependencyError
from minidl.testing import conformance
from minidl.testing.conformance import Call, normal
from minidl.testing.conformance.data import Data
from minidl.testing.conformance.layouts import LAYOUTS, lay_out, repeat_first
from minidl.testing.conformance.suites import SUITES
from minidl.testing.conformance.tolerance import allowed, errors


class OnlyRelu(NumpyArrays):
    name = "only-relu"

    def relu(self, x, *, out=None):
        return np.maximum(x, 0, out=out)


class Flipped(NumpyBackend):
    """Convolves where it should correlate."""

    name = "flipped"

    def conv2d(self, x, weight, bias=None, **options):
        return NumpyBackend.conv2d(x, weight[:, :, :, ::-1], bias, **options)


def test_every_kernel_has_a_suite_with_cases():
    assert tuple(SUITES) == kernel_names() or set(SUITES) == set(kernel_names())
    assert all(len(suite.cases) >= 4 for suite in SUITES.values())


@pytest.mark.parametrize("kernel", kernel_names())
def test_cases_name_arguments_of_the_contract(kernel):
    names = {p.name for p in Call(kernel, SUITES[kernel].cases[0]).parameters()}
    assert all(set(config) <= names for config in SUITES[kernel].cases)


def test_missing_kernels_are_missing_not_failed():
    report = conformance.run(OnlyRelu(), max_examples=5)
    statuses = {row.kernel: row.status for row in report.rows}
    assert statuses.pop("relu") == "pass"
    assert set(statuses.values()) == {"missing"}
    assert report.ok


def test_unknown_kernel_is_refused():
    with pytest.raises(ArgumentError, match="kernel_names"):
        conformance.run("numpy", ["conv3d"])


def test_unknown_backend_is_refused():
    with pytest.raises(BackendError, match="no backend 'nonsense'"):
        conformance.run("nonsense")


def test_runs_repeat():
    first, second = (conformance.run(Flipped(), ["conv2d", "relu"]) for _ in range(2))
    assert first.failures() == second.failures()
    assert [row.error for row in first.rows] == [row.error for row in second.rows]


def test_failing_case_is_shrunk_to_two_taps():
    report = conformance.run(Flipped(), ["conv2d"])
    config = report.rows[0].failure.call.config
    assert config["weight"].shape == (1, 1, 1, 2)
    assert config["x"].shape[:3] == (1, 1, 1)
    assert config["bias"] is None
    assert config["padding"] == (0, 0, 0, 0)


def test_printed_lines_can_be_pasted(capsys, monkeypatch):
    monkeypatch.setitem(backends.registry._instances, "flipped", Flipped())
    report = conformance.run("flipped", ["conv2d"])
    exec(report.rows[0].failure.call.script("flipped"), {})
    printed = capsys.readouterr().out
    assert printed.count("'result': array(") == 2


@pytest.mark.parametrize("kernel", kernel_names())
def test_every_case_prints_as_itself(kernel):
    for config in SUITES[kernel].cases:
        call = Call(kernel, config, layout="reversed", dtype="float32")
        names = {name: getattr(conformance, name) for name in conformance.__all__}
        again = eval(repr(call), names)
        assert repr(again) == repr(call)  # NaN isn't equal to itself
        assert list(again.config) == list(config)
        assert (again.layout, again.dtype) == ("reversed", "float32")


def test_report_prints_a_table_and_the_failure(capsys):
    conformance.run(Flipped(), ["conv2d", "relu"], max_examples=5).print()
    printed = capsys.readouterr().out
    for piece in ("conv2d", "Flipped", "fail", "relu", "pass", 'Call("conv2d"', "1 fail"):
        assert piece in printed


def test_without_hypothesis_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("hypothesis"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    for name in [n for n in sys.modules if n.startswith("hypothesis")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingDependencyError, match=r"minidl\[check\]"):
        conformance.run("numpy", ["relu"])


def test_layouts_are_what_they_say():
    values = repeat_first(np.random.default_rng(0).standard_normal((2, 3, 4)))
    arrays = {layout: lay_out(NumpyBackend(), values, layout) for layout in LAYOUTS}
    for array in arrays.values():
        np.testing.assert_array_equal(array, values)
    assert arrays["contiguous"].flags.c_contiguous
    assert arrays["contiguous"].flags.writeable
    assert not arrays["read-only"].flags.writeable
    assert arrays["transposed"].flags.f_contiguous
    assert all(stride < 0 for stride in arrays["reversed"].strides)
    assert arrays["broadcast"].strides[0] == 0


def test_what_is_updated_is_never_broadcast_or_read_only():
    values = np.ones((2, 3))
    for layout in LAYOUTS:
        lay_out(NumpyBackend(), values, layout, writable=True)[...] = 2


def test_same_seed_makes_the_same_values_and_names_differ():
    one, two = (Call("softmax_grad", SUITES["softmax_grad"].cases[0]).values for _ in range(2))
    np.testing.assert_array_equal(one["y"], two["y"])
    call = Call("conv2d_weight_grad", {"grad_output": normal(1, 1, 2, 2), "x": normal(1, 1, 2, 2),
                                       "kernel_size": (1, 1)})  # fmt: skip
    assert not np.array_equal(call.values["x"], call.values["grad_output"])


def test_float64_values_are_not_float32_numbers():
    values = Call("relu", {"x": normal(50)}).values["x"]
    assert (values != values.astype(np.float32)).all()


def test_nan_and_infinity_must_stand_where_the_truth_has_them():
    truth = np.array([np.nan, np.inf, -np.inf, 1.0])
    assert errors(truth, truth).tolist() == [0, 0, 0, 0]
    wrong = np.array([1.0, -np.inf, np.nan, np.nan])
    assert errors(wrong, truth).tolist() == [np.inf] * 4


def test_tolerance_in_float64_leaves_no_room_for_another_formula():
    assert allowed("float64", terms=200, scale=1.0) < 2e-14


def test_results_are_reported_with_their_error():
    report = conformance.run("numpy", ["sigmoid"], max_examples=5)
    error = report.rows[0].error
    assert 0 < error.relative < 1
    assert 0 < error.absolute < 1e-6


def test_meta_is_compared_by_shape():
    class Wrong(type(backends.get("meta"))):
        @staticmethod
        def relu(x, *, out=None):
            return type(x)((*x.shape, 1), x.dtype)

    report = conformance.run(Wrong(), ["relu", "tanh"], max_examples=5)
    assert [row.status for row in report.rows] == ["fail", "pass"]
    assert "shape" in report.failures()


def test_a_backend_with_other_arrays_is_compared_through_to_numpy():
    """As on a GPU: arrays of another type, copied in and out."""

    class Device:
        def __init__(self, array):
            self._array = array
            self.shape, self.dtype = array.shape, array.dtype

    class Elsewhere(Backend):
        name, memory, xp = "elsewhere", "device", None

        def is_array(self, value):
            return isinstance(value, Device)

        def asarray(self, data, dtype=None):
            return data if isinstance(data, Device) else Device(np.array(data, dtype))

        def to_numpy(self, array):
            return array._array.copy()

        def full(self, shape, value, dtype):
            return Device(np.full(shape, value, dtype))

        def index(self, array, key):
            return Device(array._array[key])

        def relu(self, x, *, out=None):
            result = np.maximum(x._array, 0)
            if out is None:
                return Device(result)
            out._array[...] = result
            return out

    Elsewhere.xp = backends.contract.Namespace(
        transpose=lambda x: Device(x._array.T),
        broadcast_to=lambda x, shape: Device(np.broadcast_to(x._array, shape)),
    )
    assert conformance.run(Elsewhere(), ["relu"], max_examples=5).rows[0].status == "pass"


def test_data_prints_as_it_is_made():
    assert repr(normal(2, 3)) == "normal(2, 3)"
    assert repr(conformance.constant(2, value=-np.inf)) == 'constant(2, value=float("-inf"))'
    assert repr(conformance.labels(2, classes=3, dtype="int32")) == (
        "labels(2, classes=3, dtype='int32')"
    )
    assert isinstance(conformance.scalar(1.0), Data)
