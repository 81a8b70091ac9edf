"""Every kernel of every backend against its naive truth, on the cases of the conformance suite."""

import pytest

from minidl import backends
from minidl.errors import BackendError
from minidl.testing import conformance

BACKENDS = ("numpy", "meta", "numba", "cuda-on-cpu")


def every_kernel():
    """(backend, kernel) for every kernel that exists; one skip for a backend that can't be used."""
    for name in BACKENDS:
        try:
            backends.get(name)
        except (ImportError, BackendError) as error:
            skip = pytest.mark.skip(reason=f"{name} can't be used here: {error}")
            yield pytest.param(name, "", marks=skip, id=name)
            continue
        for kernel, implemented_by in backends.capabilities(name).items():
            if implemented_by != "missing":
                yield pytest.param(name, kernel, id=f"{name}-{kernel}")


@pytest.mark.parametrize(("backend", "kernel"), list(every_kernel()))
def test_kernel_does_what_the_contract_says(backend, kernel):
    report = conformance.run(backend, [kernel])
    assert report.rows[0].status == "pass", report.failures()
    assert report.rows[0].cases > 25


@pytest.mark.parametrize("backend", ["numpy", "meta"])
def test_reference_backends_have_every_kernel(backend):
    assert "missing" not in backends.capabilities(backend).values()
