import dataclasses

import pytest
import torch

from pitfalls.errors import InputError
from pitfalls.experiments.parity_train import EXPERIMENT, ParityTrainConfig
from pitfalls.experiments.parity_train.command import _spread
from pitfalls.experiments.parity_train.figures import FIGURES
from pitfalls.experiments.parity_train.words import end
from pitfalls.frame.experiment import run_experiment
from pitfalls.parity import LearningConfig, ParityTask, TwoLayerReLU, evaluate
from pitfalls.plots import draw
from pitfalls.prose import plain
from pitfalls.runs import RunStore
from tests.experiments.interruption import assert_goes_on

CONFIG = ParityTrainConfig((1, 0, 1, 0), LearningConfig(n_iterations=600, record_every=200, seed=3))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run_experiment(EXPERIMENT, CONFIG, RunStore(tmp_path_factory.mktemp("runs")))


def test_the_trained_network_is_kept(finished):
    result = finished.result
    network = TwoLayerReLU(4, 40).load_flat(torch.from_numpy(result.parameters))
    assert network.n_hidden == result.n_hidden
    assert evaluate(network, ParityTask(result.mask)).accuracy == result.replica.test_accuracy


def test_a_run_interrupted_at_its_end_goes_on_to_the_same_numbers(finished, tmp_path, monkeypatch):
    store = RunStore(finished.run.path.parents[1])
    assert_goes_on(EXPERIMENT, CONFIG, store, tmp_path, monkeypatch)


def test_the_figure_and_the_words_name_the_inputs(finished):
    assert "over all 16 inputs" in plain(end(finished.result))
    drawn = draw(FIGURES[0], finished.result, ("svg",))
    assert "over 16 all inputs" in drawn.caption


@pytest.mark.parametrize("bad", [{"mask": ()}, {"mask": (0, 2)}, {"checkpoint_every": 0}])
def test_bad_configs_are_refused(bad):
    with pytest.raises(InputError):
        ParityTrainConfig(**bad)


def test_a_sample_without_a_mistake_is_not_said_to_be_without_error(finished):
    last = finished.result.replica
    assert _spread(last) == "exact"
    sampled = dataclasses.replace(last, exact=False, n_inputs=100_000, accuracy_error=0.0)
    assert _spread(sampled) == "within 3e-05 (95 %)"
    assert pytest.approx((1 - 3e-5) ** 100_000, rel=0.01) == 0.05  # all right, so many times
    off = dataclasses.replace(sampled, accuracy_error=0.0016)
    assert _spread(off) == "± 0.002"
