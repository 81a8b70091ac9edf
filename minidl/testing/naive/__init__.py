"""What every kernel of the contract must compute, by plain Python loops in float64.

Each function has the name and the arguments of its kernel (without `out`) and states its formula
as one would compute it on paper: slow, and easy to check. Nothing here is shared with the kernels.
Results are float64 arrays whatever the inputs; the `*_step` functions change their lists in place.

>>> import numpy as np
>>> relu(np.array([-1.0, 2.0]))
array([0., 2.])
"""

from minidl.testing.naive.activation import (
    bias_activation,
    bias_activation_grad,
    channel_sum,
    hardswish,
    hardswish_grad,
    leaky_relu,
    leaky_relu_grad,
    relu,
    relu6,
    relu6_grad,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    silu,
    silu_grad,
    tanh,
    tanh_grad,
)
from minidl.testing.naive.conv import (
    conv2d,
    conv2d_input_grad,
    conv2d_weight_grad,
    depthwise_conv2d,
    depthwise_conv2d_input_grad,
    depthwise_conv2d_weight_grad,
    fold,
    unfold,
)
from minidl.testing.naive.dropout import drop_path, dropout, random_bits
from minidl.testing.naive.norm import (
    batch_norm,
    batch_norm_grad,
    batch_norm_inference,
    local_response_norm,
    local_response_norm_grad,
)
from minidl.testing.naive.optimizer import (
    adam_step,
    global_norm,
    lerp_step,
    rmsprop_step,
    sgd_step,
)
from minidl.testing.naive.pool import (
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_grad,
    avg_pool2d,
    avg_pool2d_grad,
    max_pool2d,
    max_pool2d_grad,
)
from minidl.testing.naive.rearrange import channel_shuffle
from minidl.testing.naive.softmax import (
    log_softmax,
    log_softmax_grad,
    softmax,
    softmax_cross_entropy,
    softmax_cross_entropy_grad,
    softmax_grad,
)

__all__ = [
    "adam_step",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_grad",
    "avg_pool2d",
    "avg_pool2d_grad",
    "batch_norm",
    "batch_norm_grad",
    "batch_norm_inference",
    "bias_activation",
    "bias_activation_grad",
    "channel_shuffle",
    "channel_sum",
    "conv2d",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "depthwise_conv2d",
    "depthwise_conv2d_input_grad",
    "depthwise_conv2d_weight_grad",
    "drop_path",
    "dropout",
    "fold",
    "global_norm",
    "hardswish",
    "hardswish_grad",
    "leaky_relu",
    "leaky_relu_grad",
    "lerp_step",
    "local_response_norm",
    "local_response_norm_grad",
    "log_softmax",
    "log_softmax_grad",
    "max_pool2d",
    "max_pool2d_grad",
    "random_bits",
    "relu",
    "relu6",
    "relu6_grad",
    "relu_grad",
    "rmsprop_step",
    "sgd_step",
    "sigmoid",
    "sigmoid_grad",
    "silu",
    "silu_grad",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_grad",
    "softmax_grad",
    "tanh",
    "tanh_grad",
    "unfold",
]
