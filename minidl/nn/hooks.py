"""Hooks: functions of the user's that see, and may replace, what goes through a module.

    args ──▶ forward pre-hooks ──▶ forward ──▶ forward hooks ──▶ output
    grad_input ◀── backward hooks ◀── backward ◀── backward pre-hooks ◀── grad_output

A module learns its gradients from two identities in the graph (`Watch`), one around the inputs and
one around the outputs. They are there only if a backward hook was registered before the call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from minidl.backends import Array
from minidl.errors import AutogradError, DTypeError, InPlaceError, NotDefinedError
from minidl.function import Function, check_like
from minidl.grad_mode import is_grad_enabled
from minidl.tensor import RemovableHandle, Tensor

Hook = Callable[..., Any]
Gradients = tuple[Tensor | None, ...]


class Hooked:
    """What can be called and watched; the base of `Module`.

    The hooks of one kind run in the order in which they were registered; one may remove itself
    while it runs.
    """

    _hooks: _Hooks | None = None
    _no_forward = "Define forward(self, x) in the class."

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the outputs. Call the module itself, `module(x)`, not this."""
        raise NotDefinedError(f"{type(self).__name__} has no forward method. {self._no_forward}")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Run forward, and the hooks around it."""
        if self._hooks is None:
            return self.forward(*inputs, **options)
        return _call(self, self._hooks, inputs, options)

    @property
    def has_hooks(self) -> bool:
        """Whether somebody watches this module's inputs, outputs or gradients."""
        return self._hooks is not None and any(self._hooks)

    def register_forward_pre_hook(
        self, hook: Hook, *, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before forward; what it returns replaces args.

        A result that is no tuple stands for the only argument. Using with_kwargs, it is
        `hook(module, args, kwargs)`, and the result a pair (args, kwargs).

        >>> import minidl
        >>> from minidl import nn
        >>> layer = nn.ReLU()
        >>> with layer.register_forward_pre_hook(lambda module, args: args[0] + 10):
        ...     layer(minidl.tensor([1.0]))
        tensor([11.])
        >>> layer(minidl.tensor([1.0]))
        tensor([1.])
        """
        return self._register_hook("forward_pre", hook, with_kwargs)

    def register_forward_hook(self, hook: Hook, *, with_kwargs: bool = False) -> RemovableHandle:
        """Call `hook(module, args, output)` after forward; what it returns replaces the output.

        Using with_kwargs, it is `hook(module, args, kwargs, output)`.

        >>> import minidl
        >>> from minidl import nn
        >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
        >>> shapes = []
        >>> handle = net[0].register_forward_hook(lambda module, args, y: shapes.append(y.shape))
        >>> _ = net(minidl.zeros(2, 4))
        >>> handle.remove()
        >>> shapes
        [(2, 3)]
        """
        return self._register_hook("forward", hook, with_kwargs)

    def register_full_backward_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, grad_output)` before the module's backward.

        grad_output is a tuple with the gradient of every output, None where it has none; a result
        replaces it.
        """
        return self._register_hook("backward_pre", hook)

    def register_full_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the inputs' gradients are known.

        Both are tuples: grad_input has the gradients of the positional arguments, with None for
        those that need none or are no tensors; a result replaces it. Where no input needs a
        gradient, as in a network's first layer, there is nothing to replace. An output that the
        loss doesn't depend on has a gradient of zeros.

        >>> import minidl
        >>> from minidl import nn
        >>> x = minidl.tensor([-1.0, 2.0], requires_grad=True)
        >>> layer = nn.ReLU()
        >>> handle = layer.register_full_backward_hook(lambda module, dx, dy: print(dx, dy))
        >>> layer(x).sum().backward()
        (tensor([0., 1.]),) (tensor([1., 1.]),)
        """
        return self._register_hook("backward", hook)

    def _register_hook(self, kind: str, hook: Hook, with_kwargs: bool = False) -> RemovableHandle:
        if not callable(hook):
            raise DTypeError(
                f"{type(self).__name__}: the hook is a {type(hook).__name__}, expected a function."
            )
        if self._hooks is None:
            self.__dict__["_hooks"] = _Hooks({}, {}, {}, {})
        return RemovableHandle(getattr(self._hooks, kind), (hook, with_kwargs))


class _Hooks(NamedTuple):
    """A module's hooks by kind; each table is in order of registration."""

    forward_pre: dict[int, tuple[Hook, bool]]
    forward: dict[int, tuple[Hook, bool]]
    backward_pre: dict[int, tuple[Hook, bool]]
    backward: dict[int, tuple[Hook, bool]]


def _call(module: Hooked, hooks: _Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """module.forward(*args, **kwargs) with the hooks around it."""
    for hook, with_kwargs in tuple(hooks.forward_pre.values()):
        if with_kwargs:
            replacement = hook(module, args, kwargs)
            if replacement is not None:
                args, kwargs = _checked_pair(hook, replacement)
        else:
            replacement = hook(module, args)
            if replacement is not None:
                args = replacement if isinstance(replacement, tuple) else (replacement,)
    gradients = None
    if is_grad_enabled() and (hooks.backward or hooks.backward_pre):
        gradients = _Gradients(module, hooks)
        args = gradients.watch_inputs(args)
    output = module.forward(*args, **kwargs)
    for hook, with_kwargs in tuple(hooks.forward.values()):
        given = (args, kwargs, output) if with_kwargs else (args, output)
        replacement = hook(module, *given)
        output = output if replacement is None else replacement
    return output if gradients is None else gradients.watch_outputs(output)


def _checked_pair(hook: Hook, replacement: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(replacement, tuple) and len(replacement) == 2:
        args, kwargs = replacement
        if isinstance(args, tuple) and isinstance(kwargs, dict):
            return args, kwargs
    raise DTypeError(
        f"forward pre-hook {hook!r}: the result is {replacement!r}, expected None or a pair of a "
        "tuple and a dict, (args, kwargs), since it was registered using with_kwargs."
    )


class Watch(Function):
    """The identity, which shows the gradients on their way back and takes what replaces them."""

    moves_only = True
    look: Callable[[Gradients], Gradients]

    def forward(self, *arrays: Array, look: Callable[[Gradients], Gradients]) -> tuple[Array, ...]:
        """The arrays themselves."""
        self.look = look
        return tuple([self.backend.xp.reshape(x, x.shape) for x in arrays])

    def backward(self, *grad_outputs: Tensor) -> Gradients:
        """The gradients themselves, or what `look` makes of them."""
        return self.look(grad_outputs)


class _Gradients:
    """The gradients of one call of a module; the hooks are those there were at the call."""

    def __init__(self, module: Hooked, hooks: _Hooks) -> None:
        self.module = module
        self.pre_hooks = [hook for hook, _ in hooks.backward_pre.values()]
        self.hooks = [hook for hook, _ in hooks.backward.values()]
        self.grad_output: Gradients | None = None

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.inputs, self.n_inputs = _differentiable(args), len(args)
        return _watched(args, self.inputs, self._input_gradients)

    def watch_outputs(self, output: Any) -> Any:
        """The output with its tensors watched: it is one, or a tuple (of any class) of them."""
        if isinstance(output, tuple):
            self.outputs, self.n_outputs = _differentiable(output), len(output)
            watched = _watched(output, self.outputs, self._output_gradients)
            make = getattr(type(output), "_make", type(output))  # a NamedTuple takes no tuple
            return make(watched)
        if not isinstance(output, Tensor):
            raise DTypeError(
                f"{type(self.module).__name__}: the output is a {type(output).__name__}, expected "
                "a Tensor or a tuple of them, since the module has a backward hook."
            )
        return self.watch_outputs((output,))[0]

    def _output_gradients(self, gradients: Gradients) -> Gradients:
        """First in backward: the pre-hooks; and the hooks, if no input will come by."""
        grad_output = _spread(gradients, self.outputs, self.n_outputs)
        for hook in self.pre_hooks:
            grad_output = _replaced(hook, grad_output, self.module, grad_output)
        if self.inputs:
            self.grad_output = grad_output
        else:
            for hook in self.hooks:
                nothing: Gradients = (None,) * self.n_inputs
                _replaced(hook, nothing, self.module, nothing, grad_output)
        return tuple([grad_output[i] for i in self.outputs])

    def _input_gradients(self, gradients: Gradients) -> Gradients:
        """Last in backward: the hooks. Unless the outputs were not on the way, as in grad()."""
        if self.grad_output is None:
            return gradients
        grad_input = _spread(gradients, self.inputs, self.n_inputs)
        for hook in self.hooks:
            grad_input = _replaced(hook, grad_input, self.module, grad_input, self.grad_output)
        self.grad_output = None
        return tuple([grad_input[i] for i in self.inputs])


def _differentiable(values: tuple[Any, ...]) -> list[int]:
    """Where the tensors are that require a gradient."""
    return [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]


def _watched(
    values: tuple[Any, ...], positions: list[int], look: Callable[[Gradients], Gradients]
) -> tuple[Any, ...]:
    if not positions:
        return values
    watched = list(values)
    tensors = Watch.apply(*(values[i] for i in positions), look=look)
    for i, tensor in zip(positions, tensors, strict=True):
        watched[i] = tensor
    return tuple(watched)


def _spread(gradients: Gradients, positions: list[int], n: int) -> Gradients:
    """The gradients at their positions among n, None elsewhere."""
    spread: list[Tensor | None] = [None] * n
    for i, gradient in zip(positions, gradients, strict=True):
        spread[i] = gradient
    return tuple(spread)


def _replaced(hook: Hook, gradients: Gradients, *arguments: Any) -> Gradients:
    """`gradients`, or what the hook returns in their place, checked."""
    given = [g for group in arguments[1:] for g in group if g is not None]
    versions = [g.version for g in given]
    result = hook(*arguments)
    if [g.version for g in given] != versions:
        raise InPlaceError(
            f"backward hook {hook!r} changed a gradient in place, which other tensors may share. "
            "Return a new tensor instead."
        )
    if result is None:
        return gradients
    result = result if isinstance(result, tuple) else (result,)
    if len(result) != len(gradients):
        raise AutogradError(
            f"backward hook {hook!r}: the result has {len(result)} gradients, expected None or "
            f"{len(gradients)}, as many as it was given."
        )
    for position, (new, old) in enumerate(zip(result, gradients, strict=True)):
        what = f"backward hook {hook!r}: gradient {position} of the result"
        if old is None:
            if new is not None:
                raise AutogradError(f"{what} is a {type(new).__name__}, expected None as given.")
        else:
            check_like(what, new, old.shape, old.dtype, "the given one's")
    return result
