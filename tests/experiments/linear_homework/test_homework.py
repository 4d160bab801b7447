from dataclasses import replace

import pytest

from pitfalls.experiments.linear_homework import EXPERIMENT, HomeworkConfig
from pitfalls.experiments.linear_homework.words import (
    account,
    capacity,
    convexity,
    derivative,
    residuals,
    stuck,
    weaker,
)
from pitfalls.frame.experiment import run_experiment
from pitfalls.prose import Part, Table, plain
from pitfalls.runs import RunStore
from tests.kinds import of_kind


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    store = RunStore(tmp_path_factory.mktemp("runs"))
    return run_experiment(EXPERIMENT, HomeworkConfig(), store).result


def test_the_homework_numbers_hold_what_the_homework_states(result):
    assert result.capacity.relative_error < 1e-14
    assert result.capacity.distance_to_nearest == pytest.approx(result.capacity.expected_distance)
    assert result.convexity.smallest_gap > 0
    assert result.convexity.risk_halfway > result.convexity.risk_at_ends
    assert max(result.derivative.layer_errors) < 1e-12
    for row in result.conditions:
        assert (row.residual < 1e-10) is row.exact
    zero = result.points[0]
    assert zero.gradient_norm == 0
    assert zero.judged.excess > 0
    assert {point.judged.verdict for point in result.points} == {
        "strict saddle",
        "non-strict saddle",
        "global minimum",
        "not critical",
    }
    for row in result.certificates:
        assert row.gradient_norm >= row.lower_bound * (1 - 1e-9)
    assert [row.holds for row in result.certificates] == [True, True, False, True, False]


def test_every_part_of_question_two_has_its_place(result):
    parts = [of_kind(Part, block) for block in account(result)]
    assert [part.name for part in parts] == ["a", "b", "c", "d", "e", "f"]


def test_sentences_follow_the_values(result):
    assert "is refused" in plain(capacity(result))
    taken = replace(result, capacity=replace(result.capacity, refusal=None))
    assert "was not refused" in plain(capacity(taken))
    assert "did not rise above its chord" in plain(convexity(result))
    above = replace(result, convexity=replace(result.convexity, smallest_gap=-0.1))
    assert "rose above its chord, by 0.1 of it" in plain(convexity(above))
    flat = replace(result, convexity=replace(result.convexity, risk_halfway=0.0))
    assert "not convex" not in plain(convexity(flat))
    off = replace(result, derivative=replace(result.derivative, end_to_end_error=0.1))
    assert "more than rounding" in plain(derivative(off))
    assert "rounding" in plain(derivative(result))


def test_conditions_are_explained_only_where_a_case_shows_it(result):
    said = plain(residuals(result))
    assert "no map of allowed rank" in said
    assert "sufficient and not necessary" in said
    assert residuals(replace(result, conditions=result.conditions[:1])) == ()


def test_points_that_are_stuck_are_saddles_alone(result):
    assert "At 4 of these points" in plain(stuck(result))
    assert "W = 0, two layers" in plain(stuck(result))
    assert stuck(replace(result, points=result.points[4:])) == ()


def test_the_certificate_is_named_where_it_holds_and_fails(result):
    assert "holds as well for one singular layer" in plain(weaker(result))
    assert "It fails for two singular layers and W = 0" in plain(weaker(result))
    assert weaker(replace(result, certificates=result.certificates[:1])) == ()


def test_a_point_that_is_undecided_is_not_said_to_hold_modes(result):
    undecided = replace(
        result.points[2], judged=replace(result.points[2].judged, verdict="undecided")
    )
    (part,) = (
        block
        for block in account(replace(result, points=(result.points[2], undecided)))
        if isinstance(block, Part) and block.name == "e"
    )
    shown = of_kind(Table, part.blocks[1])
    assert [plain(row[4]) for row in shown.rows] == ["2, 3", "–"]
