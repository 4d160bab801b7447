"""One run folder: what an experiment writes into it, and what the report reads from it."""

import json
import os
import shutil
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

import numpy as np
from filelock import BaseFileLock

from pitfalls.errors import DataError, InputError, RunError
from pitfalls.runs.atomic import write_bytes, write_json
from pitfalls.runs.checkpoint import Checkpoint, read_latest, write_checkpoint
from pitfalls.runs.code import fingerprint
from pitfalls.runs.config import to_json
from pitfalls.runs.converter import Misfit
from pitfalls.runs.manifest import Manifest, now
from pitfalls.runs.results import Migrations, read_result, result_path, write_result

__all__ = ["Run"]

T = TypeVar("T")


class Run:
    """A run folder, open for writing inside a ``with`` block, for reading always.

    Attributes
    ----------
    path : Path
    manifest : Manifest
    was_opened : bool
        Whether this object did the work, or a part of it; False for a run that was reused.
    set_aside : Path or None
        Where the run of other code went whose place this one has taken.

    Not built directly: `RunStore.open` makes or continues one, `RunStore.find` reads one.

    Leaving the block without an exception marks the run complete; a ``KeyboardInterrupt`` marks it
    interrupted; any other exception marks it failed, with its message. All three can be continued.
    """

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        lock: BaseFileLock | None = None,
        set_aside: Path | None = None,
    ) -> None:
        self.path = path
        self.manifest = manifest
        self._lock = lock
        self._log: BinaryIO | None = None
        self._timings: BinaryIO | None = None
        self._checkpoint: Checkpoint | None = None
        self._started = time.monotonic()
        self._seconds_before = manifest.seconds
        self.was_opened = lock is not None
        self.set_aside = set_aside

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
            f"To make it anew: {self.manifest.command or 'give its command again'}"
        )

    # -- writing ------------------------------------------------------------------------------

    def log(self, **record: object) -> None:
        """Append one line to ``metrics.jsonl``: only what two equal runs share, so no clock times."""
        self._log = self._append(self._log, "metrics.jsonl", record)

    def log_timing(self, **record: object) -> None:
        """Append one line to ``timings.jsonl``: seconds, rates and whatever else may differ."""
        self._timings = self._append(self._timings, "timings.jsonl", record)

    def save_checkpoint(
        self, *, step: int, tensors: Mapping[str, Any], meta: Mapping[str, Any] | None = None
    ) -> None:
        """Save a state to go on from; the metric log is synced and its length noted.

        Parameters
        ----------
        step : int
            Grows from checkpoint to checkpoint.
        tensors : mapping of str to array or tensor
            Saved exactly, in their dtypes.
        meta : mapping, optional
            Plain JSON values: counters, random-number states as lists or text.
        """
        self._require_writable("save_checkpoint")
        if self._log is not None:
            self._log.flush()
            os.fsync(self._log.fileno())
        log = self.path / "metrics.jsonl"
        write_checkpoint(
            self.path / "checkpoints",
            step,
            tensors,
            meta or {},
            log.stat().st_size if log.exists() else 0,
        )

    def load_checkpoint(self) -> Checkpoint | None:
        """Return the last whole checkpoint of an interrupted run, or None.

        The metric log was cut back to that checkpoint when the run was opened.
        """
        return self._checkpoint

    def save_arrays(self, name: str, **arrays: Any) -> None:
        """Save arrays (NumPy or torch) as ``arrays/<name>.npz``, compressed, in one step."""
        self._require_writable("save_arrays")
        buffer = BytesIO()
        np.savez_compressed(
            buffer, allow_pickle=False, **{k: _as_array(k, v) for k, v in arrays.items()}
        )
        write_bytes(self.path / "arrays" / f"{name}.npz", buffer.getvalue())

    def save_results(self, results: object) -> None:
        """Save the numbers that tables and texts quote as ``results.json`` (a mapping or a dataclass)."""
        self._require_writable("save_results")
        write_json(self.path / "results.json", to_json(results))

    def save(self, result: object, *, part: str = "") -> None:
        """Save what the experiment found, whole: a frozen dataclass that `load` gives back.

        Parameters
        ----------
        result : frozen dataclass instance
            Of None, bool, int, float, str, Literal, NumPy arrays, tuples, Mapping[str, T], frozen
            dataclasses and unions of these. Kept as ``results/<type>.json``, its arrays beside it.
        part : str
            Where a run keeps several results of one type (the cells of a sweep), which one.

        Raises
        ------
        RunError
            If a field does not hold what its type says; nothing is written then.
        """
        self._require_writable("save")
        try:
            write_result(self.path, result, part)
        except Misfit as misfit:
            raise RunError(
                f"run {self.id}: {type(result).__name__} cannot be saved: {misfit}. "
                "Give the field what its type says, or correct the type."
            ) from None

    def save_file(self, name: str, data: bytes | str) -> Path:
        """Save a file under the run folder (``figures/x.svg``, say) in one step and return its path."""
        path = (self.path / name).resolve()
        if not path.is_relative_to(self.path.resolve()):
            raise InputError(
                f"save_file: {name!r} lies outside the run folder. Use a relative name."
            )
        write_bytes(path, data.encode("utf-8") if isinstance(data, str) else data)
        return path

    def warn(self, text: str) -> None:
        """Add a line that readers of the numbers must see; the same line is kept once."""
        self._require_writable("warn")
        if text not in self.manifest.warnings:
            self.manifest.warnings.append(text)
            self._write_manifest()

    # -- reading ------------------------------------------------------------------------------

    def metrics(self) -> list[dict[str, Any]]:
        """Return the lines of ``metrics.jsonl``."""
        return self._lines("metrics.jsonl")

    def timings(self) -> list[dict[str, Any]]:
        """Return the lines of ``timings.jsonl``."""
        return self._lines("timings.jsonl")

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays saved under ``name``.

        Raises
        ------
        RunError
            If there are none or the file is damaged.
        """
        path = self.path / "arrays" / f"{name}.npz"
        try:
            with np.load(path, allow_pickle=False) as stored:
                return {key: stored[key] for key in stored.files}
        except FileNotFoundError as error:
            raise RunError(f"run {self.id}: has no arrays {name!r}. {self._remedy()}") from error
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise RunError(
                f"run {self.id}: {path.name} is damaged ({error}). {self._remedy()}"
            ) from error

    def has_arrays(self, name: str) -> bool:
        """Whether arrays were saved under ``name``."""
        return (self.path / "arrays" / f"{name}.npz").exists()

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
        try:
            return read_result(self.path, result_type, part, migrations or {})
        except FileNotFoundError:
            what = f"{result_type.__name__}{f' {part!r}' if part else ''}"
            raise RunError(f"run {self.id}: has no {what} yet. {self._remedy()}") from None
        except (Misfit, OSError, ValueError) as error:
            raise RunError(f"run {self.id}: {error}. {self._remedy()}") from None

    def has(self, result_type: type, *, part: str = "") -> bool:
        """Whether a result of this type was saved."""
        return result_path(self.path, result_type, part).exists()

    def results(self) -> dict[str, Any]:
        """Return what `save_results` saved.

        Raises
        ------
        RunError
            If there is nothing yet or the file is damaged.
        """
        path = self.path / "results.json"
        try:
            values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise RunError(f"run {self.id}: has no results yet. {self._remedy()}") from error
        except (OSError, ValueError) as error:
            raise RunError(
                f"run {self.id}: {path.name} is damaged ({error}). {self._remedy()}"
            ) from error
        return values

    # -- opening and closing ------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self.complete:
            return self
        self._require_writable("open")
        checkpoint, complaints = read_latest(self.path / "checkpoints")
        self._checkpoint = checkpoint
        self._cut_log(checkpoint.log_bytes if checkpoint else 0)
        self.manifest.status = "running"
        self.manifest.error = None
        self.manifest.starts.append(now())
        self._started = time.monotonic()
        self._seconds_before = self.manifest.seconds
        self._write_manifest()
        for complaint in complaints:
            self.warn(complaint)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._lock is not None and not self.complete:
                for file in (self._log, self._timings):
                    if file is not None:
                        file.flush()
                        os.fsync(file.fileno())
                        file.close()
                self._log = self._timings = None
                self.manifest.seconds = self._seconds_before + time.monotonic() - self._started
                if error is None:
                    self.manifest.status = "complete"
                    self.manifest.end = now()
                elif isinstance(error, KeyboardInterrupt):
                    self.manifest.status = "interrupted"
                else:
                    self.manifest.status = "failed"
                    self.manifest.error = f"{type(error).__name__}: {error}"
                self._write_manifest()
                if isinstance(error, InputError | DataError) and self._is_empty():
                    # the question was wrong, and nothing has been done: leave no trace of it
                    shutil.rmtree(self.path)
                    with suppress(OSError):
                        self.path.parent.rmdir()
        finally:
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def _is_empty(self) -> bool:
        begun = {entry.name for entry in self.path.iterdir()} - {"manifest.json", ".lock"}
        return not begun and len(self.manifest.starts) == 1

    def _require_writable(self, what: str) -> None:
        if self._lock is None or self.complete:
            raise RunError(
                f"run {self.id}: {what} needs a run that is open for writing. "
                "Use it inside 'with store.open(...)', or start over with --fresh."
            )

    def _append(self, file: BinaryIO | None, name: str, record: Mapping[str, object]) -> BinaryIO:
        self._require_writable("log")
        if file is None:
            file = (self.path / name).open("ab")
        file.write(json.dumps(to_json(record), ensure_ascii=False).encode() + b"\n")
        file.flush()
        return file

    def _cut_log(self, size: int) -> None:
        path = self.path / "metrics.jsonl"
        if path.exists():
            if path.stat().st_size < size:
                raise DataError(
                    f"{path}: is shorter than its checkpoint says. Start over with --fresh."
                )
            os.truncate(path, size)

    def _lines(self, name: str) -> list[dict[str, Any]]:
        path = self.path / name
        if not path.exists():
            return []
        try:
            return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        except (OSError, ValueError) as error:
            raise RunError(
                f"run {self.id}: {name} is damaged ({error}). {self._remedy()}"
            ) from error

    def _write_manifest(self) -> None:
        write_json(self.path / "manifest.json", self.manifest.to_dict())

    def _remedy(self) -> str:
        command = self.manifest.command or "the command that made it"
        if self.complete:
            return f"Make it anew: {command} --fresh"
        return f"The run is {self.manifest.status}: finish it with {command}"


def _as_array(name: str, value: Any) -> np.ndarray:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    if array.dtype == object:
        raise InputError(f"save_arrays: {name} must be numbers or text, got an array of objects.")
    return array
