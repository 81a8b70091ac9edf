"""What PyTorch names in its pickles, built by functions of our own: tensors as views of storages.

A pickle holds no numbers but references to storages, flat arrays that stand elsewhere in the file:

    ("storage", torch.FloatStorage, key, location, elements[, (key of the view, start, elements)])

and a tensor is a view of one: `_rebuild_tensor_v2(storage, offset, shape, strides, …)`. While the
pickle is read only `Storage` and `StoredTensor` are noted and checked; `realised` puts arrays into
their places once the storages are there.

Source: PyTorch's torch/_utils.py (_rebuild_tensor_v2, _rebuild_parameter) and
torch/serialization.py (persistent_id); `_rebuild_tensor` and `Parameter` are how PyTorch 0.1 to 0.3
wrote them.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.errors import DataError
from minidl.files.pickle_reader import Constructor, Named
from minidl.files.tensor_file import widened_bfloat16

__all__ = ["STORAGE_DTYPES", "Storage", "StoredTensor", "TorchValues", "realised"]

Array = np.ndarray[Any, Any]

MAX_NDIM = 64
FREE_BYTES = 1 << 20
GROWTH = 4
"""Tensors may take so many times the file's bytes, and FREE_BYTES: views of one storage overlap."""

STORAGE_DTYPES: dict[str, np.dtype[Any]] = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype("<u2"),  # NumPy lacks it; `elements` makes it float32
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}
"""As they stand in the file."""

_PLAIN_DTYPES = ("float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8")


@dataclass(frozen=True)
class Storage:
    """A flat array in the file, or a stretch of one."""

    key: str
    kind: str
    """A key of STORAGE_DTYPES."""
    start: int
    size: int

    @property
    def itemsize(self) -> int:
        """Bytes of an element, in the file."""
        return STORAGE_DTYPES[self.kind].itemsize


@dataclass(frozen=True)
class StoredTensor:
    """A view of a storage; all numbers count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class TorchValues:
    """The table of names for one file, and the storages that its pickle refers to.

    Args:
        file_size: in bytes; it bounds what storages and tensors may claim.

    Attributes:
        roots: the storages by key, each whole.

    """

    def __init__(self, file_size: int) -> None:
        self.roots: dict[str, Storage] = {}
        self._file_size = file_size
        self._bytes_left = GROWTH * file_size + FREE_BYTES
        self._tensors: dict[StoredTensor, StoredTensor] = {}
        rebuild = Constructor(self._make_tensor)
        self.constructors: dict[str, Constructor] = {
            "torch._utils._rebuild_tensor": rebuild,
            "torch._utils._rebuild_tensor_v2": rebuild,
            "torch._utils._rebuild_parameter": Constructor(_make_parameter),
            "torch.nn.parameter.Parameter": Constructor(_make_parameter, _fill_parameter),
            "torch.Size": Constructor(_make_size),
            "torch.device": Constructor(_make_device),
            "torch.bool": Constructor(constant=np.dtype("?")),
            "torch.bfloat16": Constructor(constant="bfloat16"),
            **{f"torch.{name}": Constructor(constant=np.dtype(name)) for name in _PLAIN_DTYPES},
            **{f"torch.{kind}": Constructor() for kind in STORAGE_DTYPES},
            **{f"torch.cuda.{kind}": Constructor() for kind in STORAGE_DTYPES},
        }

    def storage(self, identity: Any) -> Storage:
        """The storage that a persistent id refers to."""
        if not isinstance(identity, tuple) or len(identity) not in (5, 6):
            raise ValueError("the identity is no tuple of 5 or 6 items")
        tag, kind, key, location, size, *view = identity
        if tag not in ("storage", b"storage") or not isinstance(kind, Named):
            raise ValueError("it isn't to a storage")
        name = kind.name.rpartition(".")[2]
        if name not in STORAGE_DTYPES or kind.constructor.make is not None:
            raise ValueError(f"{kind.name} is no storage")
        if not isinstance(key, str) or not isinstance(location, str | bytes):
            raise ValueError("its key or location is no text")
        root = Storage(key, name, 0, _checked_size(size))
        if root.size * root.itemsize > self._file_size:
            raise ValueError(f"storage {key[:40]!r} has more bytes than the file")
        if self.roots.setdefault(key, root) != root:
            raise ValueError(f"storage {key[:40]!r} is described in two ways")
        return root if not view or view[0] is None else _part(root, view[0])

    def _make_tensor(self, storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> Any:
        # rest: requires_grad, hooks, and since PyTorch 1.13 a table of rare properties
        if not isinstance(storage, Storage):
            raise ValueError(f"a view of a {type(storage).__name__}, which is no storage")
        if len(rest) > 2 and rest[2]:
            raise ValueError("a tensor with properties, such as negated or conjugate")
        if not isinstance(shape, tuple) or not isinstance(strides, tuple):
            raise ValueError("a shape or strides that are no tuple")
        if len(shape) != len(strides) or len(shape) > MAX_NDIM:
            raise ValueError(f"{len(shape)} sizes and {len(strides)} strides")
        shape = tuple(_checked_size(size) for size in shape)
        strides = tuple(_checked_size(stride) for stride in strides)
        tensor = StoredTensor(storage, _checked_size(offset), shape, strides)
        return self._tensors.get(tensor) or self._added(tensor)

    def _added(self, tensor: StoredTensor) -> StoredTensor:
        storage, shape = tensor.storage, tensor.shape
        end = tensor.offset  # one behind the last element
        if 0 not in shape:
            steps = zip(shape, tensor.strides, strict=True)
            end += 1 + sum((size - 1) * stride for size, stride in steps)
        if end > storage.size:
            raise ValueError(
                f"a tensor of shape {_shortened(shape)} that needs {end:,} elements of storage "
                f"{storage.key[:40]!r}, which has {storage.size:,}"
            )
        if math.prod(max(size, 1) for size in shape) * 8 >= 1 << 63:
            raise ValueError("a shape that is too large")  # also where another size is 0
        itemsize = 4 if storage.kind == "BFloat16Storage" else storage.itemsize
        self._bytes_left -= math.prod(shape) * itemsize
        if self._bytes_left < 0:
            raise ValueError("tensors that take many times the file's bytes, of the same storage")
        self._tensors[tensor] = tensor
        return tensor


def realised(value: Any, elements: Callable[[Storage], Array], name: str) -> Any:
    """`value` with an array in the place of each StoredTensor; lists, dicts … are new ones.

    `elements` gives a whole storage's elements. Tensors of the same storage are separate arrays,
    but where both are all of it.
    """
    arrays: dict[StoredTensor, Array] = {}
    containers: dict[int, Any] = {}  # by id(): what is referred to twice stays one

    def built(value: Any) -> Any:
        if isinstance(value, StoredTensor):
            if value not in arrays:
                arrays[value] = _array(value, elements(value.storage), name)
            return arrays[value]
        if isinstance(value, Storage):
            raise DataError(f"{name} holds a bare storage. Save tensors instead.")
        if not isinstance(value, dict | list | tuple):
            return value
        if id(value) not in containers:
            containers[id(value)] = _rebuilt(value, built)
        return containers[id(value)]

    return built(value)


def _rebuilt(value: Any, built: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        kind = OrderedDict if isinstance(value, OrderedDict) else dict
        return kind((key, built(each)) for key, each in value.items())
    return type(value)(built(each) for each in value)


def _array(tensor: StoredTensor, whole: Array, name: str) -> Array:
    """The view's elements in C order, in an array of its own unless it is all of the storage."""
    storage = tensor.storage
    first = storage.start + tensor.offset
    if not math.prod(tensor.shape):
        array = whole[:0].reshape(tensor.shape)
    elif _is_contiguous(tensor):
        array = whole[first : first + math.prod(tensor.shape)].reshape(tensor.shape)
        array = array if array.size == whole.size else array.copy()
    else:
        steps = tuple(stride * whole.itemsize for stride in tensor.strides)
        view = np.lib.stride_tricks.as_strided(whole[first:], tensor.shape, steps, writeable=False)
        array = np.array(view, order="C")
    if storage.kind == "BFloat16Storage":  # the upper half of a float32
        return widened_bfloat16(array)
    if storage.kind == "BoolStorage" and array.size and array.view("u1").max() > 1:
        raise DataError(f"{name} has a boolean tensor with other bytes than 0 and 1.")
    return array


