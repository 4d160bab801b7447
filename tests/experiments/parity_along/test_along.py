from dataclasses import replace

import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.parity_along import EXPERIMENT, AlongConfig, AlongResult, Passage
from pitfalls.experiments.parity_along.figures import FIGURES
from pitfalls.experiments.parity_along.words import account, basis, comparison
from pitfalls.frame.experiment import run_experiment
from pitfalls.parity import LearningConfig, ParityTask, gradient_signal, target_signal, train
from pitfalls.plots import draw
from pitfalls.prose import plain
from pitfalls.runs import RunStore
from tests.experiments.interruption import assert_goes_on
from tests.experiments.parity_curves.results import case_of

SHORT = LearningConfig(n_iterations=600, record_every=200, seed=3)
CONFIG = AlongConfig(cases=((4, 2), (6, 5)), n_probes=2, training=SHORT)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


def test_the_signal_along_training_is_that_of_the_recorded_networks(store):
    passage = run_experiment(EXPERIMENT, CONFIG, store).result.passages[0]
    task = ParityTask.random(4, 3, 2)
    result = train(task, SHORT)
    assert passage.step.tolist() == [0, 400, 600]
    assert passage.own[-1] == pytest.approx(target_signal(result.network, task))
    assert passage.mean[-1] == pytest.approx(gradient_signal(result.network).signal)


def test_a_run_interrupted_after_its_first_case_goes_on_to_the_same_numbers(
    store, tmp_path, monkeypatch
):
    assert_goes_on(EXPERIMENT, CONFIG, store, tmp_path, monkeypatch)


def test_the_figure_is_drawn_with_words(store):
    drawn = draw(FIGURES[0], run_experiment(EXPERIMENT, CONFIG, store).result, ("svg",))
    assert "nan" not in drawn.alt
    assert "mean of 200 batches" not in drawn.caption


@pytest.mark.parametrize("bad", [{"n_probes": 0}, {"cases": ()}, {"cases": ((3, 4),)}])
def test_bad_configs_are_refused(bad):
    with pytest.raises(InputError):
        AlongConfig(**bad)


def passage_of(accuracy, *ratio):
    (replica,) = case_of(6, [3], [accuracy]).replicas
    mean = np.full(len(ratio), 0.5)
    return Passage(replica, np.arange(len(ratio)), mean, mean * ratio, mean)


def result_of(*passages):
    return AlongResult(passages, 200, "hinge")


WON, LOST = passage_of(1.0, 1.0, 50.0), passage_of(0.5, 1.0, 2.0)


def test_a_comparison_needs_one_of_each_and_a_tenfold_difference():
    assert comparison(result_of(WON)) == ()
    assert comparison(result_of(LOST, LOST)) == ()
    said = plain(comparison(result_of(WON, LOST)))
    assert "50 times the mean of all masks in the training that learned and 2 times" in said
    assert "2 trainings, not a proof" in said
    near = plain(comparison(result_of(passage_of(1.0, 1.0, 5.0), LOST)))
    assert "does not part the two tenfold" in near
    assert "in those that did not" in plain(comparison(result_of(WON, WON, LOST)))


def test_a_ratio_without_any_signal_is_not_a_number_and_is_passed_over():
    passage = replace(WON, mean=np.array([0.5, 0.0]), own=np.array([0.5, 0.0]))
    assert passage.ratio_at_most == 1.0
    empty = replace(WON, mean=np.zeros(2), own=np.zeros(2))
    assert np.isnan(empty.ratio_at_most)


def test_one_training_a_case_has_no_spread():
    assert basis(result_of(WON)).n.startswith("1 training, one a case")
    assert len(account(result_of(WON, LOST))) == 3
