"""The numba backend beyond its results: what it has, what it needs, threads, caches.

That its kernels compute the right thing is the conformance suite's business.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import types

import numpy as np
import pytest

from minidl import backends
from minidl.errors import MissingKernelError

numba = pytest.importorskip("numba")

from minidl_kernels.activation import numba_cpu as activations  # noqa: E402
from minidl_kernels.batch_norm import numba_cpu as normalization  # noqa: E402
from minidl_kernels.common import numba_loops  # noqa: E402
from minidl_kernels.conv2d import numba_cpu as convolution  # noqa: E402

KERNELS = {
    *("conv2d", "conv2d_input_grad", "conv2d_weight_grad"),
    *("batch_norm", "batch_norm_inference", "batch_norm_grad"),
    *("relu", "relu_grad"),
}


def run_python(source: str, **environment: str) -> str:
    """Standard output of a new interpreter; fails if it does."""
    result = subprocess.run(
        [sys.executable, "-c", source],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


# ------------------------------------------------------------------------------ the backend


def test_has_exactly_its_own_kernels():
    table = backends.capabilities("numba")
    assert {name for name, where in table.items() if where != "missing"} == KERNELS
    assert {table[name] for name in KERNELS} == {"NumbaBackend"}


@pytest.mark.parametrize("name", sorted(set(backends.kernel_names()) - KERNELS))
def test_missing_kernel_names_itself_the_backend_and_a_way_out(name):
    with pytest.raises(MissingKernelError, match=rf"{name}: the backend 'numba' .*numpy") as caught:
        getattr(backends.get("numba"), name)()
    assert 'capabilities("numba")' in str(caught.value).replace("'", '"')


def test_arrays_are_shared_with_numpy_without_copying():
    x = np.ones(3, np.float32)
    assert backends.get("numba").asarray(x) is x
    assert backends.get("numba").memory == "cpu"


def test_importing_minidl_does_not_import_numba():
    run_python(
        "import sys, minidl, minidl.backends\n"
        "assert 'numba' in minidl.backends.names()\n"
        "assert 'numba' not in sys.modules"
    )


@pytest.mark.parametrize(
    "body", ["raise ImportError('no such thing')", "raise RuntimeError('wrong driver')"]
)
def test_missing_or_broken_numba_is_reported_when_the_backend_is_asked_for(tmp_path, body):
    (tmp_path / "numba.py").write_text(body)
    run_python(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import minidl\n"
        "from minidl import backends\n"
        "from minidl.errors import MissingDependencyError\n"
        "for _ in range(2):\n"
        "    try:\n"
        "        backends.get('numba')\n"
        "    except MissingDependencyError as error:\n"
        "        assert 'pip install \"minidl[fast]\"' in str(error), error\n"
        "    else:\n"
        "        raise SystemExit('no error')\n"
    )


# ------------------------------------------------------------------------------------ threads


@pytest.mark.parametrize("layer", ["workqueue", "omp"])
def test_two_threads_may_enter_parallel_kernels_at_once(layer):
    out = run_python(
        "import threading, numba, numpy as np\n"
        "from minidl_kernels.activation.numba_cpu import relu\n"
        "x = np.arange(-500_000, 500_000, dtype=np.float32)\n"
        "try:\n"
        "    expected = relu(x)\n"
        "except ValueError:\n"
        "    raise SystemExit(print('no such layer'))\n"
        "wrong = []\n"
        "def work():\n"
        "    for _ in range(50):\n"
        "        if not np.array_equal(relu(x), expected): wrong.append(1)\n"
        "threads = [threading.Thread(target=work) for _ in range(4)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "assert not wrong and expected.sum() > 0\n"
        "print(numba.threading_layer())\n",
        NUMBA_THREADING_LAYER=layer,
    )
    if "no such layer" in out:
        pytest.skip(f"Numba has no {layer} layer here")
    assert out.strip() == layer


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_child_of_a_fork_is_not_blocked_by_a_lock_its_parent_held():
    run_python(
        "import os, numpy as np\n"
        "from minidl_kernels.activation.numba_cpu import relu\n"
        "from minidl_kernels.common import numba_loops\n"
        "with numba_loops._one_at_a_time:\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        os._exit(int(relu(np.float32([-1, 7]))[1]))\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7\n"
    )


@pytest.fixture
def one_thread():
    """A function that calls another with one thread instead of all."""

    def call(function):
        threads = numba.get_num_threads()
        numba.set_num_threads(1)
        try:
            return function()
        finally:
            numba.set_num_threads(threads)

    return call


def test_results_have_the_same_bits_whatever_the_number_of_threads(one_thread):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 12, 23, 29), dtype=np.float32)
    weight = rng.standard_normal((10, 6, 3, 2), dtype=np.float32)
    windows = {"stride": (2, 1), "padding": (1, 0, 2, 1), "groups": 2}

    def everything():
        y = convolution.conv2d(x, weight, **windows)
        normal, mean, var = normalization.batch_norm(x, eps=1e-5, activation="silu")
        grads = normalization.batch_norm_grad(
            x, x, mean, var, eps=1e-5, activation="silu", training=True
        )
        return [
            y,
            convolution.conv2d_input_grad(y, weight, input_size=(23, 29), **windows),
            convolution.conv2d_weight_grad(y, x, kernel_size=(3, 2), **windows),
            *(normal, mean, var),
            *grads[:3],
        ]

    for parallel, again, serial in zip(
        everything(), everything(), one_thread(everything), strict=True
    ):
        assert parallel.tobytes() == again.tobytes() == serial.tobytes()


# ------------------------------------------------------------------------------- compilation


@pytest.mark.parametrize("module", [activations, convolution, normalization])
def test_compiled_functions_call_none_of_another_file(module: types.ModuleType):
    """Numba's cache on disk would not notice that the other file has changed."""
    functions = [f for f in vars(module).values() if hasattr(f, "py_func")]
    assert all(f.py_func.__module__ == module.__name__ for f in functions)


