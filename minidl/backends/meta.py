"""The meta backend: arrays with a shape and a dtype and no data.

Its kernels are the functions of the `spec.py` files; only `xp` and indexing need rules of their
own, in `meta_xp.py`. Building a network here takes no memory, and running it yields every layer's
shapes; whatever needs a value raises.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

import numpy as np

from minidl.backends.contract import Backend, Namespace
from minidl.backends.meta_xp import META_XP, indexed_shape
from minidl.errors import BackendError
from minidl_kernels.activation import spec as activation
from minidl_kernels.batch_norm import spec as batch_norm
from minidl_kernels.bias_activation import spec as bias_activation
from minidl_kernels.channel_shuffle import spec as channel_shuffle
from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.conv2d import spec as conv2d
from minidl_kernels.depthwise_conv2d import spec as depthwise_conv2d
from minidl_kernels.dropout import spec as dropout
from minidl_kernels.local_response_norm import spec as local_response_norm
from minidl_kernels.optimizer_step import spec as optimizer_step
from minidl_kernels.pool2d import spec as pool2d
from minidl_kernels.softmax import spec as softmax
from minidl_kernels.softmax_cross_entropy import spec as softmax_cross_entropy
from minidl_kernels.unfold import spec as unfold


class MetaBackend(Backend):
    """Shapes and dtypes only."""

    name: ClassVar[str] = "meta"
    memory: ClassVar[str] = "none"
    xp: ClassVar[Namespace] = META_XP

    def is_array(self, value: object) -> bool:
        return isinstance(value, ArraySpec)

    def asarray(self, data: Any, dtype: Any = None) -> ArraySpec:
        source = data if isinstance(data, ArraySpec) else np.asarray(data)
        return ArraySpec(source.shape, source.dtype if dtype is None else dtype)

    def to_numpy(self, array: Any) -> NoReturn:
        raise BackendError(
            f'A tensor on the backend "meta" has a shape ({array.shape}) but no values. '
            'Build the network on another backend, such as "numpy", to compute.'
        )

    def from_dlpack(self, exporter: Any) -> NoReturn:
        raise BackendError('from_dlpack: the backend "meta" holds no data.')

    def empty(self, shape: tuple[int, ...], dtype: Any) -> ArraySpec:
        return ArraySpec(shape, dtype)

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> ArraySpec:
        return ArraySpec(shape, dtype)

    def full(self, shape: tuple[int, ...], value: Any, dtype: Any) -> ArraySpec:
        return ArraySpec(shape, dtype)

    def copy(self, array: Any) -> ArraySpec:
        return ArraySpec(array.shape, array.dtype)

    def copy_into(self, target: Any, source: Any) -> None:
        """Nothing to do: there are no values."""

    def index(self, array: Any, key: Any) -> ArraySpec:
        return ArraySpec(indexed_shape(array.shape, key), array.dtype)

    def index_add(self, shape: tuple[int, ...], key: Any, values: Any) -> ArraySpec:
        return ArraySpec(shape, values.dtype)

    conv2d = staticmethod(conv2d.conv2d)  # type: ignore[assignment]
    conv2d_input_grad = staticmethod(conv2d.conv2d_input_grad)  # type: ignore[assignment]
    conv2d_weight_grad = staticmethod(conv2d.conv2d_weight_grad)  # type: ignore[assignment]

    depthwise_conv2d = staticmethod(depthwise_conv2d.depthwise_conv2d)  # type: ignore[assignment]
    depthwise_conv2d_input_grad = staticmethod(depthwise_conv2d.depthwise_conv2d_input_grad)  # type: ignore[assignment]
    depthwise_conv2d_weight_grad = staticmethod(depthwise_conv2d.depthwise_conv2d_weight_grad)  # type: ignore[assignment]

    unfold = staticmethod(unfold.unfold)  # type: ignore[assignment]
    fold = staticmethod(unfold.fold)  # type: ignore[assignment]

    max_pool2d = staticmethod(pool2d.max_pool2d)  # type: ignore[assignment]
    max_pool2d_grad = staticmethod(pool2d.max_pool2d_grad)  # type: ignore[assignment]
    avg_pool2d = staticmethod(pool2d.avg_pool2d)  # type: ignore[assignment]
    avg_pool2d_grad = staticmethod(pool2d.avg_pool2d_grad)  # type: ignore[assignment]
    adaptive_avg_pool2d = staticmethod(pool2d.adaptive_avg_pool2d)  # type: ignore[assignment]
    adaptive_avg_pool2d_grad = staticmethod(pool2d.adaptive_avg_pool2d_grad)  # type: ignore[assignment]

    batch_norm = staticmethod(batch_norm.batch_norm)  # type: ignore[assignment]
    batch_norm_inference = staticmethod(batch_norm.batch_norm_inference)  # type: ignore[assignment]
    batch_norm_grad = staticmethod(batch_norm.batch_norm_grad)  # type: ignore[assignment]

    local_response_norm = staticmethod(local_response_norm.local_response_norm)  # type: ignore[assignment]
    local_response_norm_grad = staticmethod(local_response_norm.local_response_norm_grad)  # type: ignore[assignment]

    relu = staticmethod(activation.relu)  # type: ignore[assignment]
    relu_grad = staticmethod(activation.relu_grad)  # type: ignore[assignment]
    relu6 = staticmethod(activation.relu6)  # type: ignore[assignment]
    relu6_grad = staticmethod(activation.relu6_grad)  # type: ignore[assignment]
    leaky_relu = staticmethod(activation.leaky_relu)  # type: ignore[assignment]
    leaky_relu_grad = staticmethod(activation.leaky_relu_grad)  # type: ignore[assignment]
    sigmoid = staticmethod(activation.sigmoid)  # type: ignore[assignment]
    sigmoid_grad = staticmethod(activation.sigmoid_grad)  # type: ignore[assignment]
    tanh = staticmethod(activation.tanh)  # type: ignore[assignment]
    tanh_grad = staticmethod(activation.tanh_grad)  # type: ignore[assignment]
    silu = staticmethod(activation.silu)  # type: ignore[assignment]
    silu_grad = staticmethod(activation.silu_grad)  # type: ignore[assignment]
    hardswish = staticmethod(activation.hardswish)  # type: ignore[assignment]
    hardswish_grad = staticmethod(activation.hardswish_grad)  # type: ignore[assignment]

    bias_activation = staticmethod(bias_activation.bias_activation)  # type: ignore[assignment]
    bias_activation_grad = staticmethod(bias_activation.bias_activation_grad)  # type: ignore[assignment]
    channel_sum = staticmethod(bias_activation.channel_sum)  # type: ignore[assignment]

    softmax = staticmethod(softmax.softmax)  # type: ignore[assignment]
    softmax_grad = staticmethod(softmax.softmax_grad)  # type: ignore[assignment]
    log_softmax = staticmethod(softmax.log_softmax)  # type: ignore[assignment]
    log_softmax_grad = staticmethod(softmax.log_softmax_grad)  # type: ignore[assignment]

    softmax_cross_entropy = staticmethod(softmax_cross_entropy.softmax_cross_entropy)  # type: ignore[assignment]
    softmax_cross_entropy_grad = staticmethod(softmax_cross_entropy.softmax_cross_entropy_grad)  # type: ignore[assignment]

    channel_shuffle = staticmethod(channel_shuffle.channel_shuffle)  # type: ignore[assignment]

    random_bits = staticmethod(dropout.random_bits)  # type: ignore[assignment]
    dropout = staticmethod(dropout.dropout)  # type: ignore[assignment]
    drop_path = staticmethod(dropout.drop_path)  # type: ignore[assignment]

    sgd_step = staticmethod(optimizer_step.sgd_step)  # type: ignore[assignment]
    adam_step = staticmethod(optimizer_step.adam_step)  # type: ignore[assignment]
    rmsprop_step = staticmethod(optimizer_step.rmsprop_step)  # type: ignore[assignment]
    lerp_step = staticmethod(optimizer_step.lerp_step)  # type: ignore[assignment]
    global_norm = staticmethod(optimizer_step.global_norm)  # type: ignore[assignment]
