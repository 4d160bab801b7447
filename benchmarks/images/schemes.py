"""The homework's 4e at its own size: one epoch of each scheme on all of CIFAR-10.

    python benchmarks/images/schemes.py DATA --runs FOLDER [--precision bfloat16]

Goes on where it was interrupted; the raw log stays in the run folder.
"""

import argparse
from pathlib import Path

import torch
from benchmarks.images.rows import pictures_of, row_of, seconds_of
from benchmarks.record import described, record

from pitfalls.experiments.image_compare import EXPERIMENT, CompareConfig
from pitfalls.experiments.image_source import find_images
from pitfalls.frame.bars import TerminalProgress
from pitfalls.frame.experiment import run_experiment
from pitfalls.images import DataConfig
from pitfalls.images.training.config import TrainConfig
from pitfalls.runs import RunStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--subset-train", type=int)
    parser.add_argument("--subset-val", type=int)
    options = parser.parse_args()
    source = find_images(
        DataConfig(options.data, subset_train=options.subset_train, subset_val=options.subset_val)
    )
    config = CompareConfig(source, training=TrainConfig(precision=options.precision))
    finished = run_experiment(
        EXPERIMENT, config, RunStore(options.runs), progress=TerminalProgress()
    )
    run, result = finished.run, finished.result
    if options.subset_train is None:
        record(
            "images-schemes",
            {
                "config": described(run.config),
                "threads": torch.get_num_threads(),
                "n_seeds": 1,
                "note": "seconds and processor seconds are of training steps alone, on a machine "
                "shared with other work: processor seconds over 2 is what two quiet cores need",
                **pictures_of(result.pictures),
                "rows": [
                    row_of(t, result.training.precision, *seconds_of(run, t))
                    for t in result.trainings
                ],
                "diverged": result.diverged,
            },
        )


if __name__ == "__main__":
    main()
