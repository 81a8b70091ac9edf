"""Examples for the arrays part of the contract, each with what NumPy calls the same.

The names of arrays are those of `minidl.testing.conformance.example.operands`.
"""

from __future__ import annotations

_KEYS = {
    "x": ("1", "-1", "1, 2", "0, -1", "::-1", "1:, ::2", ":, None", "...", "..., 1", "None", "2:2",
          "mask", "row_mask", "row_mask, 1", "rows", "rows, columns", "rows, ::-1", ":, columns",
          "rows_down, columns"),
    "cube": ("1", "..., -1", ":, ::-2, None", "0, ..., 1", ":, rows, columns", "1, rows, 1:3",
             ":, row_mask", ":, mask"),
    "transposed": ("1, :, 2", ":, rows", "..., ::-1"),
    "backwards": ("0", "rows, columns", "mask"),
    "empty_rows": (":", "..., 1", "None"),
    "scalar": ("...", "()", "None"),
    "integers": ("1", "mask"),
}  # fmt: skip

_ADDED = (
    *("(3, 4), np.s_[rows, columns], row", "(3,), np.s_[rows], row", "(3, 2), np.s_[rows], tall"),
    *("(5, 4), np.s_[1:4], x", "(5, 4), np.s_[::2], backwards", "(3, 4), np.s_[...], x"),
    *("(3, 4), np.s_[1], row", "(3, 4), np.s_[-1, 2], scalar", "(4,), np.s_[None], line"),
    *("(2, 3, 4), np.s_[:, rows, columns], pair", "(3, 4), np.s_[rows_down, columns], four"),
    *("(3, 4), np.s_[2:2], empty_rows", "(5,), np.s_[columns], counts"),
    *("(3, 4), np.s_[row_mask], pair", "(3, 4), np.s_[:, twice], narrow"),
)

ARRAY_EXAMPLES: tuple[tuple[str, str], ...] = (
    ("is_array(x)", "True"),
    ("is_array(scalar)", "True"),
    *((f"is_array({other})", "False") for other in ("[1.0]", "2.0", "None", "'x'")),
    ("asarray([[1, 2], [3, 4]])", "np.array([[1, 2], [3, 4]])"),
    ("asarray([1, 2], 'float32')", "np.array([1, 2], np.float32)"),
    ("asarray(2.5)", "np.array(2.5)"),
    ("asarray(True)", "np.array(True)"),
    ("asarray([])", "np.array([])"),
    ("asarray(np.arange(6).reshape(2, 3).T)", "np.arange(6).reshape(2, 3).T"),
    ("asarray(np.arange(6)[::-2], 'float64')", "np.array([5.0, 3.0, 1.0])"),
    ("asarray(x)", "x"),
    ("asarray(integers, 'float32')", "integers.astype(np.float32)"),
    ("asarray(mask, 'int64')", "mask.astype(np.int64)"),
    *((f"to_numpy({a})", a) for a in ("x", "transposed", "backwards", "repeated", "scalar")),
    *((f"to_numpy({a})", a) for a in ("special", "small", "pixels", "mask", "empty_rows")),
    ("isinstance(to_numpy(x), np.ndarray)", "True"),
    *((f"from_dlpack({a})", a) for a in ("x", "transposed", "row", "integers", "scalar")),
    ("is_array(from_dlpack(x))", "True"),
    (
        "source = copy(x); same = from_dlpack(source); copy_into(source, row); same",
        "np.broadcast_to(row, (3, 4))",
    ),
    ("empty((2, 3), 'float32').shape", "(2, 3)"),
    ("empty((2, 3), 'int64').dtype", "np.dtype('int64')"),
    ("target = empty((3, 4), 'float64'); copy_into(target, x); target", "x.astype(np.float64)"),
    ("empty((2, 0), 'float32')", "np.empty((2, 0), np.float32)"),
    *((f"zeros({a})",) * 2 for a in ("(2, 3), 'float32'", "(), 'int64'", "(0, 2), 'float64'")),
    ("zeros((3,), 'bool')", "np.array([False] * 3)"),
    *((f"full({a})", f"np.full({a})") for a in ("(2, 3), 2.5, 'float32'", "(), np.nan, 'float64'")),
    *((f"full({a})", f"np.full({a})") for a in ("(2,), -7, 'int32'", "(0, 1), 1, 'int64'")),
    ("full((3,), True, 'bool')", "np.array([True] * 3)"),
    *((f"copy({a})", a) for a in ("x", "transposed", "backwards", "repeated", "scalar", "mask")),
    *((f"copy({a}).flags.c_contiguous", "True") for a in ("transposed", "backwards", "repeated")),
    *(
        (f"target = copy(x); copy_into(target, {a}); target", f"np.broadcast_to({a}, (3, 4))")
        for a in ("y", "row", "column", "scalar", "backwards", "repeated")
    ),
    ("target = copy(x); copy_into(target, integers); target", "integers.astype(x.dtype)"),
    (
        "target = copy(x); copy_into(target, np.arange(4.0)); target",
        "np.broadcast_to(np.arange(4.0), (3, 4)).astype(x.dtype)",
    ),
    ("target = copy(mask); copy_into(target, column_mask); target",
     "np.broadcast_to(column_mask, (3, 4))"),
    ("target = copy(empty_rows); copy_into(target, row); target", "empty_rows"),
    *(
        (f"index({array}, np.s_[{key}])", f"np.asarray({array}[{key}])")
        for array, keys in _KEYS.items()
        for key in keys
    ),
    *((f"index_add({arguments})",) * 2 for arguments in _ADDED),
)  # fmt: skip
"""What a backend evaluates, and what NumPy evaluates."""
