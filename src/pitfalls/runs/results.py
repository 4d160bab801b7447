"""Typed results in a run folder: ``results/<type>.json``, its arrays in an ``.npz`` beside it."""

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from pitfalls.errors import InputError
from pitfalls.runs.atomic import write_bytes, write_json
from pitfalls.runs.converter import Misfit
from pitfalls.runs.records import decode, encode, from_plain
from pitfalls.runs.schema import schema_of

__all__ = ["Migrations", "read_result", "result_path", "write_result"]

T = TypeVar("T")

Migrations = Mapping[str, Callable[[dict[str, Any]], T]]
"""From an older shape, ``module.Type@fingerprint``, to what makes today's result of its fields."""


def result_path(folder: Path, result_type: type, part: str) -> Path:
    """Return the file that holds a result of this type.

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
    return folder / "results" / f"{name}{f'.{part}' if part else ''}.json"


def write_result(folder: Path, result: object, part: str) -> None:
    """Write a result; the arrays first, under a name of their content, so that both always fit."""
    path = result_path(folder, type(result), part)
    plain, arrays = encode(result)
    reference = None
    if arrays:
        buffer = BytesIO()
        # not compressed: an archive cannot grow when it is read
        np.savez(buffer, allow_pickle=False, **arrays)
        digest = hashlib.sha256(buffer.getvalue()).hexdigest()
        reference = {"file": f"{path.stem}-{digest[:12]}.npz", "sha256": digest}
        write_bytes(path.parent / reference["file"], buffer.getvalue())
    schema = schema_of(type(result))
    content = {"schema": str(schema), "arrays": reference, "value": plain}
    write_json(path, content | {"sha256": _digest(content)})
    for old in path.parent.glob(f"{path.stem}-*.npz"):
        if reference is None or old.name != reference["file"]:
            old.unlink(missing_ok=True)


def read_result(folder: Path, result_type: type[T], part: str, migrations: Migrations[T]) -> T:
    """Return a result of this type, or of an older shape through its migration.

    Raises
    ------
    FileNotFoundError
        If there is none.
    Misfit
        If the file is damaged, or of another shape.
    """
    path = result_path(folder, result_type, part)
    try:
        content = json.loads(path.read_bytes())
        if content.pop("sha256") != _digest(content):
            raise ValueError("its checksum does not match")
        arrays = _read_arrays(path.parent, content["arrays"])
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise Misfit(f"{path.name} is damaged ({error})") from None
    schema = schema_of(result_type)
    found = content["schema"]
    if found == str(schema):
        return decode(content["value"], arrays, result_type)
    if found in migrations:
        return migrations[found](from_plain(content["value"], arrays))
    raise Misfit(f"{path.name} has the older shape {found}, this version reads {schema}")


def _read_arrays(folder: Path, reference: Any) -> dict[str, np.ndarray]:
    if reference is None:
        return {}
    path = folder / reference["file"]
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != reference["sha256"]:
        raise ValueError(f"the checksum of {path.name} does not match")
    try:
        with np.load(BytesIO(data), allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except (zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path.name}: {error}") from None


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
