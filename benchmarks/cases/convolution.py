"""Convolution and its two gradients, kernel against kernel: arrays in, arrays out, no graph."""

# ruff: noqa: D102 - Layer documents the methods

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cases.layer import Layer, Runs, random


@dataclass(frozen=True)
class Convolution(Layer):
    """A convolution with square images, an odd kernel, and half its size as padding."""

    group = "convolution"
    parts = ("forward", "input grad", "weight grad")
    why_slow = "the windows are copied into a matrix, which PyTorch's direct kernels avoid"

    channels: int
    out_channels: int
    size: int
    kernel: int
    stride: int = 1
    batch: int = 8
    groups: int = 1
    padded: bool = True
    network: str = "ResNet-50"

    @property
    def name(self) -> str:
        stride = f"/{self.stride}" if self.stride > 1 else ""
        return (
            f"{self.network} {self.kernel}×{self.kernel}{stride} "
            f"{self.channels}→{self.out_channels} @{self.size}"
        )

    @property
    def padding(self) -> int:
        return self.kernel // 2 if self.padded else 0

    def arrays(self) -> tuple[Any, Any, Any]:
        """x, weight and the gradient in y."""
        out_size = (self.size + 2 * self.padding - self.kernel) // self.stride + 1
        return (
            random(self.batch, self.channels, self.size, self.size),
            random(self.out_channels, self.channels // self.groups, *[self.kernel] * 2, seed=1),
            random(self.batch, self.out_channels, out_size, out_size, seed=2),
        )

    def minidl(self, backend: Any) -> Runs:
        x, weight, grad = map(backend.asarray, self.arrays())
        geometry: dict[str, Any] = {"stride": (self.stride,) * 2, "padding": (self.padding,) * 4}
        geometry |= {"dilation": (1, 1), "groups": self.groups}
        size, kernel = (self.size,) * 2, (self.kernel,) * 2
        return {
            "forward": lambda: backend.conv2d(x, weight, **geometry),
            "input grad": lambda: backend.conv2d_input_grad(
                grad, weight, input_size=size, **geometry
            ),
            "weight grad": lambda: backend.conv2d_weight_grad(
                grad, x, kernel_size=kernel, **geometry
            ),
        }

    def torch(self, torch: Any) -> Runs:
        x, weight, grad = map(torch.from_numpy, self.arrays())
        geometry = ((self.stride,) * 2, (self.padding,) * 2, (1, 1))
        forward = torch.nn.functional.conv2d

        def backward(*mask: bool) -> Any:
            return torch.ops.aten.convolution_backward(
                grad, x, weight, None, *geometry, False, (0, 0), self.groups, mask
            )

        return {
            "forward": lambda: forward(x, weight, None, *geometry, self.groups),
            "input grad": lambda: backward(True, False, False),
            "weight grad": lambda: backward(False, True, False),
        }


@dataclass(frozen=True)
class DepthwiseConvolution(Convolution):
    """Every channel with a filter of its own; minidl has kernels of their own for it."""

    group = "depthwise"
    why_slow = "one pass over memory per tap in NumPy, where a compiled loop makes one in all"

    def minidl(self, backend: Any) -> Runs:
        x, weight, grad = map(backend.asarray, self.arrays())
        geometry: dict[str, Any] = {"stride": (self.stride,) * 2, "padding": (self.padding,) * 4}
        geometry["dilation"] = (1, 1)
        size, kernel = (self.size,) * 2, (self.kernel,) * 2
        return {
            "forward": lambda: backend.depthwise_conv2d(x, weight, **geometry),
            "input grad": lambda: backend.depthwise_conv2d_input_grad(
                grad, weight, input_channels=self.channels, input_size=size, **geometry
            ),
            "weight grad": lambda: backend.depthwise_conv2d_weight_grad(
                grad, x, kernel_size=kernel, **geometry
            ),
        }
