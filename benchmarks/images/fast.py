"""The fast recipe on CIFAR-10's test set, several seeds: accuracy, seconds, processor seconds.

    python benchmarks/images/fast.py DATA --runs FOLDER [--target 90] [--seeds 3]

Goes on where it was interrupted; the raw log stays in the run folder.
"""

import argparse
from pathlib import Path

from benchmarks.record import described, record

from pitfalls.experiments import perform
from pitfalls.experiments.image_source import find_images
from pitfalls.experiments.image_training import fast_config
from pitfalls.frame.bars import TerminalProgress
from pitfalls.images import DataConfig
from pitfalls.images.training.hardware import has_fast_bfloat16
from pitfalls.runs import RunStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--target", type=int, default=90)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--suffix", default="", help="of the result, such as -avx512 for a second machine"
    )
    options = parser.parse_args()
    config = fast_config(
        find_images(DataConfig(options.data)),
        options.target,
        seeds=tuple(range(123, 123 + options.seeds)),
        precision="bfloat16" if has_fast_bfloat16() else "float32",
    )
    run = perform(config, RunStore(options.runs), progress=TerminalProgress())
    record(
        f"images-fast-{options.target}{options.suffix}",
        {
            "config": described(run.config),
            "boundary": "seconds are of training steps, from picking a batch to the update; without "
            "loading, whitening, checkpoints and testing. On a machine shared with other work: "
            "processor seconds over 2 is what two quiet cores need",
            **run.results(),
        },
    )


if __name__ == "__main__":
    main()
