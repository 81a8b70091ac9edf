"""Receptive fields: the part of the image that one output can see.

Along one axis, output i sees the inputs start + i·jump … start + i·jump + size − 1. A window of k
elements, dilation d, stride s and padding p makes of (size, jump, start)

    size + (k − 1)·d·jump,   jump·s,   start − p·jump

(Dumoulin & Visin 2016, "A guide to convolution arithmetic"; Araujo et al. 2019, "Computing
receptive fields of convolutional neural networks", Distill). Where branches meet, the field reaches
from the first start to the last end. Padding is counted: near the border a part of the field lies
outside the image.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple


class Axis(NamedTuple):
    """The field along one axis, in pixels; fractions come from transposed convolutions."""

    size: Fraction = Fraction(1)
    jump: Fraction = Fraction(1)
    start: Fraction = Fraction(0)

    def window(self, k: int, stride: int, padding: int, dilation: int) -> Axis:
        """Behind a window of k elements."""
        return Axis(
            self.size + (k - 1) * dilation * self.jump,
            self.jump * stride,
            self.start - padding * self.jump,
        )

    def transposed(self, k: int, stride: int, padding: int, dilation: int) -> Axis:
        """Behind a transposed convolution: of its window, only every (stride/g)-th tap meets an
        element, g = gcd(stride, dilation).
        """
        g = math.gcd(stride, dilation)
        taps = (k - 1) * g // stride
        start = Fraction(padding - dilation * (k - 1), stride)
        return Axis(
            self.size + taps * (dilation // g) * self.jump,
            self.jump / stride,
            self.start + start * self.jump,
        )

    def joined(self, other: Axis) -> Axis:
        """Where two branches meet."""
        start = min(self.start, other.start)
        end = max(self.start + self.size, other.start + other.size)
        return Axis(end - start, max(self.jump, other.jump), start)


class Field(NamedTuple):
    """The field of an array's elements, and which of its axes, from the end, are the image's."""

    height: Axis = Axis()
    width: Axis = Axis()
    axes: tuple[int, int] | None = (-2, -1)
    """None: the elements stand in no grid any more, as after Flatten."""
    whole: bool = False
    """Whether an element sees all of the image."""

    @property
    def pixels(self) -> tuple[int, int]:
        """Height and width of the field."""
        return math.ceil(self.height.size), math.ceil(self.width.size)

    def joined(self, other: Field) -> Field:
        """Where two branches meet."""
        return Field(
            self.height.joined(other.height),
            self.width.joined(other.width),
            self.axes or other.axes,
            self.whole or other.whole,
        )


class ReceptiveFields:
    """The fields of all arrays of a run, followed operation by operation."""

    def __init__(self, images: Iterable[Any]) -> None:
        # By identity: the caller keeps all arrays alive.
        self._fields: dict[int, Field | None] = {id(x): Field() for x in images if x.ndim == 4}

    def of(self, array: Any) -> Field | None:
        """The field of an array; None where nothing is known of it."""
        return self._fields.get(id(array))

    def follow(self, name: str, args: tuple[Any, ...], options: Any, result: Any) -> None:
        """Note the field of an operation's result."""
        operands = [x for a in args for x in (a if isinstance(a, (tuple, list)) else (a,))]
        fields = [(x, self._fields[id(x)]) for x in operands if id(x) in self._fields]
        for y in result if isinstance(result, tuple) else (result,):
            if fields and hasattr(y, "shape"):
                self._fields[id(y)] = _behind(name, args, options, fields, y)


