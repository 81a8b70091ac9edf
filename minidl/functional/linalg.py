"""Matrix products: matmul, einsum, linear."""

from __future__ import annotations

import math
import string
from typing import Any

from minidl.errors import ArgumentError, fail
from minidl.function import Function
from minidl.functional.indexing import getitem
from minidl.functional.operands import (
    as_tensor,
    broadcast_shape,
    float_tensor,
    optional_tensor,
    same_dtype,
    sum_to,
)
from minidl.functional.reductions import sum
from minidl.functional.shape import expand, permute, reshape, squeeze, transpose, unsqueeze
from minidl.tensor import Tensor
from minidl_kernels.common.array_spec import check_same_float


class MatMul(Function):
    """∂(A B) = grad Bᵀ, Aᵀ grad, for stacks of matrices (…, n, k) · (…, k, m)."""

    def forward(self, a: Any, b: Any) -> Any:
        self.save_for_backward(a, b)
        return self.backend.xp.matmul(a, b)

    def backward(self, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        a, b = self.saved_tensors
        grad_a = grad_b = None
        if self.needs_input_grad[0]:
            grad_a = sum_to(matmul(grad_output, transpose(b, -2, -1)), a.shape)
        if self.needs_input_grad[1]:
            grad_b = sum_to(matmul(transpose(a, -2, -1), grad_output), b.shape)
        return grad_a, grad_b


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """Matrix product over the last two axes; leading axes broadcast.

    A one-dimensional operand counts as a row (left) or a column (right), and that axis is dropped
    again, as in NumPy and PyTorch. Raises ShapeError when the inner sizes differ.

    >>> import minidl
    >>> (minidl.ones(2, 3) @ minidl.ones(3)).tolist()
    [3.0, 3.0]
    """
    a = as_tensor("matmul", "a", a, b if isinstance(b, Tensor) else None)
    b = as_tensor("matmul", "b", b, a)
    if a.ndim == 0 or b.ndim == 0:
        fail("matmul", "an operand", "zero-dimensional", "at least one dimension", "Use a * b.")
    inner = b.shape[0] if b.ndim == 1 else b.shape[-2]
    if a.shape[-1] != inner:
        fail(
            "matmul",
            "a.shape[-1]",
            a.shape[-1],
            f"b.shape[{0 if b.ndim == 1 else -2}] ({inner})",
            f"a is {a.shape}, b is {b.shape}.{_transpose_advice(a.shape, b.shape)}",
        )
    if a.dtype != b.dtype:
        a, b = same_dtype("matmul", a, b)
    left = unsqueeze(a, 0) if a.ndim == 1 else a  # (k,) → (1, k)
    right = unsqueeze(b, 1) if b.ndim == 1 else b  # (k,) → (k, 1)
    broadcast_shape("matmul", left.shape[:-2], right.shape[:-2])
    y: Tensor = MatMul.apply(left, right)
    if a.ndim == 1:
        y = squeeze(y, -2)
    return squeeze(y, -1) if b.ndim == 1 else y


def _transpose_advice(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    """The transposition that would make the inner sizes agree, if one does."""
    if len(b) > 1 and a[-1] == b[-1]:
        return " Did you mean a @ b.mT?"
    if len(a) > 1 and a[-2] == b[-2 if len(b) > 1 else 0]:
        return " Did you mean a.mT @ b?"
    return ""


class Linear(Function):
    """∂(x Wᵀ + b) = grad W in x, gradᵀ x in W, Σ grad in b, over all rows of x."""

    def forward(self, x: Any, weight: Any, bias: Any | None) -> Any:
        self.save_for_backward(x, weight)
        xp = self.backend.xp
        y = xp.matmul(x, xp.transpose(weight))
        return y if bias is None else xp.add(y, bias)

    def backward(self, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = self.saved_tensors
        rows = math.prod(x.shape[:-1])
        grad_rows = reshape(grad_output, (rows, weight.shape[0]))  # (rows, out)
        x_rows = reshape(x, (rows, weight.shape[1]))  # (rows, in)
        x_needed, weight_needed, bias_needed = self.needs_input_grad
        return (
            matmul(grad_output, weight) if x_needed else None,
            matmul(transpose(grad_rows, 0, 1), x_rows) if weight_needed else None,
            sum(grad_rows, 0) if bias_needed else None,
        )


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b: x (…, in_features), weight (out_features, in_features), bias (out_features,)."""
    x = float_tensor("linear", "x", x)
    weight = float_tensor("linear", "weight", weight)
    bias = optional_tensor("linear", "bias", bias)
    check_same_float("linear", x=x, weight=weight, bias=bias)
    if weight.ndim != 2:
        fail("linear", "weight.shape", weight.shape, "(out_features, in_features)")
    if x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        fail(
            "linear",
            "x.shape",
            x.shape,
            f"(…, {weight.shape[1]}), since weight is {weight.shape} = (out_features, in_features)",
            _layer_advice(x.shape, weight.shape),
        )
    if bias is not None and bias.shape != (weight.shape[0],):
        fail("linear", "bias.shape", bias.shape, f"({weight.shape[0]},)")
    result: Tensor = Linear.apply(x, weight, bias)
    return result


def _layer_advice(x: tuple[int, ...], weight: tuple[int, ...]) -> str:
    """What to do about an x that doesn't fit: flatten it, or make the layer for its features."""
    features = math.prod(x[1:]) if len(x) > 2 else x[-1] if x else 0
    flatten = "Flatten images first with x.flatten(1)" if len(x) > 2 else ""
    layer = f"ake the layer nn.Linear({features}, {weight[0]})" if features != weight[1] else ""
    if flatten and layer:
        return f"{flatten}, and m{layer}."
    if not layer or not x:
        return f"{flatten}." if flatten else ""
    return f"M{layer}, or give the network images of the size that it was made for."


class Einsum(Function):
    """The gradient of an operand is the einsum of grad and the others to the operand's letters."""

    def forward(self, *arrays: Any, operands: tuple[str, ...], output: str) -> Any:
        self.operand_letters, self.output_letters = operands, output
        self.save_for_backward(*arrays)
        return self.backend.xp.einsum(f"{','.join(operands)}->{output}", *arrays)

    def backward(self, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        tensors = self.saved_tensors
        return tuple(
            self._partial(position, grad_output, tensors) if needed else None
            for position, needed in enumerate(self.needs_input_grad)
        )

    def _partial(self, position: int, grad_output: Tensor, tensors: Any) -> Tensor:
        mine, shape = self.operand_letters[position], tensors[position].shape
        others = [i for i in range(len(tensors)) if i != position]
        letters = [self.output_letters, *(self.operand_letters[i] for i in others)]
        # A letter that only this operand has was summed: its gradient is constant along it.
        present = "".join(c for c in mine if any(c in other for other in letters))
        found: Tensor = Einsum.apply(
            grad_output, *(tensors[i] for i in others), operands=tuple(letters), output=present
        )
        sizes = dict(zip(mine, shape, strict=True))
        found = reshape(
            found, tuple(found.shape[present.index(c)] if c in present else 1 for c in mine)
        )
        return expand(found, tuple(sizes[c] for c in mine))


def einsum(equation: str, *tensors: Tensor) -> Tensor:
    """Sums of products in Einstein's notation, as numpy.einsum and torch.einsum.

    Explicit ("ij,jk->ik") and implicit ("ij,jk") forms, ellipses, and repeated letters within an
    operand ("ii->i", the diagonal). Dimensions of size 1 broadcast.

    >>> import minidl
    >>> einsum("ij,kj->ik", minidl.ones(2, 3), minidl.ones(4, 3)).shape
    (2, 4)
    """
    if not isinstance(equation, str) or not tensors:
        given = f"{equation!r} with {len(tensors)} operands"
        fail(
            "einsum",
            "the call",
            given,
            "an equation and its operands",
            'For example einsum("ij,jk->ik", a, b).',
            error=ArgumentError,
        )
    tensors = tuple(float_tensor("einsum", f"operand {i}", t) for i, t in enumerate(tensors))
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(tensors):
        fail("einsum", "equation", repr(equation), f"{len(tensors)} operands", error=ArgumentError)
    for t in tensors[1:]:
        if t.dtype != tensors[0].dtype:
            same_dtype("einsum", tensors[0], t)
    terms, right = _without_ellipses(equation, terms, right if arrow else None, tensors)
    sizes: dict[str, int] = {}
    operands: list[tuple[Tensor, str]] = []
    for position, (letters, t) in enumerate(zip(terms, tensors, strict=True)):
        if len(letters) != t.ndim or not all(c in string.ascii_letters for c in letters):
            fail(
                "einsum", f"operand {position}", t.shape, f"one dimension per letter of {letters!r}"
            )
        while len(set(letters)) < len(letters):
            t, letters = _diagonal(t, letters)
        for c, n in zip(letters, t.shape, strict=True):
            known = sizes.get(c, 1)
            if 1 not in (n, known) and n != known:
                fail("einsum", f"the size of {c!r}", n, f"{known}, as in an earlier operand, or 1")
            sizes[c] = n if known == 1 else known
        operands.append((t, letters))
    if len(set(right)) != len(right) or any(c not in sizes for c in right):
        fail(
            "einsum",
            "the output",
            repr(right),
            "letters of the operands, each once",
            error=ArgumentError,
        )
    stretched = [expand(t, tuple(sizes[c] for c in letters)) for t, letters in operands]
    result: Tensor = Einsum.apply(
        *stretched, operands=tuple(letters for _, letters in operands), output=right
    )
    return result


def _diagonal(t: Tensor, letters: str) -> tuple[Tensor, str]:
    """Take the diagonal of the first letter that stands twice: (…i…i…) → (…i…)."""
    c = next(c for c in letters if letters.count(c) > 1)
    first, second = letters.index(c), letters.index(c, letters.index(c) + 1)
    if t.shape[first] != t.shape[second]:
        fail("einsum", f"the size of {c!r}", t.shape[second], str(t.shape[first]))
    rest = [axis for axis in range(t.ndim) if axis not in (first, second)]
    everywhere = Tensor._wrap(t.backend.asarray(range(t.shape[first]), "int64"), t.backend)
    diagonal = getitem(permute(t, (first, second, *rest)), (everywhere, everywhere))
    return diagonal, c + "".join(letters[axis] for axis in rest)


def _without_ellipses(
    equation: str, terms: list[str], right: str | None, tensors: tuple[Tensor, ...]
) -> tuple[list[str], str]:
    """Replace '...' by letters of their own, and write the implicit output out."""
    unused = [c for c in string.ascii_letters if c not in equation]
    widths = [
        t.ndim - len(term) + 3 for term, t in zip(terms, tensors, strict=True) if "..." in term
    ]
    dots = "".join(unused[: max(widths, default=0)])
    plain = [
        term.replace("...", dots[len(dots) - (t.ndim - len(term) + 3) :]) if "..." in term else term
        for term, t in zip(terms, tensors, strict=True)
    ]
    if right is None:
        letters = "".join(terms).replace(".", "")
        return plain, dots + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return plain, right.replace("...", dots)
