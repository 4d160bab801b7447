"""The fast recipe on CIFAR-10's test set, several seeds: accuracy, seconds, processor seconds.

    python -m benchmarks.images.fast DATA --runs FOLDER [--target 94-six] [--seeds 3]

With ATEN_CPU_CAPABILITY=avx2, ONEDNN_MAX_CPU_ISA=AVX2 and NUMBA_CPU_NAME=haswell in the environment, and
the options --precision float32 --suffix=-avx2, it is what a processor without bfloat16 units takes. Goes
on where it was interrupted; the raw log stays in the run folder. GOMP_SPINCOUNT=20000 in the environment
is how the program itself lets torch's threads wait.
"""

import argparse
import os
from pathlib import Path

import torch
from benchmarks.images.recipes import RECIPES
from benchmarks.images.rows import pictures_of, row_of
from benchmarks.record import described, record

from pitfalls.experiments.image_fast import EXPERIMENT, FastConfig
from pitfalls.experiments.image_source import find_images
from pitfalls.frame.bars import TerminalProgress
from pitfalls.frame.experiment import run_experiment
from pitfalls.images import DataConfig
from pitfalls.runs import RunStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--target", default="90", choices=RECIPES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--precision", default="auto", choices=("auto", "float32", "bfloat16"))
    parser.add_argument(
        "--suffix", default="", help="of the result, such as -avx512 for a second machine"
    )
    options = parser.parse_args()
    recipe = RECIPES[options.target]
    config = FastConfig(
        find_images(DataConfig(options.data)),
        target=recipe.target,
        views=recipe.views,
        n_seeds=options.seeds,
        precision=options.precision,
    )
    finished = run_experiment(
        EXPERIMENT, config, RunStore(options.runs), progress=TerminalProgress()
    )
    run, result = finished.run, finished.result
    record(
        f"images-fast-{options.target}{options.suffix}",
        {
            "config": {
                **described(run.config),
                "network": result.network,
                "training": result.training,
            },
            "boundary": "seconds are of training steps, from picking a batch to the update; without "
            "loading, whitening, checkpoints and testing. On a machine shared with other work: "
            "processor seconds over 2 is what two quiet cores need",
            **pictures_of(result.pictures),
            "target": result.target,
            "n": result.n,
            "mean_accuracy": result.accuracy,
            "sd_accuracy": result.deviation,
            "mean_six_views": result.six_views,
            "mean_seconds": result.seconds,
            "mean_cpu_seconds": result.cpu_seconds,
            "threads": result.threads,
            "instructions": {
                "torch": torch.backends.cpu.get_cpu_capability(),
                "oneDNN": os.environ.get("ONEDNN_MAX_CPU_ISA", "all"),
            },
            "rows": [
                row_of(training, result.training.precision, clock.seconds, clock.cpu_seconds)
                for training, clock in zip(result.trainings, result.clocks, strict=True)
            ],
        },
    )


if __name__ == "__main__":
    main()