def _behind(
    name: str, args: tuple[Any, ...], options: Any, operands: list[Any], y: Any
) -> Field | None:
    """The field of y; operands are pairs of an array and its field."""
    x: Any = operands[0][0]
    field: Field = operands[0][1]
    if name == "unfold" or any(f is None for _, f in operands):
        return None  # columns: who mixes them, and how, is anybody's guess
    for _, other in operands[1:]:
        field = field.joined(other)
    if field.whole:
        return Field(axes=field.axes, whole=True)
    if name == "transpose":
        return _transposed(field, x, args, options)
    if name in ("reshape", "broadcast_to"):
        return field if _same_grid(field, x, y) else field._replace(axes=None)
    if field.axes is None:
        mixes = name in ("matmul", "einsum") or x.shape != y.shape
        return Field(axes=None, whole=True) if mixes and name != "concatenate" else field
    if name == "pad":
        widths = [pair[0] for pair in args[1]]
        return _moved(field, [-widths[axis] for axis in field.axes], (1, 1))
    if name == "index":
        return _indexed(field, x, args[1])
    window = _window(name, x, args, options, y)
    if window is not None:
        step = Axis.transposed if name.endswith("input_grad") else Axis.window
        height, width = zip(*window, strict=True)
        return field._replace(height=step(field.height, *height), width=step(field.width, *width))
    if name in ("matmul", "einsum"):  # over the channels, where they stand last
        keeps = name == "matmul" and -1 not in field.axes and x is args[0]
        return field if keeps else Field(axes=None, whole=True)
    return field if any(_same_grid(field, x, y) for x, _ in operands) else Field(whole=True)


def _window(name: str, x: Any, args: Any, options: Any, y: Any) -> Any:
    """(kernel_size, stride, padding, dilation), each (height, width); None if there's none."""
    ones, padding = (1, 1), options.get("padding", (0, 0))[:2]
    if name in ("max_pool2d", "avg_pool2d"):
        size = options["kernel_size"]
        return size, options["stride"], padding, options.get("dilation", ones)
    if name in ("conv2d", "depthwise_conv2d", "conv2d_input_grad", "depthwise_conv2d_input_grad"):
        strides, dilations = options.get("stride", ones), options.get("dilation", ones)
        return args[1].shape[2:], strides, padding, dilations
    if name == "adaptive_avg_pool2d" and y.shape[2:] != ones:
        pairs = list(zip(x.shape[2:], y.shape[2:], strict=True))
        # Windows differ in size; the largest one counts.
        sizes = [max(-(-(i + 1) * n // out) - i * n // out for i in range(out)) for n, out in pairs]
        return sizes, [Fraction(n, out) for n, out in pairs], (0, 0), ones
    return None


def _same_grid(field: Field, x: Any, y: Any) -> bool:
    """Whether y has x's rows and columns where x has them."""
    axes = field.axes
    if axes is None or min(x.ndim, y.ndim) < -min(axes):
        return False
    return all(x.shape[axis] == y.shape[axis] for axis in axes)


def _transposed(field: Field, x: Any, args: tuple[Any, ...], options: Any) -> Field:
    order = options.get("axes", args[1] if len(args) > 1 else None)
    if field.axes is None:
        return field
    order = tuple(reversed(range(x.ndim))) if order is None else tuple(a % x.ndim for a in order)
    rows, columns = (order.index(axis % x.ndim) - x.ndim for axis in field.axes)
    return field._replace(axes=(rows, columns))


def _indexed(field: Field, x: Any, key: Any) -> Field:
    """Slices move the grid and thin it out; anything else loses it."""
    parts = key if isinstance(key, tuple) else (key,)
    if field.axes is None or not all(isinstance(part, slice) for part in parts):
        return field._replace(axes=None)
    parts += (slice(None),) * (x.ndim - len(parts))
    ranges = [range(*parts[axis].indices(x.shape[axis])) for axis in field.axes]
    return _moved(field, [r.start for r in ranges], [r.step for r in ranges])


def _moved(field: Field, by: Any, step: Any) -> Field:
    """Elements by, by + step, by + 2·step … of the grid."""
    axes = (field.height, field.width)
    height, width = (a.window(1, s, -b, 1) for a, b, s in zip(axes, by, step, strict=True))
    return field._replace(height=height, width=width)
