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
    assert [statuses.pop(each) for each in ("arrays", "xp", "relu")] == ["pass"] * 3
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
    failure = report.rows[0].failure
    with pytest.raises(conformance.ConformanceError) as again:
        exec(failure.call.script("flipped"), {})
    assert again.value.message == failure.message
    printed = capsys.readouterr().out
    assert printed.count("'result': array(") == 2


def test_a_missing_kernel_that_was_named_is_a_failure():
    report = conformance.run(OnlyRelu(), ["relu", "leaky_relu"], max_examples=3)
    assert not report.ok
    assert [row.ok for row in report.rows] == [True, False]
    assert "def leaky_relu(self, x, *, negative_slope, out=None):" in report.failures()
    assert report.summary() == "only-relu: 1 kernel passes, 0 fail, 1 is missing."


def test_kernels_of_minidls_own_classes_are_called_inherited():
    report = conformance.run(Flipped(), ["conv2d", "relu"], max_examples=3)
    assert [row.inherited for row in report.rows] == [False, True]
    assert "NumpyBackend, inherited" in str(report)
    assert "1 kernel passes (1 inherited), 1 fails, 0 are missing" in str(report)
    assert not conformance.run("numpy", "relu", max_examples=3).rows[0].inherited


class OneGroupOnly(NumpyBackend):
    """Right for groups = 1, as a student's first version."""

    name = "one-group-only"

    def conv2d(self, x, weight, bias=None, *, groups, **options):
        if groups != 1:
            raise NotImplementedError("groups")
        return NumpyBackend.conv2d(x, weight, bias, groups=1, **options)


def dense(call):
    return call.values["groups"] == 1


def test_a_part_of_a_kernel_can_be_graded():
    whole = conformance.run(OneGroupOnly(), "conv2d", max_examples=20).rows[0]
    part = conformance.run(OneGroupOnly(), "conv2d", max_examples=20, where=dense).rows[0]
    assert (whole.status, part.status) == ("fail", "pass")
    assert 0 < whole.picked_passed < whole.picked
    assert part.picked_passed == part.picked == whole.picked_passed
    assert part.cases > part.picked
    rest = conformance.run(
        OneGroupOnly(), "conv2d", max_examples=20, where=lambda call: not dense(call)
    ).rows[0]
    assert (rest.picked_passed, rest.picked) == (0, whole.picked - part.picked)


def test_partial_credit_is_shown():
    report = conformance.run(OneGroupOnly(), "conv2d", max_examples=0)
    (row,) = report.rows
    assert f"{row.picked_passed} of {row.picked} calls picked by hand pass" in report.failures()


def test_where_that_is_true_only_of_cases_picked_by_hand():
    row = conformance.run("numpy", "relu", where=lambda call: 1000.0 in call.values["x"]).rows[0]
    assert row.status == "pass"
    assert row.cases == row.picked > 0


def test_where_that_leaves_nothing_is_an_error():
    with pytest.raises(ArgumentError, match="no call of relu meets"):
        conformance.run("numpy", "relu", max_examples=3, where=lambda call: False)


def test_values_of_a_call_include_the_contracts_defaults():
    call = Call("conv2d", {"x": normal(1, 1, 2, 2), "weight": normal(1, 1, 1, 1)})
    assert (call.values["groups"], call.values["bias"]) == (1, None)
    assert "out" not in call.values


def test_the_line_of_the_students_file_that_raised_is_named():
    failure = conformance.run(OneGroupOnly(), "conv2d", max_examples=3).rows[0].failure
    assert "raised NotImplementedError: groups" in failure.message
    assert f"{__file__}:" in failure.message
    assert 'raise NotImplementedError("groups")' in failure.message


def test_the_line_named_is_the_innermost_of_the_kernels_own_file():
    class Nested(NumpyBackend):
        name = "nested"

        @np.errstate(all="ignore")
        def relu(self, x, *, out=None):
            return self._helper(x)

        def _helper(self, x):
            return np.reshape(x, (-1, 7, 11))  # raises inside NumPy

    failure = conformance.run(Nested(), "relu", max_examples=0).rows[0].failure
    assert "return np.reshape(x, (-1, 7, 11))" in failure.message


def test_check_takes_a_name():
    call = Call("relu", {"x": normal(2)})
    assert conformance.check(call, "numpy") == conformance.check(call, NumpyBackend())


def test_assert_conforms_raises_the_report():
    conformance.assert_conforms("numpy", "relu", max_examples=3)
    with pytest.raises(AssertionError) as raised:
        conformance.assert_conforms(Flipped(), ["conv2d"], max_examples=3)
    for piece in ("conv2d", 'Call("conv2d"', "1 fails"):
        assert piece in str(raised.value)


def test_the_report_as_text_explains_its_columns():
    text = " ".join(str(conformance.run("numpy", "sigmoid", max_examples=3)).split())
    assert "NumpyBackend" in text
    assert "used: how much of the tolerance" in text
    assert "\x1b" not in text


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
    for piece in ("conv2d", "Flipped", "fail", "relu", "pass", 'Call("conv2d"', "1 fails"):
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
