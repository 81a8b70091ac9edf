"""Pooling: max, average, adaptive average."""

from __future__ import annotations

from typing import Any

from minidl.backends import Array
from minidl.function import Function
from minidl.functional.conv import Size, padding_sides
from minidl.functional.indexing import gather_along
from minidl.functional.operands import as_tensor, integer, new_shape
from minidl.functional.shape import reshape
from minidl.tensor import Tensor
from minidl_kernels.common.windows import Pair, pair
from minidl_kernels.pool2d import spec


class MaxPool2d(Function):
    """The gradient goes to the element that won its window."""

    def forward(self, x: Array, *, return_indices: bool, **geometry: Any) -> Any:
        self.geometry = {**geometry, "input_size": x.shape[2:]}
        wanted = return_indices or self.needs_input_grad[0]
        y, indices = self.backend.max_pool2d(x, return_indices=wanted, **geometry)
        self.save_for_backward(indices)
        if not return_indices:
            return y
        self.mark_not_differentiable(1)
        return y, self.backend.xp.astype(indices, "int64")

    def backward(self, grad_output: Tensor, *_: Any) -> Tensor:
        (indices,) = self.saved_tensors
        result: Tensor = MaxPool2dGrad.apply(grad_output, indices, **self.geometry)
        return result


class MaxPool2dGrad(Function):
    """Scatters to the winners; its adjoint gathers from them."""

    def forward(self, g: Array, indices: Array, **geometry: Any) -> Array:
        self.save_for_backward(indices)
        return self.backend.max_pool2d_grad(g, indices, **geometry)

    def backward(self, grad_output: Tensor) -> tuple[Tensor, None]:
        (indices,) = self.saved_tensors
        n, c, out_h, out_w = indices.shape
        planes = reshape(grad_output, (n, c, grad_output.shape[2] * grad_output.shape[3]))
        places = reshape(indices, (n, c, out_h * out_w)).long()
        return reshape(gather_along(planes, places, 2), indices.shape), None


def max_pool2d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Largest element of every window: x (N, C, H, W) → (N, C, out_h, out_w).

    stride defaults to kernel_size. Padding never wins; ties go to the first element in row-major
    order; a window with NaN gives NaN. With return_indices also the winners' places h·W + w
    (int64), as PyTorch returns them.

    >>> import minidl
    >>> max_pool2d(minidl.arange(16.0).reshape(1, 1, 4, 4), 2).tolist()
    [[[[5.0, 7.0], [13.0, 15.0]]]]
    """
    x = as_tensor("max_pool2d", "x", x)
    geometry = _pool_geometry("max_pool2d", kernel_size, stride, padding, ceil_mode)
    geometry["dilation"] = pair("max_pool2d", "dilation", dilation, 1)
    spec.max_pool2d(x, **geometry)
    return MaxPool2d.apply(x, return_indices=return_indices, **geometry)


class AvgPool2d(Function):
    """Linear; the gradient is spread evenly over the window."""

    def forward(self, x: Array, **geometry: Any) -> Array:
        self.geometry, self.size = geometry, x.shape[2:]
        return self.backend.avg_pool2d(x, **geometry)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = AvgPool2dGrad.apply(grad_output, input_size=self.size, **self.geometry)
        return result


class AvgPool2dGrad(Function):
    """The adjoint of average pooling, which is its adjoint in turn."""

    def forward(self, g: Array, *, input_size: Pair, **geometry: Any) -> Array:
        self.geometry = geometry
        return self.backend.avg_pool2d_grad(g, input_size=input_size, **geometry)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = AvgPool2d.apply(grad_output, **self.geometry)
        return result


def avg_pool2d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Mean of every window: x (N, C, H, W) → (N, C, out_h, out_w).

    The divisor is the number of elements of the window within the padded input, or within the
    input itself without count_include_pad, or divisor_override.
    """
    x = as_tensor("avg_pool2d", "x", x)
    geometry = _pool_geometry("avg_pool2d", kernel_size, stride, padding, ceil_mode)
    if divisor_override is not None:
        divisor_override = integer("avg_pool2d", "divisor_override", divisor_override)
    geometry |= {"count_include_pad": count_include_pad, "divisor_override": divisor_override}
    spec.avg_pool2d(x, **geometry)
    result: Tensor = AvgPool2d.apply(x, **geometry)
    return result


class AdaptiveAvgPool2d(Function):
    """Linear; the windows follow from the sizes."""

    def forward(self, x: Array, *, output_size: Pair) -> Array:
        self.size, self.output_size = x.shape[2:], output_size
        return self.backend.adaptive_avg_pool2d(x, output_size=output_size)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = AdaptiveAvgPool2dGrad.apply(grad_output, input_size=self.size)
        return result


class AdaptiveAvgPool2dGrad(Function):
    """The adjoint of adaptive average pooling."""

    def forward(self, g: Array, *, input_size: Pair) -> Array:
        self.output_size = g.shape[2:]
        return self.backend.adaptive_avg_pool2d_grad(g, input_size=input_size)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = AdaptiveAvgPool2d.apply(grad_output, output_size=self.output_size)
        return result


def adaptive_avg_pool2d(x: Tensor, output_size: int | tuple[int | None, int | None]) -> Tensor:
    """Average pooling to a given size: (N, C, H, W) → (N, C, *output_size); None keeps a size.

    Output row i averages the input rows floor(i·H/out) up to ceil((i+1)·H/out). Size 1 is global
    average pooling (Lin et al. 2014, §3.2).
    """
    x = as_tensor("adaptive_avg_pool2d", "x", x)
    name = "adaptive_avg_pool2d"
    several = isinstance(output_size, (tuple, list))
    both: Any = output_size if several else (integer(name, "output_size", output_size),) * 2
    if x.ndim == 4 and len(both) == 2:
        both = tuple(n if want is None else want for want, n in zip(both, x.shape[2:], strict=True))
    size = pair(name, "output_size", both, 1)
    new_shape(name, spec.adaptive_avg_pool2d(x, output_size=size).shape)
    result: Tensor = AdaptiveAvgPool2d.apply(x, output_size=size)
    return result


def _pool_geometry(
    name: str, kernel_size: Size, stride: Size | None, padding: Any, ceil_mode: bool
) -> dict[str, Any]:
    return {
        "kernel_size": pair(name, "kernel_size", kernel_size, 1),
        "stride": pair(name, "stride", kernel_size if stride is None else stride, 1),
        "padding": padding_sides(name, padding),
        "ceil_mode": ceil_mode,
    }
