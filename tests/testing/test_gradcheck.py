"""gradcheck passes what is right and catches what is wrong."""

import numpy as np
import pytest

import minidl
from minidl import functional as F
from minidl.autograd import Function
from minidl.errors import DTypeError
from minidl.testing import GradcheckError, gradcheck, gradgradcheck

rng = np.random.default_rng(0)


def double(*shape, requires_grad=True):
    return minidl.tensor(rng.standard_normal(shape), requires_grad=requires_grad)


def product_with(spoil):
    """x · w, whose backward is passed through `spoil`."""

    class Product(Function):
        def forward(self, x, w):
            self.save_for_backward(x, w)
            return x * w

        def backward(self, grad_output):
            x, w = self.saved_tensors
            return spoil(self, grad_output * w, grad_output * x)

    return Product.apply


def arrays(change):
    """A spoil that changes the first gradient's array."""

    def spoil(node, grad_x, grad_w):
        return minidl.tensor(change(grad_x.detach().numpy().copy())), grad_w

    return spoil


def one_element_off(g):
    g[1, 2] += 1e-4
    return g


WRONG = {
    "scaled": (arrays(lambda g: 1.01 * g), "gradient of x \\(input 0\\) is wrong"),
    "slightly scaled": (arrays(lambda g: (1 + 1e-4) * g), "gradient of x \\(input 0\\) is wrong"),
    "negated": (arrays(lambda g: -g), "gradient of x \\(input 0\\) is wrong"),
    "zeroed": (arrays(lambda g: 0 * g), "x \\(input 0\\) has a gradient of zeros only"),
    "rolled": (arrays(lambda g: np.roll(g, 1)), "gradient of x \\(input 0\\) is wrong"),
    "transposed in memory": (arrays(lambda g: g[::-1]), "gradient of x \\(input 0\\) is wrong"),
    "nan": (arrays(lambda g: np.nan * g), "gradient of x \\(input 0\\) is wrong"),
    "one element off": (arrays(one_element_off), r"Worst at \[1, 2\]"),
    "second input missing": (
        lambda node, gx, gw: (gx, None),
        "w \\(input 1\\) received no gradient",
    ),
    "inputs exchanged": (lambda node, gx, gw: (gw, gx), "gradient of x \\(input 0\\) is wrong"),
}


@pytest.mark.parametrize("how", WRONG)
def test_wrong_gradient_is_caught(how):
    spoil, message = WRONG[how]
    with pytest.raises(GradcheckError, match=message):
        gradcheck(product_with(spoil), [double(2, 3), double(2, 3)])


@pytest.mark.parametrize("how", [how for how in WRONG if how != "slightly scaled"])
def test_wrong_gradient_is_caught_along_random_directions(how):
    with pytest.raises(GradcheckError):
        gradcheck(product_with(WRONG[how][0]), [double(2, 3), double(2, 3)], fast=True)


def test_right_gradient_passes():
    right = product_with(lambda node, gx, gw: (gx, gw))
    inputs = [double(2, 3), double(2, 3)]
    assert gradcheck(right, inputs) is True
    assert gradcheck(right, inputs, fast=True) is True
    assert gradgradcheck(right, inputs) is True


def test_message_shows_operation_input_and_both_gradients():
    def scaled_product(x, w):
        return product_with(WRONG["scaled"][0])(x, w)

    x, w = double(2, 1), double(2, 1)
    with pytest.raises(GradcheckError) as caught:
        gradcheck(scaled_product, [x, w])
    message = str(caught.value)
    assert "gradcheck of scaled_product(float64 (2, 1), float64 (2, 1))" in message
    for piece in ("By backward:", "By finite differences:", str(x.detach().numpy())):
        assert piece in message


def test_a_large_input_is_printed_in_part_with_its_five_worst_elements():
    wrong = product_with(WRONG["negated"][0])
    with pytest.raises(GradcheckError, match="wrong in 400 of 400 elements") as caught:
        gradcheck(wrong, [double(20, 20), double(20, 20)])
    lines = str(caught.value).splitlines()
    assert len(lines) < 40
    worst = [line for line in lines if line.startswith("Worst at [")]
    sizes = [abs(float(line.split()[-1].rstrip("."))) for line in worst]
    assert len(sizes) == 5
    assert sizes == sorted(sizes, reverse=True)


def test_one_wrong_element_is_the_only_one_listed():
    with pytest.raises(GradcheckError, match="wrong in 1 of 6 elements") as caught:
        gradcheck(product_with(WRONG["one element off"][0]), [double(2, 3), double(2, 3)])
    assert str(caught.value).count("Worst at") == 1


def test_function_and_inputs_are_called_by_their_names():
    with pytest.raises(GradcheckError, match=r"^gradcheck of Product\.apply\(.* of x \(input 0\)"):
        gradcheck(product_with(WRONG["negated"][0]), [double(2, 3), double(2, 3)])

    def loss(logits, *others):
        return product_with(WRONG["negated"][0])(others[0], logits)

    with pytest.raises(GradcheckError, match=r"^gradcheck of loss\(.* of input 1 is wrong"):
        gradcheck(loss, [double(2, 3), double(2, 3)])


