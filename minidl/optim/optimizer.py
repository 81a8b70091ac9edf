"""Optimizer: parameter groups, the state of each parameter, and saving both."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from minidl.backends import Array, Backend
from minidl.errors import (
    ArgumentError,
    DTypeError,
    ForgottenBackward,
    ForgottenZeroGrad,
    fail,
)
from minidl.functional.operands import integer
from minidl.grad_mode import no_grad
from minidl.nn.parameter import forget_gradients
from minidl.optim import checks
from minidl.tensor import ADDED_TO, STEPPED, Storage, Tensor

Parameters = Iterable[Tensor] | Iterable[dict[str, Any]]


class Optimizer(ABC):
    """Base of the optimizers. A subclass says three things, and does no bookkeeping:

    `_options(given)`   its options, checked, as plain Python values
    `_buffers(group)`   names of the arrays it keeps for every parameter, such as "exp_avg"
    `_update(…)`        how a list of parameters moves: a call of the backend's kernel

    `params` are tensors, or groups of them, each a dict with options of its own; what a group
    doesn't say, the arguments say:

    >>> import minidl
    >>> from minidl.optim import SGD
    >>> weight = minidl.tensor([1.0], requires_grad=True)
    >>> bias = minidl.tensor([1.0], requires_grad=True)
    >>> SGD([{"params": [weight], "weight_decay": 1e-4}, {"params": [bias]}], lr=0.1)
    SGD(
      1 parameter: lr=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0001, nesterov=False
      1 parameter: lr=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False
    )

    Attributes
    ----------
    defaults : the options of a group that doesn't say otherwise
    param_groups : list of dicts: "params" and the options; may be changed between steps
    state : for every parameter that has moved, "step" (how often) and the buffers by name

    Raises ArgumentError and DTypeError for parameters that can't be optimized (none, the same one
    twice, computed or integer ones) and for options out of range or unknown.

    """

    def __init__(self, params: Parameters, defaults: dict[str, Any]) -> None:
        self._name = type(self).__name__
        self._hinted: set[type[Warning]] = set()
        self.defaults = self._options(defaults)
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, dict[str, Any]] = {}
        given = checks.parameter_list(self._name, "params", params)
        if given and not isinstance(given[0], Mapping):
            given = [{"params": given}]
        for group in given:
            self.add_param_group(group)
        if not self.parameters:
            raise ArgumentError(
                f"{self._name}: there are no parameters. Give model.parameters(); a generator of "
                "them can be read only once, and layers in a plain list are not found: use "
                "nn.ModuleList."
            )

    # ------------------------------------------------------- what a subclass says

    @abstractmethod
    def _options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The options, in the order of the arguments; raises for those out of range."""

    @abstractmethod
    def _buffers(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Names of the arrays kept for each parameter of a group with these options."""

    @abstractmethod
    def _update(
        self,
        backend: Backend,
        params: list[Array],
        grads: list[Array],
        buffers: dict[str, list[Array]],
        step: int,
        group: Mapping[str, Any],
    ) -> None:
        """Change params and buffers in place; it is each one's step number `step`, from 1."""

    # -------------------------------------------------------------------- stepping

    def step(self, closure: None = None) -> None:
        """Change every parameter that has a gradient, in place.

        Those without one are passed over: they keep their values, state and step count.
        """
        name = f"{self._name}.step"
        if closure is not None:
            raise DTypeError(
                f"{name}: closure is PyTorch's argument. No optimizer here computes the loss "
                "several times a step: compute it and call loss.backward() before step()."
            )
        with no_grad():
            arrays = {p: p._writable(name) for p in self.parameters if p.grad is not None}
        self._note_use([p._grad._storage for p in arrays if p._grad is not None])
        for group in self.param_groups:
            # A kernel call takes a list of one dtype whose members all take the same step.
            alike: dict[tuple[Backend, Any, int], list[Tensor]] = {}
            for p in group["params"]:
                if p in arrays:
                    kind = (p.backend, p.dtype, self._advance(p, group))
                    alike.setdefault(kind, []).append(p)
            for (backend, _, step), members in alike.items():
                self._update(
                    backend,
                    [arrays[p] for p in members],
                    [p.grad._array for p in members if p.grad is not None],
                    {
                        buffer: [self.state[p][buffer]._array for p in members]
                        for buffer in self._buffers(group)
                    },
                    step,
                    group,
                )

    def _note_use(self, gradients: list[Storage]) -> None:
        """Hint, once, at a forgotten call; remember that a step has used the gradients."""
        if not gradients:
            self._hint(
                ForgottenBackward,
                "no parameter has a gradient, so none moves. Call loss.backward() before step(), "
                "and zero_grad() before backward(), not between the two.",
            )
        if any(gradient.use == ADDED_TO for gradient in gradients):
            self._hint(
                ForgottenZeroGrad,
                "backward() has added to gradients that the step before had used already, and this "
                "step uses the sum. Call optimizer.zero_grad() before each backward(). If the sum "
                "is meant, ignore minidl.errors.ForgottenZeroGrad.",
            )
        for gradient in gradients:
            gradient.use = STEPPED

    def _hint(self, category: type[Warning], sentence: str) -> None:
        if category not in self._hinted:
            self._hinted.add(category)
            warnings.warn(f"{self._name}.step: {sentence}", category, stacklevel=4)

    def _advance(self, p: Tensor, group: Mapping[str, Any]) -> int:
        """Count a step of `p`; returns the count."""
        state = self._completed_state(p, group)
        state["step"] += 1
        count: int = state["step"]
        return count

    def _completed_state(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Any]:
        """The state of `p` with all buffers that its group's options ask for.

        Counting starts anew with a new buffer: when momentum is switched on later, it starts as
        it does in the first step.
        """
        state = self.state.setdefault(p, {"step": 0})
        for name in self._buffers(group):
            if name not in state:
                state["step"], state[name] = 0, p.new_zeros(p.shape)
            else:  # it follows a parameter that was moved
                state[name] = state[name].to(p.backend, p.dtype)
        return state

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or with set_to_none=False make them zeros.

        Call it before each backward().
        """
        forget_gradients(self.parameters, set_to_none)

    # ---------------------------------------------------------------------- groups

    @property
    def parameters(self) -> list[Tensor]:
        """All parameters, group by group; a parameter's position is its place in this list."""
        return [p for group in self.param_groups for p in group["params"]]

    @property
    def lr(self) -> float:
        """The learning rate that all groups have; setting it sets all of them."""
        first, *others = [group["lr"] for group in self.param_groups]
        if any(lr != first for lr in others):
            raise ArgumentError(
                f"{self._name}.lr: the groups have different learning rates, {[first, *others]}. "
                'Look at optimizer.param_groups[i]["lr"].'
            )
        rate: float = first
        return rate

    @lr.setter
    def lr(self, value: float) -> None:
        rate = checks.at_least_zero(self._name, "lr", value)
        for group in self.param_groups:
            group["lr"] = rate

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimize more parameters: a dict with "params" and, if they differ, options.

        For example the layers that were frozen so far.
        """
        name = f"{self._name}.add_param_group"
        if not isinstance(param_group, Mapping) or "params" not in param_group:
            kind = type(param_group).__name__
            got = f"a dict of {list(param_group)}" if kind == "dict" else f"a {kind}"
            fail(name, "the group", got, 'a dict with "params"', error=DTypeError)
        options = {key: value for key, value in param_group.items() if key != "params"}
        for key in options:
            if key not in self.defaults:
                known = ", ".join(self.defaults)
                fail(name, "the option", repr(key), f"one of {known}", error=ArgumentError)
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else params
        params = checks.parameter_list(name, 'group["params"]', params)
        checks.check_parameters(self._name, params, before=self.parameters)
        self.param_groups.append({"params": params, **self._options({**self.defaults, **options})})

    # ---------------------------------------------------------------------- saving

    def state_dict(self) -> dict[str, Any]:
        """A snapshot that later steps don't change: numbers, strings, lists, dicts and tensors.

        "state" has a dict for every parameter in order, empty for one that never moved;
        "param_groups" has the options and, for "params", the parameters' positions.
        """
        groups: list[dict[str, Any]] = []
        states: list[dict[str, Any]] = []
        for group in self.param_groups:
            positions = [*range(len(states), len(states) + len(group["params"]))]
            groups.append({**_plain(self._group_options(group)), "params": positions})
            states += [self._saved_state(p, group) for p in group["params"]]
        return {"state": states, "param_groups": groups}

    def _saved_state(self, p: Tensor, group: Mapping[str, Any]) -> dict[str, Any]:
        if p not in self.state:
            return {}
        state = self._completed_state(p, group)
        buffers = {name: state[name].clone() for name in self._buffers(group)}
        return {"step": state["step"], **buffers}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where `state_dict()` was called: options, step counts and buffers.

        The optimizer must have as many groups, with as many parameters of the same shapes. The
        buffers are copied to where the parameters live, with their dtype. All is checked before
        anything is changed.
        """
        name = f"{self._name}.load_state_dict"
        checks.check_keys(name, "the state_dict", state_dict, ("state", "param_groups"))
        saved_groups, saved = state_dict["param_groups"], state_dict["state"]
        own = self.param_groups
        checks.check_length(name, "param_groups", saved_groups, len(own), "the groups there are")
        n = len(self.parameters)
        checks.check_length(name, "state", saved, n, "the parameters there are")
        groups: list[dict[str, Any]] = []
        states: list[dict[str, Any]] = []
        for g, (group, saved_group) in enumerate(zip(own, saved_groups, strict=True)):
            positions = [*range(len(states), len(states) + len(group["params"]))]
            options = self._loaded_options(name, f"param_groups[{g}]", saved_group, positions)
            groups.append(options)
            states += [
                self._loaded_state(name, position, saved[position], p, options)
                for position, p in zip(positions, group["params"], strict=True)
            ]
        for group, options in zip(own, groups, strict=True):
            group.update(options)
        pairs = zip(self.parameters, states, strict=True)
        self.state = {p: state for p, state in pairs if state}

    def _group_options(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """A group without its parameters, checked, with the rate that a schedule started from."""
        options = self._options(group)
        if "initial_lr" in group:
            initial = checks.at_least_zero(self._name, "initial_lr", group["initial_lr"])
            options["initial_lr"] = initial
        return options

    def _loaded_options(
        self, name: str, argument: str, saved: Any, positions: list[int]
    ) -> dict[str, Any]:
        schedule = ["initial_lr"] if isinstance(saved, Mapping) and "initial_lr" in saved else []
        checks.check_keys(name, argument, saved, (*self.defaults, *schedule, "params"))
        if saved["params"] != positions:
            fail(
                name,
                f'{argument}["params"]',
                saved["params"],
                f"{positions}, the positions of this group's parameters",
                error=ArgumentError,
            )
        return self._group_options(saved)

    def _loaded_state(
        self, name: str, position: int, saved: Any, p: Tensor, options: dict[str, Any]
    ) -> dict[str, Any]:
        if isinstance(saved, Mapping) and not saved:
            return {}
        argument = f"state[{position}]"
        buffers = self._buffers(options)
        checks.check_keys(name, argument, saved, ("step", *buffers))
        state: dict[str, Any] = {"step": integer(name, f'{argument}["step"]', saved["step"], 0)}
        for buffer in buffers:
            state[buffer] = checks.loaded_tensor(name, f'{argument}["{buffer}"]', saved[buffer], p)
        return state

    def __repr__(self) -> str:
        lines = []
        for group in self.param_groups:
            options = ", ".join(f"{name}={group[name]}" for name in self.defaults)
            n = len(group["params"])
            lines.append(f"  {n} parameter{'s' if n != 1 else ''}: {options}")
        return "\n".join([f"{self._name}(", *lines, ")"])


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options as JSON has them: lists for tuples."""
    return {key: list(v) if isinstance(v, tuple) else v for key, v in options.items()}
