from dataclasses import replace

import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.image_source import ImageSource
from pitfalls.experiments.linear_ranks import EXPERIMENT, RanksConfig
from pitfalls.experiments.linear_ranks.figures import FIGURES
from pitfalls.experiments.linear_ranks.words import accuracy, outcome, what_the_last_adds
from pitfalls.experiments.linear_risk import load_risk
from pitfalls.experiments.linear_source import Problem, find_source
from pitfalls.frame.experiment import run_experiment
from pitfalls.plots import draw
from pitfalls.prose import plain
from pitfalls.runs import RunStore
from tests.experiments.linear_cases import DIGITS, planted
from tests.kinds import of_kind


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    store = RunStore(tmp_path_factory.mktemp("runs"))
    return run_experiment(EXPERIMENT, RanksConfig(DIGITS, max_rank=3), store).result


def test_ranks_on_digits_reach_every_minimum(result):
    assert [row.point.verdict for row in result.rows] == ["global minimum"] * 3
    for row in result.rows:
        assert row.point.modes == tuple(range(1, row.rank + 1))
        assert row.risk == pytest.approx(row.minimum, rel=1e-9)
    assert draw(FIGURES[0], result, ("svg",)).alt


def test_accuracy_by_rank_is_that_of_the_explicit_map(result):
    data, risk = of_kind(ImageSource, DIGITS.source).load(), load_risk(DIGITS)
    x = data.normalized("test").reshape(len(data.test_labels), -1)
    moments = risk.moments
    scores = (x - moments.mean_x) @ risk.minimum(2).map.T + moments.mean_y
    expected = np.mean(scores.argmax(axis=1) == data.test_labels)
    assert result.rows[1].test_accuracy == pytest.approx(expected)


@pytest.mark.cifar10
def test_descent_finds_the_minimum_on_cifar10(tmp_path, cifar10_path):
    problem = Problem(find_source(str(cifar10_path), subset_train=1000))
    config = RanksConfig(problem, max_rank=2)
    rows = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result.rows
    assert [row.point.verdict for row in rows] == ["global minimum"] * 2


def with_tests(result, *accuracies, n_test=10_000):
    rows = tuple(
        replace(row, test_accuracy=a) for row, a in zip(result.rows, accuracies, strict=False)
    )
    return replace(result, rows=rows, n_test=n_test)


def test_the_gain_of_the_last_rank_has_the_error_of_two_accuracies(result):
    gain, error = with_tests(result, 0.3613, 0.3647).last_gain
    assert gain == pytest.approx(0.0034)
    assert error == pytest.approx(0.0068, abs=1e-4)
    assert with_tests(result, 0.3613).last_gain is None
    assert with_tests(result, None, None).last_gain is None


def test_a_gain_is_named_beyond_two_errors_only(result):
    small = plain(what_the_last_adds(with_tests(result, 0.3613, 0.3647)))
    assert "+0.3 points, is within two standard errors" in small
    loss = plain(what_the_last_adds(with_tests(result, 0.5, 0.4)))
    assert "by −10.0 points, more than twice the standard error" in loss
    assert what_the_last_adds(with_tests(result, 0.4)) == ()
    assert accuracy(with_tests(result, 0.4)) == ()


def test_descents_that_missed_are_named_with_where_they_ended(result):
    point = replace(result.rows[0].point, verdict="not critical")
    missed = replace(result, rows=(replace(result.rows[0], point=point), *result.rows[1:]))
    said = plain(outcome(missed))
    assert (
        "2 of 3 descents ended at a global minimum, the others at a point that is not critical"
        in said
    )
    assert "1 of 1 descent ended" in plain(outcome(replace(result, rows=result.rows[:1])))


def test_data_without_a_mode_have_no_rank_to_fit(tmp_path):
    nothing = run_experiment(EXPERIMENT, RanksConfig(planted(0.0, 0.0)), RunStore(tmp_path)).result
    assert plain(outcome(nothing)) == "The data hold no mode, so there is no rank to fit. "
    assert not FIGURES[0].shown_for(nothing)


@pytest.mark.parametrize(
    "wrong", [{"max_rank": 0}, {"n_layers": 1}, {"steps": 0}, {"strength": 0.0}]
)
def test_bad_configs_are_refused(wrong):
    with pytest.raises(InputError, match="Got"):
        RanksConfig(**wrong)
