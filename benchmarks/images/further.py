"""The homework's 4f at its own size: train on with the best scheme of 4e, one cycle and FastNet beside it.

    python benchmarks/images/further.py DATA --runs FOLDER [--cycle]

Goes on where it was interrupted, in the middle of an epoch too; hours on two cores. The configs are those of
``pitfalls report --full``, whose report finds the runs again. With --cycle the cycle alone, under a
name of its own: a machine that is at hand for an hour.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from benchmarks.images.rows import pictures_of, row_of
from benchmarks.record import described, record

from pitfalls.experiments.image_compare import EXPERIMENT as COMPARE
from pitfalls.experiments.image_fast import EXPERIMENT as FAST
from pitfalls.experiments.image_train import EXPERIMENT as FURTHER
from pitfalls.experiments.image_train import TrainRunResult
from pitfalls.experiments.image_train.run import further
from pitfalls.frame import Homework
from pitfalls.frame.bars import TerminalProgress
from pitfalls.frame.experiment import Finished, run_experiment
from pitfalls.runs import RunStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--cycle", action="store_true", help="train one cycle alone")
    options = parser.parse_args()
    asked, store = Homework("full", options.data), RunStore(options.runs)
    if options.cycle:
        _train_cycle(asked, store)
        return
    found = {}
    for experiment in (COMPARE, FURTHER, FAST):
        (config,) = experiment.homework(asked)
        found[experiment] = run_experiment(experiment, config, store, progress=TerminalProgress())
    fast = found[FAST].result
    record(
        "images-further",
        {
            **_described(found[FURTHER]),
            "best scheme of one epoch": found[COMPARE].result.best.scheme,
            "fastnet": row_of(
                fast.trainings[0],
                fast.training.precision,
                fast.clocks[0].seconds,
                fast.clocks[0].cpu_seconds,
            ),
        },
    )


def _train_cycle(asked: Homework, store: RunStore) -> None:
    (config,) = FURTHER.homework(asked)
    alone = replace(config, compared="", training=further(config.training, "one_cycle"))
    found = run_experiment(FURTHER, alone, store, progress=TerminalProgress())
    record("images-further-cycle", _described(found))


def _described(done: Finished[TrainRunResult]) -> dict[str, Any]:
    result = done.result
    return {
        "config": {**described(done.run.config), "training": result.training},
        "threads": torch.get_num_threads(),
        "boundary": "seconds are of training steps; without loading, checkpoints and testing. "
        "Processor seconds over 2 is what two quiet cores need",
        **pictures_of(result.pictures),
        "n": 1,
        "resnet18": [
            row_of(one, result.training.precision, clock.seconds, clock.cpu_seconds)
            for one, clock in result.timed
        ],
    }


if __name__ == "__main__":
    main()
