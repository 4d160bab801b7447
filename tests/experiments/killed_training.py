"""Run by test_image_training: one tiny training in a run folder, to be killed and started again.

python killed_training.py RUNS
"""

import sys

from pitfalls.experiments import perform
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_source import find_images
from pitfalls.experiments.image_training import CompareConfig
from pitfalls.images import DataConfig
from pitfalls.images.training.config import TrainConfig
from pitfalls.progress import Progress, silent
from pitfalls.runs import Run, RunStore


def run(root: str, progress: Progress = silent) -> Run:
    source = find_images(DataConfig("digits", subset_train=120, subset_val=40, validation=20))
    training = TrainConfig(epochs=2, batch_size=8, averaging=0.9, checkpoint_every=3)
    network = NetworkConfig("fastnet", (4, 4, 4))
    return perform(CompareConfig(source, network, training), RunStore(root), progress=progress)


if __name__ == "__main__":
    run(sys.argv[1])
