"""The homework's 4f at its own size: train on with the best scheme of 4e, one cycle and FastNet beside it.

    python benchmarks/images/further.py DATA --runs FOLDER

Goes on where it was interrupted, in the middle of an epoch too; hours on two cores. The configs are those of
``pitfalls report --full``, whose report finds the runs again.
"""

import argparse
from pathlib import Path

import torch
from benchmarks.images.rows import pictures_of, row_of
from benchmarks.record import described, record

from pitfalls.experiments.image_compare import EXPERIMENT as COMPARE
from pitfalls.experiments.image_fast import EXPERIMENT as FAST
from pitfalls.experiments.image_train import EXPERIMENT as FURTHER
from pitfalls.frame import Homework
from pitfalls.frame.bars import TerminalProgress
from pitfalls.frame.experiment import run_experiment
from pitfalls.runs import RunStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--runs", type=Path, required=True)
    options = parser.parse_args()
    asked, store = Homework("full", options.data), RunStore(options.runs)
    found = {}
    for experiment in (COMPARE, FURTHER, FAST):
        (config,) = experiment.homework(asked)
        found[experiment] = run_experiment(experiment, config, store, progress=TerminalProgress())
    further, fast = found[FURTHER].result, found[FAST].result
    record(
        "images-further",
        {
            "config": {**described(found[FURTHER].run.config), "training": further.training},
            "threads": torch.get_num_threads(),
            "boundary": "seconds are of training steps; without loading, checkpoints and testing. "
            "Processor seconds over 2 is what two quiet cores need",
            **pictures_of(further.pictures),
            "n": 1,
            "best scheme of one epoch": found[COMPARE].result.best.scheme,
            "over 90 %": {
                one.scheme: bool(one.test_accuracy - 2 * further.error_of(one) > 0.9)
                for one in (further.trained, further.cycle)
                if one is not None
            },
            "resnet18": [
                row_of(one, further.training.precision, clock.seconds, clock.cpu_seconds)
                for one, clock in (
                    (further.trained, further.clock),
                    (further.cycle, further.cycle_clock),
                )
                if one is not None and clock is not None
            ],
            "fastnet": row_of(
                fast.trainings[0],
                fast.training.precision,
                fast.clocks[0].seconds,
                fast.clocks[0].cpu_seconds,
            ),
        },
    )


if __name__ == "__main__":
    main()
