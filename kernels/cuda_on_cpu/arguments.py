"""Checks a launch's arguments against the kernel's parameters, and guards its arrays.

The kernel never sees the caller's arrays. It gets copies, each between two guard zones filled
with bytes 0xFF:

    |  guard zone  |  the array  |  guard zone  |

A read outside the array gives NaN (or −1), a write outside it leaves a trace in the guard zone.
After the launch the copies are written back, except those of `const T*` parameters, which must
not have changed.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minidl_kernels.cuda_on_cpu.errors import KernelError, LaunchError

NumpyArray = np.ndarray[Any, Any]

GUARD_BYTES = 64 * 1024
POISON = 0xFF
ALIGNMENT = 256  # what a GPU's allocator promises


class Parameter(NamedTuple):
    """One parameter of a kernel: `const float*` is Parameter("f", 4, pointer=True, const=True)."""

    kind: str
    """f float, i signed, u unsigned, b bool, V anything else (float4, void)."""
    size: int
    pointer: bool
    const: bool

    def __str__(self) -> str:
        kinds = {"f": "float", "i": "int", "u": "uint", "b": "bool"}
        name = f"{kinds[self.kind]}{8 * self.size}" if self.kind in kinds else "a struct or void"
        return f"{'const ' * self.const}{name}{'*' * self.pointer}"

    def fits(self, dtype: np.dtype[Any]) -> bool:
        """Whether `dtype` is what the parameter is or points to; signedness doesn't matter."""
        if self.kind == "V":
            return self.pointer or dtype.itemsize == self.size
        return dtype.itemsize == self.size and (dtype.kind == "f") == (self.kind == "f")


def parse_signature(signature: str) -> list[Parameter]:
    """Parameters from what launch.h says about a kernel.

    >>> parse_signature("const f4*,i4,")[0]
    Parameter(kind='f', size=4, pointer=True, const=True)
    """
    found = re.findall(r"(const )?([fiubV])(\d+)(\*)?,", signature)
    return [
        Parameter(kind, int(size), bool(star), bool(const)) for const, kind, size, star in found
    ]


class Arguments:
    """The arguments of one launch as the kernel receives them.

    `pointers` goes to the launch; `finish()` afterwards checks the guards and copies back.
    """

    def __init__(self, kernel: str, parameters: Sequence[Parameter], args: Sequence[Any]) -> None:
        if len(args) != len(parameters):
            wanted = ", ".join(map(str, parameters))
            raise LaunchError(
                f"{kernel}: {len(args)} arguments, expected {len(parameters)}: ({wanted})."
            )
        self._kernel = kernel
        self._copies: dict[tuple[int, int], _GuardedCopy] = {}
        values = [
            self._value(number, parameter, arg)
            for number, (parameter, arg) in enumerate(zip(parameters, args, strict=True))
        ]
        self._values = values  # the pointers below point into them
        self.pointers = (ctypes.c_void_p * len(values))(*(value.ctypes.data for value in values))

    def finish(self) -> None:
        """Raise KernelError if the kernel wrote where it mustn't; else copy the results back."""
        for copy in self._copies.values():
            copy.check_guards(self._kernel)
        for copy in self._copies.values():
            copy.write_back(self._kernel)

    def _value(self, number: int, parameter: Parameter, arg: Any) -> NumpyArray:
        """A zero-dimensional array that holds what the kernel gets: a scalar or an address."""
        name = f"{self._kernel}: argument {number}"
        if parameter.pointer and isinstance(arg, np.ndarray):
            return np.array(self._guarded(name, parameter, arg).address, np.uintp)
        if parameter.pointer and isinstance(arg, np.uintp) and arg == 0:
            return np.array(arg)  # a null pointer
        if parameter.pointer or not isinstance(arg, np.generic):
            expected = (
                "an array, or numpy.uintp(0) for none"
                if parameter.pointer
                else ("a NumPy scalar such as numpy.int32(3) or numpy.float32(0.5)")
            )
            raise LaunchError(
                f"{name} is {_describe(arg)}, expected {expected}: the kernel wants {parameter}."
            )
        if not parameter.fits(arg.dtype):
            raise LaunchError(f"{name} is {_describe(arg)}, expected {parameter}.")
        return np.array(arg)

    def _guarded(self, name: str, parameter: Parameter, array: NumpyArray) -> _GuardedCopy:
        if not parameter.fits(array.dtype):
            raise LaunchError(f"{name} is {_describe(array)}, expected {parameter}.")
        if not array.flags.c_contiguous:
            raise LaunchError(
                f"{name} is {_describe(array)} that isn't C-contiguous, but the kernel gets only "
                "its address. Pass xp.ascontiguousarray(…)."
            )
        # The same array given twice (in-place kernels) must stay one array.
        key = (array.ctypes.data, array.nbytes)
        if key not in self._copies:
            self._copies[key] = _GuardedCopy(name, array)
        copy = self._copies[key]
        if not parameter.const:
            copy.make_writable(name)
        return copy


class _GuardedCopy:
    def __init__(self, name: str, array: NumpyArray) -> None:
        self._name, self._array, self._writable = name, array, False
        self._memory = np.full(array.nbytes + 2 * GUARD_BYTES + ALIGNMENT, POISON, np.uint8)
        begin = GUARD_BYTES + -(self._memory.ctypes.data + GUARD_BYTES) % ALIGNMENT
        self._before = self._memory[:begin]
        self._inside = self._memory[begin : begin + array.nbytes]
        self._after = self._memory[begin + array.nbytes :]
        self._inside[:] = _as_bytes(array)
        self.address = self._inside.ctypes.data if array.nbytes else self._after.ctypes.data

    def make_writable(self, name: str) -> None:
        if not self._array.flags.writeable:
            raise LaunchError(
                f"{name} is a read-only array, but the kernel may write it. Pass a copy, or "
                "declare the parameter const."
            )
        self._writable = True

    def check_guards(self, kernel: str) -> None:
        size, itemsize = self._array.size, self._array.itemsize
        for zone, first, step in ((self._after, size, 1), (self._before[::-1], -1, -1)):
            touched = zone != POISON
            if touched.any():
                element = first + step * (int(touched.argmax()) // itemsize)
                raise KernelError(
                    f"{self._name} ({_describe(self._array)}): {kernel} wrote outside it, at "
                    f"element {element} of {size}."
                )

    def write_back(self, kernel: str) -> None:
        target = _as_bytes(self._array)
        if self._writable:
            target[:] = self._inside
        elif not np.array_equal(target, self._inside):
            raise KernelError(
                f"{self._name} ({_describe(self._array)}): {kernel} changed it, though its "
                "parameter is const."
            )


def _as_bytes(array: NumpyArray) -> NumpyArray:
    """The bytes of a C-contiguous array, without copying."""
    return array.reshape(-1).view(np.uint8)


def _describe(arg: Any) -> str:
    if isinstance(arg, np.ndarray):
        return f"an array {arg.shape} of {arg.dtype}"
    if isinstance(arg, np.generic):
        return f"the {arg.dtype} scalar {arg}"
    return f"{arg!r}, a Python {type(arg).__name__}"
