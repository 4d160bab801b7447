"""Run by test_parity_training: one training in a run folder, to be killed and started again.

python killed_parity.py RUNS
"""

import sys

from pitfalls.experiments import perform
from pitfalls.experiments.parity_training import TrainRunConfig
from pitfalls.parity import TrainingConfig
from pitfalls.runs import Run, RunStore


def run(root: str) -> Run:
    training = TrainingConfig(n_iterations=15_000, record_every=100, n_hidden=400, seed=1)
    mask = (1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0)
    return perform(TrainRunConfig(mask, training, checkpoint_every=500), RunStore(root))


if __name__ == "__main__":
    run(sys.argv[1])
