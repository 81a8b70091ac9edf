"""einsum: dimensions of size 1 broadcast, as NumPy's and PyTorch's do."""

import numpy as np
import pytest

import minidl
from minidl.errors import ShapeError
from minidl.testing import gradcheck, gradgradcheck

STRETCHED = [
    ("...ij,...jk->...ik", [(1, 2, 3), (5, 3, 4)]),
    ("...ij,...jk->...ik", [(4, 1, 2, 3), (5, 3, 2)]),
    ("...i,i...->...", [(2, 3), (3, 1)]),
    ("ij,jk->ik", [(2, 1), (3, 4)]),
    ("i,i->i", [(1,), (3,)]),
    ("ij,ij,ij", [(1, 3), (2, 1), (2, 3)]),
    ("i,i", [(1,), (0,)]),
]


@pytest.mark.parametrize(("equation", "shapes"), STRETCHED)
def test_size_one_broadcasts_and_its_gradient_is_summed(equation, shapes):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in shapes]
    inputs = [minidl.tensor(a, requires_grad=True) for a in arrays]
    y = minidl.einsum(equation, *inputs)
    np.testing.assert_allclose(y.detach().numpy(), np.einsum(equation, *arrays), rtol=1e-12)
    if all(t.numel() for t in inputs):
        gradcheck(lambda *t: minidl.einsum(equation, *t), inputs)
        gradgradcheck(lambda *t: minidl.einsum(equation, *t), inputs)
    for t, gradient in zip(inputs, minidl.grad(y.sum(), inputs), strict=True):
        assert gradient.shape == t.shape


def test_other_sizes_must_agree():
    message = "the size of 'j' is 4, expected 3, as in an earlier operand, or 1"
    with pytest.raises(ShapeError, match=message):
        minidl.einsum("ij,jk->ik", minidl.ones(2, 3), minidl.ones(4, 2))
