"""One run folder: what an experiment writes into it, and what the report reads from it."""

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from filelock import BaseFileLock, FileLock, Timeout

from pitfalls.errors import DataError, InputError, RunError
from pitfalls.escaping import shown
from pitfalls.runs.checkpoint import Checkpoint, read_latest, write_checkpoint
from pitfalls.runs.config import to_json
from pitfalls.runs.converter import Misfit
from pitfalls.runs.log import Log, cut
from pitfalls.runs.manifest import Manifest, now
from pitfalls.runs.reading import METRICS, TIMINGS, ReadableRun
from pitfalls.runs.results import pack_arrays, write_result

__all__ = ["LOCK", "Run"]

LOCK = ".lock"
PATIENCE = 30.0
"""Seconds to wait while another process adds figures to the same finished run."""


class Run(ReadableRun):
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
        super().__init__(path, manifest)
        self._lock = lock
        self._logs: dict[str, Log] = {}
        self._checkpoint: Checkpoint | None = None
        self._last_step: int | None = None
        self._started = time.monotonic()
        self._seconds_before = manifest.seconds
        self.was_opened = lock is not None
        self.set_aside = set_aside

    # -- writing ------------------------------------------------------------------------------

    def log(self, **record: object) -> None:
        """Append one line to ``metrics.jsonl``: only what two equal runs share, so no clock times."""
        self._append(METRICS, record)

    def log_timing(self, **record: object) -> None:
        """Append one line to ``timings.jsonl``: seconds, rates and whatever else may differ."""
        self._append(TIMINGS, record)

    def save_checkpoint(
        self, *, step: int, tensors: Mapping[str, Any], meta: Mapping[str, Any] | None = None
    ) -> None:
        """Save a state to go on from; the metric log is synced and its length and hash noted.

        What the state takes for done (arrays, results, files) must be saved before it.

        Parameters
        ----------
        step : int
            Grows from checkpoint to checkpoint.
        tensors : mapping of str to array or tensor
            Saved exactly, in their dtypes.
        meta : mapping, optional
            Plain JSON values: counters, random-number states as lists or text.
        """
        with self._writing("save_checkpoint", f"checkpoint {step}"):
            self._folder.require_there()
            log = self._logs[METRICS]
            log.sync()
            if not log.is_as_written():
                raise RunError(f"{METRICS} was changed by another hand while the run was open")
            write_checkpoint(
                self.path / "checkpoints", step, tensors, meta or {}, (log.size, log.digest)
            )
            self._last_step = step

    def load_checkpoint(self) -> Checkpoint | None:
        """Return the last whole checkpoint of an interrupted run, or None.

        The metric log was cut back to that checkpoint when the run was opened.
        """
        return self._checkpoint

    def save_arrays(self, name: str, **arrays: Any) -> None:
        """Save arrays (NumPy or torch) as ``arrays/<name>.npz`` in one step."""
        data = pack_arrays({key: _as_array(key, value) for key, value in arrays.items()})
        with self._writing("save_arrays", name):
            self._folder.write(f"arrays/{name}.npz", data)

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
        with self._writing("save", type(result).__name__):
            try:
                write_result(self._folder, result, part)
            except Misfit as misfit:
                raise RunError(
                    f"{type(result).__name__} cannot be saved: {misfit}. "
                    "Give the field what its type says, or correct the type"
                ) from None

    def save_file(self, name: str, data: bytes | str) -> Path:
        """Save a file under the run folder (``figures/x.svg``, say) in one step and return its path.

        A finished run still takes what is drawn from it.
        """
        content = data.encode("utf-8") if isinstance(data, str) else data
        if not self.complete:
            with self._writing("save_file", name):
                return self._folder.write(name, content)
        try:
            with FileLock(self.path / LOCK).acquire(timeout=PATIENCE):
                self._folder.recover()
                return self._folder.write_derived(name, content)
        except Timeout:
            raise RunError(
                f"run {self.id}: another process is working on it. Wait for it."
            ) from None
        except OSError as error:
            raise self._failed(f"writing {name}", error) from error

    def warn(self, text: str) -> None:
        """Add a line that readers of the numbers must see; the same line is kept once."""
        with self._writing("warn", "the manifest"):
            if shown(text) not in self.manifest.warnings:
                self.manifest.warnings.append(shown(text))
                self._folder.write_manifest()

    def take_threads(self, threads: int) -> None:
        """Keep in the manifest with how many threads the run computes, the most of its parts."""
        with self._writing("take threads", "the manifest"):
            if threads > (self.manifest.threads or 0):
                self.manifest.threads = threads
                self._folder.write_manifest()

    # -- opening and closing ------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self.complete:
            return self
        with self._writing("open", "the run"):
            self._folder.recover()
            for name in (METRICS, TIMINGS):  # they grow again: recorded when the run is left
                self.manifest.files.pop(name, None)
            for name in self.manifest.files:
                self.read_file(name)
            self._checkpoint, complaints = read_latest(
                self.path / "checkpoints", self.path / METRICS
            )
            if self._checkpoint is not None:
                self._last_step = self._checkpoint.step
            cut(self.path / METRICS, self._checkpoint.log_bytes if self._checkpoint else 0)
            for name in (METRICS, TIMINGS):
                self._logs[name] = Log(self.path / name)
            self.manifest.status = "running"
            self.manifest.error = None
            self.manifest.starts.append(now())
            self.manifest.warnings += [c for c in complaints if c not in self.manifest.warnings]
            self._started = time.monotonic()
            self._seconds_before = self.manifest.seconds
            self._folder.write_manifest()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._lock is not None and not self.complete:
                if error is None:
                    with self._writing("close", "the end of the run"):
                        self._close(None)
                else:
                    # what is at hand must not hide the error that ended the work
                    with suppress(OSError):
                        self._close(error)
        finally:
            self._folder.close()
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def _close(self, error: BaseException | None) -> None:
        """Write the logs and the last manifest; a run that was taken away cannot be complete."""
        for log in self._logs.values():
            log.close()
        self._folder.require_there()
        for name, log in self._logs.items():
            if not log.is_as_written():
                raise RunError(f"{name} was changed by another hand while the run was open")
            if log.size:
                self.manifest.files[name] = [log.size, log.digest]
        manifest = self.manifest
        manifest.seconds = self._seconds_before + time.monotonic() - self._started
        if error is None:
            for name in manifest.files:
                self._folder.require_size(name)
            self._folder.write_manifest()  # no journal lies beside a complete run's
            manifest.status, manifest.end = "complete", now()
        elif isinstance(error, KeyboardInterrupt):
            manifest.status = "interrupted"
        else:
            manifest.status = "failed"
            manifest.error = f"{type(error).__name__}: {error}"
        try:
            self._folder.write_manifest()
        except OSError:
            manifest.status = "running"  # as the manifest on the disk says
            raise
        if isinstance(error, InputError | DataError) and self._is_empty():
            # the question was wrong, and nothing has been done: leave no trace of it
            shutil.rmtree(self.path)
            with suppress(OSError):
                self.path.parent.rmdir()

    def _is_empty(self) -> bool:
        begun = {entry.name for entry in self.path.iterdir()} - {"manifest.json", LOCK}
        return not begun and len(self.manifest.starts) == 1

    @contextmanager
    def _writing(self, what: str, target: str) -> Iterator[None]:
        """Require an open run; turn what the disk refuses into one line with what was kept."""
        if self._lock is None or self.complete:
            raise RunError(
                f"run {self.id}: {what} needs a run that is open for writing. "
                "Use it inside 'with store.open(...)', or start over with --fresh."
            )
        try:
            yield
        except (InputError, DataError):
            raise
        except RunError as error:
            text = str(error)
            if text.startswith(f"run {self.id}: "):
                raise
            raise RunError(f"run {self.id}: {text}. Then go on with: {self._command}") from error
        except OSError as error:
            raise self._failed(f"writing {target}", error) from error

    def _failed(self, doing: str, error: OSError) -> RunError:
        kept = "what was saved before is kept"
        if self._last_step is not None:
            kept += f", up to checkpoint {self._last_step}"
        where = f" ({Path(error.filename).name})" if isinstance(error.filename, str) else ""
        return RunError(
            f"run {self.id}: {doing} failed: {error.strerror or error}{where}; {kept}. "
            f"Mend the cause, then go on with: {self._command}"
        )

    def _append(self, name: str, record: Mapping[str, object]) -> None:
        with self._writing("log", name):
            self._logs[name].append(to_json(record))


def _as_array(name: str, value: Any) -> np.ndarray:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    if array.dtype == object:
        raise InputError(f"save_arrays: {name} must be numbers or text, got an array of objects.")
    return array
