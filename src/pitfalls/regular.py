"""Files that end: a pipe in a file's place keeps its reader waiting, a device goes on for ever."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

__all__ = ["open_regular", "read_regular"]


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file to read its bytes.

    Raises
    ------
    OSError
        If it cannot be opened, or is a folder, a pipe, a socket or a device.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", os.fspath(path))
    return Path(path).open("rb")


def read_regular(path: Path) -> bytes:
    """Return a file's bytes; raises as `open_regular` does."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        open_regular(path).close()  # says why it cannot be read
    return path.read_bytes()
