"""Backends by name: choosing, registering, moving between them; broken optional packages."""

import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import minidl
from minidl import backends, models
from minidl import functional as F
from minidl.backends import registry
from minidl.backends.numpy import NumpyBackend
from minidl.errors import BackendError, MissingKernelError


@pytest.fixture
def register(monkeypatch):
    """register() whose entries are forgotten after the test."""
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    monkeypatch.setattr(registry, "_instances", dict(registry._instances))
    return backends.register


class Doubling(NumpyBackend):
    """A student's backend with one kernel of its own, wrong on purpose."""

    def relu(self, x, *, out=None):
        return np.maximum(x, 0) * 2


# -------------------------------------------------------------------------------- choosing


def test_use_backend_as_a_context_nests_and_restores():
    with minidl.use_backend("meta") as backend:
        assert backend.name == "meta"
        assert minidl.zeros(2).backend.name == "meta"
        with minidl.use_backend("numpy"):
            assert minidl.zeros(2).backend.name == "numpy"
        assert minidl.zeros(2).backend.name == "meta"
    assert minidl.zeros(2).backend.name == "numpy"


def test_use_backend_as_a_function_lasts_until_the_next():
    minidl.use_backend("meta")
    assert minidl.zeros(2).backend.name == "meta"
    with minidl.use_backend("numpy"):
        assert minidl.zeros(2).backend.name == "numpy"
    assert minidl.zeros(2).backend.name == "meta"
    minidl.use_backend("numpy")
    assert minidl.zeros(2).backend.name == "numpy"


def test_one_use_backend_may_be_entered_several_times():
    meta = minidl.use_backend("meta")
    for _ in range(2):
        with meta, meta:
            assert backends.default().name == "meta"
        assert backends.default().name == "numpy"


def test_an_error_in_the_block_restores_the_default():
    with pytest.raises(ZeroDivisionError), minidl.use_backend("meta"):
        raise ZeroDivisionError
    assert backends.default().name == "numpy"


def test_the_choice_belongs_to_its_thread():
    found = []
    with minidl.use_backend("meta"):
        thread = threading.Thread(target=lambda: found.append(backends.default().name))
        thread.start()
        thread.join()
    assert found == ["numpy"]


def test_operations_stay_where_their_operands_are():
    x = minidl.ones(2, 2)
    with minidl.use_backend("meta"):
        y = (x * 2 + 1).softmax(1)[0] @ x
        assert y.backend.name == "numpy"
        assert x.new_zeros(2).backend.name == "numpy"


def test_threads_get_the_same_instance(register):
    register("shared", NumpyBackend)
    barrier, found = threading.Barrier(8), []

    def work():
        barrier.wait()
        found.append(backends.get("shared"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(map(id, found))) == 1


# ------------------------------------------------------------------------------ registering


def test_a_students_backend_runs_its_own_kernel_and_inherits_the_others(register):
    register("doubling", Doubling)
    x = minidl.tensor([-1.0, 2.0], backend="doubling", requires_grad=True)
    y = F.relu(x)
    assert y.tolist() == [0.0, 4.0]
    assert y.backend.name == "doubling"
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0]
    assert F.relu(x.to("numpy")).tolist() == [0.0, 2.0]
    table = backends.capabilities("doubling")
    assert table["relu"] == "Doubling"
    assert table["conv2d"] == "NumpyBackend"


def test_registering_a_class_changes_no_other_name(register):
    register("first", NumpyBackend)
    register("second", NumpyBackend)
    assert [backends.get(n).name for n in ("numpy", "first", "second")] == [
        "numpy",
        "first",
        "second",
    ]


@pytest.mark.parametrize(
    ("name", "backend", "message"),
    [
        ("numpy", NumpyBackend, "a backend named 'numpy' exists already"),
        ("auto", NumpyBackend, "neither a dtype nor"),
        ("float32", NumpyBackend, "neither a dtype nor"),
        (3, NumpyBackend, "the name is 3"),
        ("mine", dict, "is not a subclass of minidl.backends.Backend"),
        ("mine", NumpyBackend(), "is not a subclass"),
    ],
)
def test_registering_errors(register, name, backend, message):
    with pytest.raises(BackendError, match="register") as caught:
        register(name, backend)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("conv_2d", "conv2d"),
        ("maxpool2d", "max_pool2d"),
        ("ReLU", "relu"),
        ("logsoftmax", "log_softmax"),
    ],
)
def test_a_misspelt_kernel_is_refused(register, name, meant):
    cls = type("MyBackend", (NumpyBackend,), {name: lambda self, x: x, "__module__": "mine"})
    with pytest.raises(BackendError, match=f"MyBackend.{name} .*did you mean {meant}\\? Prefix"):
        register("mine", cls)


