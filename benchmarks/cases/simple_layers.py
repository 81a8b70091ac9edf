"""Pooling, batch norm, activations and the loss, kernel against kernel."""

# ruff: noqa: D102 - Layer documents the methods

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cases.layer import Layer, Runs, random


@dataclass(frozen=True)
class SimpleLayer(Layer):
    """A layer with a forward and a backward pass over x of one shape."""

    group = "layers"
    parts = ("forward", "backward")
    why_slow = "several NumPy calls, each a pass in one thread, where PyTorch makes one in all"

    shape: tuple[int, ...]

    @property
    def name(self) -> str:
        return f"{self.title} {'×'.join(map(str, self.shape))}"

    @property
    def title(self) -> str:
        """The operation, with its settings."""
        raise NotImplementedError


@dataclass(frozen=True)
class MaxPool(SimpleLayer):
    """Max pooling that keeps the winners' places, as training does."""

    kernel: int
    stride: int
    padding: int = 0

    @property
    def title(self) -> str:
        return f"max pool {self.kernel}×{self.kernel}/{self.stride}"

    def minidl(self, backend: Any) -> Runs:
        x = backend.asarray(random(*self.shape))
        geometry: dict[str, Any] = {
            "kernel_size": (self.kernel,) * 2,
            "stride": (self.stride,) * 2,
            "padding": (self.padding,) * 4,
            "dilation": (1, 1),
            "ceil_mode": False,
        }
        y, indices = backend.max_pool2d(x, **geometry)
        return {
            "forward": lambda: backend.max_pool2d(x, **geometry),
            "backward": lambda: backend.max_pool2d_grad(
                y, indices, input_size=self.shape[2:], **geometry
            ),
        }

    def torch(self, torch: Any) -> Runs:
        x = torch.from_numpy(random(*self.shape))
        geometry = ([self.kernel] * 2, [self.stride] * 2, [self.padding] * 2, [1, 1], False)
        aten = torch.ops.aten
        y, indices = aten.max_pool2d_with_indices(x, *geometry)
        return {
            "forward": lambda: aten.max_pool2d_with_indices(x, *geometry),
            "backward": lambda: aten.max_pool2d_with_indices_backward(y, x, *geometry, indices),
        }


@dataclass(frozen=True)
class AvgPool(SimpleLayer):
    """Average pooling with windows side by side."""

    kernel: int

    @property
    def title(self) -> str:
        return f"avg pool {self.kernel}×{self.kernel}"

    def minidl(self, backend: Any) -> Runs:
        x = backend.asarray(random(*self.shape))
        window: dict[str, Any] = {"kernel_size": (self.kernel,) * 2, "stride": (self.kernel,) * 2}
        y = backend.avg_pool2d(x, **window)
        return {
            "forward": lambda: backend.avg_pool2d(x, **window),
            "backward": lambda: backend.avg_pool2d_grad(y, input_size=self.shape[2:], **window),
        }

    def torch(self, torch: Any) -> Runs:
        x = torch.from_numpy(random(*self.shape))
        window = ([self.kernel] * 2, [self.kernel] * 2, [0, 0], False, True, None)
        aten = torch.ops.aten
        y = aten.avg_pool2d(x, *window)
        return {
            "forward": lambda: aten.avg_pool2d(x, *window),
            "backward": lambda: aten.avg_pool2d_backward(y, x, *window),
        }


