"""The works that faults are tried on, and what must be equal after them."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pitfalls.runs import Run, RunStore

COMMANDS = {
    "parity train": "parity train -d 4 --n-iterations 300",
    "parity sweep": "parity sweep -d 3 4 --weights 2 --n-seeds 1 --n-iterations 100 --n-jobs 1",
    "parity signal": "parity signal -d 2 3",
    "linear descend": "linear descend --steps 60",
    "images train": (
        "images train --data digits --subset-train 64 --subset-val 32 --epochs 2 --batch-size 32 "
        "--checkpoint-every 1 --model fastnet --widths 4 4 4"
    ),
}
VOLATILE = {"manifest.json", "timings.jsonl", ".lock", "derived.json"}
"""Files that hold times, or hashes of the others."""


@dataclass(frozen=True)
class Kind:
    """A work: what it does in a folder, and what it is given there.

    Attributes
    ----------
    name : str
    work : callable
        From the folder to an exit code; the same call again must end with the same bytes.
    prepare : callable
        Fills a new folder.
    """

    name: str
    work: Callable[[Path], int]
    prepare: Callable[[Path], None] = lambda folder: None


def command(line: str) -> Callable[[Path], int]:
    """Return the work of a command of ours."""

    def work(folder: Path) -> int:
        from pitfalls.cli import main

        return main([*line.split(), "--runs", str(folder / "runs"), "--threads", "1"])

    return work


def report_kind(runs: Path) -> Kind:
    """Return the work of writing a report from finished runs."""

    def prepare(folder: Path) -> None:
        shutil.copytree(runs, folder / "runs", copy_function=os.link)

    def work(folder: Path) -> int:
        from pitfalls.cli import main

        return main(["report", "--from", str(folder / "runs"), "--out", str(folder / "report")])

    return Kind("report", work, prepare)


@dataclass(frozen=True)
class SmallConfig:
    """Of the run that uses everything a run can do, and computes nothing."""

    seed: int = 0


@dataclass(frozen=True)
class SmallResult:
    """What it finds."""

    total: float
    walk: np.ndarray


def small_work(folder: Path) -> int:
    """Walk at random: log, checkpoint, arrays, a file, a result, a figure; go on after an interruption."""
    from pitfalls.errors import PitfallsError

    try:
        with RunStore(folder / "runs").open("small", SmallConfig(), command="small") as run:
            if not run.complete:
                _walk(run)
        if not run.has_file("figures/walk.svg"):
            run.save_file("figures/walk.svg", "<svg/>")
        assert run.load(SmallResult).walk.shape == (2,)
        assert len(run.metrics()) == 4
    except PitfallsError as error:
        print(f"pitfalls: error: {error}")
        return 1
    return 0


def _walk(run: Run) -> None:
    checkpoint = run.load_checkpoint()
    walk, first = np.zeros(2), 0
    if checkpoint is not None:
        walk, first = checkpoint.tensors["walk"], checkpoint.step
    for step in range(first, 4):
        walk = walk + np.random.default_rng([1, step]).standard_normal(2)
        run.log(step=step, at=walk)
        run.log_timing(step=step, seconds=0.1)
        if step % 2:
            run.save_arrays(
                "so-far", walk=walk
            )  # before the checkpoint, which says that it is done
            run.save_checkpoint(step=step + 1, tensors={"walk": walk})
    run.warn("a warning")
    run.save(SmallResult(float(walk.sum()), walk))
    run.save_file("note.txt", "done")


SMALL = Kind("small", small_work)


def content(folder: Path) -> dict[str, str]:
    """Return the hash of every file that two equal works must share."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or path.name in VOLATILE:
            continue
        data = path.read_bytes()
        if path.suffix == ".json":
            data = json.dumps(_without_times(json.loads(data)), sort_keys=True).encode()
        found[name] = hashlib.sha256(data).hexdigest()
    return found


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        volatile = ("seconds", "sha256", "clock")
        return {k: _without_times(v) for k, v in value.items() if not any(v in k for v in volatile)}
    if isinstance(value, list):
        return [_without_times(item) for item in value]
    return value


def faults_of(folder: Path) -> list[str]:
    """Return what is not as it should be in the runs of a folder after a work has ended well."""
    store = RunStore(folder / "runs")
    faults = [line for lines in store.check().values() for line in lines]
    faults += [f"{run.id} is {run.manifest.status}" for run in store.list() if not run.complete]
    faults += [f"left over: {path.name}" for path in store.root.rglob(".*.new")]
    return faults
