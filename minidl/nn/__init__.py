"""Modules, layers and initialisation, with PyTorch's names and defaults."""

from minidl.nn import functional, init
from minidl.nn.containers import ModuleList, Sequential
from minidl.nn.fused import norm_act
from minidl.nn.layers import BatchNorm1d, BatchNorm2d, Conv2d, ConvTranspose2d, Linear
from minidl.nn.module import Module
from minidl.nn.parameter import Parameter
from minidl.nn.plain import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    ChannelShuffle,
    CrossEntropyLoss,
    Dropout,
    DropPath,
    Flatten,
    Hardswish,
    Identity,
    LeakyReLU,
    LocalResponseNorm,
    LogSoftmax,
    MaxPool2d,
    MSELoss,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)

__all__ = [
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "ChannelShuffle",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "DropPath",
    "Dropout",
    "Flatten",
    "Hardswish",
    "Identity",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleList",
    "Parameter",
    "ReLU",
    "ReLU6",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "functional",
    "init",
    "norm_act",
]
