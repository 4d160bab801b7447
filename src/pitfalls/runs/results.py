"""Typed results in a run folder: ``results/<type>.json``, its arrays in an ``.npz`` beside it."""

import hashlib
import re
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, TypeVar

import numpy as np

from pitfalls.errors import InputError
from pitfalls.runs import plain
from pitfalls.runs.converter import Misfit
from pitfalls.runs.folder import DAMAGED, RunFolder
from pitfalls.runs.records import decode, encode, from_plain
from pitfalls.runs.schema import schema_of

__all__ = [
    "Migrations",
    "pack_arrays",
    "read_result",
    "result_name",
    "unpack_arrays",
    "write_result",
]

T = TypeVar("T")

Migrations = Mapping[str, Callable[[dict[str, Any]], T]]
"""From an older shape, ``module.Type@fingerprint``, to what makes today's result of its fields."""


def result_name(result_type: type, part: str) -> str:
    """Return the name of the file that holds a result of this type.

    Raises
    ------
    InputError
        If ``part`` is no file name.
    """
    if not re.fullmatch(r"[A-Za-z0-9._+-]{0,150}", part):
        raise InputError(
            f"result part: must be letters, digits, '.', '_', '+' and '-', got {part!r}."
        )
    name = result_type.__qualname__.rpartition(".")[2]
    return f"results/{name}{f'.{part}' if part else ''}.json"


def write_result(folder: RunFolder, result: object, part: str) -> None:
    """Write a result; the arrays first, under a name of their content, so that both always fit."""
    name = result_name(type(result), part)
    value, arrays = encode(result)
    is_first = name not in folder.manifest.files
    stem = name.removesuffix(".json")
    beside = None
    if arrays:
        data = pack_arrays(arrays)
        beside = f"{stem}-{hashlib.sha256(data).hexdigest()[:12]}.npz"
        folder.write(beside, data)
    content = {"schema": str(schema_of(type(result))), "arrays": beside, "value": value}
    folder.write(name, plain.dump(content, 2) + b"\n")
    if is_first:  # nothing lies there from before: no look through all files of the run
        return
    old = re.compile(re.escape(stem) + r"-[0-9a-f]{12}\.npz")
    for other in [n for n in folder.manifest.files if old.fullmatch(n) and n != beside]:
        folder.forget(other)


def read_result(folder: RunFolder, result_type: type[T], part: str, migrations: Migrations[T]) -> T:
    """Return a result of this type, or of an older shape through its migration.

    Raises
    ------
    FileNotFoundError
        If there is none.
    Misfit
        If it is of another shape.
    RunError
        If a file is damaged.
    """
    name = result_name(result_type, part)
    content = plain.load(folder.read(name))
    if not isinstance(content, dict) or set(content) != {"schema", "arrays", "value"}:
        raise Misfit(f"{name} {DAMAGED} (it is no result)")
    arrays: dict[str, np.ndarray] = {}
    if content["arrays"] is not None:
        arrays = unpack_arrays(folder.read(str(content["arrays"])))
    schema, found = schema_of(result_type), content["schema"]
    if found == str(schema):
        return decode(content["value"], arrays, result_type)
    if found in migrations:
        return migrations[found](from_plain(content["value"], arrays))
    raise Misfit(f"{name} has the older shape {found!s:.200}, this version reads {schema}")


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as an ``.npz`` archive; not compressed, so that it cannot grow when it is read."""
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of an archive that `pack_arrays` made.

    Raises
    ------
    ValueError
        If it is none, or one that grows when it is read.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise ValueError("its arrays are compressed, which a run's are not")
            if sum(entry.file_size for entry in entries) > len(data):
                raise ValueError("its arrays are larger than itself")
            arrays = {}
            for entry in entries:
                with archive.open(entry) as file:
                    array = np.lib.format.read_array(file, allow_pickle=False)
                arrays[entry.filename.removesuffix(".npy")] = array
            return arrays
    except (OSError, EOFError, KeyError, RuntimeError, MemoryError, SyntaxError, OverflowError,
            zipfile.BadZipFile) as error:  # fmt: skip
        raise ValueError(f"its arrays cannot be read: {error}") from None
