"""The restricted pickle reader: what Python writes comes back, and nothing is ever executed."""

import functools
import io
import math
import pickle
import re
import struct
import subprocess
import sys
import time
import tracemalloc
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import ArgumentError, DataError
from minidl.files.pickle_reader import Constructor, read_pickle

PROTOCOLS = range(6)
EVERY_PROTOCOL = pytest.mark.parametrize("protocol", PROTOCOLS)


def read(content, **options):
    return read_pickle(content, "the.pkl", **options)


# ----------------------------------------------------------- what is written is read back

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**300), 2**300)
    | st.floats()
    | st.text(st.characters())  # with halves of surrogate pairs
    | st.binary()
)
keys = st.text() | st.integers(-(2**63), 2**63) | st.booleans() | st.none() | st.binary()
keys |= st.floats()
values = st.recursive(
    scalars | st.binary().map(bytearray) | st.sets(keys) | st.frozensets(keys),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(keys, inner)
        | st.dictionaries(keys, inner).map(OrderedDict)
    ),
    max_leaves=30,
)


def assert_same(found, expected):
    """Equal in value and type, on all levels; NaN is equal to NaN."""
    assert type(found) is type(expected)
    if isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            assert_same(*pair)
    elif isinstance(expected, dict):
        assert_same(list(found.items()), list(expected.items()))
    elif isinstance(expected, np.ndarray | np.generic):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        assert found.tobytes() == expected.tobytes()
    elif isinstance(expected, set | frozenset):
        assert sorted(map(repr, found)) == sorted(map(repr, expected))
    elif isinstance(expected, float):
        assert struct.pack("d", found) == struct.pack("d", expected)
    else:
        assert found == expected


@given(values, st.sampled_from(PROTOCOLS))
def test_plain_values_come_back_as_pickle_would_read_them(value, protocol):
    content = pickle.dumps(value, protocol)
    assert_same(read(content), pickle.loads(content))


DTYPES = [*"?bBhHiIqQefdFD", ">f4", ">u2", ">c16"]


@EVERY_PROTOCOL
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (5,), (2, 3, 4)])
def test_arrays_of_every_number_type_come_back(protocol, dtype, shape):
    rng = np.random.default_rng(0)
    array = (rng.integers(0, 2, shape) * 100).astype(dtype)
    content = pickle.dumps({"x": array, "again": [array]}, protocol)
    found = read(content)
    assert_same(found, pickle.loads(content))
    assert found["again"][0] is found["x"]


@EVERY_PROTOCOL
def test_arrays_in_any_memory_order_come_back(protocol):
    array = np.arange(24, dtype=np.int32).reshape(2, 3, 4)
    for view in (array.T, array.transpose(1, 2, 0), array[:, ::-1, ::2], np.asfortranarray(array)):
        content = pickle.dumps(view, protocol)
        assert_same(read(content), view)


@EVERY_PROTOCOL
@pytest.mark.parametrize("dtype", DTYPES)
def test_scalars_and_dtypes_come_back(protocol, dtype):
    value = [np.array(7).astype(dtype)[()], np.dtype(dtype)]
    content = pickle.dumps(value, protocol)
    found = read(content)
    assert_same(found[0], pickle.loads(content)[0])
    assert found[1] == value[1]


@EVERY_PROTOCOL
def test_an_array_that_was_read_shares_no_memory_with_another_of_the_same_bytes(protocol):
    array = np.arange(1000.0)
    first, second = read(pickle.dumps([array, array.copy()], protocol))
    first += 1
    np.testing.assert_array_equal(second, array)


@EVERY_PROTOCOL
def test_a_large_array_takes_no_more_than_three_times_its_size(protocol):
    content = pickle.dumps(np.arange(1 << 17).astype(np.uint64) % 100, protocol)
    tracemalloc.start()
    try:
        read(content)
        assert tracemalloc.get_traced_memory()[1] < 4.5 * (1 << 20) + 2 * len(content)
    finally:
        tracemalloc.stop()


