"""Writes that leave either the old file or the whole new one, whatever happens in between."""

import errno
import glob
import os
import secrets
from pathlib import Path

from pitfalls.errors import RunError
from pitfalls.runs import plain

__all__ = ["make_folder", "replace", "sync_folder", "write_bytes", "write_json", "write_text"]

UNFINISHED = ".new"
"""How the names of temporary files end."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` in one step.

    Raises
    ------
    RunError
        If the folder cannot be written to or the disk is full; ``path`` is then as it was.
    """
    try:
        make_folder(path.parent)
        _drop_left_over(path)
        _put(path, data, str(os.getpid()))
    except OSError as error:
        raise RunError(
            f"write {path}: {error.strerror or error}. Free space or choose another folder."
        ) from error


def write_text(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` (UTF-8) in one step."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: object, indent: int | None = 2) -> None:
    """Replace ``path`` by ``value`` as JSON in one step.

    Raises
    ------
    RunError
        If ``value`` holds something JSON has no form for.
    """
    try:
        data = plain.dump(value, indent)
    except (TypeError, ValueError, RecursionError) as error:
        raise RunError(f"write {path}: the value cannot be written as JSON ({error}).") from error
    write_bytes(path, data + b"\n")


def replace(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data`` in one step; its folder must be there.

    Raises
    ------
    OSError
        ``path`` is then as it was.
    """
    _put(path, data, secrets.token_hex(8))


def _put(path: Path, data: bytes, mark: str) -> None:
    temporary = write_beside(path, data, mark)
    try:
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_beside(path: Path, data: bytes, mark: str) -> Path:
    """Write ``data`` to a temporary file beside ``path``, on the disk for good, and return its path.

    It lies in the same folder because a rename is atomic only within one file system.
    """
    temporary = path.with_name(f".{path.name}.{mark}{UNFINISHED}")
    try:
        # the mode that the umask leaves, as any other program's files have it
        descriptor = os.open(temporary, _NEW, 0o666)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _drop_left_over(path: Path) -> None:
    """Delete the temporary files that killed processes left of earlier writes to ``path``."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{UNFINISHED}"):
        process = left.name.removesuffix(UNFINISHED).rpartition(".")[2]
        if process.isdecimal() and not _is_alive(int(process)):
            left.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each on the disk for good."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk: a rename or a new file must survive a power cut."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that has no such thing
            raise
    finally:
        os.close(descriptor)
