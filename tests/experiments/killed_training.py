"""Run by image_compare's tests: tiny trainings in a run folder, to be killed and started again."""

from pitfalls.experiments.image_compare import EXPERIMENT, CompareConfig, CompareResult
from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_source import find_images
from pitfalls.frame.experiment import Finished, run_experiment
from pitfalls.images import DataConfig
from pitfalls.images.training.config import TrainConfig
from pitfalls.progress import Progress, silent
from pitfalls.runs import RunStore


def run(
    root: str, progress: Progress = silent, threads: int | None = None
) -> Finished[CompareResult]:
    source = find_images(DataConfig("digits", subset_train=120, subset_val=40, validation=20))
    training = TrainConfig(epochs=2, batch_size=8, averaging=0.9, checkpoint_every=3)
    network = NetworkConfig("fastnet", (4, 4, 4))
    config = CompareConfig(source, network, training)
    return run_experiment(EXPERIMENT, config, RunStore(root), progress=progress, threads=threads)
