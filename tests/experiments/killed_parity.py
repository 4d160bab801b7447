"""Run by parity_train/test_killed: one training in a run folder, to be killed and started again."""

from pitfalls.experiments.parity_train import EXPERIMENT, ParityTrainConfig, ParityTrainResult
from pitfalls.frame import Finished
from pitfalls.frame.experiment import run_experiment
from pitfalls.parity import LearningConfig
from pitfalls.runs import RunStore


def run(root: str) -> Finished[ParityTrainResult]:
    training = LearningConfig(n_iterations=6000, record_every=100, n_hidden=400, seed=1)
    mask = (1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0)
    return run_experiment(
        EXPERIMENT, ParityTrainConfig(mask, training, checkpoint_every=500), RunStore(root)
    )
