"""Learning-rate schedules: every one a formula of the number of steps done so far.

So what the rate is can be read off, a schedule can be plotted without training, and one that is
resumed gives the very same bits. (PyTorch multiplies the rate step by step; the results are the
same to rounding.) A schedule owns the rate: it overwrites what anybody else sets. To follow one
schedule by another, compose them with `SequentialLR`.
"""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from minidl import naming
from minidl.errors import ArgumentError, DTypeError, fail
from minidl.functional.operands import integer
from minidl.optim import checks
from minidl.optim.optimizer import Optimizer

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "SequentialLR",
    "StepLR",
]


class LRScheduler(ABC):
    """Base of the schedules: sets the rate of every group from the rate that it started with.

    A subclass gives `lr_at(step, base_lr)`. Making one sets the rate for the first step already;
    call `step()` after each optimizer.step(), or after each epoch if the schedule counts those.

    Attributes
    ----------
    last_epoch : how often step() was called; the t of the formulas
    base_lrs : the groups' rates before any schedule (in the groups, "initial_lr")

    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._name = type(self).__name__
        if not isinstance(optimizer, Optimizer):
            kind = type(optimizer).__name__
            fail(self._name, "optimizer", f"a {kind}", "an Optimizer", error=DTypeError)
        self.optimizer = optimizer
        self.last_epoch = 0
        self._set()

    @abstractmethod
    def lr_at(self, step: int, base_lr: float) -> float:
        """The rate after so many steps of a group that started with `base_lr`."""

    def lrs_at(self, step: int) -> list[float]:
        """The rates of all groups after so many steps."""
        return [self.lr_at(step, base_lr) for base_lr in self.base_lrs]

    @property
    def base_lrs(self) -> list[float]:
        """The groups' rates before any schedule."""
        groups = self.optimizer.param_groups
        return [group.setdefault("initial_lr", group["lr"]) for group in groups]

    def step(self) -> None:
        """One step further: set the groups' rates."""
        self.last_epoch += 1
        self._set()

    def get_last_lr(self) -> list[float]:
        """The rates of all groups as this schedule set them last."""
        return list(self._last_lr)

    def _set(self) -> None:
        self._last_lr = self.lrs_at(self.last_epoch)
        for group, lr in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = lr

    def __repr__(self) -> str:
        given = [name for name in inspect.signature(type(self)).parameters if name != "optimizer"]
        shown = [f"{name}={_shown(getattr(self, name))}" for name in given if hasattr(self, name)]
        return f"{self._name}({', '.join([*shown, f'last_epoch={self.last_epoch}'])})"

    def state_dict(self) -> dict[str, Any]:
        """Where it is and the rates it started from; all else follows from the arguments."""
        return {"last_epoch": self.last_epoch, "base_lrs": self.base_lrs}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where `state_dict()` was called; sets the rates."""
        name, groups = f"{self._name}.load_state_dict", self.optimizer.param_groups
        checks.check_keys(name, "the state_dict", state_dict, ("last_epoch", "base_lrs"))
        last_epoch = integer(name, "last_epoch", state_dict["last_epoch"], 0)
        base_lrs = state_dict["base_lrs"]
        checks.check_length(name, "base_lrs", base_lrs, len(groups), "one for each group")
        base_lrs = [checks.at_least_zero(name, "base_lrs", base_lr) for base_lr in base_lrs]
        for group, base_lr in zip(groups, base_lrs, strict=True):
            group["initial_lr"] = base_lr
        self.last_epoch = last_epoch
        self._set()


class ConstantLR(LRScheduler):
    """base_lr · factor while t < total_iters, then base_lr."""

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5) -> None:
        self.factor = checks.between_0_and_1("ConstantLR", "factor", factor)
        self.total_iters = integer("ConstantLR", "total_iters", total_iters, 1)
        super().__init__(optimizer)

    def lr_at(self, step: int, base_lr: float) -> float:
        """See the class."""
        return base_lr * (self.factor if step < self.total_iters else 1.0)


class LinearLR(LRScheduler):
    """base_lr · (start_factor + (end_factor − start_factor) · min(t / total_iters, 1)): a warm-up.

    Goyal et al. 2017, "Accurate, large minibatch SGD", section 2.2.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        self.start_factor = checks.between_0_and_1("LinearLR", "start_factor", start_factor)
        self.end_factor = checks.between_0_and_1("LinearLR", "end_factor", end_factor)
        self.total_iters = integer("LinearLR", "total_iters", total_iters, 1)
        super().__init__(optimizer)

    def lr_at(self, step: int, base_lr: float) -> float:
        """See the class."""
        progress = min(step / self.total_iters, 1)
        return base_lr * (self.start_factor + (self.end_factor - self.start_factor) * progress)


