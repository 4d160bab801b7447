"""What ``pitfalls report --quick`` takes and shows on CIFAR-10: wall and processor seconds, accuracies.

    python benchmarks/images/quick_report.py DATA --runs FOLDER

In an empty folder of runs it measures the whole. Processor seconds over 2 is what two quiet cores
need at most.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.record import record

from pitfalls.experiments.catalogue import experiment_named
from pitfalls.runs import RunStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--runs", type=Path, required=True)
    options = parser.parse_args()
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pitfalls", "report", "--quick", "--data", options.data,
         "--runs", str(options.runs), "--out", str(options.runs / "report")],
        check=True,
    )  # fmt: skip
    wall, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    store = RunStore(options.runs)

    def result(name: str):
        (run,) = store.list(name)
        return run.load(experiment_named(name).result)

    compare, further, fast = map(result, ("images-compare", "images-train", "images-fast"))
    record(
        "images-quick-report",
        {
            "n": 1,
            "seconds": wall,
            "cpu_seconds": used.ru_utime + used.ru_stime,
            "pace": result("images-pace").paces,
            "fastnet": {"sides": fast.training.image_sizes, "test_accuracy": fast.accuracy},
            "schemes": {row.scheme: row.held_out for row in compare.rows},
            "told_apart": not compare.tied,
            "further": {
                "scheme": further.trained.scheme,
                "test_accuracy": further.trained.test_accuracy,
                "steps": further.trained.n_steps,
            },
            "parts": {run.manifest.experiment: run.manifest.seconds for run in store.list()},
        },
    )


if __name__ == "__main__":
    main()