@EVERY_PROTOCOL
def test_several_pickles_in_one_stream_are_read_one_by_one(protocol):
    stream = io.BytesIO(
        b"".join(pickle.dumps(value, protocol) for value in ("a", [1.5], {})) + b"x"
    )
    assert [read_pickle(stream, "the.pkl") for _ in range(3)] == ["a", [1.5], {}]
    assert stream.read() == b"x"


def test_names_of_the_old_numpy_are_known():
    content = pickle.dumps(np.arange(3.0), 2)
    old = content.replace(b"numpy._core.", b"numpy.core.")
    assert old != content
    assert_same(read(old), np.arange(3.0))


def test_attributes_of_an_ordered_dict_are_left_out():
    state = OrderedDict(weight=1)
    state._metadata = {"version": 2}
    assert_same(read(pickle.dumps(state)), OrderedDict(weight=1))


# Written by Python 2.7: cPickle.dumps({"data": numpy.array([[1, 2], [3, 255]], "uint8"),
# "labels": [6, 9L], "name": "caf\xe9"}, protocol)
PYTHON2 = {
    0: (
        b"(dp1\nS'labels'\np2\n(lp3\nI6\naL9L\nasS'data'\np4\ncnumpy.core.multiarray\n"
        b"_reconstruct\np5\n(cnumpy\nndarray\np6\n(I0\ntS'b'\ntRp7\n(I1\n(I2\nI2\ntcnumpy\ndtype\n"
        b"p8\n(S'u1'\nI0\nI1\ntRp9\n(I3\nS'|'\nNNNI-1\nI-1\nI0\ntbI00\n"
        b"S'\\x01\\x02\\x03\\xff'\ntbsS'name'\np10\nS'caf\\xe9'\np11\ns."
    ),
    2: (
        b"\x80\x02}q\x01(U\x06labelsq\x02]q\x03(K\x06\x8a\x01\x09eU\x04dataq\x04"
        b"cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85U\x01b\x87Rq\x07"
        b"(K\x01K\x02K\x02\x86cnumpy\ndtype\nq\x08U\x02u1K\x00K\x01\x87Rq\x09(K\x03U\x01|NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x04\x01\x02\x03\xfftbU\x04nameq\x0aU\x04"
        b"caf\xe9q\x0bu."
    ),
}


@pytest.mark.parametrize("protocol", PYTHON2)
@pytest.mark.parametrize("encoding", ["bytes", "latin1"])
def test_pickles_of_python_2_are_read_as_pickle_reads_them(protocol, encoding):
    content = PYTHON2[protocol]
    found = read(content, encoding=encoding)
    assert_same(found, pickle.loads(content, encoding=encoding))
    data, labels = ("data", "labels") if encoding == "latin1" else (b"data", b"labels")
    assert found[data].tolist() == [[1, 2], [3, 255]]
    assert found[labels] == [6, 9]


@pytest.mark.parametrize("protocol", PYTHON2)
def test_text_of_python_2_that_is_no_ascii_needs_an_encoding(protocol):
    with pytest.raises(DataError, match="is not text in ASCII"):
        read(PYTHON2[protocol])


@pytest.mark.parametrize(
    ("line", "expected"),
    [(rb"'a\n\t\r\\\'\x00'", b"a\n\t\r\\'\0"), (rb"\"it's\"".replace(b"\\", b""), b"it's")],
)
def test_escapes_of_python_2_strings(line, expected):
    assert read(b"S" + line + b"\n.", encoding="bytes") == expected


def test_unknown_encoding_is_an_error():
    with pytest.raises(ArgumentError, match="one of ASCII, latin1, bytes"):
        read(b"N.", encoding="utf-7")


# -------------------------------------------------------------------- what a caller adds


