"""Sweeps: cells a second on each backend, in turn; seconds a kept cell as the grid grows.

Run: python -m benchmarks.parity.sweeps   (three minutes on two cores)

The workers of Dask and Ray are started anew each time, as in a sweep; loky keeps its own from the first
time on. The start is timed apart, as the seconds of a sweep of one cell. Keeping is timed in one process,
with the training taken out and the run in memory where the machine has a file system for that: what is
left is what a sweep itself costs.
"""

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import numpy as np
from benchmarks.record import record, timed
from benchmarks.sections import ROOT, machine, read, table, write_sections

import pitfalls.experiments.parity_sweep.run as sweep
from pitfalls.clusters import Backend, run_jobs
from pitfalls.experiments.parity_sweep import SweepConfig
from pitfalls.parity import CellResult, LearningConfig, SweepCell, run_cell, sweep_cells
from pitfalls.progress import silent
from pitfalls.prose import number
from pitfalls.runs import RunStore

PACKAGES = {"loky": "joblib", "dask": "distributed", "ray": "ray"}
WORKERS = 2
GUIDE = ROOT / "docs" / "guides" / "machines.md"
SECTION_NOTE = (
    "Medians of n rounds. Dask and Ray start their workers in every round, loky in its first alone."
)
MEMORY = Path("/dev/shm")


def throughput(n_cells: int, rounds: int) -> dict[str, Any]:
    """Time the same cells on each backend that is installed, one after another, in rounds."""
    config = LearningConfig(n_iterations=1_000, record_every=500)
    rates = [(1_000 + i) / 1e6 for i in range(n_cells)]
    jobs = [(cell, 1, config) for cell in sweep_cells([10], [2], rates=rates)]
    names = [name for name in get_args(Backend) if name in PACKAGES and find_spec(PACKAGES[name])]
    alone = [timed(lambda: [run_cell(*job) for job in jobs]) for _ in range(rounds)]
    start: dict[str, list[float]] = {name: [] for name in names}
    whole: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            for seconds, asked in ((start, jobs[:1]), (whole, jobs)):
                seconds[name].append(
                    timed(partial(run_jobs, run_cell, asked, backend=name, n_jobs=WORKERS))
                )
    rows = {
        name: {
            "n": rounds,
            "start_s": start[name],
            "whole_s": whole[name],
            "cells_per_s": n_cells / statistics.median(whole[name]),
            "cells_per_s_once_started": _rate(n_cells, start[name], whole[name]),
            "over_loky": statistics.median(whole["loky"]) / statistics.median(whole[name]),
        }
        for name in names
    }
    one = n_cells / statistics.median(alone)
    return {
        "cells": n_cells, "workers": WORKERS, "backends": rows,
        "one_process": {"n": rounds, "whole_s": alone, "cells_per_s": one},
    }  # fmt: skip


def _rate(n_cells: int, start: Sequence[float], whole: Sequence[float]) -> float | None:
    """Return cells a second without the start; None where it hides them."""
    left = statistics.median(w - s for w, s in zip(whole, start, strict=True))
    return (n_cells - 1) / left if left > 0 else None


def untrained(cell: SweepCell, n_seeds: int) -> CellResult:
    """Return what a training of ten records could have found."""
    found, curves = np.full(n_seeds, 0.5), np.zeros((n_seeds, 10))
    return CellResult(
        cell, found, found, np.full(n_seeds, -1), np.zeros(n_seeds, bool), np.arange(10), curves, curves
    )  # fmt: skip


def keeping(sizes: Sequence[int]) -> list[dict[str, Any]]:
    """Time a sweep whose cells are there at once: all that it does with each, and with all."""
    rows = []
    trained = sweep.run_jobs  # type: ignore[attr-defined]
    for size in sizes:
        rates = tuple((1_000 + i) / 1e6 for i in range(size))
        config = SweepConfig((10,), (2,), learning_rates=rates)
        seconds: list[float] = []

        def at_once(
            _: Any, jobs: Any, *, on_result: Any, seconds: Any = seconds, **__: Any
        ) -> None:
            for place, (cell, n_seeds, _) in enumerate(jobs):
                result = untrained(cell, n_seeds)
                seconds.append(timed(partial(on_result, place, result)))

        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
            sweep.run_jobs = at_once  # type: ignore[attr-defined,assignment]
            try:
                with RunStore(folder).open("parity-sweep", config) as run:
                    start = time.perf_counter()
                    run.save(sweep.run(config, run, silent))
                whole = time.perf_counter() - start
            finally:
                sweep.run_jobs = trained  # type: ignore[attr-defined]
        tenth = max(1, size // 10)
        rows.append(
            {
                "cells": size,
                "n": tenth,
                "first_tenth_ms": 1e3 * statistics.median(seconds[:tenth]),
                "last_tenth_ms": 1e3 * statistics.median(seconds[-tenth:]),
                "whole_s": whole,
                "whole_ms_a_cell": 1e3 * whole / size,
            }
        )
        print(rows[-1], flush=True)
    return rows


def throughput_section() -> str:
    """Write cells a second on each backend."""
    stored = read("parity_sweeps")
    if stored is None:
        return ""
    found = stored["results"]["throughput"]
    rows = [
        (
            name, row["n"], number(statistics.median(row["start_s"]), 2),
            number(row["cells_per_s"], 2), number(row["over_loky"], 2),
            number(row["cells_per_s_once_started"], 2),
        )
        for name, row in found["backends"].items()
    ]  # fmt: skip
    heads = (
        "backend", "n", "a sweep of one cell, s", f"cells a second, of {found['cells']}",
        "as a share of loky's", "cells a second once started",
    )  # fmt: skip
    return f"{table(heads, rows)}\n\n{SECTION_NOTE} {machine(stored)}; `parity_sweeps.json`."


def keeping_section() -> str:
    """Write milliseconds a kept cell."""
    stored = read("parity_sweeps")
    if stored is None:
        return ""
    rows = [
        (f"{r['cells']:,}", r["n"], number(r["first_tenth_ms"], 2), number(r["last_tenth_ms"], 2))
        for r in stored["results"]["keeping"]
    ]
    heads = ("cells", "n", "one of the first tenth, ms", "one of the last tenth, ms")
    return table(heads, rows)


def main() -> None:
    """Time both and record, but for the toy size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a toy size; nothing is recorded")
    parser.add_argument("--page", action="store_true", help="write the guide's tables only")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if asked.page:
        write_sections(GUIDE, SECTIONS)
        return
    warnings.filterwarnings("ignore")
    small = asked.small
    found: dict[str, Any] = {
        "keeping": keeping((10, 20) if small else (100, 1_000, 10_000)),
        "throughput": throughput(4 if small else 200, 1 if small else asked.rounds),
    }
    if small:
        print({name: row["n"] for name, row in found["throughput"]["backends"].items()})
    else:
        record("parity_sweeps", found)


SECTIONS = {"throughput": throughput_section, "keeping": keeping_section}

if __name__ == "__main__":
    main()
