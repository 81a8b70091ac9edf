"""Runs of optimizers and schedules that minidl and PyTorch both can do."""

import numpy as np

# Optimizer, options of both groups, options of the second group alone.
OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.05}, {"lr": 0.01}),
    "sgd_defaults": ("SGD", {}, {}),
    "sgd_decay": ("SGD", {"lr": 0.05, "weight_decay": 0.1}, {"weight_decay": 0.0}),
    "sgd_momentum": ("SGD", {"lr": 0.05, "momentum": 0.9}, {"momentum": 0.5}),
    "sgd_dampening": (
        "SGD",
        {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.02},
        {"dampening": 0.0},
    ),
    "sgd_nesterov": (
        "SGD",
        {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.02},
        {"nesterov": False},
    ),
    "adam_defaults": ("Adam", {}, {}),
    "adam": ("Adam", {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-3}, {"betas": (0.5, 0.9)}),
    "adam_decay": ("Adam", {"lr": 0.02, "weight_decay": 0.3}, {"weight_decay": 0.0, "lr": 0.001}),
    "adamw_defaults": ("AdamW", {}, {}),
    "adamw": ("AdamW", {"lr": 0.02, "weight_decay": 0.3}, {"weight_decay": 0.0, "eps": 0.1}),
    "rmsprop_defaults": ("RMSprop", {}, {}),
    "rmsprop": ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-2, "weight_decay": 0.1}, {}),
    "rmsprop_momentum": ("RMSprop", {"lr": 0.01, "momentum": 0.9}, {"momentum": 0.0}),
    "rmsprop_centered": ("RMSprop", {"lr": 0.01, "centered": True}, {"centered": False}),
    "rmsprop_all": (
        "RMSprop",
        {"alpha": 0.8, "weight_decay": 0.1, "momentum": 0.7, "centered": True},
        {"lr": 0.002},
    ),
}

SHAPES = [(3, 4), (4,), (2, 3, 1, 2), ()]
"""Two parameters in each group; one has no dimensions."""


def arrays(steps, seed):
    """Parameters, and for every step gradients; None for a parameter that sits it out.

    The second parameter gets its first gradient in step 5, the third misses every third step.
    """
    rng = np.random.default_rng(seed)
    params = [np.asarray(rng.normal(size=shape)) for shape in SHAPES]
    grads = [[np.asarray(rng.normal(size=shape)) for shape in SHAPES] for _ in range(steps)]
    for t, each in enumerate(grads, start=1):
        if t < 5:
            each[1] = None
        if t % 3 == 0:
            each[2] = None
    return params, grads


def make(library, name, params):
    """The optimizer of a case over two groups of parameters; `library`: torch.optim's twin."""
    kind, options, second = OPTIMIZERS[name]
    groups = [{"params": params[:2]}, {"params": params[2:], **second}]
    return getattr(library, kind)(groups, **options)


def run(optimizer, params, grads, tensor):
    """Do the steps; yields after each. `tensor` makes a gradient of an array."""
    for each in grads:
        for p, grad in zip(params, each, strict=True):
            p.grad = None if grad is None else tensor(grad)
        optimizer.step()
        yield


SEED, STEPS, KEPT = 2000, 50, (1, 2, 10, 50)
"""Of the golden runs; the parameters are kept after some steps."""

BASE_LRS = (0.1, 0.03)


def _warm_up_and_cosine(s, o):
    warm_up = s.LinearLR(o, start_factor=0.05, total_iters=5)
    return s.SequentialLR(o, [warm_up, s.CosineAnnealingLR(o, T_max=30, eta_min=1e-4)], [5])


def _three_in_a_row(s, o):
    parts = [s.ConstantLR(o, 0.1, 3), s.StepLR(o, 4, 0.5), s.ExponentialLR(o, 0.9)]
    return s.SequentialLR(o, parts, [4, 21])


# From the module of schedules and an optimizer with two groups.
SCHEDULES = {
    "constant": lambda s, o: s.ConstantLR(o),
    "constant_factor": lambda s, o: s.ConstantLR(o, factor=0.25, total_iters=20),
    "linear": lambda s, o: s.LinearLR(o),
    "linear_down": lambda s, o: s.LinearLR(o, 0.9, 0.2, total_iters=33),
    "step": lambda s, o: s.StepLR(o, 7),
    "step_gamma": lambda s, o: s.StepLR(o, step_size=3, gamma=0.7),
    "multi_step": lambda s, o: s.MultiStepLR(o, [4, 11, 30], gamma=0.3),
    "multi_step_twice": lambda s, o: s.MultiStepLR(o, [0, 8, 8, 45]),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.93),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, T_max=50),
    "cosine_past_its_end": lambda s, o: s.CosineAnnealingLR(o, T_max=13, eta_min=0.002),
    "lambda": lambda s, o: s.LambdaLR(o, lambda t: 1 / (1 + t)),
    "lambda_of_each_group": lambda s, o: s.LambdaLR(o, [lambda t: 0.95**t, lambda t: t / 50]),
    "warm_up_and_cosine": _warm_up_and_cosine,
    "three_in_a_row": _three_in_a_row,
}


def rates(schedule, steps=50):
    """The rates of all groups before each step, and after the last."""
    rows = [[group["lr"] for group in schedule.optimizer.param_groups]]
    for _ in range(steps):
        schedule.optimizer.step()  # PyTorch warns if nobody does
        schedule.step()
        rows.append([group["lr"] for group in schedule.optimizer.param_groups])
    return np.array(rows)
