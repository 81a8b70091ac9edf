"""The NumPy backend: the reference. Every kernel of the contract, bound to its function."""

from __future__ import annotations

from typing import ClassVar

from minidl.backends.numpy_arrays import NumpyArrays
from minidl_kernels.activation import numpy_reference as activation_reference
from minidl_kernels.batch_norm import numpy_reference as batch_norm_reference
from minidl_kernels.bias_activation import numpy_reference as bias_activation_reference
from minidl_kernels.channel_shuffle import numpy_reference as channel_shuffle_reference
from minidl_kernels.conv2d import numpy_reference as conv2d_reference
from minidl_kernels.depthwise_conv2d import numpy_reference as depthwise_conv2d_reference
from minidl_kernels.dropout import numpy_reference as dropout_reference
from minidl_kernels.local_response_norm import numpy_reference as local_response_norm_reference
from minidl_kernels.optimizer_step import numpy_reference as optimizer_step_reference
from minidl_kernels.pool2d import numpy_reference as pool2d_reference
from minidl_kernels.softmax import numpy_reference as softmax_reference
from minidl_kernels.softmax_cross_entropy import numpy_reference as softmax_cross_entropy_reference
from minidl_kernels.unfold import numpy_reference as unfold_reference


class NumpyBackend(NumpyArrays):
    """NumPy on the CPU: clear first, then fast. It needs nothing but NumPy."""

    name: ClassVar[str] = "numpy"

    conv2d = staticmethod(conv2d_reference.conv2d)
    conv2d_input_grad = staticmethod(conv2d_reference.conv2d_input_grad)
    conv2d_weight_grad = staticmethod(conv2d_reference.conv2d_weight_grad)

    depthwise_conv2d = staticmethod(depthwise_conv2d_reference.depthwise_conv2d)
    depthwise_conv2d_input_grad = staticmethod(
        depthwise_conv2d_reference.depthwise_conv2d_input_grad
    )
    depthwise_conv2d_weight_grad = staticmethod(
        depthwise_conv2d_reference.depthwise_conv2d_weight_grad
    )

    unfold = staticmethod(unfold_reference.unfold)
    fold = staticmethod(unfold_reference.fold)

    max_pool2d = staticmethod(pool2d_reference.max_pool2d)
    max_pool2d_grad = staticmethod(pool2d_reference.max_pool2d_grad)
    avg_pool2d = staticmethod(pool2d_reference.avg_pool2d)
    avg_pool2d_grad = staticmethod(pool2d_reference.avg_pool2d_grad)
    adaptive_avg_pool2d = staticmethod(pool2d_reference.adaptive_avg_pool2d)
    adaptive_avg_pool2d_grad = staticmethod(pool2d_reference.adaptive_avg_pool2d_grad)

    batch_norm = staticmethod(batch_norm_reference.batch_norm)
    batch_norm_inference = staticmethod(batch_norm_reference.batch_norm_inference)
    batch_norm_grad = staticmethod(batch_norm_reference.batch_norm_grad)

    local_response_norm = staticmethod(local_response_norm_reference.local_response_norm)
    local_response_norm_grad = staticmethod(local_response_norm_reference.local_response_norm_grad)

    relu = staticmethod(activation_reference.relu)
    relu_grad = staticmethod(activation_reference.relu_grad)
    relu6 = staticmethod(activation_reference.relu6)
    relu6_grad = staticmethod(activation_reference.relu6_grad)
    leaky_relu = staticmethod(activation_reference.leaky_relu)
    leaky_relu_grad = staticmethod(activation_reference.leaky_relu_grad)
    sigmoid = staticmethod(activation_reference.sigmoid)
    sigmoid_grad = staticmethod(activation_reference.sigmoid_grad)
    tanh = staticmethod(activation_reference.tanh)
    tanh_grad = staticmethod(activation_reference.tanh_grad)
    silu = staticmethod(activation_reference.silu)
    silu_grad = staticmethod(activation_reference.silu_grad)
    hardswish = staticmethod(activation_reference.hardswish)
    hardswish_grad = staticmethod(activation_reference.hardswish_grad)

    bias_activation = staticmethod(bias_activation_reference.bias_activation)
    bias_activation_grad = staticmethod(bias_activation_reference.bias_activation_grad)
    channel_sum = staticmethod(bias_activation_reference.channel_sum)

    softmax = staticmethod(softmax_reference.softmax)
    softmax_grad = staticmethod(softmax_reference.softmax_grad)
    log_softmax = staticmethod(softmax_reference.log_softmax)
    log_softmax_grad = staticmethod(softmax_reference.log_softmax_grad)

    softmax_cross_entropy = staticmethod(softmax_cross_entropy_reference.softmax_cross_entropy)
    softmax_cross_entropy_grad = staticmethod(
        softmax_cross_entropy_reference.softmax_cross_entropy_grad
    )

    channel_shuffle = staticmethod(channel_shuffle_reference.channel_shuffle)

    random_bits = staticmethod(dropout_reference.random_bits)
    dropout = staticmethod(dropout_reference.dropout)
    drop_path = staticmethod(dropout_reference.drop_path)

    sgd_step = staticmethod(optimizer_step_reference.sgd_step)
    adam_step = staticmethod(optimizer_step_reference.adam_step)
    rmsprop_step = staticmethod(optimizer_step_reference.rmsprop_step)
    lerp_step = staticmethod(optimizer_step_reference.lerp_step)
    global_norm = staticmethod(optimizer_step_reference.global_norm)
