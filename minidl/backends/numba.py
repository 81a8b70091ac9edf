"""The numba backend: convolution, batch normalisation and ReLU as compiled CPU loops.

Its arrays are NumPy's, so tensors move between "numpy" and "numba" without copying. It has only
the kernels listed here; asking for another raises MissingKernelError.
"""

from __future__ import annotations

from typing import ClassVar

from minidl.backends.numpy_arrays import NumpyArrays
from minidl.errors import MissingDependencyError

try:
    from minidl_kernels.activation import numba_cpu as activations
    from minidl_kernels.batch_norm import numba_cpu as normalization
    from minidl_kernels.conv2d import numba_cpu as convolution
except Exception as error:  # a broken Numba raises other things than ImportError
    raise MissingDependencyError(
        f"The backend 'numba' needs Numba, and importing it failed: {error!r}. "
        'Install it with: pip install "minidl[fast]"'
    ) from error


class NumbaBackend(NumpyArrays):
    """Compiled loops on all CPU cores for the kernels that matter most there."""

    name: ClassVar[str] = "numba"

    conv2d = staticmethod(convolution.conv2d)
    conv2d_input_grad = staticmethod(convolution.conv2d_input_grad)
    conv2d_weight_grad = staticmethod(convolution.conv2d_weight_grad)

    batch_norm = staticmethod(normalization.batch_norm)
    batch_norm_inference = staticmethod(normalization.batch_norm_inference)
    batch_norm_grad = staticmethod(normalization.batch_norm_grad)

    relu = staticmethod(activations.relu)
    relu_grad = staticmethod(activations.relu_grad)
