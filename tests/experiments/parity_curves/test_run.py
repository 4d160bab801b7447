from dataclasses import replace

import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.parity_curves import EXPERIMENT, CurvesConfig
from pitfalls.experiments.parity_curves.figures import FIGURES
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.parity import LearningConfig, ParityTask, train
from pitfalls.plots import draw
from pitfalls.runs import RunStore
from tests.experiments.interruption import assert_goes_on

SHORT = LearningConfig(n_iterations=600, record_every=200, seed=3)
CONFIG = CurvesConfig(cases=((4, None), (8, 2)), n_seeds=2, training=SHORT)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


def test_curves_are_the_labs_own(store):
    result = run_experiment(EXPERIMENT, CONFIG, store).result
    alone = train(ParityTask.random(8, 4, 2), replace(SHORT, seed=4))
    case = result.cases[1]
    replica = case.replicas[1]
    assert replica.loss.tolist() == alone.curve.loss.tolist()
    assert case.weights == (2, 2)
    assert replica.weight == alone.task.weight
    assert replica.test_accuracy == alone.evaluation.accuracy
    assert replica.reached == alone.curve.iterations_to(0.99)


def test_a_run_interrupted_after_its_first_replica_goes_on_to_the_same_numbers(
    store, tmp_path, monkeypatch
):
    assert_goes_on(EXPERIMENT, CONFIG, store, tmp_path, monkeypatch)


def test_a_diverged_replica_is_warned_of_and_drawn(tmp_path):
    wild = replace(SHORT, loss="square", learning_rate=1e3)
    config = CurvesConfig(cases=((6, 3),), n_seeds=1, training=wild)
    finished = run_experiment(EXPERIMENT, config, RunStore(tmp_path))
    assert "diverged" in finished.run.manifest.warnings[0]
    assert finished.result.cases[0].replicas[0].diverged
    draw(FIGURES[0], finished.result)


@pytest.mark.parametrize("scale", ["quick", "full"])
def test_the_homeworks_part_b_has_its_own_size_at_either_scale(scale):
    (curves,) = EXPERIMENT.homework(Homework(scale, seed=5))
    assert {d for d, weight in curves.cases if weight is None} == {5, 10, 30}
    assert curves.training == LearningConfig(seed=5)


@pytest.mark.parametrize(
    "bad", [{"cases": ()}, {"n_seeds": 0}, {"cases": ((3, 4),)}, {"cases": ((0, None),)}]
)
def test_bad_configs_are_refused(bad):
    with pytest.raises(InputError):
        CurvesConfig(**bad)
