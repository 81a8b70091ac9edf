"""The stack machine that a pickle is a program for: one method per opcode, none that executes.

A pickle builds its value on a stack, from constants and from calls of functions that it names.
Python's own unpickler imports whatever is named; this one looks names up in a table given by the
caller, and knows no other. What an opcode does:

    constants     push a value
    MARK          starts a group; TUPLE, LIST, APPENDS, SETITEMS … take all that came after it
    PUT, GET      remember the top of the stack under a number, and push it again
    GLOBAL        push the table's entry of that name
    REDUCE        call an entry with a tuple of arguments
    BUILD         give a made object its state
    STOP          the top of the stack is the result

Source: the comments of Python's Lib/pickletools.py, which define the format.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from minidl.errors import DataError
from minidl.files.pickle_budget import Budget
from minidl.files.pickle_stream import PickleStream
from minidl.files.pickle_values import Constructor, Named, UnknownNameError, check_key, printable

__all__ = ["PickleMachine"]

MAX_OPEN_GROUPS = 1000
"""At a time; more would make values nested too deeply."""

_NOTHING = object()


class PickleMachine:
    """Runs one pickle; `read_pickle` is the way to use it.

    Args:
        source: where the opcodes come from.
        constructors: what the pickle may name, by dotted name.
        persistent_load: what a reference to an object outside the pickle is; None: refused.
        encoding: of the strings of Python 2: "bytes" leaves them bytes.

    """

    def __init__(
        self,
        source: PickleStream,
        constructors: Mapping[str, Constructor],
        persistent_load: Callable[[Any], Any] | None,
        encoding: str,
    ) -> None:
        self.source = source
        self.constructors = constructors
        self.persistent_load = persistent_load
        self.encoding = encoding
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []  # the stacks below each open MARK
        self.memo: list[Any] = []  # by number; _NOTHING where there's none
        self.made: dict[int, tuple[Any, Named]] = {}  # by id(); kept alive so that ids stay theirs
        self.budget = Budget(source)

    def result(self) -> Any:
        """The value that the pickle has built, once it stops."""
        if len(self.stack) != 1 or self.outer:
            self.refuse("it stops with more or less than one value")
        return self.stack[0]

    def refuse(self, what: str, cause: Exception | None = None) -> NoReturn:
        """Raise DataError with file and position."""
        self.source.refuse(what, cause)

    # ----------------------------------------------------------------------- the stack

    def push(self, value: Any) -> None:
        """Put a value on top."""
        self.stack.append(value)

    def push_new(self, container: Any) -> None:
        """Put a container on top that is there since now."""
        self.budget.container(container)
        self.stack.append(container)

    def pop(self) -> Any:
        """Take the value from the top."""
        if not self.stack:
            self.refuse("it takes a value from an empty stack")
        return self.stack.pop()

    def top(self, kind: type, operation: str) -> Any:
        """The value on top, which stays there, and must be a `kind`."""
        value = self.stack[-1] if self.stack else None
        if not isinstance(value, kind):
            self.refuse(f"{operation} to a {type(value).__name__}, which is no {kind.__name__}")
        return value

    def pop_group(self) -> list[Any]:
        """All values since the last MARK."""
        if not self.outer:
            self.refuse("it takes a group of values where none was started")
        group, self.stack = self.stack, self.outer.pop()
        return group

    # ------------------------------------------------------------------------ opcodes

    def remember(self, index: int) -> None:
        """PUT: the top of the stack gets a number."""
        # A pickler numbers what it remembers 0, 1, 2 …, so a number is never above the position.
        if not 0 <= index <= self.source.opcode_at:
            self.refuse(f"it remembers a value under the number {index}")
        if not self.stack:
            self.refuse("it remembers a value of an empty stack")
        if index >= len(self.memo):
            self.memo.extend([_NOTHING] * (index + 1 - len(self.memo)))
        self.memo[index] = self.stack[-1]

    def recall(self, index: int) -> None:
        """GET: push what has that number."""
        value = self.memo[index] if 0 <= index < len(self.memo) else _NOTHING
        if value is _NOTHING:
            self.refuse(f"it recalls the number {index}, under which it remembered nothing")
        self.push(value)

    def protocol(self) -> None:
        """PROTO: which protocol it is; only an unknown one matters."""
        version = self.source.fixed("B")
        if version > 5:
            self.refuse(f"protocol {version}; 5 is the newest that minidl knows")

    def push_int_or_bool(self) -> None:
        """INT: protocol 0's integers, and its booleans."""
        line = self.source.line()
        constants = {b"00": False, b"01": True}  # protocol 0 has no other way to write them
        self.push(constants[line] if line in constants else self.source.integer_in(line))

    def push_python2_string(self, content: bytes) -> None:
        """STRING: Python 2's str, which may be text or bytes."""
        as_bytes = self.encoding == "bytes"
        self.push(content if as_bytes else self.source.text(content, self.encoding))

    def push_tuple(self, size: int) -> None:
        """TUPLE1 to 3: of the last `size` values."""
        if len(self.stack) < size:
            self.refuse(f"it takes {size} values from a stack of {len(self.stack)}")
        items = tuple(self.stack[-size:])
        del self.stack[-size:]
        self.push_new(items)

    def start_group(self) -> None:
        """MARK: what comes now belongs together."""
        if len(self.outer) == MAX_OPEN_GROUPS:
            self.refuse(f"more than {MAX_OPEN_GROUPS:,} groups of values are open")
        self.outer.append(self.stack)
        self.stack = []

    def discard(self) -> None:
        """POP: the top of the stack, or an open MARK, which counts as one value."""
        if self.stack:
            self.stack.pop()
        else:
            self.pop_group()

    def duplicate(self) -> None:
        """DUP: the top of the stack once more."""
        value = self.pop()
        self.push(value)
        self.push(value)

    def append(self, items: list[Any]) -> None:
        """APPEND, APPENDS: to the list on top."""
        self.top(list, "it appends").extend(items)

    def set_items(self, keys_and_values: list[Any]) -> None:
        """SETITEMS: key, value, key, value … into the dictionary on top."""
        target = self.top(dict, "it assigns keys")
        if len(keys_and_values) % 2:
            self.refuse("it assigns a key without a value")
        keys = self._checked_keys(keys_and_values[::2], len(target))
        target.update(zip(keys, keys_and_values[1::2], strict=True))

    def push_dict(self) -> None:
        """DICT: of the group."""
        items = self.pop_group()
        self.push_new({})
        self.set_items(items)

    def set_item(self) -> None:
        """SETITEM: one key and its value."""
        value, key = self.pop(), self.pop()
        self.set_items([key, value])

    def add_items(self) -> None:
        """ADDITEMS: the group, into the set on top."""
        items = self.pop_group()
        target = self.top(set, "it adds items")
        target.update(self._checked_keys(items, len(target)))

    def push_frozenset(self) -> None:
        """FROZENSET: of the group."""
        self.push_new(frozenset(self._checked_keys(self.pop_group(), 0)))

    def _checked_keys(self, keys: list[Any], size: int) -> list[Any]:
        """`keys`, if a table of `size` entries can take them quickly."""
        try:
            for key in keys:
                check_key(key)
        except ValueError as error:
            self.refuse(str(error), error)
        self.budget.keys(keys, size)
        return keys

    # ------------------------------------------------------ names, and what is made by them

    def push_named(self, module: Any, attribute: Any) -> None:
        """GLOBAL: the table's entry of that name, or an error that says the name."""
        if not isinstance(module, str) or not isinstance(attribute, str):
            self.refuse("it names a function by something that isn't text")
        name = f"{module}.{attribute}"
        constructor = self.constructors.get(name)
        if constructor is None:
            raise UnknownNameError(
                f"{self.source.name} wants to call {printable(name)}, which minidl never does: it "
                "reads plain values and arrays, and runs nothing that a file names (the pickle's "
                f"byte {self.source.opcode_at:,}).",
                printable(name),
            )
        constant = constructor.constant
        self.push(Named(name, constructor) if constant is None else constant)

    def push_named_from_stack(self) -> None:
        """STACK_GLOBAL: the same, with module and attribute from the stack."""
        attribute, module = self.pop(), self.pop()
        self.push_named(module, attribute)

    def push_made(self) -> None:
        """REDUCE and NEWOBJ: call an entry of the table."""
        arguments, named = self.pop(), self.pop()
        if not isinstance(named, Named) or named.constructor.make is None:
            called = printable(named.name) if isinstance(named, Named) else type(named).__name__
            self.refuse(f"it calls a {called}, which isn't to be called")
        if not isinstance(arguments, tuple):
            self.refuse(f"it calls {named.name} with no tuple of arguments")
        self.budget.arguments(arguments, named.constructor.hashes)
        made = self._trusted(named.name, named.constructor.make, *arguments)
        if named.constructor.fill is not None:
            self.made[id(made)] = (made, named)
        self.push_new(made)

    def fill(self) -> None:
        """BUILD: give the object on top its state."""
        state = self.pop()
        target = self.stack[-1] if self.stack else None
        _, named = self.made.pop(id(target), (None, None))
        if named is None or named.constructor.fill is None:
            self.refuse(f"it sets the state of a {type(target).__name__}, which has none to be set")
        self.budget.arguments(state, hashed=False)
        self._trusted(named.name, named.constructor.fill, target, state)

    def push_persistent(self, identity: Any) -> None:
        """PERSID, BINPERSID: an object that is kept elsewhere."""
        if self.persistent_load is None:
            self.refuse("it refers to an object outside the pickle")
        self.push(self._trusted("its reference to a stored object", self.persistent_load, identity))

    def refuse_instance(self) -> None:
        """OBJ, NEWOBJ_EX: classes have no place in plain data."""
        self.refuse("it makes an instance of a class")

    def refuse_old_instance(self) -> None:
        """INST: the same, with the class by name."""
        self.push_named(self.source.name_line(), self.source.name_line())  # an error by its name
        self.refuse_instance()

    def refuse_extension(self) -> None:
        """EXT1 to 4: names by numbers of copyreg's registry."""
        self.refuse("it calls what Python's extension registry lists under a number")

    def refuse_buffer(self) -> None:
        """NEXT_BUFFER, READONLY_BUFFER: data that only the sender has."""
        self.refuse("part of its data is a buffer kept outside the pickle")

    def _trusted(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except DataError:
            raise
        except (TypeError, ValueError, OverflowError) as error:
            self.refuse(f"{name}: {error}", error)
