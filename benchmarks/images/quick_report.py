"""What ``pitfalls report --quick`` takes and shows on CIFAR-10: processor seconds by part, accuracies.

    OMP_NUM_THREADS=1 python -m benchmarks.images.quick_report DATA --runs FOLDER

In an empty folder of runs it measures the whole, also when it is interrupted and called again: every run
of the report, then the page and the PDF, in the report's order. The work is what the report chooses for
``--threads`` (two); the runs take one thread, because threads that wait for each other burn processor
time where other work runs beside them. Of a part that can use two cores half its processor seconds are
what two quiet cores need, of another all.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from benchmarks.record import record
from joblib.externals.loky import get_reusable_executor

from pitfalls.experiments.homework import homework_configs, timed
from pitfalls.experiments.image_homework import homework_images
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.frame.session import interruptible
from pitfalls.report import build
from pitfalls.runs import RunStore

SERIAL = (
    "reading",
    "choosing",
    "images-pace",
    "linear-ranks",
    "diagnosis-labs",
    "verify",
    "report",
)
"""Parts that keep one core busy, however many there are."""


class Clock:
    """Wall and processor seconds by part, those of processes that a part starts too.

    Kept in a file beside the runs: what is interrupted is gone on with, and counts as it did.
    """

    def __init__(self, kept: Path) -> None:
        self.kept = kept
        self.parts: dict[str, dict[str, Any]] = (
            json.loads(kept.read_text()) if kept.exists() else {}
        )

    def measure(self, name: str, act: Callable[[], Any]) -> Any:
        """Do a part, or the rest of it, and return what it gives; done parts count once."""
        start, used = time.perf_counter(), self._used()
        part = self.parts.setdefault(name, {"seconds": 0.0, "cpu_seconds": 0.0, "done": False})
        done = False
        try:
            found = act()
            get_reusable_executor().shutdown(wait=True)  # whose seconds count when it has ended
            done = True
        finally:
            if not part["done"]:
                part["seconds"] += time.perf_counter() - start
                part["cpu_seconds"] += self._used() - used
                part["done"] = done
                self.kept.parent.mkdir(parents=True, exist_ok=True)
                self.kept.write_text(json.dumps(self.parts))
            print(name, part, flush=True)
        return found

    @property
    def on_two_cores(self) -> float:
        """Seconds on two quiet cores."""
        return sum(
            part["cpu_seconds"] / (1 if name in SERIAL else 2) for name, part in self.parts.items()
        )

    @staticmethod
    def _used() -> float:
        own, children = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in (own, children))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if torch.get_num_threads() != 1:
        raise SystemExit("set OMP_NUM_THREADS=1: see above")
    command = f"pitfalls report --quick --data {options.data}"
    store, results = RunStore(options.runs), {}
    clock = Clock(options.runs.with_suffix(".parts.json"))

    def make(experiment: Any, config: Any) -> Any:
        if experiment.name == "images-pace":
            config = replace(config, threads=options.threads)
        finished = clock.measure(
            experiment.name, lambda: run_experiment(experiment, config, store, command=command)
        )
        results[experiment.name] = finished.result
        return finished.result

    asked = Homework("quick", options.data)
    clock.measure("reading", lambda: homework_images(asked).load())  # read and looked through once
    asked = timed(asked, make)
    for experiment, config in clock.measure("choosing", lambda: homework_configs(asked)):
        make(experiment, config)
    clock.measure("report", lambda: build(store, options.runs / "report", scale="quick scale"))

    compare, further, fast = (results[f"images-{name}"] for name in ("compare", "train", "fast"))
    record(
        "images-quick-report",
        {
            "n": 1,
            "chosen for threads": options.threads,
            "cpu_seconds": sum(part["cpu_seconds"] for part in clock.parts.values()),
            "seconds on two quiet cores": clock.on_two_cores,
            "serial": SERIAL,
            "parts": {
                name: {what: part[what] for what in ("seconds", "cpu_seconds")}
                for name, part in clock.parts.items()
            },
            "pace": results["images-pace"].paces,
            "fastnet": {
                "sides": fast.training.image_sizes,
                "precision": fast.training.precision,
                "test_accuracy": fast.accuracy,
            },
            "schemes": {row.scheme: row.held_out for row in compare.rows},
            "steps a scheme": further.trained.n_steps // further.training.epochs,
            "told_apart": not compare.tied,
            "further": {
                "scheme": further.trained.scheme,
                "test_accuracy": further.trained.test_accuracy,
                "steps": further.trained.n_steps,
            },
        },
    )


if __name__ == "__main__":
    with interruptible():
        main()
