"""The pre-activation of batch norm, slab by slab: what the forward pass and the gradient share.

Every channel is normalised by itself. So the work goes slab by slab, a slab being a few channels
of all images, as many as fit into the cache: it is read from memory once, all the passes over it
run in the cache, and the result is written once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minidl_kernels.bias_activation.channels import Array, flat_space, per_channel
from minidl_kernels.common import workspace

SLAB_BYTES = 1 << 20
"""Bytes of x in one slab: few enough for the cache, enough to make Python's overhead small."""

SHORTEST_RUN = 64
"""Elements to read in a row at least: a cache line is 64 bytes, and memory likes several."""


class Normalisation:
    """The operands of one call, x and residual as (N, C, S), the others (C,) or None.

    The forward pass fills `mean` and `var` while it goes, one slab after the other.
    """

    def __init__(
        self,
        x: Array,
        mean: Array,
        var: Array,
        weight: Array | None,
        bias: Array | None,
        residual: Array | None,
        eps: float,
    ) -> None:
        self.x = flat_space(x)
        self.mean, self.var, self.weight, self.bias = mean, var, weight, bias
        self.residual = None if residual is None else flat_space(residual)
        self.eps = eps
        self.count = self.x.shape[0] * self.x.shape[2]

    def slabs(self) -> Iterator[slice]:
        """Slices of the channels."""
        channels, space = self.x.shape[1:]
        fitting = SLAB_BYTES // max(1, self.count * self.x.itemsize)
        step = max(1, fitting, SHORTEST_RUN // max(1, space))
        for start in range(0, channels, step):
            yield slice(start, min(start + step, channels))

    def vector(self, values: Array) -> Array:
        """Numbers (C,), one for each channel of a slab, ready to combine with (N, C, S)."""
        return per_channel(values.astype(self.x.dtype, copy=False), self.x.shape[2])

    def inverse_std(self, c: slice) -> Array:
        """1 / √(var + eps) in float64, (C,)."""
        return np.asarray(1 / np.sqrt(self.var[c].astype(np.float64) + self.eps))

    def scale(self, c: slice) -> Array:
        """What x − mean is multiplied by: weight / √(var + eps), rounded once; broadcasts."""
        scale = self.inverse_std(c)
        return self.vector(scale if self.weight is None else scale * self.weight[c])

    def centred(self, c: slice, out: Array | None = None) -> Array:
        """x − mean of a slab, (N, C, S)."""
        x = self.x[:, c]
        out = workspace.empty(x.shape, x.dtype) if out is None else out
        return np.subtract(x, self.vector(self.mean[c]), out=out)

    def pre_activation(self, c: slice, out: Array | None = None) -> Array:
        """(x − mean) · scale + bias + residual of a slab, (N, C, S).

        The one place that computes it: the gradient must see the forward pass's very bits, or it
        would put an element that lies next to a kink of the activation on the wrong side.
        """
        z = self.centred(c, out)
        z *= self.scale(c)
        if self.bias is not None:
            z += self.vector(self.bias[c])
        if self.residual is not None:
            z += self.residual[:, c]
        return z