def test_a_caller_gives_functions_for_names_and_stored_objects():
    made = []

    def fill(target, state):
        target.append(state)

    content = (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(U\x07storageU\x010tQK\x05\x86R}U\x04gradNsb."
    )
    found = read(
        content,
        constructors={"torch._utils._rebuild_tensor_v2": Constructor(lambda *a: [*a], fill)},
        persistent_load=lambda identity: made.append(identity) or "the storage",
    )
    assert found == ["the storage", 5, {"grad": None}]
    assert made == [("storage", "0")]


def test_what_a_given_function_refuses_is_an_error_with_file_name_and_position():
    def never(*arguments):
        raise ValueError("not this one")

    with pytest.raises(DataError, match=re.escape("the.pkl can't be read: a.b: not this one (the")):
        read(b"ca\nb\n)R.", constructors={"a.b": Constructor(never)})


def test_a_name_that_only_may_be_mentioned_is_not_called():
    with pytest.raises(DataError, match=r"calls a a\.b, which isn't to be called"):
        read(b"ca\nb\n)R.", constructors={"a.b": Constructor()})


# --------------------------------------------------------------------- what is refused

EXECUTED = []


def sentinel(*arguments):
    """Appears in no result, ever."""
    EXECUTED.append(arguments)


class Evil:
    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


def short(text):
    return b"\x8c" + bytes([len(text)]) + text.encode()


def array_pickle(shape=(2,), code="f4", order="<", content=bytes(8), version=1, protocol=2):
    """An array's pickle of which any part may be wrong."""

    class Array:
        def __reduce__(self):
            from numpy._core.multiarray import _reconstruct

            dtype = Evil(np.dtype, code, False, True)
            dtype.reduced += ((3, order, None, None, None, -1, -1, 0),)
            state = (version, shape, dtype, False, content)
            return _reconstruct, (np.ndarray, (0,), b"b"), state

    return pickle.dumps(Array(), max(protocol, 3))


def doubling(levels, start=b"]", wrap=b"\x86"):
    """`levels` pairs, each of the one before twice: 2^levels items to whoever goes through them."""
    return b"\x80\x04" + start + (b"2" + wrap) * levels


ME = __name__.encode()
MALICIOUS = {
    "os.system": (pickle.dumps(Evil(__import__("os").system, "true")), "posix.system"),
    "os.system by hand": (b"cos\nsystem\n(S'true'\ntR.", "os.system"),
    "eval": (pickle.dumps(Evil(eval, "sentinel()")), "builtins.eval"),
    "exec, protocol 0": (pickle.dumps(Evil(exec, "sentinel()"), 0), "__builtin__.exec"),
    "subprocess": (pickle.dumps(Evil(subprocess.call, ["true"])), "subprocess.call"),
    "getattr chain": (
        b"cbuiltins\ngetattr\n(cos\nU\x06systemtR(U\x04truetR.",
        "builtins.getattr",
    ),
    "dotted attribute": (
        b"\x80\x04" + short("numpy") + short("ndarray.__reduce_ex__") + b"\x93.",
        "numpy.ndarray.__reduce_ex__",
    ),
    "dunder of an allowed module": (
        b"\x80\x04" + short("collections") + short("_sys.modules") + b"\x93.",
        "collections._sys.modules",
    ),
    "computed name": (
        b"\x80\x04" + short("o") + b"0" + short("os") + b"\x940h\x00" + short("system") + b"\x93.",
        "os.system",
    ),
    "copyreg": (pickle.dumps(Evil(sentinel), 2).replace(ME, b"copyreg"), "copyreg.sentinel"),
    "reconstructor": (
        b"ccopy_reg\n_reconstructor\n(c__builtin__\nobject\nc__builtin__\nobject\nNtR.",
        "copy_reg._reconstructor",
    ),
    "a function of this test": (pickle.dumps(Evil(sentinel, 1)), f"{__name__}.sentinel"),
    "an instance": (pickle.dumps(Evil.__new__(Evil).__class__), f"{__name__}.Evil"),
    "INST": (b"(S'true'\nios\nsystem\n.", "os.system"),
    "OBJ": (b"(cos\nsystem\nS'true'\no.", "os.system"),
    "numpy.load": (b"cnumpy\nload\n(S'x'\ntR.", "numpy.load"),
    "old fromstring": (
        b"cnumpy.core.multiarray\nfromstring\n.",
        "numpy.core.multiarray.fromstring",
    ),
    "runstring": (
        b"cnumpy.testing._private.utils\nrunstring\n(S'sentinel()'\n}tR.",
        "numpy.testing._private.utils.runstring",
    ),
    "a name with a control character": (b"cos\x1b[2J\nsystem\n.", r"'os\x1b[2J.system'"),
}


