"""split, chunk, unbind and iteration: views of one tensor, whose gradients are joined once."""

import collections

import numpy as np
import pytest

import minidl
from minidl.backends.numpy import NumpyBackend

PARTS = {
    "split": lambda x: x.split(1),
    "chunk": lambda x: x.chunk(len(x)),
    "unbind": lambda x: x.unbind(),
    "iteration": lambda x: tuple(x),
}


class Counting(NumpyBackend):
    """The NumPy backend, counting the elements of the zeros and joined arrays it makes."""

    name = "counting-elements"

    def __init__(self):
        self.made = collections.Counter()
        self.xp = NumpyBackend.xp.extended(concatenate=self.concatenate)

    def concatenate(self, arrays, axis):
        result = np.concatenate(arrays, axis=axis)
        self.made["joined"] += result.size
        return result

    def index_add(self, shape, key, values):
        self.made["added"] += int(np.prod(shape))
        return super().index_add(shape, key, values)


@pytest.mark.parametrize("name", PARTS)
def test_gradient_of_all_parts_is_joined_in_one_pass_over_the_elements(name):
    backend = Counting()
    x = minidl.ones(50, 3, requires_grad=True, backend=backend)
    parts = PARTS[name](x)
    assert len(parts) == 50
    total = parts[0].sum()
    for i, part in enumerate(parts[1:], start=1):
        total = total + (i + 1) * part.sum()
    total.backward()
    assert backend.made == {"joined": x.numel()}
    assert x.grad.tolist() == [[i + 1.0] * 3 for i in range(50)]


@pytest.mark.parametrize("name", PARTS)
def test_parts_are_views(name):
    x = minidl.zeros(4, 2)
    parts = PARTS[name](x)
    x.fill_(7)
    assert all((part == 7).all() and part.version == 1 for part in parts)


@pytest.mark.parametrize("name", PARTS)
def test_parts_that_are_not_used_get_gradient_zero(name):
    x = minidl.ones(3, 2, requires_grad=True)
    PARTS[name](x)[1].sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]


def test_every_row_may_run_its_own_backward():
    x = minidl.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    for row in x:
        (row * row).sum().backward()
    assert x.grad.tolist() == [[2.0, 4.0], [6.0, 8.0]]
