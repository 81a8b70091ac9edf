"""Multiply-accumulates of one operation of the backend.

A multiplication and the addition that follows it are one MAC. Convolutions, transposed
convolutions and matrix products have them; element-wise operations, pooling and normalisation are
not counted, as in the papers.
"""

from __future__ import annotations

import math
from typing import Any

from minidl_kernels.conv2d.spec import conv2d_macs
from minidl_kernels.depthwise_conv2d.spec import depthwise_conv2d_macs


def macs_of(name: str, args: tuple[Any, ...], result: Any) -> int:
    """MACs of the call `name(*args) → result`; 0 for what has none.

    >>> from minidl_kernels.common.array_spec import ArraySpec
    >>> a, b, y = (ArraySpec(shape, "float32") for shape in ((2, 3), (3, 5), (2, 5)))
    >>> macs_of("matmul", (a, b), y)
    30
    """
    if name == "conv2d":
        return conv2d_macs(args[0], args[1], result)
    if name == "depthwise_conv2d":
        return depthwise_conv2d_macs(args[0], args[1], result)
    # The adjoints, as operations of their own (transposed convolution), take as many as the
    # convolution from their result to their argument.
    if name == "conv2d_input_grad":
        return conv2d_macs(result, args[1], args[0])
    if name == "depthwise_conv2d_input_grad":
        return depthwise_conv2d_macs(result, args[1], args[0])
    if name == "conv2d_weight_grad":
        return conv2d_macs(args[1], result, args[0])
    if name == "depthwise_conv2d_weight_grad":
        return depthwise_conv2d_macs(args[1], result, args[0])
    if name == "matmul":
        return int(math.prod(result.shape) * args[0].shape[-1])
    if name == "einsum" and len(args) > 2:
        letters = args[0].split("->")[0].split(",")
        sizes = {
            letter: int(n)
            for term, x in zip(letters, args[1:], strict=True)
            for letter, n in zip(term, x.shape, strict=True)
        }
        return math.prod(sizes.values()) * (len(letters) - 1)
    return 0
