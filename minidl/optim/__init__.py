"""Optimizers."""

from minidl.optim.sgd import SGD
