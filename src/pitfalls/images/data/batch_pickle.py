"""Read the pickles of CIFAR-10's python version without being able to run anything.

``pickle.load`` is a small virtual machine that can call any function. A batch file needs very
little of it: one dict of strings, integers, lists of these, and one ``uint8`` array. This
interpreter knows only the opcodes for those. It imports nothing and calls nothing: the names that
NumPy writes into its pickles stand for inert marks here, and the array is built from its bytes by
this module once its declared shape agrees with their length.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from struct import Struct, unpack_from
from typing import Any

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError

__all__ = ["BatchValue", "read_batch_pickle"]

BatchValue = str | int | list[Any] | npt.NDArray[np.uint8]
"""What a value of the returned dict can be."""

# The only global names that a batch may mention, as (module, name) -> the inert mark for it.
# Python 2 wrote numpy.core, today's NumPy writes numpy._core.
PERMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy._core.multiarray", "_reconstruct"): "reconstruct",
    ("numpy.core.numeric", "_frombuffer"): "frombuffer",
    ("numpy._core.numeric", "_frombuffer"): "frombuffer",
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",
}
MAX_OPCODES = 1_000_000  # an official batch has 30,000, CIFAR-100 250,000
MAX_DEPTH = 64  # of open brackets; an official batch has 2
U2, I4, U4, U8 = Struct("<H"), Struct("<i"), Struct("<I"), Struct("<Q")


class _RefusedError(Exception):
    """The stream is not a batch; the message says why."""


@dataclass(frozen=True)
class _Name:
    """An imported name that was not imported."""

    mark: str


@dataclass
class _ByteType:
    """Stands for ``numpy.dtype('uint8')``."""


@dataclass
class _Array:
    """Stands for an array whose state has not come yet, then for the array."""

    value: npt.NDArray[np.uint8] | None = None


@dataclass
class _Machine:
    """Stack, open brackets and memo of one pass over ``data``."""

    data: memoryview
    position: int = 0
    stack: list[Any] = field(default_factory=list)
    brackets: list[list[Any]] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    encoded: int = 0

    def take(self, n: int) -> memoryview:
        """Return the next ``n`` bytes; the length is checked before anything is allocated."""
        end = self.position + n
        if end > len(self.data):
            raise _RefusedError(f"it ends early: {n:,} bytes are due at byte {self.position:,}")
        part = self.data[self.position : end]
        self.position = end
        return part

    def number(self, form: Struct) -> int:
        (value,) = unpack_from(form.format, self.take(form.size))
        return int(value)

    def line(self) -> str:
        for length in range(200):
            if bytes(self.data[self.position + length : self.position + length + 1]) == b"\n":
                text = bytes(self.take(length))
                self.take(1)
                return text.decode("ascii", "replace")
        raise _RefusedError(f"a name at byte {self.position:,} has no end")

    def pop(self) -> Any:
        if not self.stack:
            raise _RefusedError(f"the stack is empty at byte {self.position:,}")
        return self.stack.pop()

    def top(self) -> Any:
        if not self.stack:
            raise _RefusedError(f"the stack is empty at byte {self.position:,}")
        return self.stack[-1]

    def push(self, value: object) -> None:
        self.stack.append(value)

    def open_bracket(self) -> None:
        if len(self.brackets) >= MAX_DEPTH:
            raise _RefusedError("it nests too deep")
        self.brackets.append(self.stack)
        self.stack = []

    def close_bracket(self) -> list[Any]:
        if not self.brackets:
            raise _RefusedError(f"no bracket is open at byte {self.position:,}")
        items, self.stack = self.stack, self.brackets.pop()
        return items

    def tuple_of(self, n: int) -> None:
        items = [self.pop() for _ in range(n)]
        self.push(tuple(reversed(items)))

    def remember(self, slot: int) -> None:
        self.memo[slot] = self.top()

    def recall(self, slot: int) -> None:
        if slot not in self.memo:
            raise _RefusedError(f"nothing was stored in slot {slot}")
        self.push(self.memo[slot])

    def name(self, module: str, name: str) -> None:
        mark = PERMITTED.get((module, name))
        if mark is None:
            raise _RefusedError(f"it asks for {module}.{name}, which no batch needs")
        self.push(_Name(mark))

    def stack_name(self) -> None:
        name, module = self.pop(), self.pop()
        if not (isinstance(name, str) and isinstance(module, str)):
            raise _RefusedError("a name is not text")
        self.name(module[:80], name[:80])

    def latin1(self, text: str) -> bytes:
        """Encode as Python 3's protocol 2 asks for, never more in all than the file is long."""
        self.encoded += len(text)
        if self.encoded > len(self.data):
            raise _RefusedError("it unpacks to more than the file holds")
        try:
            return text.encode("latin1")
        except UnicodeEncodeError:
            raise _RefusedError("its bytes are not bytes") from None

    def append(self, items: list[Any]) -> None:
        target = self.top()
        if not isinstance(target, list):
            raise _RefusedError("it appends to something that is not a list")
        target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        target = self.top()
        if not isinstance(target, dict) or len(items) % 2:
            raise _RefusedError("it sets items of something that is not a dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | bytes):
                raise _RefusedError(f"a key is of type {type(key).__name__}, not a string")
            target[key] = value

    def reduce(self) -> None:
        """Stand in for the four calls that NumPy's pickles make."""
        arguments, function = self.pop(), self.pop()
        match function, arguments:
            case _Name("reconstruct"), (_Name("ndarray"), (0,), _):
                self.push(_Array())
            case _Name("dtype"), ("u1" | b"u1", *_):
                self.push(_ByteType())
            case _Name("encode"), (str(text), "latin1"):
                self.push(self.latin1(text))
            case _Name("frombuffer"), (raw, _ByteType(), shape, str(order)):
                self.push(_Array(self.array(raw, shape, order)))
            case _:
                raise _RefusedError("it calls something that no batch calls")

    def build(self) -> None:
        """Stand in for ``__setstate__`` of an array and of its dtype."""
        state, target = self.pop(), self.top()
        match target, state:
            case _ByteType(), (int(), "|" | b"|", None, None, None, -1, -1, *_):
                pass
            case _Array(None), (int(), shape, _ByteType(), bool(fortran), raw):
                target.value = self.array(raw, shape, "F" if fortran else "C")
            case _:
                raise _RefusedError("it sets the state of something that no batch holds")

    def array(self, raw: object, shape: object, order: str) -> npt.NDArray[np.uint8]:
        """Shape the bytes, if shape and length agree."""
        if isinstance(raw, str):  # Python 2's str, if it is short enough to be taken for text
            raw = self.latin1(raw)
        if not isinstance(raw, bytes | memoryview):
            raise _RefusedError("the array's content is not bytes")
        if not (isinstance(shape, tuple) and len(shape) <= 8 and order in ("C", "F")):
            raise _RefusedError("the array's shape or order is not one")
        if not all(type(n) is int and n >= 0 for n in shape):
            raise _RefusedError("the array's shape is not of non-negative integers")
        if prod(shape) != len(raw):
            raise _RefusedError(f"the array of shape {shape} has {len(raw):,} bytes")
        flat = np.frombuffer(raw, dtype=np.uint8)
        return flat.reshape(shape, order="F" if order == "F" else "C")

    def stop(self) -> None:
        if len(self.stack) != 1 or self.brackets:
            raise _RefusedError("it stops with more than one value")


def _binary_string(machine: _Machine, n: int) -> None:
    """Python 2's ``str``: text where it is short, the pixels where it is long."""
    if n < 0:
        raise _RefusedError(f"a string has length {n}")
    raw = machine.take(n)
    machine.push(bytes(raw).decode("latin1") if n < 4096 else raw)


def _text(machine: _Machine, n: int) -> None:
    try:
        machine.push(str(machine.take(n), "utf-8"))
    except UnicodeDecodeError:
        raise _RefusedError("a text is not UTF-8") from None


def _frame(machine: _Machine) -> None:
    length = machine.number(U8)  # a hint for buffered reading; nothing to do but to check it
    if machine.position + length > len(machine.data):
        raise _RefusedError("it ends early: a frame is longer than the file")


def _protocol(machine: _Machine) -> None:
    version = machine.take(1)[0]
    if version > 5:
        raise _RefusedError(f"its protocol is {version}; 2 to 5 are known")


def _long(machine: _Machine) -> None:
    n = machine.take(1)[0]
    if n > 8:
        raise _RefusedError(f"an integer has {n} bytes")
    machine.push(int.from_bytes(machine.take(n), "little", signed=True))


OPCODES: dict[int, Callable[[_Machine], None]] = {
    0x80: _protocol,
    0x95: _frame,
    ord("("): lambda m: m.open_bracket(),
    ord(")"): lambda m: m.push(()),
    ord("]"): lambda m: m.push([]),
    ord("}"): lambda m: m.push({}),
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord("K"): lambda m: m.push(m.take(1)[0]),
    ord("M"): lambda m: m.push(m.number(U2)),
    ord("J"): lambda m: m.push(m.number(I4)),
    0x8A: _long,
    ord("U"): lambda m: _binary_string(m, m.take(1)[0]),
    ord("T"): lambda m: _binary_string(m, m.number(I4)),
    ord("C"): lambda m: m.push(bytes(m.take(m.take(1)[0]))),
    ord("B"): lambda m: m.push(bytes(m.take(m.number(U4)))),
    0x8E: lambda m: m.push(bytes(m.take(m.number(U8)))),
    0x96: lambda m: m.push(bytes(m.take(m.number(U8)))),
    0x8C: lambda m: _text(m, m.take(1)[0]),
    ord("X"): lambda m: _text(m, m.number(U4)),
    0x8D: lambda m: _text(m, m.number(U8)),
    ord("q"): lambda m: m.remember(m.take(1)[0]),
    ord("r"): lambda m: m.remember(m.number(U4)),
    0x94: lambda m: m.remember(len(m.memo)),
    ord("h"): lambda m: m.recall(m.take(1)[0]),
    ord("j"): lambda m: m.recall(m.number(U4)),
    0x85: lambda m: m.tuple_of(1),
    0x86: lambda m: m.tuple_of(2),
    0x87: lambda m: m.tuple_of(3),
    ord("t"): lambda m: m.push(tuple(m.close_bracket())),
    ord("a"): lambda m: m.append([m.pop()]),
    ord("e"): lambda m: m.append(m.close_bracket()),
    ord("s"): lambda m: m.set_items(list(reversed([m.pop(), m.pop()]))),
    ord("u"): lambda m: m.set_items(m.close_bracket()),
    ord("c"): lambda m: m.name(m.line(), m.line()),
    0x93: lambda m: m.stack_name(),
    ord("R"): lambda m: m.reduce(),
    ord("b"): lambda m: m.build(),
}


def read_batch_pickle(data: bytes, file: str) -> dict[str, BatchValue]:
    """Read one batch file of CIFAR-10's python version.

    Parameters
    ----------
    data : bytes
        The whole file. Pickle protocols 2 to 5 are read.
    file : str
        Its name, for messages.

    Returns
    -------
    dict
        Keys as text; values are text, integers, lists of these, or a ``uint8`` array.

    Raises
    ------
    DataError
        If the file is damaged, ends early, or holds anything else. Nothing in it was run.
    """
    try:
        content = _run(_Machine(memoryview(data)))
    except _RefusedError as reason:
        raise DataError(
            f"{file} is not a CIFAR-10 batch: {reason}. Nothing in it was run; get the file again."
        ) from None
    batch: dict[str, BatchValue] = {}
    decoded: dict[int, str] = {}
    for key, value in content.items():
        plain = _plain(value, decoded)
        if plain is None:
            raise DataError(
                f"{file} is not a CIFAR-10 batch: {key!r} holds a {type(value).__name__}; "
                "expected text, an integer, a list of these or a uint8 array."
            )
        batch[key.decode("latin1") if isinstance(key, bytes) else key] = plain
    return batch


def _run(machine: _Machine) -> dict[str | bytes, Any]:
    for _ in range(MAX_OPCODES):
        at = machine.position
        code = machine.take(1)[0]
        if code == ord("."):
            machine.stop()
            content = machine.top()
            if not isinstance(content, dict):
                raise _RefusedError("it does not hold a dict")
            return content
        operation = OPCODES.get(code)
        if operation is None:
            raise _RefusedError(f"byte {at:,} is opcode 0x{code:02x}, which no batch needs")
        operation(machine)
    raise _RefusedError(f"it has more than {MAX_OPCODES:,} opcodes")


def _plain(value: object, decoded: dict[int, str]) -> BatchValue | None:
    """Return the value as its final type, or None if it is of no permitted one.

    Bytes that a list names many times are decoded once: a megabyte would become gigabytes else.
    """

    def text(raw: bytes) -> str:
        if id(raw) not in decoded:  # the stack's values outlive this, so that no id comes twice
            decoded[id(raw)] = raw.decode("latin1")
        return decoded[id(raw)]

    match value:
        case _Array(np.ndarray() as array):
            return array
        case bool():
            return None
        case int() | str():
            return value
        case bytes():
            return text(value)
        case memoryview():
            return bytes(value).decode("latin1")
        case list() | tuple():
            items = [text(v) if isinstance(v, bytes) else v for v in value]
            return items if all(type(v) in (int, str) for v in items) else None
        case _:
            return None
