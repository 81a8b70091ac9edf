"""Differentiable operations: one file per family, each the Function and the function users call.

| file | operations |
|---|---|
| elementwise | add, mul, div, pow, exp, log, where, clip, comparisons … |
| reductions | sum, mean, var, max, logsumexp, argmax … |
| shape | reshape, permute, indexing, concatenate, split, pad … |
| linalg | matmul, einsum, linear |
| conv | conv2d, conv_transpose2d, unfold, fold |
| pool | max_pool2d, avg_pool2d, adaptive_avg_pool2d |
| norm | batch_norm, local_response_norm |
| activation, bias | relu … hardswish, softmax, log_softmax; bias and activation in one |
| loss | cross_entropy, nll_loss, mse_loss |
| dropout, rearrange, moving | dropout, drop_path; channel_shuffle; casts, copies, backends |
"""

from minidl.functional.activation import (
    hardswish,
    leaky_relu,
    log_softmax,
    relu,
    relu6,
    sigmoid,
    silu,
    softmax,
    tanh,
)
from minidl.functional.bias import bias_activation
from minidl.functional.conv import conv2d, conv_transpose2d, fold, unfold
from minidl.functional.dropout import drop_path, dropout
from minidl.functional.elementwise import (
    abs,
    add,
    clip,
    cos,
    div,
    eq,
    exp,
    floor,
    ge,
    gt,
    isnan,
    le,
    log,
    logical_and,
    logical_not,
    logical_or,
    lt,
    maximum,
    minimum,
    mul,
    ne,
    neg,
    pow,
    reciprocal,
    sign,
    sin,
    sqrt,
    square,
    sub,
    where,
)
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
    cat,
    chunk,
    concatenate,
    expand,
    flatten,
    flip,
    gather_along,
    getitem,
    pad,
    permute,
    reshape,
    split,
    squeeze,
    stack,
    transpose,
    unbind,
    unsqueeze,
)

__all__ = [name for name in dir() if not name.startswith("_") and name != "minidl"]