class StepLR(LRScheduler):
    """base_lr · gamma^⌊t / step_size⌋.

    >>> import minidl
    >>> from minidl.optim import SGD
    >>> optimizer = SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> [schedule.lr_at(t, 1.0) for t in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = integer("StepLR", "step_size", step_size, 1)
        self.gamma = checks.at_least_zero("StepLR", "gamma", gamma)
        super().__init__(optimizer)

    def lr_at(self, step: int, base_lr: float) -> float:
        """See the class."""
        return base_lr * self.gamma ** (step // self.step_size)


class MultiStepLR(LRScheduler):
    """base_lr · gamma^(number of milestones ≤ t)."""

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones = _increasing("MultiStepLR", milestones)
        self.gamma = checks.at_least_zero("MultiStepLR", "gamma", gamma)
        super().__init__(optimizer)

    def lr_at(self, step: int, base_lr: float) -> float:
        """See the class."""
        return base_lr * self.gamma ** bisect_right(self.milestones, step)


class ExponentialLR(LRScheduler):
    """base_lr · gamma^t."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = checks.at_least_zero("ExponentialLR", "gamma", gamma)
        super().__init__(optimizer)

    def lr_at(self, step: int, base_lr: float) -> float:
        """See the class."""
        return base_lr * self.gamma**step


class CosineAnnealingLR(LRScheduler):
    """eta_min + (base_lr − eta_min) · (1 + cos(π · t / T_max)) / 2.

    After T_max steps the rate is eta_min; from there it rises again.

    Loshchilov & Hutter 2017, "SGDR", equation 5, without restarts.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max = integer("CosineAnnealingLR", "T_max", T_max, 1)
        self.eta_min = checks.at_least_zero("CosineAnnealingLR", "eta_min", eta_min)
        super().__init__(optimizer)

    def lr_at(self, step: int, base_lr: float) -> float:
        """See the class."""
        half = (1 + math.cos(math.pi * step / self.T_max)) / 2
        return self.eta_min + (base_lr - self.eta_min) * half


class LambdaLR(LRScheduler):
    """base_lr · lr_lambda(t): any function, or a list of one for each group.

    The factors are finite numbers of at least 0; anything else is refused where it occurs.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
    ) -> None:
        for function in lr_lambda if isinstance(lr_lambda, Sequence) else [lr_lambda]:
            if not callable(function):
                got = f"a {type(function).__name__}"
                wanted = "a function from the number of steps to a factor, or a list of them"
                fail("LambdaLR", "lr_lambda", got, wanted, error=DTypeError)
        self.lr_lambda = lr_lambda
        super().__init__(optimizer)

    def lrs_at(self, step: int) -> list[float]:
        """The rates of all groups after so many steps."""
        if callable(self.lr_lambda):
            return super().lrs_at(step)
        checks.check_length(
            "LambdaLR",
            "lr_lambda",
            self.lr_lambda,
            len(self.base_lrs),
            "one for each group",
        )
        pairs = zip(self.base_lrs, self.lr_lambda, strict=True)
        return [base_lr * _factor(function, step) for base_lr, function in pairs]

    def lr_at(self, step: int, base_lr: float) -> float:
        """See the class; only if the groups share one function."""
        if not callable(self.lr_lambda):
            raise ArgumentError(
                "LambdaLR.lr_at: each group has a function of its own. Use lrs_at(step)."
            )
        return base_lr * _factor(self.lr_lambda, step)


