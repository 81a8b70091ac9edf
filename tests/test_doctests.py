"""Every example in a docstring of minidl and minidl_kernels is run."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import minidl
import minidl_kernels
from minidl.errors import MissingDependencyError

OPTIONAL = ("numba", "cupy", "matplotlib", "hypothesis", "pooch")


def module_names(package):
    """All modules of a package, found without importing them; __main__ would run."""
    yield package.__name__
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith("__main__"):
            yield found.name


NAMES = [name for package in (minidl, minidl_kernels) for name in module_names(package)]


def import_or_skip(name):
    """A missing optional package is a reason to skip; any other error is one to fail."""
    try:
        return importlib.import_module(name)
    except MissingDependencyError as error:
        pytest.skip(str(error))
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in OPTIONAL:
            pytest.skip(f"{error.name} is not installed")
        raise


class Finder(doctest.DocTestFinder):
    """Finds the examples of decorated functions too, such as registered models."""

    def _from_module(self, module, object):
        return super()._from_module(module, inspect.unwrap(object))


@pytest.mark.parametrize("name", NAMES)
def test_examples_of(name):
    module = import_or_skip(name)
    minidl.manual_seed(0)
    runner = doctest.DocTestRunner()
    for examples in Finder().find(module):
        runner.run(examples)
    assert runner.summarize().failed == 0


def test_examples_of_decorated_functions_are_found():
    found = Finder(exclude_empty=True).find(importlib.import_module("minidl.models.resnet"))
    assert "minidl.models.resnet.resnet18" in [examples.name for examples in found]


@pytest.mark.parametrize("package", ["minidl.", "minidl_kernels."])
def test_there_are_examples_to_run(package):
    finder = Finder(exclude_empty=True)
    found = 0
    for name in NAMES:
        if name.startswith(package):
            found += sum(len(test.examples) for test in finder.find(import_or_skip(name)))
    assert found >= 10
