"""A log of JSON lines that a run appends to, with the hash of what has been written so far."""

import hashlib
import os
from pathlib import Path
from typing import Any, BinaryIO

from pitfalls.regular import read_regular
from pitfalls.runs import plain
from pitfalls.runs.atomic import sync_folder

__all__ = ["Log", "cut", "fits", "read_lines"]


class Log:
    """An open log.

    Parameters
    ----------
    path : Path
        Appended to; made when the first line is written.

    Attributes
    ----------
    size : int
        Bytes written so far, those of earlier starts included.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        data = read_regular(path) if path.exists() else b""
        if not data.endswith(b"\n"):  # a killed process wrote a part of a line
            data = data[: data.rfind(b"\n") + 1]
            cut(path, len(data))
        self.size = len(data)
        self._hash = hashlib.sha256(data)
        self._file: BinaryIO | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of all that was written so far."""
        return self._hash.hexdigest()

    def append(self, record: dict[str, Any]) -> None:
        """Write one line and hand it to the operating system.

        Raises
        ------
        OSError
            The log then ends with a part of the line at most.
        """
        line = plain.dump(record) + b"\n"
        if self._file is None:
            # without a buffer: a line that could not be written must not come after the error
            self._file = self.path.open("ab", buffering=0)
            sync_folder(self.path.parent)
        left = memoryview(line)
        while left:
            left = left[self._file.write(left) :]
        self._hash.update(line)
        self.size += len(line)

    def sync(self) -> None:
        """Put what was written on the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Sync and close."""
        file, self._file = self._file, None
        if file is not None:
            try:
                os.fsync(file.fileno())
            finally:
                file.close()

    def is_as_written(self) -> bool:
        """Whether the file on the disk is as long as what was written."""
        return (self.path.stat().st_size if self.path.exists() else 0) == self.size


def fits(path: Path, size: int, digest: str) -> bool:
    """Whether a log begins with the ``size`` bytes that have this hash."""
    try:
        data = read_regular(path)[:size]
    except OSError:
        data = b""
    return len(data) == size and hashlib.sha256(data).hexdigest() == digest


def cut(path: Path, size: int) -> None:
    """Keep the first ``size`` bytes of a log, for good."""
    if path.exists() and path.stat().st_size != size:
        with path.open("r+b") as file:
            file.truncate(size)
            os.fsync(file.fileno())


def read_lines(data: bytes) -> list[dict[str, Any]]:
    """Return the records of a log; what follows the last line's end was cut off and does not count.

    Raises
    ------
    ValueError
        If a line is no JSON object.
    """
    records = [plain.load(line) for line in data.split(b"\n")[:-1]]
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("a line of it is no record")
    return records
