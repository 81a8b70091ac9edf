"""Examples for every function of `xp`: NumPy's own functions are their truth.

The names of arrays are those of `minidl.testing.conformance.example.operands`.
"""

from __future__ import annotations

_PAIRS = (
    *("x, y", "x, row", "column, row", "scalar, x", "scalar, scalar", "transposed, backwards"),
    *("repeated, column", "empty_rows, row", "special, special", "special, 1"),
    *("x, 2", "0.5, x", "integers, small", "integers, 2", "integers, x", "mask, x"),
)
_NUMBERS = (
    *("x", "scalar", "transposed", "backwards", "repeated", "empty_rows", "special"),
    *("integers", "small"),
)
_POSITIVE = ("positive", "special", "empty_rows", "small", "transposed")
_AXES = (
    *("axis=0", "axis=1", "axis=-1, keepdims=True", "axis=(0, 2)", "axis=(-1, 0), keepdims=True"),
    *("axis=(0, 1, 2)", "axis=np.int64(1)"),
)
_REDUCED = (
    *("x", "scalar", "scalar, axis=()", "special", "backwards", "repeated, axis=1"),
    *("x, keepdims=True", "integers", "integers, axis=0", "small, axis=1, keepdims=True"),
    *("empty_rows, axis=1", "mask, axis=0"),
    *(f"cube, {axes}" for axes in _AXES),
    *(f"transposed, {axes}" for axes in _AXES),
)
_SUMMED = (*_REDUCED, "empty_rows", "empty_rows, axis=0", "empty_rows, axis=0, keepdims=True")
_POSITIONS = (
    *("x", "integers", "special", "cube, axis=0", "cube, axis=-1", "transposed, axis=1"),
    *("integers, axis=1, keepdims=True", "backwards, axis=0", "repeated, axis=0", "small"),
    *("mask, axis=1", "empty_rows, axis=1"),
)
_TARGET = "target = copy(x); "

_ARGUMENTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("add", "multiply", "maximum", "minimum"), (*_PAIRS, "mask, mask")),
    **dict.fromkeys(("subtract", "divide"), _PAIRS),
    "power": ("positive, y", "positive, row", "x, 2", "x, 0.5", "2, x", "integers, 2",
              "integers, small", "special, 2", "scalar, 3", "empty_rows, 2", "transposed, 3"),
    "clip": ("x, -0.5, 0.5", "x, None, 0.5", "transposed, 0.5, None", "special, -1, 1",
             "scalar, 0, 1", "empty_rows, 0, 1", "integers, -1, 2", "integers, -1.5, 2.5",
             "backwards, 1, -1"),
    **dict.fromkeys(("negative", "absolute", "sign", "floor", "square"), _NUMBERS),
    **dict.fromkeys(("exp", "sin", "cos"), _NUMBERS),
    **dict.fromkeys(("sqrt", "log"), _POSITIVE),
    "reciprocal": ("positive", "special", "scalar", "transposed", "empty_rows"),
    **dict.fromkeys(("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
                    (*_PAIRS, "integers, integers", "mask, mask")),
    **dict.fromkeys(("logical_and", "logical_or"),
                    ("mask, mask", "mask, True", "x, mask", "special, special", "integers, row",
                     "empty_rows, row", "row_mask, scalar")),
    "logical_not": ("mask", "x", "integers", "special", "scalar", "empty_rows"),
    "isnan": ("special", "x", "integers", "scalar", "empty_rows", "transposed"),
    "where": ("mask, x, y", "mask, x, row", "mask, x, 0.0", "mask, 1, x", "mask, integers, 0",
              "mask, transposed, column", "mask, integers, x", "x, y, 0.0", "row_mask, 1.0, 0.0",
              "True, x, y", "empty_rows, empty_rows, 1.0"),
    "sum": (*_SUMMED, "mask", "small, dtype='float64'", "x, dtype='float64'"),
    "mean": _REDUCED,
    "var": (*(each for each in _REDUCED if "mask" not in each), "offset", "offset, axis=1",
            "x, axis=1, correction=1", "cube, axis=(0, 2), keepdims=True, correction=1"),
    **dict.fromkeys(("max", "min"), _REDUCED),
    **dict.fromkeys(("argmax", "argmin"), _POSITIONS),
    **dict.fromkeys(("any", "all"), (*_SUMMED, "mask", "mask, axis=(0, 1)")),
    "matmul": ("x, tall", "cube, tall", "cube, batch", "x, batch", "transposed, batch", "x, row",
               "row, tall", "row, row", "cube, row", "row, batch", "empty_rows, tall",
               "backwards, tall", "repeated, tall"),
    "einsum": ("'ij,jk->ik', x, tall", "'ij,kj->ik', x, y", "'bij,bjk->bik', cube, batch",
               "'ij,ij->', x, y", "'i,j->ij', row, row", "'ij->j', turned", "'ij->ji', x",
               "'ii->i', matrix", "'ii->', matrix", "'ij,j->i', empty_rows, row",
               "'ijk,k->ji', transposed, row", "'ij,ij->ij', column, x"),
    "reshape": ("x, (4, 3)", "x, (2, -1)", "x, -1", "x, (-1,)", "transposed, (4, 6)",
                "backwards, (2, 6)", "repeated, (12,)", "empty_rows, (4, 0)", "scalar, (1, 1)",
                "x, (3, 1, 4)", "matrix, (9,)"),
    "transpose": ("x", "cube", "cube, (2, 0, 1)", "cube, (-1, 0, 1)", "transposed, (1, 0, 2)",
                  "scalar", "row", "empty_rows"),
    "broadcast_to": ("row, (3, 4)", "column, (2, 3, 4)", "scalar, (2, 0)", "x, (3, 4)",
                     "scalar, ()", "empty_rows, (2, 0, 4)"),
    "flip": ("cube, (0,)", "cube, (0, -1)", "cube, 1", "transposed, (1, 2)", "backwards, (0,)",
             "empty_rows, (0,)"),
    "concatenate": ("(x, y), axis=0", "(x, y), axis=-1", "[x, column], axis=1", "(x,), axis=0",
                    "(x, empty_rows), axis=0", "(cube, transposed), axis=1",
                    "(repeated, backwards, x), axis=0", "(integers, x), axis=0",
                    "(small, integers), axis=1", "(mask, mask), axis=0"),
    "pad": ("x, ((1, 0), (0, 2))", "x, ((0, 0), (0, 0))",
            "x, ((1, 1), (0, 0)), constant_values=1.5",
            "transposed, ((0, 0), (1, 0), (2, 3)), constant_values=-np.inf",
            "empty_rows, ((1, 0), (0, 1))", "integers, ((0, 1), (2, 0)), constant_values=-7",
            "row, ((2, 1),)", "mask, ((1, 0), (0, 0))"),
    "take_along_axis": ("x, order, axis=1", "x, order, axis=-1", "x, picks, axis=0",
                        "backwards, order, axis=1", "turned, picks, axis=0",
                        "integers, order, axis=1", "empty_rows, empty_order, axis=1"),
    "astype": ("x, 'float32'", "x, 'float64'", "positive, 'int64'", "positive, 'int32'",
               "x, 'bool'", "special, 'bool'", "integers, 'float32'", "small, 'int64'",
               "mask, 'float64'", "pixels, 'float32'", "scalar, 'float32'", "empty_rows, 'int64'",
               "transposed, 'float32'"),
}  # fmt: skip

_OUT = {
    **dict.fromkeys(("add", "subtract", "multiply", "divide"), ("x, row", "target, y", "x, 2")),
    **dict.fromkeys(("maximum", "minimum"), ("x, row",)),
    **dict.fromkeys(("negative", "exp", "square"), ("y", "target")),
}
"""Element-wise functions into an array that is given, which may be an operand."""

XP_EXAMPLES: dict[str, tuple[str, ...]] = {
    name: (
        *(f"{name}({each})" for each in arguments),
        *(f"{_TARGET}{name}({each}, out=target); target" for each in _OUT.get(name, ())),
        *(f"{_TARGET}{name}({each}, out=target) is target" for each in _OUT.get(name, ())[:1]),
    )
    for name, arguments in _ARGUMENTS.items()
}
"""By the function's name."""
