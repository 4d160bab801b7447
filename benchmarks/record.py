"""Time functions against each other in one run, and keep what came out.

``alternate`` calls the functions in turn, so that a busy machine slows all of them alike; what counts
is the ratio of their medians. ``record`` writes the raw times with machine, versions and commit.
"""

import json
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pitfalls.runs import describe_machine, describe_versions, write_json
from pitfalls.runs.config import to_json
from pitfalls.runs.manifest import now

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).parents[1]


def source_tree() -> str:
    """Return git's name of ``src`` as it is: the same in every commit that has the same sources.

    Raises
    ------
    SystemExit
        If it is modified: what is recorded of such sources belongs to nothing that can be found again.
    """
    if _git("status", "--porcelain", "--", "src"):
        raise SystemExit("src is modified: commit it before something is recorded of it")
    return _git("rev-parse", "HEAD:src")


def last_commit() -> str | None:
    """Return the last commit that changed ``src``: a later one of results alone may yet be moved."""
    try:
        changed = _git("status", "--porcelain", "--", "src")
        return _git("log", "-1", "--format=%h", "--abbrev=12", "--", "src") + "+" * bool(changed)
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternate(
    functions: Mapping[str, Callable[[], object]], repeats: int = 9, warm_up: int = 1
) -> dict[str, dict[str, Any]]:
    """Return for each function its wall and processor seconds, their medians and n."""
    for _ in range(warm_up):
        for function in functions.values():
            function()
    wall: dict[str, list[float]] = {name: [] for name in functions}
    cpu: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            start, start_cpu = time.perf_counter(), time.process_time()
            function()
            wall[name].append(time.perf_counter() - start)
            cpu[name].append(time.process_time() - start_cpu)
    return {name: medians(wall[name], cpu[name]) for name in functions}


def medians(wall: list[float], cpu: list[float]) -> dict[str, Any]:
    """Return the medians of wall and processor seconds, n, and the seconds themselves."""
    return {
        "median_s": statistics.median(wall),
        "median_cpu_s": statistics.median(cpu),
        "n": len(wall),
        "wall_s": wall,
        "cpu_s": cpu,
    }


def described(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's config without the place its data lay at: the fingerprint says what they are."""
    source = config["source"]
    asked = {key: value for key, value in source["config"].items() if key != "data"}
    place = str(source["config"].get("data"))
    warnings = [text.replace(place, Path(place).name) for text in source.get("warnings", ())]
    return {**config, "source": {**source, "config": asked, "warnings": warnings}}


def record(name: str, results: Mapping[str, Any]) -> Path:
    """Write ``benchmarks/results/<name>.json`` and return its path."""
    path = RESULTS / f"{name}.json"
    write_json(
        path,
        {
            "benchmark": name,
            "time": now(),
            "machine": describe_machine(),
            "versions": describe_versions(),
            "commit": last_commit(),
            "results": to_json(results),
        },
    )
    print(f"{path.name}: {json.dumps(to_json(results))[:400]}")
    return path
