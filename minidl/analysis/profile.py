"""profile: where the time of a training step goes, by layer and by kernel."""

from __future__ import annotations

import tracemalloc
from typing import Any

from minidl import backends
from minidl.analysis.clock import Clock, undisturbed
from minidl.analysis.profile_report import Profile
from minidl.analysis.titles import model_title
from minidl.analysis.trace import input_specs, inputs_of
from minidl.backends import Backend
from minidl.errors import fail
from minidl.functional.operands import integer
from minidl.nn import Module
from minidl.random import Generator
from minidl.tensor import Tensor
from minidl_kernels.common.array_spec import ArraySpec


def profile(
    model: Module,
    inputs: Any = None,
    *,
    steps: int = 10,
    warmup: int = 1,
    backward: bool = True,
    name: str | None = None,
) -> Profile:
    """Time a model's steps by layer and by kernel: forward, then backward from a gradient of ones.

    It runs on the model's backend and in its mode, on a twin: the model's parameters are only
    read; its gradients, statistics, hooks (they don't run) and the random numbers stay as they are.
    Every layer's figures are those of the step in which it was fastest: other programs disturb one
    layer or another of most steps.
    Steps of layers that are fused, such as batch norm with its activation, count for the first.
    Every kernel costs the measuring some microseconds, which stand outside the kernels.

    Parameters
    ----------
    model : a Module
    inputs : a tensor, or a shape, which gets random numbers; or a list of these. (C, H, W) is one
        image.
    steps : how many to time
    warmup : how many to run before
    backward : whether to run the backward pass, too
    name : for the title, such as the one it was created by; the class stands there in any case

    >>> from minidl import models
    >>> report = profile(models.create("lenet5"), (8, 1, 28, 28), steps=3)
    >>> [report.calls(f"conv2d{part}") for part in ("", "_weight_grad", "_input_grad")]
    [2, 2, 1]

    """
    specs = input_specs("profile", model, inputs)
    steps = integer("profile", "steps", steps, 1)
    warmup = integer("profile", "warmup", warmup, 0)
    given = _inputs(inputs, specs)
    backend = _backend(model, given)
    clock = Clock(model, backend)
    for _ in range(warmup):
        clock.run(given, backward)
    timed = []
    for _ in range(steps):
        clock.run(given, backward)
        timed.append(clock.step)
    return Profile(
        model=model_title(model, name),
        inputs=tuple(x.shape for x in given),
        backend=backend.name,
        step=undisturbed(timed),
        types={path: type(module).__name__ for path, module in model.named_modules()},
        walls=tuple(step.seconds for step in timed),
        peak_bytes=_peak(clock, given, backward) if backend.memory == "cpu" else None,
    )


def _inputs(inputs: Any, specs: list[ArraySpec]) -> list[Tensor]:
    """Tensors as they are; shapes filled with normal numbers."""
    generator, found = Generator(), []
    for x, spec in zip(inputs_of(inputs), specs, strict=True):
        if isinstance(x, Tensor):
            found.append(x)
        else:
            numbers = generator.normal(spec.shape).astype(spec.dtype)
            found.append(Tensor._wrap(numbers, backends.get("numpy")))
    return found


def _backend(model: Module, inputs: list[Tensor]) -> Backend:
    """Where the parameters are; without any, where the input is."""
    backend = next((t.backend for t in (*model.parameters(), *inputs)), backends.default())
    if backend.memory == "none":
        fail(
            "profile",
            "the model",
            f"on {backend.name!r}, which computes shapes only",
            "on a backend that computes",
            'Move it: model.to("numpy").',
        )
    return backend


def _peak(clock: Clock, inputs: list[Tensor], backward: bool) -> int:
    """The highest traced memory of one more step. It runs slowly, so it isn't one of the timed."""
    clock.forget_gradients()
    started = not tracemalloc.is_tracing()
    if started:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        clock.run(inputs, backward)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        clock.forget_gradients()
        if started:
            tracemalloc.stop()
