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

    conv2d = staticmethod(conv2d_reference.conv2d)  # type: ignore[assignment]
    conv2d_input_grad = staticmethod(conv2d_reference.conv2d_input_grad)  # type: ignore[assignment]
    conv2d_weight_grad = staticmethod(conv2d_reference.conv2d_weight_grad)  # type: ignore[assignment]

    depthwise_conv2d = staticmethod(depthwise_conv2d_reference.depthwise_conv2d)  # type: ignore[assignment]
    depthwise_conv2d_input_grad = staticmethod(
        depthwise_conv2d_reference.depthwise_conv2d_input_grad
    )  # type: ignore[assignment]
    depthwise_conv2d_weight_grad = staticmethod(
        depthwise_conv2d_reference.depthwise_conv2d_weight_grad
    )  # type: ignore[assignment]

    unfold = staticmethod(unfold_reference.unfold)  # type: ignore[assignment]
    fold = staticmethod(unfold_reference.fold)  # type: ignore[assignment]

    max_pool2d = staticmethod(pool2d_reference.max_pool2d)  # type: ignore[assignment]
    max_pool2d_grad = staticmethod(pool2d_reference.max_pool2d_grad)  # type: ignore[assignment]
    avg_pool2d = staticmethod(pool2d_reference.avg_pool2d)  # type: ignore[assignment]
    avg_pool2d_grad = staticmethod(pool2d_reference.avg_pool2d_grad)  # type: ignore[assignment]
    adaptive_avg_pool2d = staticmethod(pool2d_reference.adaptive_avg_pool2d)  # type: ignore[assignment]
    adaptive_avg_pool2d_grad = staticmethod(pool2d_reference.adaptive_avg_pool2d_grad)  # type: ignore[assignment]

    batch_norm = staticmethod(batch_norm_reference.batch_norm)  # type: ignore[assignment]
    batch_norm_inference = staticmethod(batch_norm_reference.batch_norm_inference)  # type: ignore[assignment]
    batch_norm_grad = staticmethod(batch_norm_reference.batch_norm_grad)  # type: ignore[assignment]

    local_response_norm = staticmethod(local_response_norm_reference.local_response_norm)  # type: ignore[assignment]
    local_response_norm_grad = staticmethod(local_response_norm_reference.local_response_norm_grad)  # type: ignore[assignment]

    relu = staticmethod(activation_reference.relu)  # type: ignore[assignment]
    relu_grad = staticmethod(activation_reference.relu_grad)  # type: ignore[assignment]
    relu6 = staticmethod(activation_reference.relu6)  # type: ignore[assignment]
    relu6_grad = staticmethod(activation_reference.relu6_grad)  # type: ignore[assignment]
    leaky_relu = staticmethod(activation_reference.leaky_relu)  # type: ignore[assignment]
    leaky_relu_grad = staticmethod(activation_reference.leaky_relu_grad)  # type: ignore[assignment]
    sigmoid = staticmethod(activation_reference.sigmoid)  # type: ignore[assignment]
    sigmoid_grad = staticmethod(activation_reference.sigmoid_grad)  # type: ignore[assignment]
    tanh = staticmethod(activation_reference.tanh)  # type: ignore[assignment]
    tanh_grad = staticmethod(activation_reference.tanh_grad)  # type: ignore[assignment]
    silu = staticmethod(activation_reference.silu)  # type: ignore[assignment]
    silu_grad = staticmethod(activation_reference.silu_grad)  # type: ignore[assignment]
    hardswish = staticmethod(activation_reference.hardswish)  # type: ignore[assignment]
    hardswish_grad = staticmethod(activation_reference.hardswish_grad)  # type: ignore[assignment]

    bias_activation = staticmethod(bias_activation_reference.bias_activation)  # type: ignore[assignment]
    bias_activation_grad = staticmethod(bias_activation_reference.bias_activation_grad)  # type: ignore[assignment]
    channel_sum = staticmethod(bias_activation_reference.channel_sum)  # type: ignore[assignment]

    softmax = staticmethod(softmax_reference.softmax)  # type: ignore[assignment]
    softmax_grad = staticmethod(softmax_reference.softmax_grad)  # type: ignore[assignment]
    log_softmax = staticmethod(softmax_reference.log_softmax)  # type: ignore[assignment]
    log_softmax_grad = staticmethod(softmax_reference.log_softmax_grad)  # type: ignore[assignment]

    softmax_cross_entropy = staticmethod(softmax_cross_entropy_reference.softmax_cross_entropy)  # type: ignore[assignment]
    softmax_cross_entropy_grad = staticmethod(
        softmax_cross_entropy_reference.softmax_cross_entropy_grad
    )  # type: ignore[assignment]

    channel_shuffle = staticmethod(channel_shuffle_reference.channel_shuffle)  # type: ignore[assignment]

    random_bits = staticmethod(dropout_reference.random_bits)  # type: ignore[assignment]
    dropout = staticmethod(dropout_reference.dropout)  # type: ignore[assignment]
    drop_path = staticmethod(dropout_reference.drop_path)  # type: ignore[assignment]

    sgd_step = staticmethod(optimizer_step_reference.sgd_step)  # type: ignore[assignment]
    adam_step = staticmethod(optimizer_step_reference.adam_step)  # type: ignore[assignment]
    rmsprop_step = staticmethod(optimizer_step_reference.rmsprop_step)  # type: ignore[assignment]
    lerp_step = staticmethod(optimizer_step_reference.lerp_step)  # type: ignore[assignment]
    global_norm = staticmethod(optimizer_step_reference.global_norm)  # type: ignore[assignment]
