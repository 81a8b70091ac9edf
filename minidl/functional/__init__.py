"""Differentiable operations: one file per family, each the Function and the function users call.

| file | operations |
|---|---|
| arithmetic, elementwise, comparison | add, mul, div, pow; exp, log, where, clip; ==, < … |
| reductions | sum, mean, var, max, logsumexp, argmax … |
| shape, indexing, joining | reshape, permute; x[key]; concatenate, split, pad … |
| linalg | matmul, einsum, linear |
| conv, unfold | conv2d, conv_transpose2d; unfold, fold |
| pool | max_pool2d, avg_pool2d, adaptive_avg_pool2d |
| norm | batch_norm, local_response_norm |
| activation, bias, softmax | relu … hardswish; bias and activation in one; softmax, log_softmax |
| loss | cross_entropy, nll_loss, mse_loss |
| dropout, rearrange, moving | dropout, drop_path; channel_shuffle; casts, copies, backends |
"""

from typing import TYPE_CHECKING, NoReturn

from minidl import naming
from minidl.functional.activation import hardswish, leaky_relu, relu, relu6, sigmoid, silu, tanh
from minidl.functional.arithmetic import add, div, maximum, minimum, mul, pow, sub
from minidl.functional.bias import bias_activation
from minidl.functional.comparison import (
    eq,
    floor,
    ge,
    gt,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    lt,
    ne,
    sign,
)
from minidl.functional.conv import conv2d, conv_transpose2d
from minidl.functional.dropout import drop_path, dropout
from minidl.functional.elementwise import (
    abs,
    clip,
    cos,
    exp,
    log,
    neg,
    reciprocal,
    sin,
    sqrt,
    square,
    where,
)
from minidl.functional.indexing import gather_along, getitem
from minidl.functional.joining import cat, chunk, concatenate, pad, split, stack, unbind
from minidl.functional.linalg import einsum, linear, matmul
from minidl.functional.loss import cross_entropy, mse_loss, nll_loss
from minidl.functional.moving import astype, clone, contiguous, new_full, new_tensor, to
from minidl.functional.norm import batch_norm, local_response_norm
from minidl.functional.pool import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from minidl.functional.rearrange import channel_shuffle
from minidl.functional.reductions import (
    all,
    amax,
    amin,
    any,
    argmax,
    argmin,
    logsumexp,
    max,
    mean,
    min,
    std,
    sum,
    var,
)
from minidl.functional.shape import (
    expand,
    flatten,
    flip,
    permute,
    reshape,
    squeeze,
    transpose,
    unsqueeze,
    view,
)
from minidl.functional.softmax import log_softmax, softmax
from minidl.functional.unfold import fold, unfold

__all__ = [
    "abs",
    "adaptive_avg_pool2d",
    "add",
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "astype",
    "avg_pool2d",
    "batch_norm",
    "bias_activation",
    "cat",
    "channel_shuffle",
    "chunk",
    "clip",
    "clone",
    "concatenate",
    "contiguous",
    "conv2d",
    "conv_transpose2d",
    "cos",
    "cross_entropy",
    "div",
    "drop_path",
    "dropout",
    "einsum",
    "eq",
    "exp",
    "expand",
    "flatten",
    "flip",
    "floor",
    "fold",
    "gather_along",
    "ge",
    "getitem",
    "gt",
    "hardswish",
    "isnan",
    "le",
    "leaky_relu",
    "linear",
    "local_response_norm",
    "log",
    "log_softmax",
    "logical_and",
    "logical_not",
    "logical_or",
    "logsumexp",
    "lt",
    "matmul",
    "max",
    "max_pool2d",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mse_loss",
    "mul",
    "ne",
    "neg",
    "new_full",
    "new_tensor",
    "nll_loss",
    "pad",
    "permute",
    "pow",
    "reciprocal",
    "relu",
    "relu6",
    "reshape",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "softmax",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "sub",
    "sum",
    "tanh",
    "to",
    "transpose",
    "unbind",
    "unfold",
    "unsqueeze",
    "var",
    "view",
    "where",
]


if not TYPE_CHECKING:  # else type checkers would take every name for a known one

    def __getattr__(name: str) -> NoReturn:
        """Explain a name that doesn't exist."""
        naming.missing_name("minidl.functional", name, __all__, naming.FUNCTIONAL)