@dataclass(frozen=True)
class BatchNorm(SimpleLayer):
    """Batch normalisation with the batch's own statistics."""

    title = "batch norm"

    def arrays(self) -> tuple[Any, ...]:
        """x, the gradient in y, weight and bias."""
        shapes = (self.shape, self.shape, self.shape[1:2], self.shape[1:2])
        return tuple(random(*shape, seed=seed) for seed, shape in enumerate(shapes))

    def minidl(self, backend: Any) -> Runs:
        x, grad, weight, bias = map(backend.asarray, self.arrays())
        _, mean, var = backend.batch_norm(x, weight, bias, eps=1e-5)
        return {
            "forward": lambda: backend.batch_norm(x, weight, bias, eps=1e-5),
            "backward": lambda: backend.batch_norm_grad(
                grad, x, mean, var, weight, bias, eps=1e-5, training=True
            ),
        }

    def torch(self, torch: Any) -> Runs:
        x, grad, weight, bias = map(torch.from_numpy, self.arrays())
        aten = torch.ops.aten
        forward = (x, weight, bias, None, None, True, 0.1, 1e-5)
        _, mean, inverse_std = aten.native_batch_norm(*forward)
        statistics = (None, None, mean, inverse_std, True, 1e-5, (True, True, True))
        return {
            "forward": lambda: aten.native_batch_norm(*forward),
            "backward": lambda: aten.native_batch_norm_backward(grad, x, weight, *statistics),
        }


@dataclass(frozen=True)
class ReLU(SimpleLayer):
    """max(x, 0)."""

    title = "relu"

    def minidl(self, backend: Any) -> Runs:
        x = backend.asarray(random(*self.shape))
        grad = backend.asarray(random(*self.shape, seed=1))
        return {"forward": lambda: backend.relu(x), "backward": lambda: backend.relu_grad(grad, x)}

    def torch(self, torch: Any) -> Runs:
        x, aten = torch.from_numpy(random(*self.shape)), torch.ops.aten
        grad = torch.from_numpy(random(*self.shape, seed=1))
        return {
            "forward": lambda: aten.relu(x),
            "backward": lambda: aten.threshold_backward(grad, x, 0),
        }


@dataclass(frozen=True)
class SiLU(SimpleLayer):
    """x · sigmoid(x)."""

    title = "silu"

    def minidl(self, backend: Any) -> Runs:
        x = backend.asarray(random(*self.shape))
        grad = backend.asarray(random(*self.shape, seed=1))
        return {"forward": lambda: backend.silu(x), "backward": lambda: backend.silu_grad(grad, x)}

    def torch(self, torch: Any) -> Runs:
        x, aten = torch.from_numpy(random(*self.shape)), torch.ops.aten
        grad = torch.from_numpy(random(*self.shape, seed=1))
        return {"forward": lambda: aten.silu(x), "backward": lambda: aten.silu_backward(grad, x)}


@dataclass(frozen=True)
class CrossEntropy(SimpleLayer):
    """Softmax cross-entropy of every sample."""

    title = "cross-entropy"

    def minidl(self, backend: Any) -> Runs:
        batch, classes = self.shape
        logits = backend.asarray(random(*self.shape))
        target = backend.asarray(np.arange(batch) % classes)
        grad = backend.asarray(random(batch))
        params: dict[str, Any] = {"label_smoothing": 0.0, "ignore_index": -100}
        return {
            "forward": lambda: backend.softmax_cross_entropy(logits, target, None, **params),
            "backward": lambda: backend.softmax_cross_entropy_grad(
                grad, logits, target, None, **params
            ),
        }

    def torch(self, torch: Any) -> Runs:
        batch, classes = self.shape
        logits, grad = torch.from_numpy(random(*self.shape)), torch.from_numpy(random(batch))
        target = torch.from_numpy(np.arange(batch) % classes)
        aten = torch.ops.aten
        each = (target, None, 0, -100)  # no class weights, no reduction, ignore_index
        log_p = aten._log_softmax(logits, 1, False)
        _, weight = aten.nll_loss_forward(log_p, *each)

        def backward() -> Any:
            grad_log_p = aten.nll_loss_backward(grad, log_p, *each, weight)
            return aten._log_softmax_backward_data(grad_log_p, log_p, 1, logits.dtype)

        return {
            "forward": lambda: aten.nll_loss_forward(aten._log_softmax(logits, 1, False), *each),
            "backward": backward,
        }
