"""im2col and col2im as operations: unfold and fold, each the other's adjoint."""

from __future__ import annotations

from typing import Any

from minidl.backends import Array
from minidl.function import Function
from minidl.functional.conv import Size, padding_sides
from minidl.functional.operands import as_tensor
from minidl.tensor import Tensor
from minidl_kernels.common.windows import Pair, pair
from minidl_kernels.unfold import spec as unfold_spec


class Unfold(Function):
    """im2col; its adjoint is fold."""

    def forward(self, x: Array, **geometry: Any) -> Array:
        self.size, self.geometry = x.shape[2:], geometry
        return self.backend.unfold(x, **geometry)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = Fold.apply(grad_output, output_size=self.size, **self.geometry)
        return result


class Fold(Function):
    """col2im; its adjoint is unfold."""

    def forward(self, columns: Array, *, output_size: Pair, **geometry: Any) -> Array:
        self.geometry = geometry
        return self.backend.fold(columns, output_size=output_size, **geometry)

    def backward(self, grad_output: Tensor) -> Tensor:
        result: Tensor = Unfold.apply(grad_output, **self.geometry)
        return result


def unfold(
    x: Tensor, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
) -> Tensor:
    """im2col: every window of x (N, C, H, W) as a column, (N, C·kh·kw, out_h·out_w).

    conv2d is then one matrix product: weight.reshape(O, −1) @ unfold(x).

    >>> import minidl
    >>> unfold(minidl.ones(1, 2, 4, 5), kernel_size=3).shape
    (1, 18, 6)
    """
    x = as_tensor("unfold", "x", x)
    geometry = _window("unfold", kernel_size, stride, padding, dilation)
    unfold_spec.unfold(x, **geometry)
    result: Tensor = Unfold.apply(x, **geometry)
    return result


def fold(
    columns: Tensor,
    output_size: Size,
    kernel_size: Size,
    dilation: Size = 1,
    padding: Size = 0,
    stride: Size = 1,
) -> Tensor:
    """col2im: put the columns back and add where windows overlap, (N, C, *output_size).

    The adjoint of unfold, not its inverse.
    """
    columns = as_tensor("fold", "columns", columns)
    geometry = _window("fold", kernel_size, stride, padding, dilation)
    size = pair("fold", "output_size", output_size, 1)
    unfold_spec.fold(columns, output_size=size, **geometry)
    result: Tensor = Fold.apply(columns, output_size=size, **geometry)
    return result


def _window(
    name: str, kernel_size: Size, stride: Size, padding: Any, dilation: Size
) -> dict[str, Any]:
    return {
        "kernel_size": pair(name, "kernel_size", kernel_size, 1),
        "stride": pair(name, "stride", stride, 1),
        "padding": padding_sides(name, padding),
        "dilation": pair(name, "dilation", dilation, 1),
    }