def test_helpers_are_welcome(register):
    class Mine(NumpyBackend):
        _conv_2d = None
        tile = 32

        def im2col(self, x):
            return x

        def synchronize(self):
            """The contract's."""

    register("mine", Mine)


KERNELS_WITH_THE_CONTRACTS_PARAMETERS = {
    "as written": lambda self, x, *, negative_slope, out=None: x,
    "without the star": lambda self, x, negative_slope, out=None: x,
    "the rest gathered": lambda self, x, **options: x,
    "everything gathered": lambda self, *args, **options: x,  # noqa: F821
    "an option of its own": lambda self, x, *, negative_slope, out=None, tile=8: x,
    "static": staticmethod(lambda x, *, negative_slope, out=None: x),
    "without a signature": max,
    "taken away": backends.Backend.leaky_relu,
}
OTHERS = {
    "another name": lambda self, x, *, slope, out=None: x,
    "no self": lambda x, *, negative_slope, out=None: x,
    "no out": lambda self, x, *, negative_slope: x,
    "another order": lambda self, negative_slope, x, *, out=None: x,
    "out required": lambda self, x, *, negative_slope, out: x,
    "one more required": lambda self, x, *, negative_slope, tile, out=None: x,
    "x by name only": lambda self, *, x, negative_slope, out=None: x,
    "static with self": staticmethod(lambda self, x, *, negative_slope, out=None: x),
}


@pytest.mark.parametrize("how", KERNELS_WITH_THE_CONTRACTS_PARAMETERS)
def test_kernels_that_can_be_called_as_the_contract_says_are_accepted(register, how):
    kernel = KERNELS_WITH_THE_CONTRACTS_PARAMETERS[how]
    register("mine", type("Mine", (NumpyBackend,), {"leaky_relu": kernel, "__module__": "mine"}))


@pytest.mark.parametrize("how", OTHERS)
def test_a_kernel_with_other_parameters_is_refused_with_the_right_line(register, how):
    cls = type("Mine", (NumpyBackend,), {"leaky_relu": OTHERS[how], "__module__": "mine"})
    with pytest.raises(BackendError, match=r"Mine\.leaky_relu takes") as caught:
        register("mine", cls)
    assert "def leaky_relu(self, x, *, negative_slope, out=None):" in str(caught.value)


def test_classes_between_are_checked_too(register):
    class Between(NumpyBackend):
        def conv_2d(self, x):
            return x

    class Mine(Between):
        pass

    with pytest.raises(BackendError, match=r"Between\.conv_2d"):
        register("mine", Mine)


def test_a_name_can_be_taken_once(register):
    register("mine", Doubling)
    with pytest.raises(BackendError, match="'mine' exists already"):
        register("mine", Doubling)


@pytest.mark.parametrize("name", ["nowhere", "", 3, None, ["numpy"]])
def test_unknown_names_list_the_known_ones(name):
    for act in (backends.get, minidl.use_backend, backends.capabilities):
        with pytest.raises(BackendError, match=r"There is no backend .* There are: numpy, meta"):
            act(name)


def test_auto_is_a_backend_with_every_kernel():
    assert "missing" not in backends.capabilities("auto").values()
    assert backends.get("auto").name in backends.names()


def test_capabilities_say_what_is_missing():
    assert set(backends.capabilities("numpy")) == set(backends.kernel_names())
    assert set(backends.capabilities("numpy").values()) == {"NumpyBackend"}
    assert set(backends.capabilities("meta").values()) == {"MetaBackend"}


def test_a_missing_kernel_is_named_and_nothing_falls_back(register):
    class Bare(NumpyBackend):
        softmax = backends.Backend.softmax  # takes it away again

    register("bare", Bare)
    x = minidl.ones(2, backend="bare")
    assert backends.capabilities("bare")["softmax"] == "missing"
    with pytest.raises(MissingKernelError, match="softmax: the backend 'bare' has no such kernel"):
        F.softmax(x, 0)


# ----------------------------------------------------------------------------------- moving


def two_places(register):
    register("other", NumpyBackend)
    return minidl.ones(2), minidl.ones(2, backend="other")


