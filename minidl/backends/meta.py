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
from minidl_kernels.activation import spec as activation_spec
from minidl_kernels.batch_norm import spec as batch_norm_spec
from minidl_kernels.bias_activation import spec as bias_activation_spec
from minidl_kernels.channel_shuffle import spec as channel_shuffle_spec
from minidl_kernels.common.array_spec import ArraySpec
from minidl_kernels.conv2d import spec as conv2d_spec
from minidl_kernels.depthwise_conv2d import spec as depthwise_conv2d_spec
from minidl_kernels.dropout import spec as dropout_spec
from minidl_kernels.local_response_norm import spec as local_response_norm_spec
from minidl_kernels.optimizer_step import spec as optimizer_step_spec
from minidl_kernels.pool2d import spec as pool2d_spec
from minidl_kernels.softmax import spec as softmax_spec
from minidl_kernels.softmax_cross_entropy import spec as softmax_cross_entropy_spec
from minidl_kernels.unfold import spec as unfold_spec


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

    conv2d = staticmethod(conv2d_spec.conv2d)
    conv2d_input_grad = staticmethod(conv2d_spec.conv2d_input_grad)
    conv2d_weight_grad = staticmethod(conv2d_spec.conv2d_weight_grad)

    depthwise_conv2d = staticmethod(depthwise_conv2d_spec.depthwise_conv2d)
    depthwise_conv2d_input_grad = staticmethod(depthwise_conv2d_spec.depthwise_conv2d_input_grad)
    depthwise_conv2d_weight_grad = staticmethod(depthwise_conv2d_spec.depthwise_conv2d_weight_grad)

    unfold = staticmethod(unfold_spec.unfold)
    fold = staticmethod(unfold_spec.fold)

    max_pool2d = staticmethod(pool2d_spec.max_pool2d)
    max_pool2d_grad = staticmethod(pool2d_spec.max_pool2d_grad)
    avg_pool2d = staticmethod(pool2d_spec.avg_pool2d)
    avg_pool2d_grad = staticmethod(pool2d_spec.avg_pool2d_grad)
    adaptive_avg_pool2d = staticmethod(pool2d_spec.adaptive_avg_pool2d)
    adaptive_avg_pool2d_grad = staticmethod(pool2d_spec.adaptive_avg_pool2d_grad)

    batch_norm = staticmethod(batch_norm_spec.batch_norm)
    batch_norm_inference = staticmethod(batch_norm_spec.batch_norm_inference)
    batch_norm_grad = staticmethod(batch_norm_spec.batch_norm_grad)

    local_response_norm = staticmethod(local_response_norm_spec.local_response_norm)
    local_response_norm_grad = staticmethod(local_response_norm_spec.local_response_norm_grad)

    relu = staticmethod(activation_spec.relu)
    relu_grad = staticmethod(activation_spec.relu_grad)
    relu6 = staticmethod(activation_spec.relu6)
    relu6_grad = staticmethod(activation_spec.relu6_grad)
    leaky_relu = staticmethod(activation_spec.leaky_relu)
    leaky_relu_grad = staticmethod(activation_spec.leaky_relu_grad)
    sigmoid = staticmethod(activation_spec.sigmoid)
    sigmoid_grad = staticmethod(activation_spec.sigmoid_grad)
    tanh = staticmethod(activation_spec.tanh)
    tanh_grad = staticmethod(activation_spec.tanh_grad)
    silu = staticmethod(activation_spec.silu)
    silu_grad = staticmethod(activation_spec.silu_grad)
    hardswish = staticmethod(activation_spec.hardswish)
    hardswish_grad = staticmethod(activation_spec.hardswish_grad)

    bias_activation = staticmethod(bias_activation_spec.bias_activation)
    bias_activation_grad = staticmethod(bias_activation_spec.bias_activation_grad)
    channel_sum = staticmethod(bias_activation_spec.channel_sum)

    softmax = staticmethod(softmax_spec.softmax)
    softmax_grad = staticmethod(softmax_spec.softmax_grad)
    log_softmax = staticmethod(softmax_spec.log_softmax)
    log_softmax_grad = staticmethod(softmax_spec.log_softmax_grad)

    softmax_cross_entropy = staticmethod(softmax_cross_entropy_spec.softmax_cross_entropy)
    softmax_cross_entropy_grad = staticmethod(softmax_cross_entropy_spec.softmax_cross_entropy_grad)

    channel_shuffle = staticmethod(channel_shuffle_spec.channel_shuffle)

    random_bits = staticmethod(dropout_spec.random_bits)
    dropout = staticmethod(dropout_spec.dropout)
    drop_path = staticmethod(dropout_spec.drop_path)

    sgd_step = staticmethod(optimizer_step_spec.sgd_step)
    adam_step = staticmethod(optimizer_step_spec.adam_step)
    rmsprop_step = staticmethod(optimizer_step_spec.rmsprop_step)
    lerp_step = staticmethod(optimizer_step_spec.lerp_step)
    global_norm = staticmethod(optimizer_step_spec.global_norm)
