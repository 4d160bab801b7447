"""Frames between the grader and the process that holds the untrusted work: JSON and plain arrays.

Nothing that arrives is ever executed or unpickled; a frame has a size limit, and an array's type and
shape are checked against the bytes that came.
"""

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

__all__ = ["ChannelError", "Image", "Kept", "Tensor", "decode", "encode", "pack", "unpack"]

KINDS: Final = ("<f8", "<f4", "<i8", "<i4", "|u1", "|b1")
"""The array types that cross; anything else is converted or refused by the sender."""

DEPTH: Final = 8
ITEMS: Final = 20_000
TEXT: Final = 2_000
HEADER: Final = struct.Struct(">II")  # bytes of JSON, bytes of arrays


class ChannelError(Exception):
    """What came is no frame: too long, not JSON, or arrays that do not fit their bytes."""


@dataclass(frozen=True)
class Tensor:
    """An array that the other side gets as a torch tensor.

    Attributes
    ----------
    array : ndarray
    gradient : bool
        Whether it requires a gradient; its gradient of the result's sum comes back.
    """

    array: np.ndarray
    gradient: bool = False


@dataclass(frozen=True)
class Image:
    """A uint8 array of shape (height, width, 3) that the other side gets as a PIL image."""

    array: np.ndarray


@dataclass(frozen=True)
class Kept:
    """An object that the other side has kept under a name."""

    name: str


class Stream(Protocol):
    """The part of a socket that frames need."""

    def recv(self, size: int, /) -> bytes: ...


def encode(value: Any, arrays: list[np.ndarray], depth: int = 0) -> Any:
    """Turn a value into JSON; arrays go into the list and leave their index.

    What has no such form becomes the name of its type, so that a wrong answer is named, not lost.
    """
    if depth > DEPTH:
        return {"object": "too deeply nested"}
    if isinstance(value, Kept):
        return {"kept": value.name}
    if isinstance(value, Tensor | Image):
        kind = "image" if isinstance(value, Image) else "tensor"
        found = encode(np.asarray(value.array), arrays)
        return found | {"as": kind, "gradient": getattr(value, "gradient", False)}
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"text": value[:TEXT]}
    if isinstance(value, int | float | np.ndarray | np.generic):
        return _encode_array(value, arrays)
    if isinstance(value, list | tuple) and len(value) <= ITEMS:
        items = [encode(item, arrays, depth + 1) for item in value]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, Mapping) and len(value) <= ITEMS:
        pairs = [[str(key)[:TEXT], encode(item, arrays, depth + 1)] for key, item in value.items()]
        return {"items": pairs}
    return {"object": type(value).__name__[:TEXT]}


def _encode_array(value: Any, arrays: list[np.ndarray]) -> Any:
    try:
        array = np.asarray(value)
        if array.dtype.kind == "f" and array.dtype.str not in KINDS:
            array = array.astype("<f8")
        if array.dtype.kind in "iu" and array.dtype.str not in KINDS:
            array = array.astype("<i8")
    except (OverflowError, ValueError):
        return {"object": type(value).__name__}
    if array.dtype.str not in KINDS:
        return {"object": f"array of {array.dtype}"}
    arrays.append(np.ascontiguousarray(array).reshape(array.shape))
    return {"array": len(arrays) - 1}


def decode(value: Any, arrays: Sequence[np.ndarray], depth: int = 0) -> Any:
    """Read back what ``encode`` made; numbers are arrays of shape ().

    Raises
    ------
    ChannelError
        If it is nothing that ``encode`` makes.
    """
    if depth > DEPTH + 1:
        raise ChannelError("a value is nested too deeply")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, list):
        return [decode(item, arrays, depth + 1) for item in value]
    if not isinstance(value, dict):
        raise ChannelError("a value is of no known kind")
    if "text" in value and isinstance(value["text"], str):
        return value["text"]
    if "tuple" in value and isinstance(value["tuple"], list):
        return tuple(decode(item, arrays, depth + 1) for item in value["tuple"])
    if "kept" in value:
        return Kept(str(value["kept"]))
    if "object" in value:
        return Unknown(str(value["object"]))
    if "items" in value and isinstance(value["items"], list):
        pairs = value["items"]
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            raise ChannelError("a mapping is not made of pairs")
        return {str(key): decode(item, arrays, depth + 1) for key, item in pairs}
    index = value.get("array")
    if not isinstance(index, int) or not 0 <= index < len(arrays):
        raise ChannelError("an array is named that did not come")
    kind = value.get("as")
    if kind == "tensor":
        return Tensor(arrays[index], bool(value.get("gradient")))
    return Image(arrays[index]) if kind == "image" else arrays[index]


@dataclass(frozen=True)
class Unknown:
    """Stands for an object that cannot cross; ``name`` is its type."""

    name: str


def pack(message: Mapping[str, Any]) -> bytes:
    """Make one frame of a message."""
    arrays: list[np.ndarray] = []
    body = encode(message, arrays)
    shapes = [[array.dtype.str, list(array.shape)] for array in arrays]
    text = json.dumps({"body": body, "arrays": shapes}).encode()
    payload = b"".join(array.tobytes() for array in arrays)
    return HEADER.pack(len(text), len(payload)) + text + payload


def unpack(stream: Stream, limit: int) -> dict[str, Any] | None:
    """Read one frame; None where the other side has closed.

    Raises
    ------
    ChannelError
        If it is longer than the limit or no frame at all.
    """
    head = _read(stream, HEADER.size)
    if head is None:
        return None
    n_text, n_payload = HEADER.unpack(head)
    if n_text + n_payload > limit:
        raise ChannelError(f"a frame of {n_text + n_payload} bytes is over the limit of {limit}")
    text, payload = _read(stream, n_text), _read(stream, n_payload)
    if text is None or payload is None:
        return None
    try:
        outer = json.loads(text)
        arrays = _arrays(outer["arrays"], payload)
        body = decode(outer["body"], arrays)
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise ChannelError(f"a frame is not what it should be ({type(error).__name__})") from None
    if not isinstance(body, dict):
        raise ChannelError("a frame holds no message")
    return body


def _arrays(shapes: Any, payload: bytes) -> list[np.ndarray]:
    arrays, start = [], 0
    for kind, shape in shapes:
        if kind not in KINDS or len(shape) > 8 or not all(0 <= int(n) < 2**31 for n in shape):
            raise ChannelError("an array is of no known kind")
        size = math.prod(int(n) for n in shape) * np.dtype(kind).itemsize
        if start + size > len(payload):
            raise ChannelError("an array is longer than what came")
        flat = np.frombuffer(payload, np.uint8, size, start).view(kind)
        arrays.append(flat.reshape([int(n) for n in shape]).copy())
        start += size
    return arrays


def _read(stream: Stream, size: int) -> bytes | None:
    parts = []
    while size > 0:
        part = stream.recv(min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
