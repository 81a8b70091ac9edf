"""view: reshape, but never with a copy."""

import pytest

import minidl
from minidl.errors import ShapeError


def test_view_shares_memory_and_version():
    x = minidl.arange(6)
    y = x.view(2, -1)
    x.fill_(1)
    assert y.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert y.version == 1


@pytest.mark.parametrize(
    "make",
    [lambda x: x.transpose(0, 1), lambda x: x.expand(2, 3, 2)[:, :, 0], lambda x: x[:, ::-1]],
)
def test_view_refuses_what_would_take_a_copy_and_names_reshape(make):
    x = make(minidl.ones(3, 2))
    with pytest.raises(ShapeError, match=r"view: .*without copying\. Use x\.reshape\(\.\.\.\)"):
        x.view(-1)
    assert x.reshape(-1).shape == (x.numel(),)


@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (2, 3)])
def test_view_of_every_shape_and_without_data(shape):
    for backend in ("numpy", "meta"):
        x = minidl.zeros(shape, backend=backend)
        assert x.view(x.numel()).shape == (x.numel(),)
        assert x.view(shape).shape == shape


def test_gradient_of_a_view():
    x = minidl.tensor([1.0, 2.0], requires_grad=True)
    (x.view(2, 1) * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
