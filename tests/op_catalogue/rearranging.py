"""Shape, indexing, joining, products."""

import numpy as np

from op_catalogue.operation import Operation, inputs, normal


def gathered(shape, place_of):
    """The truth of a rearrangement: result[place] is the element of x at place_of(place)."""

    def truth(x, **arguments):
        result = np.empty(shape(x, **arguments))
        for place in np.ndindex(result.shape):
            result[place] = x[place_of(x, place, **arguments)]
        return result

    return truth


def permuted(rng):
    return [normal(2, 3, 4)(rng)], {"dims": tuple(int(d) for d in rng.permutation(3))}


def permuted_truth(x, dims):
    result = np.empty([x.shape[d] for d in dims])
    for place in np.ndindex(x.shape):
        result[tuple(place[d] for d in dims)] = x[place]
    return result


def flat(x, place, shape):
    """The element of C-ordered x whose running number is that of `place` in `shape`."""
    number = 0
    for p, n in zip(place, shape, strict=True):
        number = number * n + p
    source = []
    for n in reversed(x.shape):
        source.append(number % n)
        number //= n
    return tuple(reversed(source))


def keys(rng):
    """Basic, boolean and integer indices, some picking an element twice."""
    key = [
        (slice(None), slice(0, 4, 2)),
        (1, slice(3, None)),
        (Ellipsis, 2),
        (None, slice(1, 3)),
        ([0, 2, 2], slice(1, None)),
        ([0, 2, 2], [4, 1, 1]),
        (np.array([[0, 1], [2, 2]]),),
        (np.arange(15).reshape(3, 5) % 4 == 0,),
    ][rng.integers(8)]
    return [normal(3, 5)(rng)], {"key": key}


def picked(x, key):
    """x[key] by way of the running numbers of its elements."""
    numbers = np.arange(x.size).reshape(x.shape)[key]
    result = np.empty(numbers.shape)
    for place in np.ndindex(numbers.shape):
        result[place] = x.flat[numbers[place]]
    return result


def places(rng):
    """Indices along one dimension, more than there are and some twice."""
    dim = int(rng.integers(-2, 2))
    shape = [3, 4]
    shape[dim] = 5
    indices = rng.integers(0, (3, 4)[dim], size=shape)
    return [normal(3, 4)(rng)], {"indices": indices, "dim": dim}


def taken(x, indices, dim):
    result = np.empty(indices.shape)
    for place in np.ndindex(result.shape):
        source = list(place)
        source[dim] = indices[place]
        result[place] = x[tuple(source)]
    return result


def joined_inputs(rng):
    dim = int(rng.integers(2))
    shapes = [(2, 3), (4, 3), (1, 3)] if dim == 0 else [(2, 3), (2, 1), (2, 2)]
    return [normal(*s)(rng) for s in shapes], {"dim": dim}


def joined(*arrays, dim):
    rows = [
        [float(v) for v in np.moveaxis(a, dim, 0)[i].ravel()]
        for a in arrays
        for i in range(a.shape[dim])
    ]
    other = arrays[0].shape[1 - dim]
    result = np.array(rows).reshape(len(rows), other)
    return np.moveaxis(result, 0, dim)


def stacked(*arrays, dim):
    result = np.empty([*arrays[0].shape[:dim], len(arrays), *arrays[0].shape[dim:]])
    for place in np.ndindex(result.shape):
        result[place] = arrays[place[dim]][(*place[:dim], *place[dim + 1 :])]
    return result


def padded(x, pad):
    left, right, top, bottom = pad
    result = np.zeros((x.shape[0] + top + bottom, x.shape[1] + left + right))
    for i, j in np.ndindex(result.shape):
        source = (i - top, j - left)
        if 0 <= source[0] < x.shape[0] and 0 <= source[1] < x.shape[1]:
            result[i, j] = x[source]
    return result


PRODUCTS = [
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3, 4)),
    ((2, 1, 2, 3), (4, 3, 2)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((3,), (3,)),
]


def products(rng):
    a, b = PRODUCTS[rng.integers(len(PRODUCTS))]
    return [normal(*a)(rng), normal(*b)(rng)], {}


def product(a, b):
    left = a[None, :] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    left = np.broadcast_to(left, (*batch, *left.shape[-2:]))
    right = np.broadcast_to(right, (*batch, *right.shape[-2:]))
    result = np.zeros((*batch, left.shape[-2], right.shape[-1]))
    for *n, i, j in np.ndindex(result.shape):
        for k in range(left.shape[-1]):
            result[(*n, i, j)] += left[(*n, i, k)] * right[(*n, k, j)]
    if a.ndim == 1:
        result = result[..., 0, :]
    return result[..., 0] if b.ndim == 1 else result


EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
    ("ij,kj->k", (2, 3), (4, 3)),
    ("ij,ij", (2, 3), (2, 3)),
    ("i,j->ji", (2,), (3,)),
    ("ii,ij->j", (3, 3), (3, 2)),
    ("ij,kl->il", (2, 3), (4, 2)),
]


def equations(rng):
    equation, a, b = EQUATIONS[rng.integers(len(EQUATIONS))]
    return [normal(*a)(rng), normal(*b)(rng)], {"equation": equation}


def summed(a, b, equation):
    """Visit every value of every letter."""
    left, _, right = equation.partition("->")
    terms = left.split(",")
    sizes = {
        c: n
        for term, x in zip(terms, (a, b), strict=True)
        for c, n in zip(term, x.shape, strict=True)
    }
    result = np.zeros([sizes[c] for c in right])
    for values in np.ndindex(*sizes.values()):
        at = dict(zip(sizes, values, strict=True))
        term = 1.0
        for letters, x in zip(terms, (a, b), strict=True):
            term *= float(x[tuple(at[c] for c in letters)])
        result[tuple(at[c] for c in right)] += term
    return result


OPERATIONS = [
    Operation(
        "reshape",
        lambda rng: (
            [normal(2, 3, 4)(rng)],
            {"shape": [(6, 4), (2, 12), (4, 3, 2)][rng.integers(3)]},
        ),
        lambda m, F, x, shape: x.reshape(shape),
        gathered(lambda x, shape: shape, lambda x, place, shape: flat(x, place, shape)),
    ),
    Operation(
        "flatten",
        inputs(normal(2, 3, 4)),
        lambda m, F, x: x.flatten(1),
        gathered(lambda x: (2, 12), lambda x, place: (place[0], place[1] // 4, place[1] % 4)),
    ),
    Operation(
        "squeeze_unsqueeze",
        inputs(normal(2, 1, 3)),
        lambda m, F, x: x.squeeze(1).unsqueeze(0),
        gathered(lambda x: (1, 2, 3), lambda x, place: (place[1], 0, place[2])),
    ),
    Operation("permute", permuted, lambda m, F, x, dims: x.permute(dims), permuted_truth),
    Operation(
        "transpose",
        inputs(normal(2, 3, 4)),
        lambda m, F, x: x.transpose(0, -1),
        gathered(lambda x: (4, 3, 2), lambda x, place: place[::-1]),
    ),
    Operation(
        "expand",
        inputs(normal(2, 1, 3)),
        lambda m, F, x: x.expand(4, 2, 5, -1),
        gathered(lambda x: (4, 2, 5, 3), lambda x, place: (place[1], 0, place[3])),
    ),
    Operation(
        "flip",
        inputs(normal(3, 4)),
        lambda m, F, x: x.flip((0, 1)),
        gathered(lambda x: x.shape, lambda x, place: (2 - place[0], 3 - place[1])),
    ),
    Operation("getitem", keys, lambda m, F, x, key: x[key], picked),
    Operation(
        "gather_along",
        places,
        lambda m, F, x, indices, dim: F.gather_along(x, m.tensor(indices), dim),
        taken,
        lambda m, F, x, indices, dim: x.gather(dim, m.tensor(indices)),
    ),
    Operation("concatenate", joined_inputs, lambda m, F, *t, dim: m.cat(t, dim), joined),
    Operation(
        "stack",
        lambda rng: ([normal(2, 3)(rng) for _ in range(3)], {"dim": int(rng.integers(3))}),
        lambda m, F, *t, dim: m.stack(t, dim),
        stacked,
    ),
    Operation(
        "split",
        inputs(normal(2, 7)),
        lambda m, F, x: x.split((2, 4, 1), 1)[1] * x.split(4, 1)[0] + x.chunk(3, 1)[2][:, :1],
        lambda x: np.array([[x[i, 2 + j] * x[i, j] + x[i, 6] for j in range(4)] for i in range(2)]),
    ),
    Operation(
        "unbind",
        inputs(normal(2, 3)),
        lambda m, F, x: x.unbind(1)[1] * x.unbind(1)[2],
        lambda x: np.array([x[i, 1] * x[i, 2] for i in range(2)]),
    ),
    Operation(
        "pad",
        lambda rng: (
            [normal(3, 4)(rng)],
            {"pad": tuple(int(w) for w in rng.integers(-1, 3, size=4))},
        ),
        lambda m, F, x, pad: F.pad(x, pad),
        padded,
    ),
    Operation("matmul", products, lambda m, F, a, b: a @ b, product),
    Operation("einsum", equations, lambda m, F, a, b, equation: m.einsum(equation, a, b), summed),
    Operation(
        "linear",
        inputs(normal(4, 3), normal(5, 3), normal(5)),
        lambda m, F, x, w, b: F.linear(x, w, b),
        lambda x, w, b: product(x, w.T) + b,
    ),
]
