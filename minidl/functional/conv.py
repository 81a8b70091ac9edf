"""Convolution and its relatives: conv2d, its two gradients, transposed convolution, unfold, fold.

conv2d is linear in x and in weight, so its gradients are two more linear maps, and the three are
closed under differentiation: every derivative of one is another.

             of conv2d(x, w)        of input_grad(g, w)     of weight_grad(g, x)
    ∂ first  input_grad(grad, w)    conv2d(grad, w)         conv2d(x, grad)
    ∂ second weight_grad(grad, x)   weight_grad(g, grad)    input_grad(g, grad)

With groups = channels (depthwise) the same three Functions call kernels of their own.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, NamedTuple, TypeAlias

from minidl.backends import Array, Backend
from minidl.errors import ArgumentError, fail
from minidl.function import Function
from minidl.functional.bias import ChannelSum, bias_activation
from minidl.functional.operands import as_tensor, integer, optional_tensor
from minidl.tensor import Tensor
from minidl_kernels.common.array_spec import check_same_float, check_shape
from minidl_kernels.common.windows import Padding, Pair, pair, same_padding
from minidl_kernels.conv2d import spec

Size: TypeAlias = int | tuple[int, int]
PaddingArgument: TypeAlias = (
    int | tuple[int, int] | tuple[int, int, int, int] | Literal["same", "valid", "tf_same"]
)


class Conv2d(Function):
    """conv2d itself; `windows` is stride, padding and dilation."""

    def forward(
        self, x: Array, weight: Array, bias: Array | None, *, groups: int, **windows: Any
    ) -> Array:
        self.geometry = {"groups": groups, **windows}
        self.save_for_backward(x, weight)
        kernels = _kernels(self.backend, groups, weight.shape[1])
        return kernels.forward(x, weight, bias, **windows)

    def backward(self, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = self.saved_tensors
        x_needed, weight_needed, bias_needed = self.needs_input_grad
        return (
            _input_grad(grad_output, weight, x.shape[2:], self.geometry) if x_needed else None,
            _weight_grad(grad_output, x, weight.shape[2:], self.geometry)
            if weight_needed
            else None,
            ChannelSum.apply(grad_output) if bias_needed else None,
        )


class Conv2dInputGrad(Function):
    """The adjoint of conv2d in x; as an operation of its own, the transposed convolution."""

    def forward(
        self, grad_output: Array, weight: Array, *, input_size: Pair, groups: int, **windows: Any
    ) -> Array:
        self.geometry = {"groups": groups, **windows}
        self.save_for_backward(grad_output, weight)
        kernels = _kernels(self.backend, groups, weight.shape[1])
        return kernels.input_grad(grad_output, weight, input_size=input_size, **windows)

    def backward(self, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        g, weight = self.saved_tensors
        return (
            Conv2d.apply(grad_output, weight, None, **self.geometry)
            if self.needs_input_grad[0]
            else None,
            _weight_grad(g, grad_output, weight.shape[2:], self.geometry)
            if self.needs_input_grad[1]
            else None,
        )


class Conv2dWeightGrad(Function):
    """The adjoint of conv2d in weight."""

    def forward(
        self, grad_output: Array, x: Array, *, kernel_size: Pair, groups: int, **windows: Any
    ) -> Array:
        self.geometry = {"groups": groups, **windows}
        self.save_for_backward(grad_output, x)
        kernels = _kernels(self.backend, groups, x.shape[1] // groups)
        return kernels.weight_grad(grad_output, x, kernel_size=kernel_size, **windows)

    def backward(self, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        g, x = self.saved_tensors
        return (
            Conv2d.apply(x, grad_output, None, **self.geometry)
            if self.needs_input_grad[0]
            else None,
            _input_grad(g, grad_output, x.shape[2:], self.geometry)
            if self.needs_input_grad[1]
            else None,
        )


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingArgument = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """2-D convolution (cross-correlation, as everywhere in deep learning).

    y[n,o,i,j] = b[o] + Σ_{c,p,q} w[o,c,p,q] · x[n, g·C/groups + c, i·s + p·d − top,
                                                 j·s + q·d − left]

    where output channel o belongs to group g = o // (O/groups), and x counts as 0 in the padding.

    Parameters
    ----------
    x : (N, C, H, W)
    weight : (O, C/groups, kh, kw)
    bias : (O,), optional
    stride, dilation : int or (vertical, horizontal)
    padding : int, (vertical, horizontal), (top, left, bottom, right), "valid" (none), "same" (the
        output has the input's size; stride 1 only, as in PyTorch) or "tf_same" (TensorFlow's SAME:
        ceil(size / stride) outputs, the odd row and column added at the bottom and right)
    groups : input and output channels are cut into this many parts that don't mix

    Returns
    -------
    Tensor (N, O, out_h, out_w) with out = floor((size + padding − dilation·(k−1) − 1)/stride) + 1

    Raises
    ------
    ShapeError, DTypeError, ArgumentError : when they don't fit together

    >>> import minidl
    >>> x, weight = minidl.ones(1, 1, 3, 3), minidl.ones(1, 1, 2, 2)
    >>> conv2d(x, weight).tolist()
    [[[[4.0, 4.0], [4.0, 4.0]]]]

    """
    x, weight = as_tensor("conv2d", "x", x), as_tensor("conv2d", "weight", weight)
    bias = optional_tensor("conv2d", "bias", bias)
    geometry = _geometry("conv2d", x, weight, stride, padding, dilation, groups)
    spec.conv2d(x, weight, bias, **geometry)
    result: Tensor = Conv2d.apply(x, weight, bias, **geometry)
    return result


def conv_transpose2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Transposed convolution: conv2d's input gradient as an operation (Dumoulin & Visin 2016).

    x (N, C, H, W), weight (C, O/groups, kh, kw), bias (O,) → (N, O, out_h, out_w) with
    out = (size − 1)·stride − 2·padding + dilation·(k − 1) + output_padding + 1.

    >>> import minidl
    >>> conv_transpose2d(minidl.ones(1, 4, 5, 6), minidl.ones(4, 2, 3, 3), stride=2).shape
    (1, 2, 11, 13)
    """
    name = "conv_transpose2d"
    x, weight = as_tensor(name, "x", x), as_tensor(name, "weight", weight)
    bias = optional_tensor(name, "bias", bias)
    check_same_float(name, x=x, weight=weight, bias=bias)
    strides, dilations = pair(name, "stride", stride, 1), pair(name, "dilation", dilation, 1)
    pads, extra = pair(name, "padding", padding, 0), pair(name, "output_padding", output_padding, 0)
    if x.ndim != 4 or weight.ndim != 4:
        shapes = f"{x.shape} and {weight.shape}"
        fail(name, "the shapes of x and weight", shapes, "four dimensions each", verb="are")
    if weight.shape[0] != x.shape[1]:
        fail(
            name,
            "x.shape[1] (channels)",
            x.shape[1],
            f"weight.shape[0] ({weight.shape[0]})",
            "A transposed convolution's weight is (in_channels, out_channels / groups, kh, kw).",
        )
    if x.shape[1] % integer(name, "groups", groups, 1):
        fail(name, "groups", groups, f"a divisor of x.shape[1] ({x.shape[1]})", error=ArgumentError)
    if bias is not None:
        check_shape(name, "bias", bias, (weight.shape[1] * groups,))
    for e, s, d in zip(extra, strides, dilations, strict=True):
        if e >= max(s, d):
            fail(
                name,
                "output_padding",
                e,
                f"less than stride ({s}) or dilation ({d})",
                error=ArgumentError,
            )
    size = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1
        for n, s, p, d, k, e in zip(
            x.shape[2:], strides, pads, dilations, weight.shape[2:], extra, strict=True
        )
    )
    geometry: dict[str, Any] = {
        "stride": strides,
        "padding": (*pads, *pads),
        "dilation": dilations,
        "groups": groups,
    }
    if min(size) < 1:
        fail(name, "the output's size", size, "at least 1×1", "Use less padding.")
    spec.conv2d_input_grad(x, weight, input_size=size, **geometry)
    y: Tensor = Conv2dInputGrad.apply(x, weight, input_size=size, **geometry)
    return y if bias is None else bias_activation(y, bias)


