"""Modules, layers and initialisation, with PyTorch's names and defaults."""

from typing import TYPE_CHECKING, NoReturn

from minidl import naming
from minidl.nn import functional, init
from minidl.nn.activation import (
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from minidl.nn.containers import ModuleDict, ModuleList, Sequential
from minidl.nn.fused import norm_act
from minidl.nn.layers import BatchNorm1d, BatchNorm2d, Conv2d, ConvTranspose2d, Linear
from minidl.nn.loss import CrossEntropyLoss, MSELoss, NLLLoss
from minidl.nn.module import Module
from minidl.nn.parameter import Parameter
from minidl.nn.plain import (
    ChannelShuffle,
    ConstantPad2d,
    Dropout,
    DropPath,
    Flatten,
    Identity,
    LocalResponseNorm,
    ZeroPad2d,
)
from minidl.nn.windows import AdaptiveAvgPool2d, AvgPool2d, Fold, MaxPool2d, Unfold

__all__ = [
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "ChannelShuffle",
    "ConstantPad2d",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "DropPath",
    "Dropout",
    "Flatten",
    "Fold",
    "Hardsigmoid",
    "Hardswish",
    "Identity",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "ReLU6",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Unfold",
    "ZeroPad2d",
    "functional",
    "init",
    "norm_act",
]


if not TYPE_CHECKING:  # else type checkers would take every name for a known one

    def __getattr__(name: str) -> NoReturn:
        """Explain a name that doesn't exist."""
        naming.missing_name("minidl.nn", name, __all__, naming.NN)