@pytest.mark.parametrize("case", MALICIOUS)
def test_what_a_pickle_wants_to_call_is_said_and_not_done(case):
    content, called = MALICIOUS[case]
    with pytest.raises(DataError) as caught:
        read(content)
    assert str(caught.value).startswith(f"the.pkl wants to call {called}, which minidl never does")
    assert EXECUTED == []


ARRAY = pickle.dumps(np.arange(6.0).reshape(2, 3), 4)
BUFFER = b"\x80\x05" + short("numpy._core.numeric") + short("_frombuffer") + b"\x93"
DTYPE = short("numpy") + short("dtype") + b"\x93" + short("f4") + b"\x85R"
F4 = b"cnumpy\ndtype\n(U\x02f4tR"
NDARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR"


@functools.cache
def colliding_keys(bits=13, count=5000):
    """Integers that fill a dictionary of 2^bits places so that the last is found last.

    Behind its place i CPython looks at 5·i + 1, once a key's high bits are used up: the first
    integers lie along this path, and the last one's begins where theirs does.
    """
    places, mask = [0], (1 << bits) - 1
    while len(places) < count:
        places.append((5 * places[-1] + 1) & mask)
    taken = set(places)

    def looks(key):
        place, rest, n = key & mask, key, 1
        while place in taken:
            rest >>= 5
            place, n = (5 * place + rest + 1) & mask, n + 1
        return n

    last = max(range(1 << bits, 5 << bits), key=looks)
    assert looks(last) > 0.9 * count
    return [*places, last]


def int_code(number):
    return b"J" + struct.pack("<i", number)


def numbered(count, value=b"}"):
    """A dictionary with the keys 0 … count − 1, such as an optimizer's state."""
    return b"}(" + b"".join(int_code(i) + value for i in range(count)) + b"u."


