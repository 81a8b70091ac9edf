"""Optimizers, schedules of their learning rates, clipping of gradients, averages of weights."""

from typing import TYPE_CHECKING, NoReturn

from minidl import naming
from minidl.optim import lr_scheduler
from minidl.optim.adam import Adam, AdamW
from minidl.optim.clip import clip_grad_norm_, clip_grad_value_
from minidl.optim.ema import ExponentialMovingAverage
from minidl.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    SequentialLR,
    StepLR,
)
from minidl.optim.optimizer import Optimizer
from minidl.optim.rmsprop import RMSprop
from minidl.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "ExponentialMovingAverage",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "Optimizer",
    "RMSprop",
    "SequentialLR",
    "StepLR",
    "clip_grad_norm_",
    "clip_grad_value_",
    "lr_scheduler",
]


if not TYPE_CHECKING:  # else type checkers would take every name for a known one

    def __getattr__(name: str) -> NoReturn:
        """Explain a name that doesn't exist."""
        naming.missing_name("minidl.optim", name, __all__, naming.OPTIM)
