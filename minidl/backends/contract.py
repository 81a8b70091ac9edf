"""The backend contract: everything a backend can be asked to do, in one abstract class.

It is closed: nothing slow or interesting happens outside it, and nothing reaches around it.
It has three parts: the arrays themselves, `xp` (a written list of NumPy-named functions), and
the kernels, the methods marked `@kernel`.

Rules that hold for every kernel
--------------------------------
- It receives validated arguments (the functions in `minidl.functional` call the kernel's
  `spec.py` first). Callers pass every keyword argument but `out`, by name.
- Inputs may have any strides (0 and negative included) and be read-only; they are never changed.
  Only the `*_step` kernels write into what they are given, and only into the lists they update.
- All floating arrays of one call have one dtype, float32 or float64, and so do the results.
- `out`, where there is one, is a C-contiguous array of the result's shape and dtype that overlaps
  no input; the kernel fills it and returns it. A kernel with several results has `out` for its
  first. Without `out` a new array is returned. No result shares memory with an input.
- `padding` is (top, left, bottom, right), zeros; `stride`, `dilation`, `kernel_size`,
  `input_size` and `output_size` are (height, width). N, C, H, W name the axes of images.
- N = 0 is legal except in training batch norm: results are empty, weight gradients are zeros.
- The maximum of a window that holds NaN is NaN; ties go to the first element in row-major order.
- No value in an array may cause an access outside an array: integer data (targets, indices; int32
  or int64) is range-checked by the kernel, and what is out of range gives NaN or nothing.
- Reductions are deterministic: the same call gives the same bits, without floating-point atomics.
  Variances must not cancel: E[x²] − E[x]² is not allowed, two passes or Welford's are.
- A kernel never calls another kernel through `self`, so overriding one changes just that one.
- A backend that lacks a kernel raises `MissingKernelError`; nobody falls back silently.

A student's backend subclasses an existing one and overrides what it does better:

    class MyBackend(NumpyBackend):
        def conv2d(self, x, weight, bias=None, *, stride, padding, dilation, groups, out=None):
            ...

    register("mine", MyBackend)      # then, in a shell: minidl check mine --load my_backend.py
"""

# mypy: disable-error-code="empty-body"
# (Kernels have a docstring for a body: `kernel` replaces it.)

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, TypeVar

from minidl.errors import MissingKernelError

Array = Any
Pair = tuple[int, int]
Padding = tuple[int, int, int, int]
FusedActivation = Literal["relu", "relu6", "silu", "hardswish", "sigmoid"]

XP_FUNCTIONS = (
    # element-wise arithmetic
    *("add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "clip"),
    *("negative", "absolute", "sign", "floor", "square", "sqrt", "reciprocal"),
    *("exp", "log", "sin", "cos"),
    # comparisons and logic
    *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
    *("logical_and", "logical_or", "logical_not", "isnan", "where"),
    # reductions
    *("sum", "mean", "var", "max", "min", "argmax", "argmin", "any", "all"),
    # products
    *("matmul", "einsum"),
    # shape and memory
    *("reshape", "transpose", "broadcast_to", "flip"),
    *("concatenate", "pad", "take_along_axis", "astype"),
)
"""The functions of `Backend.xp`, with NumPy's names, arguments, broadcasting and dtypes: just those
that minidl uses.

Callers use positional operands and, where NumPy has them, `axis`, `keepdims`, `correction` (var),
`out` (element-wise) and `dtype` (sum); nothing else. einsum's equation is explicit ("ij,jk->ik").
reshape, transpose, broadcast_to, flip, einsum of one operand and basic `index` may return views;
astype may return its argument when there is nothing to change; all others return new arrays.
Zero-dimensional results may come as the library's scalars: `asarray` makes arrays of them.
"""


class Namespace:
    """A read-only set of functions. Make a changed one with `extended`.

    >>> import numpy as np
    >>> Namespace(add=np.add).extended(exp=np.exp).exp(0.0)
    np.float64(1.0)
    """

    def __init__(self, **functions: Any) -> None:
        self.__dict__.update(functions)

    def extended(self, **functions: Any) -> Namespace:
        """A copy in which these functions are added or replaced."""
        return Namespace(**{**self.__dict__, **functions})

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"xp.{name} is not in the contract's list XP_FUNCTIONS.")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("xp is read-only and shared; use xp = Base.xp.extended(name=...).")


