"""Writes that leave either the old file or the whole new one, whatever happens in between."""

import json
import os
import tempfile
from pathlib import Path

from pitfalls.errors import RunError

__all__ = ["to_bytes", "write_bytes", "write_json", "write_text"]


def write_bytes(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` in one step.

    The temporary file lies in the same folder, because a rename is atomic only within one file
    system; the folder is synced too, because the rename itself must survive a power cut.

    Raises
    ------
    RunError
        If the folder cannot be written to or the disk is full; ``path`` is then as it was.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise RunError(
            f"write {path}: {error.strerror or error}. Free space or choose another folder."
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` (UTF-8) in one step."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: object, indent: int | None = 2) -> None:
    """Replace ``path`` by ``value`` as indented JSON in one step.

    Raises
    ------
    RunError
        If ``value`` holds something JSON has no form for.
    """
    try:
        data = to_bytes(value, indent)
    except (TypeError, ValueError, RecursionError) as error:
        raise RunError(f"write {path}: the value cannot be written as JSON ({error}).") from error
    write_bytes(path, data + b"\n")


def to_bytes(value: object, indent: int | None = None) -> bytes:
    """Return ``value`` as JSON in UTF-8; half a surrogate pair, as in odd file names, is escaped."""
    try:
        return json.dumps(value, indent=indent, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent, ensure_ascii=True).encode()


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
