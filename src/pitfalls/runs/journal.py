"""What became of a run's files since its manifest was written, a line each.

The manifest names every file of a run. To write it anew for each of 10,000 cells would cost each cell
as much as all before it have; a line costs the same whenever it is written. The next manifest takes
the lines in, and the journal is deleted; read twice, it says the same.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from pitfalls.regular import read_regular
from pitfalls.runs import plain
from pitfalls.runs.atomic import sync_folder
from pitfalls.runs.log import Log

__all__ = ["JOURNAL", "Journal", "read_journal"]

JOURNAL = "files.jsonl"

Change = tuple[str, list[int | str] | None]
"""A file's name and its size and SHA-256, None for one that was deleted."""


class Journal:
    """The journal of a run that is open for writing.

    Parameters
    ----------
    folder : Path
        The run folder, which is never made anew.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL
        self._log: Log | None = None

    def append(self, name: str, record: list[int | str] | None) -> None:
        """Put one change on the disk for good.

        Raises
        ------
        OSError
            The journal then ends with a part of the line at most, which is not read.
        """
        line = {"name": name, "record": record}
        try:
            if self._log is None:
                self._log = Log(self._path)
            self._log.append({**line, "sha256": plain.digest(line)})
            self._log.sync()
        except BaseException:
            self.close()  # what is written next must not follow a part of a line: it is cut off first
            raise

    def drop(self) -> None:
        """Delete the journal: the manifest holds all of it."""
        self.close()
        if self._path.exists():
            self._path.unlink()
            sync_folder(self._path.parent)

    def close(self) -> None:
        """Close the file; what is appended later opens it again."""
        log, self._log = self._log, None
        if log is not None:
            with suppress(OSError):  # what was to be kept has been synced
                log.close()


def read_journal(folder: Path) -> list[Change]:
    """Return the changes since the manifest was written, in their order.

    Raises
    ------
    OSError
        If the disk does not give them.
    ValueError
        If a line before the last is damaged: the last one may have been cut off by a power cut.
    """
    path = folder / JOURNAL
    try:
        *lines, _ = read_regular(path).split(b"\n")
    except FileNotFoundError:
        return []
    changes: list[Change] = []
    for number, line in enumerate(lines, start=1):
        try:
            changes.append(_change(plain.load(line)))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            if number < len(lines):
                raise ValueError(f"line {number} of {JOURNAL} is damaged") from error
    return changes


def _change(line: Any) -> Change:
    digest = line.pop("sha256")
    if digest != plain.digest(line):
        raise ValueError("its checksum does not match")
    return line["name"], line["record"]