Method = TypeVar("Method", bound=Callable[..., Any])


def kernel(method: Method) -> Method:
    """Mark a method of the contract as a kernel; calling it unimplemented raises."""

    @functools.wraps(method)
    def missing(self: Backend, *args: Any, **kwargs: Any) -> Any:
        raise MissingKernelError(
            f"{method.__name__}: the backend {self.name!r} has no such kernel. Move the operands "
            f'to one that has it, for example x.to("numpy"); '
            f"minidl.backends.capabilities({self.name!r}) lists what {self.name!r} can do."
        )

    missing.is_kernel = True  # type: ignore[attr-defined]
    return missing  # type: ignore[return-value]


class Backend:
    """Arrays and kernels of one kind. Subclass it, or a backend that exists, to make your own."""

    name: ClassVar[str]
    """The name it is registered under, such as "numpy"."""

    memory: ClassVar[str]
    """Where its arrays live: "cpu" (NumPy arrays), "cuda" (CuPy arrays) or "none" (no data).
    Two backends with the same memory exchange arrays without copying."""

    xp: ClassVar[Namespace]
    """The functions of `XP_FUNCTIONS`, for this backend's arrays; nothing else."""

    # ---------------------------------------------------------------------------- arrays

    def is_array(self, value: object) -> bool:
        """Whether `value` is one of this backend's arrays."""
        raise NotImplementedError

    def asarray(self, data: Any, dtype: Any = None) -> Array:
        """`data` (a NumPy array, nested lists, a scalar, or one of its own arrays) as an array of
        this backend; copies only when it must.
        """
        raise NotImplementedError

    def to_numpy(self, array: Array) -> Any:
        """The array as a NumPy array; on the CPU the same memory."""
        raise NotImplementedError

    def from_dlpack(self, exporter: Any) -> Array:
        """An array over the memory of any object with `__dlpack__`."""
        raise NotImplementedError

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """A new array with arbitrary contents, possibly from the backend's pool of buffers."""
        raise NotImplementedError

    def zeros(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """A new array of zeros."""
        raise NotImplementedError

    def full(self, shape: tuple[int, ...], value: Any, dtype: Any) -> Array:
        """A new array filled with one value."""
        raise NotImplementedError

    def copy(self, array: Array) -> Array:
        """A C-contiguous copy."""
        raise NotImplementedError

    def copy_into(self, target: Array, source: Array) -> None:
        """`target[...] = source`, broadcasting; the one way to write into an array. `source` may be
        a NumPy array on any backend.
        """
        raise NotImplementedError

    def index(self, array: Array, key: Any) -> Array:
        """`array[key]`: ints, slices, None, Ellipsis, boolean and integer arrays, as in NumPy."""
        raise NotImplementedError

    def index_add(self, shape: tuple[int, ...], key: Any, values: Array) -> Array:
        """Zeros of `shape` with `values` added at `key` (repeated places add up): the adjoint
        of `index`.
        """
        raise NotImplementedError

    def synchronize(self) -> None:
        """Wait until everything asked for so far has been computed (nothing to do on a CPU)."""

    def capture(self, function: Callable[[], None]) -> Callable[[], None]:
        """Record the work that `function` launches; calling the result repeats it on the same
        arrays. Without a graph to record into (on a CPU), that is `function` itself.
        """
        return function

    # ------------------------------------------------------- windows: kernels/conv2d

    @kernel
    def conv2d(
        self,
        x: Array,
        weight: Array,
        bias: Array | None = None,
        *,
        stride: Pair = (1, 1),
        padding: Padding = (0, 0, 0, 0),
        dilation: Pair = (1, 1),
        groups: int = 1,
        out: Array | None = None,
    ) -> Array:
        """Cross-correlation of x (N, C, H, W) with weight (O, C/groups, kh, kw), plus bias (O,).

        y[n,o,i,j] = b[o] + Σ_{c,p,q} w[o,c,p,q] · x[n, g·C/groups + c, i·s + p·d − pad, …]
        with g = o // (O/groups). Returns (N, O, out_h, out_w).
        """

    @kernel
    def conv2d_input_grad(
        self,
        grad_output: Array,
        weight: Array,
        *,
        input_size: Pair,
        stride: Pair = (1, 1),
        padding: Padding = (0, 0, 0, 0),
        dilation: Pair = (1, 1),
        groups: int = 1,
        out: Array | None = None,
    ) -> Array:
        """Adjoint of conv2d in x: grad_output (N, O, out_h, out_w) → (N, C, *input_size).

        It is also the transposed convolution. Rows and columns of the input that no window
        reaches get zero.
        """

    @kernel
    def conv2d_weight_grad(
        self,
        grad_output: Array,
        x: Array,
        *,
        kernel_size: Pair,
        stride: Pair = (1, 1),
        padding: Padding = (0, 0, 0, 0),
        dilation: Pair = (1, 1),
        groups: int = 1,
        out: Array | None = None,
    ) -> Array:
        """Adjoint of conv2d in weight.

        grad_output (N, O, out_h, out_w), x (N, C, H, W) → (O, C/groups, kh, kw).
        """

    # --------------------------------------------- windows: kernels/depthwise_conv2d

    @kernel
    def depthwise_conv2d(
        self,
        x: Array,
        weight: Array,
        bias: Array | None = None,
        *,
        stride: Pair = (1, 1),
        padding: Padding = (0, 0, 0, 0),
        dilation: Pair = (1, 1),
        out: Array | None = None,
    ) -> Array:
        """conv2d with groups = C: weight (C·m, 1, kh, kw), channel o reads channel o // m."""

    @kernel
    def depthwise_conv2d_input_grad(
        self,
        grad_output: Array,
        weight: Array,
        *,
        input_channels: int,
        input_size: Pair,
        stride: Pair = (1, 1),
        padding: Padding = (0, 0, 0, 0),
        dilation: Pair = (1, 1),
        out: Array | None = None,
    ) -> Array:
        """Adjoint of depthwise_conv2d in x: (N, C·m, out_h, out_w) → (N, C, *input_size)."""

    @kernel
    def depthwise_conv2d_weight_grad(
        self,
        grad_output: Array,
        x: Array,
        *,
        kernel_size: Pair,
        stride: Pair = (1, 1),
        padding: Padding = (0, 0, 0, 0),
        dilation: Pair = (1, 1),
        out: Array | None = None,
    ) -> Array:
        """Adjoint of depthwise_conv2d in weight: → (C·m, 1, kh, kw)."""

    # -------------------------------------------------------- windows: kernels/unfold

    @kernel
    def unfold(
        self,
        x: Array,
        *,
        kernel_size: Pair,
        stride: Pair = (1, 1),
        padding: Padding = (0, 0, 0, 0),
        dilation: Pair = (1, 1),
        out: Array | None = None,
    ) -> Array:
        """im2col: (N, C, H, W) → (N, C·kh·kw, out_h·out_w), the rows ordered (c, p, q)."""

    @kernel
    def fold(
        self,
        columns: Array,
        *,
        output_size: Pair,
        kernel_size: Pair,
        stride: Pair = (1, 1),
        padding: Padding = (0, 0, 0, 0),
        dilation: Pair = (1, 1),
        out: Array | None = None,
    ) -> Array:
        """col2im, the adjoint of unfold: overlapping elements add up. → (N, C, *output_size)."""

    # -------------------------------------------------------- windows: kernels/pool2d

    @kernel
    def max_pool2d(
        self,
        x: Array,
        *,
        kernel_size: Pair,
        stride: Pair,
        padding: Padding = (0, 0, 0, 0),
        dilation: Pair = (1, 1),
        ceil_mode: bool = False,
        return_indices: bool = True,
        out: Array | None = None,
    ) -> tuple[Array, Array | None]:
        """Largest element of each window, and where it stands.

        Padding is not an element: it never wins, and a window of −inf gives its first real element.
        Returns y (N, C, out_h, out_w) and int32 indices of the same shape, h·W + w within the
        unpadded plane (None without return_indices). The first NaN of a window wins.
        """

    @kernel
    def max_pool2d_grad(
        self,
        grad_output: Array,
        indices: Array,
        *,
        input_size: Pair,
        kernel_size: Pair,
        stride: Pair,
        padding: Padding = (0, 0, 0, 0),
        dilation: Pair = (1, 1),
        ceil_mode: bool = False,
        out: Array | None = None,
    ) -> Array:
        """Adds each grad_output at its index → (N, C, *input_size). The geometry is given too,
        so that a parallel kernel can gather instead of scatter.
        """

    @kernel
    def avg_pool2d(
        self,
        x: Array,
        *,
        kernel_size: Pair,
        stride: Pair,
        padding: Padding = (0, 0, 0, 0),
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        out: Array | None = None,
    ) -> Array:
        """Sum of each window over its divisor, exactly as PyTorch defines it.

        The divisor is `divisor_override` if given; else the number of elements of the window
        that lie in the padded input (count_include_pad) or in the input itself (otherwise). A
        window without any real element gives 0.
        """

    @kernel
    def avg_pool2d_grad(
        self,
        grad_output: Array,
        *,
        input_size: Pair,
        kernel_size: Pair,
        stride: Pair,
        padding: Padding = (0, 0, 0, 0),
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        out: Array | None = None,
    ) -> Array:
        """Adjoint of avg_pool2d → (N, C, *input_size)."""

    @kernel
    def adaptive_avg_pool2d(
        self, x: Array, *, output_size: Pair, out: Array | None = None
    ) -> Array:
        """Mean of window i: rows floor(i·H/out_h) up to, without, ceil((i+1)·H/out_h), columns
        likewise, with (out_h, out_w) = output_size.
        """

    @kernel
    def adaptive_avg_pool2d_grad(
        self, grad_output: Array, *, input_size: Pair, out: Array | None = None
    ) -> Array:
        """Adjoint of adaptive_avg_pool2d → (N, C, *input_size)."""

    # --------------------------------------------- normalisation: kernels/batch_norm

    @kernel
    def batch_norm(
        self,
        x: Array,
        weight: Array | None = None,
        bias: Array | None = None,
        *,
        eps: float,
        residual: Array | None = None,
        activation: FusedActivation | None = None,
        out: Array | None = None,
    ) -> tuple[Array, Array, Array]:
        """activation((x − mean_c)/√(var_c + eps) · weight_c + bias_c + residual), batch statistics.

        x and residual are (N, C) or (N, C, …); mean and var are over every axis but C, var is
        biased (divided by the count). Returns y, mean (C,), var (C,). (Ioffe & Szegedy 2015.)
        """

    @kernel
    def batch_norm_inference(
        self,
        x: Array,
        mean: Array,
        var: Array,
        weight: Array | None = None,
        bias: Array | None = None,
        *,
        eps: float,
        residual: Array | None = None,
        activation: FusedActivation | None = None,
        out: Array | None = None,
    ) -> Array:
        """The same formula with given statistics (the running ones); returns y."""

    @kernel
    def batch_norm_grad(
        self,
        grad_output: Array,
        x: Array,
        mean: Array,
        var: Array,
        weight: Array | None = None,
        bias: Array | None = None,
        *,
        eps: float,
        residual: Array | None = None,
        activation: FusedActivation | None = None,
        training: bool,
        needs: tuple[bool, bool, bool, bool] = (True, True, True, True),
        out: Array | None = None,
    ) -> tuple[Array | None, Array | None, Array | None, Array | None]:
        """Gradients in (x, weight, bias, residual) of batch_norm or of batch_norm_inference.

        With `training`, mean and var are those that batch_norm returned for this x, and grad_x
        includes their dependence on x; otherwise they are constants. The pre-activation is
        recomputed from x by the forward pass's own expression, so nothing else is saved. Entry k
        is None where needs[k] is False, and where there is no residual. Without weight or bias
        their gradients are those of ones and zeros.
        """

    # ------------------------------------ normalisation: kernels/local_response_norm

    @kernel
    def local_response_norm(
        self,
        x: Array,
        *,
        size: int,
        alpha: float,
        beta: float,
        k: float,
        out: Array | None = None,
    ) -> Array:
        """The division y = x / (k + alpha/size · Σ_{c'} x_{c'}²)^beta over the channels
        c − size//2 … c + (size−1)//2 that exist (PyTorch's form of Krizhevsky et al. 2012, §3.3).
        """

    @kernel
    def local_response_norm_grad(
        self,
        grad_output: Array,
        x: Array,
        *,
        size: int,
        alpha: float,
        beta: float,
        k: float,
        out: Array | None = None,
    ) -> Array:
        """Gradient of local_response_norm in x."""

    # ------------------------------------------- element-wise: kernels/activation
    # The gradients take y where it determines the slope and the next layer keeps it anyway.

    @kernel
    def relu(self, x: Array, *, out: Array | None = None) -> Array:
        """max(x, 0); NaN stays NaN."""

    @kernel
    def relu_grad(self, grad_output: Array, y: Array, *, out: Array | None = None) -> Array:
        """0 where y ≤ 0, else grad_output (which so passes a NaN)."""

    @kernel
    def relu6(self, x: Array, *, out: Array | None = None) -> Array:
        """min(max(x, 0), 6)."""

    @kernel
    def relu6_grad(self, grad_output: Array, y: Array, *, out: Array | None = None) -> Array:
        """0 where y ≤ 0 or y ≥ 6, else grad_output."""

    @kernel
    def leaky_relu(self, x: Array, *, negative_slope: float, out: Array | None = None) -> Array:
        """Leaky ReLU: x where x > 0, else negative_slope · x."""

    @kernel
    def leaky_relu_grad(
        self, grad_output: Array, x: Array, *, negative_slope: float, out: Array | None = None
    ) -> Array:
        """grad_output where x > 0, else negative_slope · grad_output."""

    @kernel
    def sigmoid(self, x: Array, *, out: Array | None = None) -> Array:
        """1 / (1 + exp(−x)), without overflow."""

    @kernel
    def sigmoid_grad(self, grad_output: Array, y: Array, *, out: Array | None = None) -> Array:
        """grad_output · y · (1 − y)."""

    @kernel
    def tanh(self, x: Array, *, out: Array | None = None) -> Array:
        """Hyperbolic tangent."""

    @kernel
    def tanh_grad(self, grad_output: Array, y: Array, *, out: Array | None = None) -> Array:
        """grad_output · (1 − y²)."""

    @kernel
    def silu(self, x: Array, *, out: Array | None = None) -> Array:
        """SiLU: x · sigmoid(x) (Elfwing et al. 2017; "swish")."""

    @kernel
    def silu_grad(self, grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
        """grad_output · σ(x) · (1 + x · (1 − σ(x)))."""

    @kernel
    def hardswish(self, x: Array, *, out: Array | None = None) -> Array:
        """Hardswish: x · min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, §5.2)."""

    @kernel
    def hardswish_grad(self, grad_output: Array, x: Array, *, out: Array | None = None) -> Array:
        """0 for x ≤ −3, grad_output for x ≥ 3, between them grad_output · (2x + 3) / 6."""

    # --------------------------------------- element-wise: kernels/bias_activation

    @kernel
    def bias_activation(
        self,
        x: Array,
        bias: Array,
        *,
        activation: FusedActivation | None = None,
        out: Array | None = None,
    ) -> Array:
        """activation(x + bias), bias (C,) along axis 1 of x (N, C, …), in one pass."""

    @kernel
    def bias_activation_grad(
        self,
        grad_output: Array,
        saved: Array | None,
        bias: Array,
        *,
        activation: FusedActivation | None = None,
        needs: tuple[bool, bool] = (True, True),
        out: Array | None = None,
    ) -> tuple[Array | None, Array | None]:
        """(grad_x, grad_bias) of bias_activation; None where needs is False.

        `saved` is the result y for relu, relu6 and sigmoid, x for silu and hardswish, None
        without activation.
        """

    @kernel
    def channel_sum(self, x: Array, *, out: Array | None = None) -> Array:
        """Sum over every axis but 1: (N, C, …) → (C,), the gradient of a bias."""

    # ------------------------------------------------- element-wise: kernels/softmax

    @kernel
    def softmax(self, x: Array, *, axis: int, out: Array | None = None) -> Array:
        """exp(x − max) / Σ exp(x − max) along `axis`."""

    @kernel
    def softmax_grad(
        self, grad_output: Array, y: Array, *, axis: int, out: Array | None = None
    ) -> Array:
        """The gradient y · (grad_output − Σ grad_output · y)."""

    @kernel
    def log_softmax(self, x: Array, *, axis: int, out: Array | None = None) -> Array:
        """Log-softmax: x − max − log Σ exp(x − max) along `axis`."""

    @kernel
    def log_softmax_grad(
        self, grad_output: Array, y: Array, *, axis: int, out: Array | None = None
    ) -> Array:
        """grad_output − exp(y) · Σ grad_output."""

    # --------------------------------------- the loss: kernels/softmax_cross_entropy

    @kernel
    def softmax_cross_entropy(
        self,
        logits: Array,
        target: Array,
        class_weight: Array | None = None,
        *,
        label_smoothing: float = 0.0,
        ignore_index: int = -100,
        out: Array | None = None,
    ) -> Array:
        """Loss of every sample: logits (N, C, …), integer target (N, …) → (N, …).

        With p = softmax(logits, axis=1), ε = label_smoothing and class weights w (ones if None):
        (1 − ε)·w_t·(−log p_t) + ε/C · Σ_c w_c·(−log p_c); 0 where target == ignore_index,
        tested first. A target outside [0, C) gives NaN. A term whose factor is 0 is left out, so
        logits of −inf do no harm when ε = 0.
        """

    @kernel
    def softmax_cross_entropy_grad(
        self,
        grad_output: Array,
        logits: Array,
        target: Array,
        class_weight: Array | None = None,
        *,
        label_smoothing: float = 0.0,
        ignore_index: int = -100,
        out: Array | None = None,
    ) -> Array:
        """Gradient of softmax_cross_entropy in logits; grad_output is (N, …). Zeros where target ==
        ignore_index, NaN where target is outside [0, C).
        """

    # ------------------------------------------ rearrangement: kernels/channel_shuffle

    @kernel
    def channel_shuffle(self, x: Array, *, groups: int, out: Array | None = None) -> Array:
        """(N, g·n, …) → reshape (N, g, n, …) → swap g and n → (N, n·g, …) (Zhang et al. 2018)."""

    # ------------------------------------------------------ randomness: kernels/dropout
    # Philox4x32-10 with key words (seed, stream), both in [0, 2³²). Element i in C order uses word
    # i mod 4 of the counter (lo(i div 4), hi(i div 4), lo(o), hi(o)), o = offset + base mod 2⁶⁴.
    # It is kept where that 32-bit word ≥ floor(p·2³² + ½), so p = 1 keeps nothing. What is kept is
    # multiplied by 1/(1 − p), computed in float64 and rounded once; what is dropped is +0, even
    # NaN. `base` (a zero-dimensional uint64 array, or None for 0) lets a recorded graph move on.
    # The mask is recomputed, never stored, so dropout is its own gradient.

    @kernel
    def random_bits(
        self,
        shape: tuple[int, ...],
        *,
        seed: int,
        stream: int,
        offset: int,
        base: Array | None = None,
    ) -> Array:
        """uint32 words of the generator, in C order."""

    @kernel
    def dropout(
        self,
        x: Array,
        *,
        p: float,
        seed: int,
        stream: int,
        offset: int,
        base: Array | None = None,
        out: Array | None = None,
    ) -> Array:
        """x / (1 − p) where kept, else 0 (Srivastava et al. 2014)."""

    @kernel
    def drop_path(
        self,
        x: Array,
        *,
        p: float,
        seed: int,
        stream: int,
        offset: int,
        base: Array | None = None,
        out: Array | None = None,
    ) -> Array:
        """Stochastic depth (Huang et al. 2016): whole samples x[n] are kept and scaled, or dropped.

        Sample n uses word n.
        """

    # ------------------------------------------------- training: kernels/optimizer_step
    # In place, over equally long lists of parameters and state arrays. lr, step (counted from 1)
    # and grad_scale are numbers, or zero-dimensional arrays on the device (float64, int64,
    # float64), so that a recorded graph replays; coefficients such as 1 − βᵗ are computed in
    # float64. g is grad_scale · grad.

    @kernel
    def sgd_step(
        self,
        params: Sequence[Array],
        grads: Sequence[Array],
        momentum_buffers: Sequence[Array],
        *,
        lr: Any,
        step: Any,
        grad_scale: Any = 1.0,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        """g += weight_decay·p; b = g at step 1, else momentum·b + (1 − dampening)·g;
        d = g + momentum·b (Nesterov), b, or g without momentum (then `momentum_buffers` is
        empty); p −= lr·d.
        """

    @kernel
    def adam_step(
        self,
        params: Sequence[Array],
        grads: Sequence[Array],
        exp_avgs: Sequence[Array],
        exp_avg_sqs: Sequence[Array],
        *,
        lr: Any,
        step: Any,
        grad_scale: Any = 1.0,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float = 0.0,
        decoupled: bool = False,
    ) -> None:
        """m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²; p −= lr · m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + eps).

        First g += weight_decay·p (Adam, Kingma & Ba 2015), or with `decoupled`
        p ·= 1 − lr·weight_decay (AdamW, Loshchilov & Hutter 2019).
        """

    @kernel
    def rmsprop_step(
        self,
        params: Sequence[Array],
        grads: Sequence[Array],
        square_avgs: Sequence[Array],
        momentum_buffers: Sequence[Array],
        grad_avgs: Sequence[Array],
        *,
        lr: Any,
        step: Any,
        grad_scale: Any = 1.0,
        alpha: float,
        eps: float,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        """g += weight_decay·p; v = αv + (1−α)g²; u = v, or centered a = αa + (1−α)g and
        u = max(v − a², 0); d = g/(√u + eps); with momentum b = momentum·b + d, d = b; p −= lr·d.

        As PyTorch's. The lists of state that isn't used are empty.
        """

    @kernel
    def lerp_step(
        self,
        targets: Sequence[Array],
        sources: Sequence[Array],
        *,
        weight: Any,
        scales: Sequence[float],
    ) -> None:
        """t += weight · (scale·s − t) in place: running statistics (the variance's scale is
        n/(n−1)) and moving averages of weights. weight may be an array, like lr.
        """

    @kernel
    def global_norm(self, arrays: Sequence[Array]) -> Array:
        """√Σ‖a‖² over all arrays as a zero-dimensional float64 array, accumulated in float64."""


def kernel_names() -> tuple[str, ...]:
    """The contract's kernels, in the order they are written.

    >>> kernel_names()[:3]
    ('conv2d', 'conv2d_input_grad', 'conv2d_weight_grad')
    """
    return tuple(name for name, member in vars(Backend).items() if hasattr(member, "is_kernel"))


def origin(backend: type[Backend], name: str) -> type[Backend] | None:
    """The class that implements the kernel `name` for `backend`; None if nobody does."""
    for cls in backend.__mro__:
        if name in vars(cls):
            return None if hasattr(vars(cls)[name], "is_kernel") else cls
    return None
