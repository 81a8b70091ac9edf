"""The table of all opcodes, and the loop that looks them up."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from minidl.files.pickle_machine import PickleMachine

__all__ = ["OPCODES", "run"]

_Method = Callable[[PickleMachine], object]


def _constant(value: Any) -> _Method:
    return lambda machine: machine.push(value)


OPCODES: dict[bytes, _Method] = {
    # constants
    pickle.NONE: _constant(None),
    pickle.NEWTRUE: _constant(True),
    pickle.NEWFALSE: _constant(False),
    pickle.INT: PickleMachine.push_int_or_bool,
    pickle.LONG: lambda m: m.push(m.source.decimal()),
    pickle.LONG1: lambda m: m.push(m.source.counted_integer("<B")),
    pickle.LONG4: lambda m: m.push(m.source.counted_integer("<i")),
    pickle.BININT: lambda m: m.push(m.source.fixed("<i")),
    pickle.BININT1: lambda m: m.push(m.source.fixed("<B")),
    pickle.BININT2: lambda m: m.push(m.source.fixed("<H")),
    pickle.FLOAT: lambda m: m.push(m.source.decimal_float()),
    pickle.BINFLOAT: lambda m: m.push(m.source.fixed(">d")),
    pickle.UNICODE: lambda m: m.push(m.source.text(m.source.line(), "raw-unicode-escape")),
    pickle.SHORT_BINUNICODE: lambda m: m.push(m.source.utf8("<B")),
    pickle.BINUNICODE: lambda m: m.push(m.source.utf8("<I")),
    pickle.BINUNICODE8: lambda m: m.push(m.source.utf8("<Q")),
    pickle.STRING: lambda m: m.push_python2_string(m.source.quoted()),
    pickle.SHORT_BINSTRING: lambda m: m.push_python2_string(m.source.counted("<B")),
    pickle.BINSTRING: lambda m: m.push_python2_string(m.source.counted("<i")),
    pickle.SHORT_BINBYTES: lambda m: m.push(m.source.counted("<B")),
    pickle.BINBYTES: lambda m: m.push(m.source.counted("<I")),
    pickle.BINBYTES8: lambda m: m.push(m.source.counted("<Q")),
    pickle.BYTEARRAY8: lambda m: m.push_new(bytearray(m.source.counted("<Q"))),
    # containers
    pickle.EMPTY_TUPLE: lambda m: m.push(()),
    pickle.TUPLE1: lambda m: m.push_tuple(1),
    pickle.TUPLE2: lambda m: m.push_tuple(2),
    pickle.TUPLE3: lambda m: m.push_tuple(3),
    pickle.TUPLE: lambda m: m.push_new(tuple(m.pop_group())),
    pickle.EMPTY_LIST: lambda m: m.push_new([]),
    pickle.LIST: lambda m: m.push_new(m.pop_group()),
    pickle.APPEND: lambda m: m.append([m.pop()]),
    pickle.APPENDS: lambda m: m.append(m.pop_group()),
    pickle.EMPTY_DICT: lambda m: m.push_new({}),
    pickle.DICT: PickleMachine.push_dict,
    pickle.SETITEM: PickleMachine.set_item,
    pickle.SETITEMS: lambda m: m.set_items(m.pop_group()),
    pickle.EMPTY_SET: lambda m: m.push_new(set()),
    pickle.ADDITEMS: PickleMachine.add_items,
    pickle.FROZENSET: PickleMachine.push_frozenset,
    # the stack and the memory
    pickle.MARK: PickleMachine.start_group,
    pickle.POP: PickleMachine.discard,
    pickle.POP_MARK: PickleMachine.pop_group,
    pickle.DUP: PickleMachine.duplicate,
    pickle.PUT: lambda m: m.remember(m.source.decimal()),
    pickle.BINPUT: lambda m: m.remember(m.source.fixed("<B")),
    pickle.LONG_BINPUT: lambda m: m.remember(m.source.fixed("<I")),
    pickle.MEMOIZE: lambda m: m.remember(len(m.memo)),
    pickle.GET: lambda m: m.recall(m.source.decimal()),
    pickle.BINGET: lambda m: m.recall(m.source.fixed("<B")),
    pickle.LONG_BINGET: lambda m: m.recall(m.source.fixed("<I")),
    # names and calls
    pickle.GLOBAL: lambda m: m.push_named(m.source.name_line(), m.source.name_line()),
    pickle.STACK_GLOBAL: PickleMachine.push_named_from_stack,
    pickle.REDUCE: PickleMachine.push_made,
    pickle.NEWOBJ: PickleMachine.push_made,
    pickle.BUILD: PickleMachine.fill,
    pickle.PERSID: lambda m: m.push_persistent(m.source.name_line()),
    pickle.BINPERSID: lambda m: m.push_persistent(m.pop()),
    # never done
    pickle.NEWOBJ_EX: PickleMachine.refuse_instance,
    pickle.OBJ: PickleMachine.refuse_instance,
    pickle.INST: PickleMachine.refuse_old_instance,
    pickle.EXT1: PickleMachine.refuse_extension,
    pickle.EXT2: PickleMachine.refuse_extension,
    pickle.EXT4: PickleMachine.refuse_extension,
    pickle.NEXT_BUFFER: PickleMachine.refuse_buffer,
    pickle.READONLY_BUFFER: PickleMachine.refuse_buffer,
    # about the file
    pickle.PROTO: PickleMachine.protocol,
    pickle.FRAME: lambda m: m.source.frame(),
}
"""What each opcode does; STOP ends the loop of `run`."""


def run(machine: PickleMachine) -> Any:
    """The value that the machine's pickle builds; its source then stands behind STOP."""
    while (code := machine.source.opcode()) != pickle.STOP:
        method = OPCODES.get(code)
        if method is None:
            machine.refuse(f"{code!r} is no opcode of a pickle")
        method(machine)
    return machine.result()