MIXED = {
    "Add": lambda a, b: a + b,
    "less": lambda a, b: a < b,
    "Where": lambda a, b: minidl.where(a > 0, b, 0.0),
    "Concatenate": lambda a, b: minidl.concatenate([a, b]),
    "MatMul": lambda a, b: a @ b,
    "copy_": lambda a, b: a.copy_(b),
    "mul_": lambda a, b: a.mul_(b),
    "Linear": lambda a, b: F.linear(a.reshape(1, 2), b.reshape(1, 2)),
    "SoftmaxCrossEntropy": lambda a, b: F.cross_entropy(a.reshape(1, 2), b.long()[:1]),
    "batch_norm": lambda a, b: F.batch_norm(a.reshape(1, 2), b, b),
    "batch_norm: operands": lambda a, b: F.batch_norm(a.expand(3, 2), b, b, training=True),
}


@pytest.mark.parametrize("name", MIXED)
def test_mixing_backends_names_both_and_the_fix(register, name):
    a, b = two_places(register)
    with pytest.raises(BackendError) as caught:
        MIXED[name](a, b)
    for part in (name, "'numpy'", "'other'", ".to("):
        assert part in str(caught.value)


def test_moving_between_cpu_backends_shares_memory_and_version(register):
    register("other", NumpyBackend)
    x = minidl.ones(2)
    y = x.to("other")
    assert np.shares_memory(x._array, y._array)
    y.fill_(3)
    assert (x.version, x.tolist()) == (1, [3.0, 3.0])
    assert x.to("numpy") is x


def test_the_gradient_moves_back(register):
    register("other", NumpyBackend)
    x = minidl.ones(2, requires_grad=True)
    (x.to("other") * 3).sum().backward()
    assert x.grad.backend.name == "numpy"
    assert x.grad.tolist() == [3.0, 3.0]


def test_to_takes_a_dtype_and_a_backend_together():
    x = minidl.ones(2).to("meta", minidl.float64)
    assert (x.backend.name, x.dtype) == ("meta", np.float64)
    with pytest.raises(BackendError, match="There is no backend 'nump'"):
        x.to("nump")


def test_the_upstream_gradient_must_live_beside_the_tensor(register):
    register("other", NumpyBackend)
    y = minidl.ones(2, requires_grad=True) * 2
    with pytest.raises(BackendError, match="the gradient lives on 'other', the tensor on 'numpy'"):
        y.backward(minidl.ones(2, backend="other"))


# ----------------------------------------------------------------------- without any data


def test_a_network_without_data_has_shapes():
    with minidl.use_backend("meta"):
        model = models.create("lenet5")
        y = model(minidl.zeros(64, 1, 28, 28))
        loss = F.cross_entropy(y, minidl.zeros(64, dtype="int64"))
        loss.backward()
    assert y.shape == (64, 10)
    assert loss.shape == ()
    assert all(p.grad.shape == p.shape for p in model.parameters())


@pytest.mark.parametrize(
    "act",
    [
        lambda x: x.item(),
        lambda x: bool(x),
        lambda x: float(x),
        lambda x: x.tolist(),
        lambda x: x.numpy(),
        lambda x: np.asarray(x),
        lambda x: x.to("numpy"),
        lambda x: minidl.tensor(x),
        lambda x: x[x > 0],
    ],
)
def test_what_depends_on_data_raises_without_it(act):
    with pytest.raises(BackendError, match="meta"):
        act(minidl.ones(1, backend="meta"))


# --------------------------------------------------------------- broken optional packages


@pytest.mark.parametrize(
    "raised", ["ImportError('no such thing')", "RuntimeError('no driver')", "OSError('libcuda')"]
)
def test_a_broken_numba_breaks_only_the_numba_backend(tmp_path, raised):
    package = tmp_path / "numba"
    package.mkdir()
    (package / "__init__.py").write_text(f"raise {raised}\n")
    program = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import minidl
        from minidl.errors import MissingDependencyError
        assert (minidl.ones(2) + 1).tolist() == [2.0, 2.0]
        assert minidl.backends.get("auto").name == "numpy"
        for attempt in range(2):
            try:
                minidl.zeros(2, backend="numba")
            except MissingDependencyError as error:
                print(error)
        """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all("needs Numba" in line and 'pip install "minidl[fast]"' in line for line in lines)


def test_import_brings_nothing_heavy():
    program = "import sys, minidl; print([m for m in sys.modules if '.' not in m])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    for heavy in ("numba", "scipy", "torch", "cupy", "matplotlib", "rich", "typer", "PIL"):
        assert f"'{heavy}'" not in done.stdout