# ---------------------------------------------------------------------------- geometry


def _geometry(
    name: str, x: Tensor, weight: Tensor, stride: Size, padding: Any, dilation: Size, groups: int
) -> dict[str, Any]:
    """The arguments in the contract's form."""
    strides, pads, dilations = checked_windows(name, stride, padding, dilation)
    if isinstance(padding, str) and padding != "valid" and x.ndim == weight.ndim == 4:
        size, kernel_size = (t.shape[2:] for t in (x, weight))
        pads = same_padding(
            (size[0], size[1]), (kernel_size[0], kernel_size[1]), strides, dilations
        )
    return {
        "stride": strides,
        "padding": pads,
        "dilation": dilations,
        "groups": integer(name, "groups", groups, 1),
    }


def checked_windows(
    name: str, stride: Size, padding: Any, dilation: Size
) -> tuple[Pair, Padding, Pair]:
    """Stride, padding and dilation of a convolution in full; no padding yet for a rule's name."""
    strides, dilations = pair(name, "stride", stride, 1), pair(name, "dilation", dilation, 1)
    if not isinstance(padding, str):
        return strides, padding_sides(name, padding), dilations
    if padding not in ("same", "valid", "tf_same"):
        rules = 'a number, "same", "valid" or "tf_same"'
        fail(name, "padding", repr(padding), rules, error=ArgumentError)
    if padding == "same" and strides != (1, 1):
        fail(
            name,
            "stride",
            strides,
            'stride 1 with padding="same"',
            'TensorFlow\'s rule for other strides is padding="tf_same".',
            error=ArgumentError,
        )
    return strides, (0, 0, 0, 0), dilations


