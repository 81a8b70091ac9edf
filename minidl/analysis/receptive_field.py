"""Receptive fields: the part of the image that one output can see.

Along one axis, output i of an operation takes some elements of its input, and sees what they see:
from the first pixel of any of them to the last. All of our operations repeat themselves: P outputs
on, they take the same elements, M further on:

    window of k elements      P = 1, M = s        output i takes i·s − p + t·d, 0 ≤ t < k
    transposed convolution    P = s, M = 1        (i + p − t·d) / s, where that is whole
    adaptive pooling n → m    P = m/g, M = n/g    from ⌊i·n/m⌋ to below ⌈(i + 1)·n/m⌉

with stride s, padding p, dilation d and g = gcd(n, m).

So what is seen is noted exactly for the outputs of one period, which is one output long until there
is a transposed convolution or an adaptive pooling. Where branches meet, the field reaches from the
first start to the last end. Padding is counted: near the border a part of the field lies outside
the image.

(Dumoulin & Visin 2016, "A guide to convolution arithmetic"; Araujo et al. 2019, "Computing
receptive fields of convolutional neural networks", Distill, for outputs that are all alike.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

MAX_PERIOD = 1 << 12
"""More different outputs aren't followed."""

Span = tuple[int, int]
"""The first and the last pixel."""


class Axis(NamedTuple):
    """What the outputs along one axis see."""

    spans: tuple[Span | None, ...] = ((0, 0),)
    """Of the outputs of one period; None: of an output that takes nothing."""
    advance: int = 1
    """How many pixels further on the next period is."""

    @property
    def size(self) -> int:
        """Of the largest field."""
        return max((last - first + 1 for first, last in filter(None, self.spans)), default=0)

    @property
    def jump(self) -> Fraction:
        """Pixels from an output's field to the next one's, on average."""
        return Fraction(abs(self.advance), len(self.spans))

    def at(self, i: int) -> Span | None:
        """What output i sees."""
        periods, phase = divmod(i, len(self.spans))
        span, shift = self.spans[phase], periods * self.advance
        return span and (span[0] + shift, span[1] + shift)

    def behind(self, taken: Sequence[Iterable[int]], moved: int) -> Axis | None:
        """Behind an operation: `taken` are the elements that each output of its period takes, of
        which the next period's are `moved` further on. None if the outputs differ too much.
        """
        periods = len(self.spans) // math.gcd(len(self.spans), moved)
        if periods * len(taken) > MAX_PERIOD:
            return None
        spans = [
            _hull(self.at(element + period * moved) for element in elements)
            for period in range(periods)
            for elements in taken
        ]
        advance = Fraction(periods * moved, len(self.spans)) * self.advance
        return Axis(tuple(spans), int(advance))

    def window(self, k: int, stride: int, padding: int, dilation: int) -> Axis | None:
        """Behind a window of k elements."""
        return self.behind([[t * dilation - padding for t in range(k)]], stride)

    def transposed(self, k: int, stride: int, padding: int, dilation: int) -> Axis | None:
        """Behind a transposed convolution: of its window, only some taps meet an element."""
        places = [[i + padding - t * dilation for t in range(k)] for i in range(stride)]
        return self.behind(
            [[place // stride for place in row if place % stride == 0] for row in places], 1
        )

    def adaptive(self, n: int, out: int) -> Axis | None:
        """Behind an adaptive pooling of n elements to `out`."""
        moved, period = n // math.gcd(n, out), out // math.gcd(n, out)
        windows = [range(i * n // out, -(-(i + 1) * n // out)) for i in range(period)]
        return self.behind(windows, moved)

    def joined(self, other: Axis) -> Axis | None:
        """Where two branches meet; None if one runs through the image faster than the other."""
        period = math.lcm(len(self.spans), len(other.spans))
        advance = period // len(self.spans) * self.advance
        if advance != period // len(other.spans) * other.advance or period > MAX_PERIOD:
            return None
        return Axis(tuple(_hull((self.at(i), other.at(i))) for i in range(period)), advance)


def _hull(spans: Iterable[Span | None]) -> Span | None:
    """From the first start to the last end."""
    some = [span for span in spans if span is not None]
    return (min(first for first, _ in some), max(last for _, last in some)) if some else None


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
        """Height and width of the field; of the largest, where outputs differ."""
        return self.height.size, self.width.size

    def along(self, height: Axis | None, width: Axis | None) -> Field | None:
        """The same with other axes; None if one of them isn't known."""
        return (
            None if height is None or width is None else self._replace(height=height, width=width)
        )

    def joined(self, other: Field) -> Field | None:
        """Where two branches meet."""
        axes, whole = self.axes or other.axes, self.whole or other.whole
        if whole:
            return Field(axes=axes, whole=True)
        field = self._replace(axes=axes)
        return field.along(self.height.joined(other.height), self.width.joined(other.width))


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
    field: Field | None = operands[0][1]
    if name == "unfold" or any(f is None for _, f in operands):
        return None  # columns: who mixes them, and how, is anybody's guess
    for _, other in operands[1:]:
        field = field and field.joined(other)
    if field is None:
        return None
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
    if name == "adaptive_avg_pool2d" and y.shape[2:] != (1, 1):
        (n_h, n_w), (out_h, out_w) = x.shape[2:], y.shape[2:]
        return field.along(field.height.adaptive(n_h, out_h), field.width.adaptive(n_w, out_w))
    window = _window(name, args, options)
    if window is not None:
        step = Axis.transposed if name.endswith("input_grad") else Axis.window
        height, width = zip(*window, strict=True)
        return field.along(step(field.height, *height), step(field.width, *width))
    if name in ("matmul", "einsum"):  # over the channels, where they stand last
        keeps = name == "matmul" and -1 not in field.axes and x is args[0]
        return field if keeps else Field(axes=None, whole=True)
    return field if any(_same_grid(field, x, y) for x, _ in operands) else Field(whole=True)


def _window(name: str, args: Any, options: Any) -> Any:
    """(kernel_size, stride, padding, dilation), each (height, width); None if there's none."""
    ones, padding = (1, 1), options.get("padding", (0, 0))[:2]
    if name in ("max_pool2d", "avg_pool2d"):
        size = options["kernel_size"]
        return size, options["stride"], padding, options.get("dilation", ones)
    if name in ("conv2d", "depthwise_conv2d", "conv2d_input_grad", "depthwise_conv2d_input_grad"):
        strides, dilations = options.get("stride", ones), options.get("dilation", ones)
        return args[1].shape[2:], strides, padding, dilations
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


def _indexed(field: Field, x: Any, key: Any) -> Field | None:
    """Slices move the grid and thin it out; anything else loses it."""
    parts = key if isinstance(key, tuple) else (key,)
    if field.axes is None or not all(isinstance(part, slice) for part in parts):
        return field._replace(axes=None)
    parts += (slice(None),) * (x.ndim - len(parts))
    ranges = [range(*parts[axis].indices(x.shape[axis])) for axis in field.axes]
    return _moved(field, [r.start for r in ranges], [r.step for r in ranges])


def _moved(field: Field, by: Any, step: Any) -> Field | None:
    """Elements by, by + step, by + 2·step … of the grid."""
    axes = (field.height, field.width)
    height, width = (a.window(1, s, -b, 1) for a, b, s in zip(axes, by, step, strict=True))
    return field.along(height, width)
