"""Where the windows of convolution and pooling lie: the bookkeeping all their loops share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]
Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = tuple[int, int, int, int]
Place: TypeAlias = tuple[int, ...]


class Windows(NamedTuple):
    """A window of kernel_size sliding over a plane; padding is (top, left, bottom, right)."""

    input_size: Pair
    kernel_size: Pair
    stride: Pair = (1, 1)
    padding: Padding = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    ceil_mode: bool = False

    @property
    def output_size(self) -> Pair:
        """How many places the window has vertically and horizontally, by trying them all.

        >>> Windows((7, 9), (3, 2), stride=(2, 3)).output_size
        (3, 3)
        """
        counts = []
        for axis in (0, 1):
            before, after = self.padding[axis], self.padding[axis + 2]
            start, count = -before, 0
            while self._is_place(start, self.input_size[axis], after, axis):
                count += 1
                start += self.stride[axis]
            counts.append(count)
        return counts[0], counts[1]

    def _is_place(self, start: int, size: int, after: int, axis: int) -> bool:
        """Whether a window may start here: it fits, or (ceil_mode) the one before left a rest."""
        last = start + self.dilation[axis] * (self.kernel_size[axis] - 1)
        if last < size + after:
            return True
        # The step before did not reach the end of the padded input, so elements are left over;
        # they get a window if it starts in the input or in the padding before it.
        left_over = last - self.stride[axis] < size + after - 1
        return self.ceil_mode and left_over and start < size

    def taps(self, i: int, j: int) -> Iterator[tuple[Pair, Pair]]:
        """The window at output (i, j): ((p, q), (h, w)) of each tap, in row-major order.

        (h, w) may lie outside the input, in the padding or beyond it.
        """
        for p in range(self.kernel_size[0]):
            for q in range(self.kernel_size[1]):
                h = i * self.stride[0] + p * self.dilation[0] - self.padding[0]
                w = j * self.stride[1] + q * self.dilation[1] - self.padding[1]
                yield (p, q), (h, w)

    def real_taps(self, i: int, j: int) -> Iterator[tuple[Pair, Pair]]:
        """Those taps that lie in the input itself."""
        for tap, (h, w) in self.taps(i, j):
            if 0 <= h < self.input_size[0] and 0 <= w < self.input_size[1]:
                yield tap, (h, w)

    def padded_taps(self, i: int, j: int) -> int:
        """How many taps lie in the padded input (with ceil_mode, some may lie beyond it)."""
        top, left, bottom, right = self.padding
        return sum(
            -top <= h < self.input_size[0] + bottom and -left <= w < self.input_size[1] + right
            for _, (h, w) in self.taps(i, j)
        )