def _is_contiguous(tensor: StoredTensor) -> bool:
    expected = 1
    for size, stride in zip(tensor.shape[::-1], tensor.strides[::-1], strict=True):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


def _part(root: Storage, view: Any) -> Storage:
    """A view of a storage that counts as a storage: PyTorch 0.1 to 0.3 had these."""
    if not isinstance(view, tuple) or len(view) != 3 or not isinstance(view[0], str):
        raise ValueError("a view of a storage that is no tuple of key, start and size")
    start, size = _checked_size(view[1]), _checked_size(view[2])
    if start + size > root.size:
        raise ValueError(f"a view beyond the end of storage {root.key[:40]!r}")
    return Storage(root.key, root.kind, start, size)


def _checked_size(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        shown = repr(value)[:40] if isinstance(value, int | float | str) else type(value).__name__
        raise ValueError(f"a size, stride or offset of {shown}")
    return value


def _make_parameter(data: Any = None, requires_grad: Any = True, hooks: Any = None) -> StoredTensor:
    if not isinstance(data, StoredTensor):
        raise ValueError(f"a parameter of a {type(data).__name__}, which is no tensor")
    return data


def _fill_parameter(target: StoredTensor, state: Any) -> None:
    """Nothing: whether it requires a gradient isn't kept."""


def _make_size(sizes: Any = ()) -> tuple[int, ...]:
    if not isinstance(sizes, list | tuple):
        raise ValueError(f"sizes in a {type(sizes).__name__}")
    return tuple(_checked_size(size) for size in sizes)


def _make_device(kind: Any, index: Any = None) -> str:
    if not isinstance(kind, str) or not isinstance(index, int | None) or len(kind) > 40:
        raise ValueError("a device that isn't a name and a number")
    return kind if index is None else f"{kind}:{index}"


def _shortened(shape: tuple[int, ...]) -> str:
    return str(shape) if len(shape) <= 6 else f"of {len(shape)} dimensions"
