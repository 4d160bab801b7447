"""Whether everything in a run folder is as it was written."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from pitfalls.errors import RunError
from pitfalls.regular import read_regular
from pitfalls.runs import plain
from pitfalls.runs.checkpoint import read_checkpoints
from pitfalls.runs.folder import DERIVED
from pitfalls.runs.log import fits
from pitfalls.runs.manifest import read_manifest
from pitfalls.runs.reading import METRICS, ReadableRun

__all__ = ["check_run", "folder_size"]


def check_run(path: Path) -> list[str]:
    """Return one line for each thing in a run folder that is not as it was written.

    Parameters
    ----------
    path : Path
        The run folder; nothing in it is changed.

    Returns
    -------
    list of str
        Empty if manifest, results, arrays, logs, figures and checkpoints are whole.
    """
    try:
        run = ReadableRun(path, read_manifest(path))
    except RunError as error:
        return [str(error)]
    faults = []
    names = {*run.manifest.files}
    with suppress(RunError):  # said below
        names |= {*run.drawn()}
    for name in sorted(names):
        try:
            run.read_file(name)
        except RunError as error:
            faults.append(str(error))
    if not faults:
        try:
            run.metrics(), run.timings()
        except RunError as error:
            faults.append(str(error))
    log_is_whole = not any(METRICS in fault for fault in faults)
    return faults + _check_drawn(run) + _check_checkpoints(run, log_is_whole=log_is_whole)


def folder_size(path: Path) -> int:
    """Return the bytes of the files in a folder; links count for nothing."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):  # another process may be removing it
                found = os.lstat(os.path.join(folder, name))
                total += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return total


def _check_drawn(run: ReadableRun) -> list[str]:
    path = run.path / DERIVED
    if not path.exists():
        return []
    try:
        content = plain.load(read_regular(path))
        if content["sha256"] != plain.digest(content["files"]):
            raise ValueError("its checksum does not match")
    except (OSError, ValueError, KeyError, TypeError) as error:
        again = run.manifest.command or "the command that made the run"
        return [f"run {run.id}: {DERIVED} is damaged ({error}). To draw the figures anew: {again}"]
    return []


def _check_checkpoints(run: ReadableRun, *, log_is_whole: bool) -> list[str]:
    faults = []
    for description, found in read_checkpoints(run.path / "checkpoints"):
        if isinstance(found, str):
            faults.append(f"is damaged ({found})")
        elif log_is_whole and not fits(run.path / METRICS, found[0].log_bytes, found[1]):
            faults.append(f"does not fit {METRICS}")
        else:
            continue
        faults[-1] = (
            f"run {run.id}: checkpoints/{description.name} {faults[-1]}. An older one is used instead, "
            "or none, when the run goes on."
        )
    return faults