def double(x, y):
    for i in numba.prange(x.size):
        y[i] = 2 * x[i]


def test_a_read_only_install_compiles_without_a_cache(monkeypatch):
    monkeypatch.setattr(numba.core.caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator"):
        numba.njit(cache=True)(double)
    y = np.zeros(3)
    numba_loops.parallel_loops(double)(np.arange(3.0), y)
    assert y.tolist() == [0, 2, 4]


def test_a_full_disk_does_not_stop_a_kernel(monkeypatch, tmp_path):
    failures = []

    def save(self, signature, data):
        failures.append(signature)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(numba.core.caching.Cache, "save_overload", save)
    monkeypatch.setattr(numba.core.caching.Cache, "load_overload", lambda *_: None)
    loops = numba_loops.parallel_loops(double)
    for _ in range(2):
        y = np.zeros(3)
        loops(np.arange(3.0), y)
        assert y.tolist() == [0, 2, 4]
    assert len(failures) == 1


# ---------------------------------------------------------------- rules easily lost to compilers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradient_sees_the_very_bits_of_the_forward_pass(dtype):
    """The kink of a ReLU must be on the same side in both, for every element."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((7, 5, 31, 13)).astype(dtype)
    # The residual cancels the normalised x nearly everywhere, so that only rounding decides.
    plain, mean, var = normalization.batch_norm(x, eps=1e-5)
    residual = -plain * (1 + np.finfo(dtype).eps * rng.integers(-1, 2, x.shape)).astype(dtype)
    arguments = {"eps": 1e-5, "residual": residual, "activation": "relu"}
    y, mean, var = normalization.batch_norm(x, **arguments)
    grad_residual = normalization.batch_norm_grad(
        np.ones_like(x), x, mean, var, training=True, **arguments
    )[3]
    assert 0 < np.count_nonzero(y) < y.size
    np.testing.assert_array_equal(grad_residual != 0, y > 0)


def test_variance_far_from_zero_does_not_cancel():
    x = 1e6 + np.random.default_rng(2).standard_normal((4, 3, 10, 11)) * 1e-2
    var = normalization.batch_norm(x, eps=0.0)[2]
    np.testing.assert_allclose(var, x.var((0, 2, 3)), rtol=1e-9)


@pytest.mark.parametrize("activation", [None, "relu", "relu6", "silu", "hardswish", "sigmoid"])
def test_nan_stays_nan_and_in_its_channel(activation):
    x = np.random.default_rng(3).standard_normal((2, 3, 9, 8)).astype(np.float32)
    x[1, 1, 4, 5] = np.nan
    y = normalization.batch_norm(x, eps=1e-5, activation=activation)[0]
    assert np.isnan(y[:, 1]).all()
    assert np.isfinite(y[:, [0, 2]]).all()


def test_nan_reaches_exactly_the_windows_that_see_it():
    x = np.ones((1, 3, 9, 40), np.float32)
    x[0, 1, 4, 20] = np.nan
    weight = np.ones((2, 3, 3, 5), np.float32)
    y = convolution.conv2d(x, weight)
    rows, columns = np.nonzero(np.isnan(y[0, 1]))
    assert (set(rows), set(columns)) == ({2, 3, 4}, {16, 17, 18, 19, 20})