def padding_sides(name: str, padding: Any) -> Padding:
    """(top, left, bottom, right) from an int, a pair or all four."""
    if isinstance(padding, (tuple, list)) and len(padding) == 4:
        top_left = pair(name, "padding", tuple(padding[:2]), 0)
        return (*top_left, *pair(name, "padding", tuple(padding[2:]), 0))
    both = pair(name, "padding", padding, 0)
    return (*both, *both)


class Kernels(NamedTuple):
    """A family of kernels, to be called with arrays, sizes, stride, padding and dilation."""

    forward: Any
    input_grad: Any
    weight_grad: Any


def _kernels(backend: Backend, groups: int, channels_per_group: int) -> Kernels:
    """The backend's kernels for these groups: the depthwise ones where each is one channel."""
    if groups > 1 and channels_per_group == 1:
        return Kernels(
            backend.depthwise_conv2d,
            # Nothing else tells C: weight is (C · multiplier, 1, kh, kw), the gradient has C ·
            # multiplier channels. With one channel to a group, C is the number of groups.
            partial(backend.depthwise_conv2d_input_grad, input_channels=groups),
            backend.depthwise_conv2d_weight_grad,
        )
    return Kernels(
        partial(backend.conv2d, groups=groups),
        partial(backend.conv2d_input_grad, groups=groups),
        partial(backend.conv2d_weight_grad, groups=groups),
    )


def _input_grad(g: Tensor, weight: Tensor, size: Pair, geometry: dict[str, Any]) -> Tensor:
    result: Tensor = Conv2dInputGrad.apply(g, weight, input_size=size, **geometry)
    return result


def _weight_grad(g: Tensor, x: Tensor, kernel_size: Pair, geometry: dict[str, Any]) -> Tensor:
    result: Tensor = Conv2dWeightGrad.apply(g, x, kernel_size=kernel_size, **geometry)
    return result
