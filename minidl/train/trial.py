"""Whether a backend can train a network, found out before a run begins."""

from __future__ import annotations

import copy

from minidl.backends import Backend, capabilities
from minidl.creation import zeros
from minidl.errors import BackendError, MissingKernelError
from minidl.nn import Module
from minidl.random import default_generator
from minidl.tensor import Tensor
from minidl.train.ingredients import loss_and_logits, make_optimizer
from minidl.train.recipes import Recipe

__all__ = ["check_computes", "check_kernels"]

_OTHERS = "Choose another with --backend; `minidl backends` lists them."


def check_computes(backend: Backend) -> None:
    """Raise BackendError for one whose tensors have no values.

    >>> from minidl import backends
    >>> check_computes(backends.get("meta"))
    Traceback (most recent call last):
        ...
    minidl.errors.BackendError: train: the backend 'meta' knows shapes only, no values: nothing \
can be learned there. Choose another with --backend; `minidl backends` lists them.
    """
    if backend.memory == "none":
        raise BackendError(
            f"train: the backend {backend.name!r} knows shapes only, no values: nothing can be "
            f"learned there. {_OTHERS}"
        )


def check_kernels(name: str, network: Module, image: Tensor, recipe: Recipe) -> None:
    """Raise BackendError where the backend lacks a kernel that a training step needs.

    A step is done with a copy, where the backend isn't complete: neither the network `name` nor
    any generator changes. `image` (1, C, H, W) is on the backend.
    """
    if "missing" not in capabilities(image.backend).values():
        return
    tried = copy.deepcopy(network).train()
    place = default_generator.get_state()
    try:
        images = zeros((2, *image.shape[1:]), backend=image.backend)  # batch norm needs two
        labels = zeros((2,), dtype="int64", backend=image.backend)
        optimizer = make_optimizer(recipe, tried)
        loss_and_logits(recipe, tried(images), labels)[0].backward()
        optimizer.step()
    except MissingKernelError as error:
        kernel = str(error).partition(":")[0]
        raise BackendError(
            f"train: the backend {image.backend.name!r} has no kernel {kernel}, which training "
            f"{name} needs. {_OTHERS}"
        ) from error
    finally:
        default_generator.set_state(place)
