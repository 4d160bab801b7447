"""Cost against d, k, n, depth, images and processes, beside the limit measured in the same run.

    python -m benchmarks.growth [--largest small|full] [--part NAME...] [--state FILE] [--fresh]

At each size ours and its limit take turns on one thread. ``full`` keeps what is measured in
``build/growth.json``, part by part, goes on from there when it is called again, and records
``benchmarks/results/growth.json`` once every part is there: about six minutes on two quiet cores.
``small`` takes seconds, shows that everything runs, and records nothing.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numba
import torch
from benchmarks.growth.curves import CURVES, Case, Curve, Work
from benchmarks.record import ROOT, alternate, last_commit, medians, record
from threadpoolctl import threadpool_limits

from pitfalls.runs import describe_machine, write_json

KEPT = ROOT / "build" / "growth.json"
LEAST, MOST = 3, 9  # turns
SECONDS = {"full": 2.0, "small": 0.05}
"""Of turns at one size, after which the least number of them is enough."""


def turns(functions: Mapping[str, Work], seconds: float) -> dict[str, dict[str, Any]]:
    """Let functions take turns; the first turn only warms up, unless it alone takes so long."""
    start = time.perf_counter()
    taken = [alternate(functions, 1, 0)]
    if time.perf_counter() - start < seconds:
        taken.clear()
        start = time.perf_counter()
    while len(taken) < LEAST or (len(taken) < MOST and time.perf_counter() - start < seconds):
        taken.append(alternate(functions, 1, 0))
    return {
        name: medians(
            [turn[name]["median_s"] for turn in taken],
            [turn[name]["median_cpu_s"] for turn in taken],
        )
        for name in functions
    }


def row(size: int, case: Case, seconds: float) -> dict[str, Any]:
    """Measure one size: seconds are of one piece of work, ours, its part's and the limit's."""
    found: dict[str, Any] = {"size": size, **case.facts}
    for name, times in turns(case.functions, seconds).items():
        pieces = case.calls
        if name == "limit" and case.limit_calls is not None:
            pieces = case.limit_calls
        wall, cpu = ([t / pieces for t in times[key]] for key in ("wall_s", "cpu_s"))
        found[name] = medians(wall, cpu)
    return found


def curve(asked: Curve, largest: str) -> dict[str, Any]:
    """Measure a curve from its smallest size on."""
    sizes = getattr(asked, largest)
    rows: list[dict[str, Any]] = []
    for size in sizes.sizes:
        case = asked.case(size, **sizes.fixed)
        if not rows:  # what is compiled is compiled here
            for function in case.functions.values():
                function()
        rows.append(row(size, case, SECONDS[largest]))
        times = {name: rows[-1][name][asked.clock] for name in case.functions}
        print(asked.name, size, {name: f"{t:.3g} s" for name, t in times.items()}, flush=True)
    words = {key: getattr(asked, key) for key in ("axis", "what", "limit", "part", "clock")}
    return {**words, "fixed": dict(sizes.fixed), "rows": rows}


def measure(
    largest: str, names: Sequence[str], kept: Path | None, *, fresh: bool
) -> dict[str, Any]:
    """Measure the parts that are asked for, but those that ``kept`` has of the same sources."""
    same = {"largest": largest, "commit": last_commit(), "machine": describe_machine()}
    state: dict[str, Any] = {**same, "parts": {}}
    if kept is not None and kept.exists() and not fresh:
        before = json.loads(kept.read_text())
        if {key: before.get(key) for key in same} == same:
            state = before
        else:
            print(
                f"{kept.name} is of other sources, sizes or another machine: all is measured anew"
            )
    parts = state["parts"]
    # as many threads for ours as for its limit
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    with threadpool_limits(1):
        for asked in CURVES:
            if asked.name not in names:
                continue
            if asked.name in parts:
                print(f"{asked.name}: done before")
                continue
            parts[asked.name] = curve(asked, largest)
            if kept is not None:
                kept.parent.mkdir(parents=True, exist_ok=True)
                write_json(kept, state)
    return {"largest": largest, "threads": 1, "parts": parts}


def main(arguments: Sequence[str] | None = None) -> None:
    every = [asked.name for asked in CURVES]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--largest", choices=tuple(SECONDS), default="full")
    parser.add_argument("--part", nargs="+", choices=every, default=every)
    parser.add_argument("--state", type=Path, help="where finished parts are kept")
    parser.add_argument("--fresh", action="store_true", help="measure what is kept once more")
    options = parser.parse_args(arguments)
    kept = options.state or (KEPT if options.largest == "full" else None)
    results = measure(options.largest, options.part, kept, fresh=options.fresh)
    missing = [name for name in every if name not in results["parts"]]
    if options.largest != "full":
        print("small sizes: nothing is recorded")
    elif missing:
        print(f"not recorded yet: {', '.join(missing)} to be measured")
    else:
        results["parts"] = {name: results["parts"][name] for name in every}
        record("growth", results)
        if kept is not None:
            kept.unlink(missing_ok=True)  # the next call measures anew


if __name__ == "__main__":
    main()