def test_upstream_gradient_of_ones_would_have_hidden_this():
    """The sum of a softmax is 1: with ones upstream its gradient is 0 times anything."""

    class SoftmaxTimesSeven(Function):
        def forward(self, x):
            y = self.backend.softmax(x, axis=1)
            self.save_for_backward(y)
            return y

        def backward(self, grad_output):
            (y,) = self.saved_tensors
            return 7 * y * (grad_output - (grad_output * y).sum(1, keepdim=True))

    with pytest.raises(GradcheckError, match="is wrong"):
        gradcheck(SoftmaxTimesSeven.apply, double(2, 4))


def test_float32_is_refused():
    x = minidl.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(DTypeError, match=r"float32, expected float64.*double"):
        gradcheck(lambda x: x * x, x)


def test_nothing_to_check_is_an_error():
    with pytest.raises(GradcheckError, match="no input requires a gradient"):
        gradcheck(lambda x: x * x, double(2, requires_grad=False))


def test_a_lost_graph_is_an_error():
    with pytest.raises(GradcheckError, match="no output requires a gradient"):
        gradcheck(lambda x: x.detach() * 2, double(2))


def test_a_gradient_of_zeros_says_nothing_unless_allowed():
    zero = lambda x: F.relu(-x * x)  # noqa: E731
    with pytest.raises(GradcheckError, match="allow_zero=True"):
        gradcheck(zero, double(3))
    assert gradcheck(zero, double(3), allow_zero=True)


def test_allow_zero_still_catches_a_zero_that_is_wrong():
    with pytest.raises(GradcheckError, match="gradient of x \\(input 0\\) is wrong"):
        gradcheck(product_with(WRONG["zeroed"][0]), [double(2, 3), double(2, 3)], allow_zero=True)


def test_a_function_that_differs_each_time_is_an_error():
    def noisy(x):
        return x * float(rng.standard_normal())

    with pytest.raises(GradcheckError, match="differs when it is computed again"):
        gradcheck(noisy, double(2))


def test_a_changed_input_is_caught():
    class Careless(Function):
        def forward(self, x):
            result = x * x
            self.x = x
            self.save_for_backward(result)
            return result

        def backward(self, grad_output):
            x = self.x.copy()
            self.x += 1.0
            return grad_output * minidl.tensor(2 * x)

    with pytest.raises(GradcheckError, match=r"x \(input 0\) was changed"):
        gradcheck(Careless.apply, double(2))


def test_backward_that_spoils_what_forward_saved_is_caught():
    class Spoiling(Function):
        def forward(self, x):
            self.slope = 2 * x
            return x * x

        def backward(self, grad_output):
            result = grad_output * minidl.tensor(self.slope)
            self.slope = self.slope + 1
            return result

    with pytest.raises(GradcheckError, match="a second backward"):
        gradcheck(Spoiling.apply, double(2))


def test_several_outputs_and_constant_inputs():
    def both(x, factor, y):
        return x * y * factor, (x.exp(), y.sum())[0]

    assert gradcheck(both, [double(2, 3), 3.0, double(2, 3)])
    assert gradgradcheck(both, [double(2, 3), 3.0, double(2, 3)])


def test_an_error_in_the_second_output_is_caught():
    wrong = product_with(WRONG["scaled"][0])
    with pytest.raises(GradcheckError, match="is wrong"):
        gradcheck(lambda x, w: (x + w, wrong(x, w)), [double(2, 3), double(2, 3)])


def test_gradgradcheck_catches_a_wrong_second_derivative():
    """The first derivative is right, but its graph leads elsewhere."""

    def half_detached(node, grad_x, grad_w):
        return minidl.tensor(grad_x.detach().numpy()), grad_w

    wrong = product_with(half_detached)
    inputs = [double(2, 3), double(2, 3)]
    assert gradcheck(wrong, inputs)
    with pytest.raises(GradcheckError, match="the gradient of"):
        gradgradcheck(wrong, inputs)


def test_inputs_themselves_are_left_alone():
    x = double(2, 3)
    before = x.detach().numpy().copy()
    gradcheck(lambda x: x.tanh(), x)
    np.testing.assert_array_equal(x.detach().numpy(), before)
    assert x.grad is None


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_convolution_with_everything(check):
    x, weight, bias = double(2, 4, 5, 4), double(6, 2, 3, 2), double(6)

    def convolution(x, weight, bias):
        return F.conv2d(x, weight, bias, (2, 1), (1, 0, 2, 1), (1, 2), 2)

    assert check(convolution, [x, weight, bias], fast=True)


def test_zero_dimensional_and_empty_inputs():
    assert gradcheck(lambda x: x * x, double())
    assert gradcheck(lambda x, y: (x * x, y * y), [double(0, 3), double(2)])
