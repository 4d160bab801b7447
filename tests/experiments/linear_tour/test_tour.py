from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure as MplFigure

from pitfalls.errors import InputError
from pitfalls.experiments.linear_tour import EXPERIMENT, TourConfig
from pitfalls.experiments.linear_tour.figures import FIGURES, closeness, nearness
from pitfalls.experiments.linear_tour.words import account, setting, stays
from pitfalls.frame.experiment import run_experiment
from pitfalls.plots import draw
from pitfalls.prose import Table, plain
from pitfalls.runs import RunStore
from tests.experiments.linear_cases import planted
from tests.kinds import of_kind


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    store = RunStore(tmp_path_factory.mktemp("runs"))
    return run_experiment(EXPERIMENT, TourConfig(depths=(2, 3)), store).result


def only(result, *places):
    return replace(result, flows=tuple(result.flows[place] for place in places))


def test_the_tour_passes_every_rank_closer_with_depth(result):
    shallow, deep = result.flows
    assert [visit.rank for visit in deep.visits] == [0, 1, 2, 3, 4]
    for a, b in zip(shallow.visits[1:4], deep.visits[1:4], strict=True):
        assert (a.verdict, b.verdict) == ("strict saddle", "non-strict saddle")
        assert b.distance < a.distance
    assert closeness(result) == "Deeper networks pass closer"
    assert closeness(only(result, 0)) == "Distance to the nearest critical map"
    flipped = replace(result, flows=(replace(shallow, depth=9), deep))
    assert closeness(flipped) == "Deeper networks do not always pass closer"


def test_only_saddles_that_the_flow_comes_near_are_counted(result):
    shallow, deep = result.flows
    assert [visit.rank for visit in result.between(shallow)] == [1, 2, 3]
    assert [visit.rank for visit in result.passed(shallow)] == [3]
    assert [visit.rank for visit in result.passed(deep)] == [1, 2, 3]
    assert nearness(result) == "3 layers come near every saddle"
    assert nearness(only(result, 1)) == "3 layers come near every saddle"
    assert nearness(only(result, 1, 1)) == "Every depth comes near every saddle"
    assert nearness(only(result, 0)) == "No depth comes near every saddle"
    assert "3 critical maps" in plain(setting(result))
    assert len(of_kind(Table, account(result)[1]).rows) == 2


def test_how_long_a_flow_stays_near_zero_is_read_where_it_leaves(result):
    for flow in result.flows:
        leaves, arrives = result.leaves_zero(flow), result.arrives(flow)
        at = int(np.flatnonzero(flow.time == leaves)[0])
        near_zero = (flow.saddle_rank == 0) & (flow.saddle_distance < result.near)
        assert near_zero[:at].all()
        assert not near_zero[at]
        assert leaves < arrives
    assert "stayed near zero longer" in plain(stays(result))


def test_a_single_flow_says_nothing_about_depth(result):
    assert stays(only(result, 0)) == ()
    assert stays(only(result, 1)) == ()


def test_the_caption_names_no_saddle_that_the_flow_misses(result):
    words = draw(FIGURES[0], result, ()).caption
    assert "2 layers: rank 3 strict saddle (0.14); 3 layers: rank 1" in words


@pytest.mark.parametrize("wrong", [{"depths": (1,)}, {"depths": ()}, {"strength": 0.0}])
def test_bad_configs_are_refused(wrong):
    with pytest.raises(InputError):
        TourConfig(**wrong)


@pytest.mark.parametrize("problem", [planted(0.0, 0.0), planted(0.004, 0.001)])
def test_a_start_above_the_strongest_mode_is_refused(problem, tmp_path):
    with pytest.raises(InputError, match="below the strongest mode"):
        run_experiment(EXPERIMENT, TourConfig(problem), RunStore(tmp_path))


def test_a_start_that_is_not_small_is_not_said_to_be_near_zero(tmp_path):
    config = TourConfig(planted(4.0, 3.0), depths=(2,), strength=3.0)
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result
    assert "Between zero, not near which the flow begins" in plain(setting(result))
    assert result.leaves_zero(result.flows[0]) is None


def test_a_start_beside_the_minimum_is_drawn(tmp_path):
    config = TourConfig(planted(4.0), depths=(2,), strength=3.999)
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result
    assert "all singular values at 4" in draw(FIGURES[0], result, ()).caption


def test_small_modes_are_drawn_at_their_own_distances(tmp_path):
    config = TourConfig(planted(4e-6, 3e-6), depths=(2,), strength=5e-9)
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result
    (line, *_) = of_kind(MplFigure, FIGURES[0].draw(result).figure).axes[1].lines
    drawn = np.asarray(line.get_ydata(), dtype=float)
    assert drawn.max() == pytest.approx(result.flows[0].saddle_distance.max())
    assert np.ptp(np.log10(drawn)) > 1


def test_a_saddle_that_a_deeper_network_never_has_nearest_is_not_passed_closer(result):
    shallow, deep = result.flows
    assert result.deeper_passes_closer
    lost = replace(deep, visits=tuple(v for v in deep.visits if v.rank != 2))
    assert not replace(result, flows=(shallow, lost)).deeper_passes_closer


def test_a_saddle_that_holds_a_weaker_mode_is_not_taken_for_the_best_of_its_rank(tmp_path):
    # this flow passes the map of modes 1, 2 and 4, and comes near the best of rank 3 never
    config = TourConfig(planted(4.0, 3.95, 2.0, 1.9), depths=(3,), seed=3)
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result
    (flow,) = result.flows
    third = flow.saddle_rank == 3
    assert flow.saddle_distance[third].min() < result.near
    assert all(visit.rank != 3 for visit in result.passed(flow))