COLLIDING = [int_code(key) for key in colliding_keys()]
MANY = 400_000
AMPLIFIED = {
    f"many {name}": (code * (MANY // len(code)) + b".", "grows far beyond")
    for name, code in {
        "lists": b"]",
        "dictionaries": b"}",
        "sets": b"\x8f",
        "frozensets": b"(\x91",
        "lists thrown away": b"]0",
        "groups thrown away": b"(l0",
    }.items()
} | {
    "many tuples": (b"N" + b"\x85" * MANY + b".", "grows far beyond"),
    "many pairs of the same": (b"N" + b"2\x86" * MANY + b".", "grows far beyond"),
    "many open groups": (b"(" * MANY + b".", "more than 1,000 groups of values are open"),
    "ordered dictionaries by a call": (
        b"ccollections\nOrderedDict\nq\x000" + b"h\x00)R" * 150_000 + b".",
        "grows far beyond",
    ),
    "a key that is looked for past all the others": (
        b"}(" + b"N".join(COLLIDING[:-1]) + b"Nu" + COLLIDING[-1] + b"q\x000"
        + b"h\x00Ns" * 100_000 + b".",
        "grows far beyond",
    ),
    "the same in a set": (
        b"\x8f(" + b"".join(COLLIDING[:-1]) + b"\x90" + COLLIDING[-1]
        + b"q\x000" + b"(h\x00\x90" * 100_000 + b".",
        "grows far beyond",
    ),
    "a set of numbers, made again and again": (
        b"]q\x00(" + b"".join(COLLIDING) + b"e0c__builtin__\nset\nq\x010"
        + b"h\x01h\x00\x85R0" * 50_000 + b".",
        "grows far beyond",
    ),
    "40,000 numbers as keys": (numbered(40_000, b"N"), "grows far beyond"),
}  # fmt: skip

BROKEN = {
    "nothing": (b"", "breaks off"),
    "no pickle": (b"<html>", "is no opcode"),
    "protocol 6": (b"\x80\x06N.", "protocol 6"),
    "no STOP": (b"N", "breaks off"),
    "bytes after STOP": (b"N.N", "bytes follow"),
    "two values": (b"NN.", "more or less than one value"),
    "no value": (b".", "more or less than one value"),
    "an open group": (b"(N.", "more or less than one value"),
    "APPEND to nothing": (b"Na.", "appends to a NoneType"),
    "APPENDS to a tuple": (b")(Ne.", "appends to a tuple"),
    "APPENDS without MARK": (b"]e.", "group of values where none was started"),
    "SETITEM into a list": (b"]NNs.", "assigns keys to a list"),
    "SETITEMS of three": (b"}(NNNu.", "a key without a value"),
    "DICT of one": (b"(Nd.", "a key without a value"),
    "ADDITEMS to a list": (b"](N\x90.", "adds items to a list"),
    "TUPLE2 of one": (b"N\x86.", "takes 2 values from a stack of 1"),
    "POP of nothing": (b"0.", "group of values where none was started"),
    "DUP of nothing": (b"2.", "empty stack"),
    "a list as key": (b"}]Ns.", "a list as a key"),
    "an array as key": (b"}" + NDARRAY + b"Ns.", "a ndarray as a key"),
    "GET of nothing": (b"g7\n.", "recalls the number 7"),
    "BINGET of nothing": (b"h\x07.", "recalls the number 7"),
    "LONG_BINGET of nothing": (b"j\xff\xff\xff\xff.", "recalls the number 4294967295"),
    "PUT of nothing": (b"p0\nN.", "empty stack"),
    "PUT below zero": (b"Np-1\n.", "under the number -1"),
    "PUT of a huge number": (b"Np99999999999\n.", "under the number 99999999999"),
    "LONG_BINPUT of a huge number": (b"Nr\xff\xff\xff\xff.", "under the number 4294967295"),
    "BINUNICODE8 of 2⁶³": (b"\x8d" + bytes(7) + b"\x80abc.", "breaks off"),
    "BINBYTES8 of 2⁶⁴": (b"\x8e" + b"\xff" * 8 + b"abc.", "18,446,744,073,709,551,615 bytes more"),
    "BYTEARRAY8 of 2⁴⁰": (b"\x96" + struct.pack("<Q", 1 << 40) + b"abc.", "breaks off"),
    "BINSTRING below zero": (b"T\xff\xff\xff\xffabc.", "a length of -1"),
    "LONG4 below zero": (b"\x8b\xff\xff\xff\xffabc.", "an integer of -1 bytes"),
    "LONG4 of a megabyte": (
        b"\x8b" + struct.pack("<i", 1 << 20) + bytes(1 << 20) + b".",
        "an integer of 1,048,576 bytes",
    ),
    "a million digits": (b"I" + b"9" * 1_000_000 + b"\n.", "is no integer"),
    "LONG of text": (b"Lxyz\n.", "is no integer"),
    "FLOAT of text": (b"Fone\n.", "is no number"),
    "a frame beyond the end": (b"\x95" + struct.pack("<Q", 1 << 50) + b"N.", "breaks off"),
    "UTF-8 cut": (b"\x8c\x01\xc3.", "is not text in utf-8"),
    "an escape of \\u without digits": (b"V\\u12\n.", "is not text in raw-unicode-escape"),
    "no quotes": (b"Sabc\n.", "no string in quotes"),
    "half a quote": (b"S'\n.", "no string in quotes"),
    "an unknown escape": (b"S'\\q'\n.", "unknown escape"),
    "a name in bytes": (b"\x80\x04C\x02osC\x06system\x93.", "isn't text"),
    "a name that isn't UTF-8": (b"c\xff\nsystem\n.", "is not text in utf-8"),
    "EXT1": (b"\x82\x01.", "extension registry"),
    "EXT4": (b"\x84\x01\x00\x00\x00.", "extension registry"),
    "PERSID": (b"Pstorage\n.", "an object outside the pickle"),
    "BINPERSID": (b"NQ.", "an object outside the pickle"),
    "NEXT_BUFFER": (b"\x80\x05\x97.", "kept outside the pickle"),
    "READONLY_BUFFER": (b"\x80\x05N\x98.", "kept outside the pickle"),
    "NEWOBJ_EX": (b"c__builtin__\nset\n)}\x92.", "an instance of a class"),
    "OBJ of a known name": (b"(c__builtin__\nset\no.", "an instance of a class"),
    "INST of a known name": (b"(i__builtin__\nset\n.", "an instance of a class"),
    "REDUCE of a string": (b"U\x03abc)R.", "calls a str"),
    "REDUCE of a list of arguments": (b"c__builtin__\nset\n]R.", "no tuple of arguments"),
    "REDUCE with wrong arguments": (b"c__builtin__\nset\n(NNNtR.", "__builtin__.set: "),
    "calls ndarray": (b"cnumpy\nndarray\n(K\x05tR.", "isn't to be called"),
    "BUILD of a list's __dict__": (b"]}U\x08__dict__Nsb.", "sets the state of a list"),
    "BUILD of a class": (b"cnumpy\nndarray\n}b.", "sets the state of a Named"),
    "BUILD of __setstate__ twice": (NDARRAY + b"2}b}b.", "the state"),
    "a name as the result": (b"cnumpy\nndarray\n.", "stands in it as a value"),
    "a name in a dict in a list": (b"]}Ncnumpy\nndarray\nsa.", "stands in it as a value"),
    "set of a string": (b"c__builtin__\nset\n(U\x03abctR.", "a set of a str"),
    "set of lists": (b"c__builtin__\nset\n((](tltR.", "as a key"),
    "frozenset of arrays": (b"(" + NDARRAY + b"\x91.", "a ndarray as a key"),
    "bytearray of a size": (b"c__builtin__\nbytearray\n(K\x09tR.", "bytearray of a int"),
    "bytes of a size": (b"c__builtin__\nbytes\n(J\xff\xff\xff\x7ftR.", "__builtin__.bytes"),
    "encode to another codec": (b"c_codecs\nencode\n(VA\nVrot13\ntR.", "bytes in an unknown form"),
    "OrderedDict of numbers": (b"ccollections\nOrderedDict\n(](K\x01etR.", "than pairs"),
    "OrderedDict with a list as a key": (
        b"ccollections\nOrderedDict\n]]]a]aa\x85R.",
        "a list as a key",
    ),
    "array of objects": (array_pickle(code="O8", order="|"), "the dtype 'O8'"),
    "array of text": (array_pickle(code="U2"), "the dtype 'U2'"),
    "array of records": (array_pickle(code="V8", order="|"), "the dtype 'V8'"),
    "dtype by a dictionary": (b"cnumpy\ndtype\n(}tR.", "a dict where text should be"),
    "dtype with metadata": (F4 + b"(K\x04U\x01<NNNK\x00K\x00K\x00}tb.", "fields"),
    "dtype with fields": (F4 + b"(K\x03U\x01<NU\x01x}K\x00K\x00K\x00tb.", "fields"),
    "byte order that isn't": (array_pickle(order="?"), "a byte order of '?'"),
    "too few bytes": (array_pickle(content=bytes(7)), "7 bytes for elements of float32"),
    "too many bytes": (array_pickle(shape=(1,)), "8 bytes for elements of float32"),
    "a huge shape": (array_pickle(shape=(1 << 40, 1 << 10)), "8 bytes for"),
    "a shape that overflows": (array_pickle(shape=(1 << 62, 4, 2)), "a shape that is too large"),
    "an empty shape that overflows": (
        array_pickle(shape=(0, 1 << 62, 1 << 62), content=b""),
        "a shape that is too large",
    ),
    "a negative shape": (array_pickle(shape=(-2, -1)), "something else than sizes"),
    "a shape of floats": (array_pickle(shape=(2.0,)), "something else than sizes"),
    "a shape of booleans": (array_pickle(shape=(True, 2)), "something else than sizes"),
    "a shape of 65 ones": (array_pickle(shape=(1,) * 65), "tuple of at most 64 sizes"),
    "a shape as a list": (array_pickle(shape=[2]), "tuple of at most 64 sizes"),
    "elements as a list": (array_pickle(content=[1.0, 2.0]), "a list where bytes should be"),
    "elements as text beyond latin1": (array_pickle(content="\u20ac" * 8), "_reconstruct"),
    "an unknown version": (array_pickle(version=9), "no tuple of version"),
    "a state that is no tuple": (NDARRAY + b"}b.", "no tuple of version"),
    "_reconstruct of a size": (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85C\x01btR.",
        "no plain array",
    ),
    "_reconstruct of another class": (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\nK\x00\x85C\x01btR.",
        "no plain array",
    ),
    "scalar of too few bytes": (
        b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\x02f8tRC\x01xtR.",
        "1 bytes for elements",
    ),
    "scalar of an array": (
        b"cnumpy.core.multiarray\nscalar\n(" + NDARRAY + b"C\x01xtR.",
        "a ndarray where its dtype should be",
    ),
    "buffer of text": (BUFFER + b"(" + short("ab") + DTYPE + b"K\x01\x85\x8c\x01CtR.", "in a str"),
    "buffer of an unknown order": (
        BUFFER + b"(C\x04abcd" + DTYPE + b"K\x01\x85\x8c\x01?tR.",
        "unknown order",
    ),
    "buffer with axes that are none": (
        BUFFER + b"(C\x04abcd" + DTYPE + b"K\x01\x85\x8c\x01KK\x05\x85tR.",
        "no permutation",
    ),
    "buffer with axes of text": (
        BUFFER + b"(C\x04abcd" + DTYPE + b"K\x01K\x01\x86\x8c\x01KK\x00\x8c\x01x\x86tR.",
        "_frombuffer",
    ),
    "a list within itself": (b"]2a.", "contains itself"),
    "a dict within its list": (b"]q\x00}Nh\x00sa.", "contains itself"),
    "200 lists deep": (b"]" * 200 + b"a" * 199 + b".", "deeper than 100 levels"),
    "50,000 tuples deep": (b"N" + b"\x85" * 50_000 + b".", "deeper than 100 levels"),
    "2⁸⁰ items": (doubling(80) + b".", "repeats the same values so often"),
    "2⁸⁰ items as a key": (b"}" + doubling(80, b")")[2:] + b"Ns.", "a tuple as a key"),
    "tuples as keys": (b"}(K\x01K\x02tNs.", "a tuple as a key"),
    "a set of tuples": (b"c__builtin__\nset\n(](K\x01K\x02tatR.", "a tuple as a key"),
    "an integer of 65 bits as a key": (b"}\x8a\x09" + bytes(8) + b"\x01Ns.", "more than 64 bits"),
    "a megabyte of text as a key": (
        b"}X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20) + b"Ns.",
        "a key of 1,048,576 characters",
    ),
    "one megabyte, copied a thousand times": (
        b"(C\x01aB" + struct.pack("<I", 1 << 20) + bytes(1 << 20) + b"q\x00"
        b"c__builtin__\nbytearray\nq\x01" + b"h\x01h\x00\x85R" * 1000 + b"l.",
        "grows far beyond the file's size",
    ),
    **AMPLIFIED,
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_pickle_is_refused_with_its_reason_and_in_little_memory(case):
    content, reason = BROKEN[case]
    start = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=re.escape(reason)) as caught:
            read(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith("the.pkl can't be read: ")
    assert re.search(r"\(the pickle's byte [\d,]+\)\.$", str(caught.value))
    assert len(str(caught.value)) < 400
    assert peak < 60 * len(content) + (1 << 18)
    assert time.process_time() - start < 20  # a bound on what would else be forever
    assert EXECUTED == []


@pytest.mark.parametrize(
    ("content", "length"),
    [
        (numbered(8_000), 8_000),
        (pickle.dumps({f"layer{i}.weight": i for i in range(100_000)}), 100_000),
        (pickle.dumps({f"layer{i}.weight": [i, (i, 0.5)] for i in range(20_000)}, 2), 20_000),
        (pickle.dumps(set(range(5000)), 2), 5000),
        (pickle.dumps([(1000 + i, i / 7) for i in range(100_000)], 4), 100_000),
        (pickle.dumps([[] for _ in range(50_000)]), 50_000),
    ],
    ids=["optimizer", "names", "nested", "numbers in protocol 2", "pairs", "lists"],
)
def test_what_honest_files_hold_is_not_too_much(content, length):
    assert len(read(content)) == length


def test_remembering_again_and_again_takes_little_memory():
    content = b"N" + b"\x94" * 200_000 + b"."
    tracemalloc.start()
    try:
        assert read(content) is None
        assert tracemalloc.get_traced_memory()[1] < 20 * len(content)
    finally:
        tracemalloc.stop()


def test_more_bytes_than_allowed_are_not_read():
    content = pickle.dumps(bytes(100))
    with pytest.raises(DataError, match="has 115 bytes, more than the 100 allowed"):
        read(content, max_bytes=100)
    with pytest.raises(DataError, match="breaks off"):
        read(io.BytesIO(content), max_bytes=100)


@EVERY_PROTOCOL
def test_a_pickle_cut_anywhere_is_refused(protocol):
    value = {"x": np.arange(3.0), "y": [1, "two", b"three", {4.0}, (None, True)], "z": 10**30}
    content = pickle.dumps(value, protocol)
    for length in range(len(content)):
        with pytest.raises(DataError):
            read(content[:length])


def test_nothing_is_imported_opened_or_executed():
    """In a fresh process, under an audit hook that sees all that Python does for real."""
    program = """
import sys, pickle
from minidl.errors import DataError
from minidl.files.pickle_reader import read_pickle
contents = eval(sys.stdin.read())
events = []
watching = True
def hook(event, arguments):
    if watching and event.split(".")[0] in {
        "import", "exec", "compile", "open", "os", "subprocess", "socket", "pickle", "ctypes"
    }:
        events.append((event, arguments))
read_pickle(b"Va\\n.", "warm-up")  # Python imports a codec at its first use
sys.addaudithook(hook)
read = 0
for content in contents:
    try:
        read_pickle(content, "the.pkl", encoding="bytes")
        read += 1
    except DataError:
        pass
watching = False
print(read, events)
watching = True
try:
    pickle.loads(b"cos\\nsystem\\n(S'true'\\ntR.")
finally:
    watching = False
names = {event for event, _ in events}
print("noticed" if {"pickle.find_class", "os.system"} <= names else "blind")
"""
    honest = [pickle.dumps([np.arange(4.0), {"a": {1, 2}}], protocol) for protocol in PROTOCOLS]
    contents = [content for content, _ in (*MALICIOUS.values(), *BROKEN.values())]
    contents = [content for content in contents if len(content) < 10_000]
    result = subprocess.run(
        [sys.executable, "-c", program],
        input=repr([*honest, *PYTHON2.values(), *contents]),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert result.stdout.split("\n")[:2] == ["8 []", "noticed"]
    assert math.isclose(len(contents), 110, abs_tol=20)
