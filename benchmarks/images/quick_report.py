"""What ``pitfalls report --quick`` takes and shows on CIFAR-10: seconds by part, accuracies.

    python -m benchmarks.images.quick_report DATA [--repeats 2]

The command itself, each time into an empty folder of runs, with nothing beside it. The first time its
kernels are compiled too, as for somebody who has just installed it. From what is recorded the section of
``docs/guides/report.md`` is made; with ``--repeats 0`` from what was recorded before.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.record import ROOT, record
from benchmarks.sections import machine, read, table, write_sections

from pitfalls.experiments.image_compare import EXPERIMENT as COMPARE
from pitfalls.experiments.image_fast import EXPERIMENT as FAST
from pitfalls.experiments.image_train import EXPERIMENT as TRAIN
from pitfalls.runs import RunStore

NAME = "images-quick-report"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    if options.repeats:
        with TemporaryDirectory() as folder:
            place = Path(folder)
            rows = [
                measured(str(Path(options.data).resolve()), place, at)
                for at in range(options.repeats)
            ]
        record(NAME, {"n": len(rows), "rows": rows})
    write_sections(ROOT / "docs" / "guides" / "report.md", {"quick report": section})


def measured(data: str, place: Path, at: int) -> dict[str, Any]:
    """Run the command and say what it took, with all its processes, and what it found."""
    asked = ["report", "--quick", "--data", data, "--runs", f"{at}", "--out", f"{at}-report"]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "PITFALLS_"))}
    busy, start, used = os.getloadavg()[0], time.perf_counter(), children()
    subprocess.run(
        [sys.executable, "-m", "pitfalls", *asked],
        cwd=place,
        env={**inherited, "NUMBA_CACHE_DIR": str(place / "compiled")},
        check=True,
    )
    seconds, cpu_seconds = time.perf_counter() - start, children() - used
    runs = {run.manifest.experiment: run for run in RunStore(place / str(at)).list()}
    compare, fast, further = (
        runs[experiment.name].load(experiment.result) for experiment in (COMPARE, FAST, TRAIN)
    )
    return {
        "compiled before": at > 0,
        "load before": busy,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "parts": {name: run.manifest.seconds for name, run in runs.items()},
        "waits": runs[FAST.name].manifest.machine["idle_threads"],
        "fastnet": {
            "sides": fast.training.image_sizes,
            "precision": fast.training.precision,
            "test_accuracy": fast.accuracy,
        },
        "steps a scheme": compare.trainings[0].n_steps,
        "schemes": {row.scheme: row.held_out for row in compare.rows},
        "n_test": compare.pictures.n("test"),
        "tied": [row.scheme for row in compare.tied],
        "further": {
            "scheme": further.trained.scheme,
            "test_accuracy": further.trained.test_accuracy,
            "steps": further.trained.n_steps,
        },
    }


def children() -> float:
    """Return the processor seconds of ended child processes."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def section() -> str:
    stored = read(NAME)
    if stored is None:
        return "No run of the quick report is recorded."
    r = stored["results"]
    schemes = list(r["rows"][0]["schemes"])
    rows = [
        [
            "compiled before" if row["compiled before"] else "just installed",
            f"{row['seconds']:.0f} s",
            f"{100 * row['fastnet']['test_accuracy']:.1f} % after {len(row['fastnet']['sides'])} epochs",
            row["steps a scheme"],
            *(f"{100 * row['schemes'][scheme]:.1f} %" for scheme in schemes),
            "no" if row["tied"] else "yes",
            f"{100 * row['further']['test_accuracy']:.1f} % after {row['further']['steps']} steps",
        ]
        for row in r["rows"]
    ]
    dearest = sorted(r["rows"][0]["parts"].items(), key=lambda part: -part[1])[:4]
    return (
        table(
            ["kernels", "the command", "FastNet", "steps a scheme", *(f"`{s}`" for s in schemes),
             "told apart", "4f"], rows,
        )
        + f"\n\nOn {stored['machine']['cores']} cores with nothing beside it, n = 1 a row; accuracy on test "
        f"images, {r['rows'][0]['n_test']:,} of them for the ResNet18 ({machine(stored)}). The dearest parts "
        f"of the first row: {', '.join(f'`{name}` {seconds:.0f} s' for name, seconds in dearest)}."
    )  # fmt: skip


if __name__ == "__main__":
    main()
