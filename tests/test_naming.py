"""What is said about names that don't exist."""

import traceback

import pytest

from minidl import naming
from minidl.errors import MinidlError


def raised(name, known=("ReLU", "SiLU", "_hidden"), pytorchs=None):
    with pytest.raises(AttributeError) as caught:
        naming.missing_name("here", name, known, pytorchs or {})
    return caught.value


def test_a_name_spelt_alike_is_suggested():
    assert str(raised("Relu")) == "here has no attribute 'Relu'. Did you mean ReLU?"
    assert isinstance(raised("Relu"), MinidlError)
    assert raised("Relu").name == "Relu"


def test_nothing_is_suggested_for_what_is_unlike_or_private():
    assert str(raised("Conv2d")) == "here has no attribute 'Conv2d'."
    assert str(raised("_relu")) == "here has no attribute '_relu'."
    assert str(raised("hidden")) == "here has no attribute 'hidden'."


def test_pytorchs_name_is_explained_before_anything_is_guessed():
    explained = raised("relu", pytorchs={"relu": "It is ReLU here."})
    assert str(explained) == "here has no attribute 'relu'. It is ReLU here."


def test_asking_whether_there_is_a_name_looks_for_nothing():
    class Asked:
        def __getattr__(self, name):
            naming.missing_name("Asked", name, self.names, {})

        def names(self):
            raise AssertionError

    assert not hasattr(Asked(), "weight")
    assert getattr(Asked(), "weight", 3) == 3


def test_python_adds_no_second_suggestion():
    shown = "".join(traceback.format_exception(raised("Relu")))
    assert shown.count("Did you mean") == 1