class SequentialLR(LRScheduler):
    """One schedule after the other: from milestones[i] on, schedulers[i + 1] from its beginning.

    A warm-up of five epochs, then a cosine:

    >>> import minidl
    >>> from minidl.optim import SGD
    >>> optimizer = SGD([minidl.zeros(1, requires_grad=True)], lr=1.0)
    >>> schedule = SequentialLR(
    ...     optimizer,
    ...     [LinearLR(optimizer, 0.2, total_iters=4), CosineAnnealingLR(optimizer, T_max=4)],
    ...     milestones=[4],
    ... )
    >>> [round(schedule.lr_at(t, 1.0), 3) for t in range(9)]
    [0.2, 0.4, 0.6, 0.8, 1.0, 0.854, 0.5, 0.146, 0.0]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]
    ) -> None:
        if not isinstance(schedulers, Sequence) or not schedulers:
            kind = type(schedulers).__name__
            got = "empty" if isinstance(schedulers, Sequence) else f"a {kind}"
            wanted = "a list of at least one schedule"
            fail("SequentialLR", "schedulers", got, wanted, error=DTypeError)
        self.schedulers, self.milestones = list(schedulers), _increasing("SequentialLR", milestones)
        if len(self.milestones) != len(self.schedulers) - 1:
            fail(
                "SequentialLR",
                "len(milestones)",
                len(self.milestones),
                f"len(schedulers) − 1 = {len(self.schedulers) - 1}",
                "They are the steps at which the next schedule takes over.",
                error=ArgumentError,
            )
        for i, scheduler in enumerate(self.schedulers):
            if not isinstance(scheduler, LRScheduler):
                got = f"a {type(scheduler).__name__}"
                fail("SequentialLR", f"schedulers[{i}]", got, "a schedule", error=DTypeError)
            if scheduler.optimizer is not optimizer:
                raise ArgumentError(
                    f"SequentialLR: schedulers[{i}] was made for another optimizer. Make all of "
                    "them for the one that they schedule."
                )
        super().__init__(optimizer)

    def lrs_at(self, step: int) -> list[float]:
        """The rates of all groups after so many steps."""
        scheduler, begin = self._acting(step)
        return scheduler.lrs_at(step - begin)

    def lr_at(self, step: int, base_lr: float) -> float:
        """See the class."""
        scheduler, begin = self._acting(step)
        return scheduler.lr_at(step - begin, base_lr)

    def _acting(self, step: int) -> tuple[LRScheduler, int]:
        """The schedule that acts after so many steps, and the step it began at."""
        i = bisect_right(self.milestones, step)
        return self.schedulers[i], self.milestones[i - 1] if i else 0


def _factor(function: Callable[[int], float], step: int) -> float:
    return checks.at_least_zero("LambdaLR", f"lr_lambda({step})", function(step))


def _shown(value: Any) -> str:
    """An argument as code; of functions the name, whose repr is an address."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_shown, value))}]"
    return getattr(value, "__name__", None) or repr(value)


def _increasing(operation: str, milestones: Sequence[int]) -> list[int]:
    if not isinstance(milestones, Sequence) or isinstance(milestones, str):
        kind = type(milestones).__name__
        fail(operation, "milestones", f"a {kind}", "a list of ints", error=DTypeError)
    found = [integer(operation, f"milestones[{i}]", m, 0) for i, m in enumerate(milestones)]
    if found != sorted(found):
        fail(operation, "milestones", found, "increasing numbers", error=ArgumentError)
    return found


if not TYPE_CHECKING:  # else type checkers would take every name for a known one

    def __getattr__(name: str) -> NoReturn:
        """Explain a name that doesn't exist."""
        naming.missing_name("minidl.optim.lr_scheduler", name, __all__, naming.SCHEDULES)
