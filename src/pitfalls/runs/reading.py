"""What a run folder holds, read back: nothing that is not as it was written."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from pitfalls.errors import RunError
from pitfalls.regular import read_regular
from pitfalls.runs import plain
from pitfalls.runs.code import fingerprint
from pitfalls.runs.converter import Misfit
from pitfalls.runs.folder import RunFolder
from pitfalls.runs.log import read_lines
from pitfalls.runs.manifest import Manifest
from pitfalls.runs.results import Migrations, read_result, result_name, unpack_arrays
from pitfalls.runs.schema import schema_of

__all__ = ["METRICS", "TIMINGS", "ReadableRun"]

T = TypeVar("T")

METRICS, TIMINGS = "metrics.jsonl", "timings.jsonl"


class ReadableRun:
    """What can be read of a run, open or not.

    Attributes
    ----------
    path : Path
    manifest : Manifest
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._folder = RunFolder(path, manifest)

    # -- what it is ---------------------------------------------------------------------------

    @property
    def complete(self) -> bool:
        """Whether the run has finished: its results stand and nothing more is written."""
        return self.manifest.status == "complete"

    @property
    def id(self) -> str:
        """``experiment/name-hash``, unique in its store."""
        return f"{self.manifest.experiment}/{self.path.name}"

    @property
    def config(self) -> dict[str, Any]:
        """The config as plain JSON values."""
        return self.manifest.config

    @property
    def is_older(self) -> bool:
        """Whether other code than the present computed this run."""
        manifest = self.manifest
        return manifest.entry is not None and fingerprint(manifest.entry) != manifest.code

    @property
    def older_note(self) -> str:
        """What to say wherever numbers of an older run appear; empty if it is of the present code."""
        if not self.is_older:
            return ""
        return (
            f"The run {self.id} is older: other code than the present computed its numbers. "
            f"To make it anew: {self._command}"
        )

    # -- reading ------------------------------------------------------------------------------

    def load(
        self, result_type: type[T], *, part: str = "", migrations: Migrations[T] | None = None
    ) -> T:
        """Return the result of a type that `save` saved.

        Parameters
        ----------
        result_type : type
            The frozen dataclass.
        part : str
            Which one, where `save` was given a part.
        migrations : mapping, optional
            How results of older shapes are read: from the older shape, as the error that refuses it
            writes it (``module.Type@fingerprint``), to a function that makes this type's result from
            the fields that were saved (a dictionary; arrays are arrays, records are dictionaries).

        Raises
        ------
        RunError
            If there is none, it is damaged, or it is of another shape.
        """
        schema_of(result_type)
        what = f"{result_type.__name__}{f' {part!r}' if part else ''}"
        name = result_name(result_type, part)
        return self._read(
            name, what, lambda: read_result(self._folder, result_type, part, migrations or {})
        )

    def has(self, result_type: type, *, part: str = "") -> bool:
        """Whether a result of this type was saved."""
        return self._folder.holds(result_name(result_type, part))

    def plain_results(self) -> dict[str, Any]:
        """Return every saved result as plain JSON values, by its type's name; arrays by their names."""
        names = [n for n in self.manifest.files if n.startswith("results/") and n.endswith(".json")]
        found = {n: self._read(n, n, lambda n=n: plain.load(self._folder.read(n))) for n in names}  # type: ignore[misc]
        return {Path(n).stem: content["value"] for n, content in sorted(found.items())}

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays saved under ``name``.

        Raises
        ------
        RunError
            If there are none or the file is damaged.
        """
        file = f"arrays/{name}.npz"
        return self._read(file, f"arrays {name!r}", lambda: unpack_arrays(self._folder.read(file)))

    def read_file(self, name: str) -> bytes:
        """Return a file that `save_file` saved, compared with what was written.

        Raises
        ------
        RunError
            If there is none or it is damaged.
        """
        return self._read(name, f"file {name!r}", lambda: self._folder.read(name))

    def holds(self, name: str) -> bool:
        """Whether a file of this name was saved, be it whole or damaged."""
        return self._folder.holds(name)

    def has_file(self, name: str) -> bool:
        """Whether `save_file` saved a file of this name, and it is as it was written."""
        return self._folder.is_whole(name)

    def drawn(self) -> tuple[str, ...]:
        """Return the names of the files that were drawn from the finished run."""
        return tuple(self._folder.derived())

    def metrics(self) -> list[dict[str, Any]]:
        """Return the lines of ``metrics.jsonl``."""
        return self._lines(METRICS)

    def timings(self) -> list[dict[str, Any]]:
        """Return the lines of ``timings.jsonl``."""
        return self._lines(TIMINGS)

    def _lines(self, name: str) -> list[dict[str, Any]]:
        def read() -> list[dict[str, Any]]:
            path = self.path / name
            recorded = name in self.manifest.files
            if not recorded and (self.complete or not path.exists()):
                return []
            return read_lines(self._folder.read(name) if recorded else read_regular(path))

        return self._read(name, name, read)

    def _read(self, name: str, what: str, read: Callable[[], T]) -> T:
        """Read, and say of every fault which run and file has it and what to do."""
        anew = f"Make it anew: {self._command} --fresh"
        with suppress(RunError):
            if self.complete and name not in self.manifest.files and self.holds(name):
                anew = f"To have it drawn anew: {self._command}"
        try:
            return read()
        except FileNotFoundError:
            again = anew if self.complete else f"Finish it: {self._command}"
            raise RunError(f"run {self.id}: has no {what} yet. {again}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise RunError(f"run {self.id}: {name} is damaged ({reason}). {anew}") from None
        except (Misfit, OSError) as error:
            raise RunError(f"run {self.id}: {error}. {anew}") from None

    @property
    def _command(self) -> str:
        return self.manifest.command or "the command that made it"
