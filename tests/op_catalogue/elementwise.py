"""Arithmetic, functions of one number, reductions."""

import math

from op_catalogue.operation import (
    Operation,
    away_from,
    distinct,
    each,
    inputs,
    normal,
    over,
    positive,
)

BROADCASTS = [
    ((2, 3), (2, 3)),
    ((2, 3), (3,)),
    ((2, 1, 3), (4, 1)),
    ((3,), (2, 1)),
    ((1, 3), (4, 3)),
]


def two(first, second):
    """Draws two arrays whose shapes broadcast."""

    def draw(rng):
        a, b = BROADCASTS[rng.integers(len(BROADCASTS))]
        return [first(*a)(rng), second(*b)(rng)], {}

    return draw


def ties_apart(rng):
    """Two arrays of which no pair of elements is closer than 0.1."""
    a = distinct(2, 3)(rng)
    return [a, a + rng.choice([-0.3, 0.3], size=(2, 3))], {}


def reduced(maker):
    """Draws an array, the dims to reduce and keepdim."""

    def draw(rng):
        dim = [None, 0, -1, (0, 2), (1,)][rng.integers(5)]
        return [maker(rng)], {"dim": dim, "keepdim": bool(rng.integers(2))}

    return draw


def one_dim(maker):
    """Draws an array and one dim to reduce."""
    return lambda rng: ([maker(rng)], {"dim": int(rng.integers(-3, 3))})


def variance(numbers, correction):
    mean = math.fsum(numbers) / len(numbers)
    return math.fsum((v - mean) ** 2 for v in numbers) / (len(numbers) - correction)


def log_sum_exp(numbers):
    top = max(numbers)
    return top + math.log(math.fsum(math.exp(v - top) for v in numbers))


def drawn_correction(rng):
    """Elements at least 0.5 apart: near a spread of 0 the derivatives of std explode."""
    arrays, arguments = reduced(distinct(2, 3, 2))(rng)
    return [5 * a for a in arrays], {**arguments, "correction": int(rng.integers(2))}


def unary(name, truth, maker, call=None):
    """An operation of one operand that is a method of the same name in both libraries."""
    call = call or (lambda m, F, x: getattr(x, name)())
    return Operation(name, inputs(maker), call, each(truth))


def scalar_powers(rng):
    return [positive(2, 3)(rng)], {"exponent": float(rng.choice([-1.0, 0.5, 2.0, 3.0]))}


OPERATIONS = [
    Operation("add", two(normal, normal), lambda m, F, a, b: a + b, each(lambda a, b: a + b)),
    Operation("sub", two(normal, normal), lambda m, F, a, b: a - b, each(lambda a, b: a - b)),
    Operation("mul", two(normal, normal), lambda m, F, a, b: a * b, each(lambda a, b: a * b)),
    Operation("div", two(normal, positive), lambda m, F, a, b: a / b, each(lambda a, b: a / b)),
    Operation("pow", two(positive, normal), lambda m, F, a, b: a**b, each(lambda a, b: a**b)),
    Operation(
        "pow_scalar",
        scalar_powers,
        lambda m, F, x, exponent: x**exponent,
        each(lambda x, exponent: x**exponent),
    ),
    Operation("scalar_pow", inputs(normal(2, 3)), lambda m, F, x: 2.0**x, each(lambda x: 2.0**x)),
    Operation(
        "scalar_arithmetic",
        inputs(positive(2, 3)),
        lambda m, F, x: 1.5 - 2 * (3 / x) + (x - 1) / 4,
        each(lambda x: 1.5 - 2 * (3 / x) + (x - 1) / 4),
    ),
    Operation("maximum", ties_apart, lambda m, F, a, b: m.maximum(a, b), each(max)),
    Operation("minimum", ties_apart, lambda m, F, a, b: m.minimum(a, b), each(min)),
    Operation(
        "where",
        two(normal, normal),
        lambda m, F, a, b: m.where(a.detach() > 0.1, a, b),
        each(lambda a, b: a if a > 0.1 else b),
    ),
    Operation(
        "clip",
        inputs(away_from([-1, 2], 3, 4)),
        lambda m, F, x: x.clip(-1, 2),
        each(lambda x: min(max(x, -1.0), 2.0)),
    ),
    unary("exp", math.exp, normal(2, 3)),
    unary("log", math.log, positive(2, 3)),
    unary("sqrt", math.sqrt, positive(2, 3)),
    unary("square", lambda x: x * x, normal(2, 3)),
    unary("reciprocal", lambda x: 1 / x, positive(2, 3)),
    unary("abs", abs, away_from([0], 2, 3)),
    unary("sin", math.sin, normal(2, 3)),
    unary("cos", math.cos, normal(2, 3)),
    unary("neg", lambda x: -x, normal(2, 3), lambda m, F, x: -x),
    unary("clone", lambda x: x, normal(2, 3)),
    unary("relu", lambda x: max(x, 0.0), away_from([0], 3, 4)),
    unary(
        "relu6",
        lambda x: min(max(x, 0.0), 6.0),
        away_from([0, 6], 3, 4),
        lambda m, F, x: F.relu6(x),
    ),
    unary(
        "leaky_relu",
        lambda x: x if x > 0 else 0.1 * x,
        away_from([0], 3, 4),
        lambda m, F, x: F.leaky_relu(x, 0.1),
    ),
    unary("sigmoid", lambda x: 1 / (1 + math.exp(-x)), normal(3, 4)),
    unary("tanh", math.tanh, normal(3, 4)),
    unary("silu", lambda x: x / (1 + math.exp(-x)), normal(3, 4), lambda m, F, x: F.silu(x)),
    unary(
        "hardswish",
        lambda x: x * min(max(x + 3, 0.0), 6.0) / 6,
        away_from([-3, 3], 3, 4),
        lambda m, F, x: F.hardswish(x),
    ),
    Operation("sum", reduced(normal(2, 3, 2)), lambda m, F, x, **k: x.sum(**k), over(math.fsum)),
    Operation(
        "mean",
        reduced(normal(2, 3, 2)),
        lambda m, F, x, **k: x.mean(**k),
        over(lambda numbers: math.fsum(numbers) / len(numbers)),
    ),
    Operation("var", drawn_correction, lambda m, F, x, **k: x.var(**k), over(variance)),
    Operation(
        "std",
        drawn_correction,
        lambda m, F, x, **k: x.std(**k),
        over(lambda numbers, correction: math.sqrt(variance(numbers, correction))),
    ),
    Operation(
        "amax",
        reduced(distinct(2, 3, 2)),
        lambda m, F, x, dim, keepdim: x.amax(dim, keepdim),
        over(max),
        lambda m, F, x, dim, keepdim: x.amax(() if dim is None else dim, keepdim),
    ),
    Operation(
        "amin",
        reduced(distinct(2, 3, 2)),
        lambda m, F, x, dim, keepdim: x.amin(dim, keepdim),
        over(min),
        lambda m, F, x, dim, keepdim: x.amin(() if dim is None else dim, keepdim),
    ),
    Operation("max", one_dim(distinct(2, 3, 2)), lambda m, F, x, dim: x.max(dim)[0], over(max)),
    Operation("min", one_dim(distinct(2, 3, 2)), lambda m, F, x, dim: x.min(dim)[0], over(min)),
    Operation(
        "logsumexp",
        lambda rng: ([normal(2, 3, 2)(rng)], {"dim": [0, -1, (0, 2)][rng.integers(3)]}),
        lambda m, F, x, dim: x.logsumexp(dim),
        over(log_sum_exp),
    ),
]
