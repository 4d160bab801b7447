import numpy as np
import pytest
from matplotlib.figure import Figure as MplFigure

from pitfalls.errors import InputError
from pitfalls.experiments.linear_landscape import EXPERIMENT, LandscapeConfig
from pitfalls.experiments.linear_landscape.figures import FIGURES
from pitfalls.experiments.linear_landscape.words import below, charts, drawn
from pitfalls.experiments.linear_source import Planted
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.plots import draw
from pitfalls.prose import plain
from pitfalls.runs import RunStore
from tests.experiments.linear_cases import planted
from tests.kinds import of_kind


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    store = RunStore(tmp_path_factory.mktemp("runs"))
    return run_experiment(EXPERIMENT, LandscapeConfig(grid=15), store).result


def test_the_landscape_holds_both_verdicts_and_a_way_down(result):
    assert result.saddle.verdict == "strict saddle"
    assert result.minimum.verdict == "global minimum"
    assert result.curvature < 0
    assert result.risk.shape == (15, 15)
    assert (result.risk >= result.minimum.risk - 1e-9).all()
    assert result.line.min() < result.saddle.risk
    assert result.falls_on_both_sides
    assert "a strict saddle" in plain(drawn(result))
    for figure in FIGURES:
        assert draw(figure, result, ("svg",)).alt
    assert [figure.name for figure in FIGURES] == ["escape-line", "plane"]


def test_the_surface_is_cut_flat_and_has_no_holes(result):
    height = np.array(charts(result)["surface"]["z"], dtype=float)
    assert np.isfinite(height).all()
    top = result.minimum.risk + 1.5 * (result.saddle.risk - result.minimum.risk)
    assert height.max() == pytest.approx(top, rel=1e-4)


def test_the_full_plane_is_finer():
    quick, full = (EXPERIMENT.homework(Homework(scale, seed=7))[0] for scale in ("quick", "full"))
    assert full.grid > quick.grid
    assert quick.seed == of_kind(Planted, quick.problem.source).seed == 7


def test_a_grid_too_small_is_refused():
    with pytest.raises(InputError, match="Got"):
        LandscapeConfig(grid=1)


def test_the_surface_ends_where_it_meets_the_ceiling_not_at_a_node_of_the_grid():
    x = np.linspace(-2.0, 2.0, 9)
    rows = np.array([x**2, x**2 + 0.5, np.full(9, 7.0), -x])
    places, heights = below(x, rows, 1.1)
    # the straight lines between nodes reach 1.1 at 1 + 0.5 · 0.1 / 1.25 and 0.5 + 0.5 · 0.35 / 0.75
    assert places[0, [0, -1]] == pytest.approx([-1.04, 1.04])
    assert heights[0, [0, -1]] == pytest.approx([1.1, 1.1])
    assert places[1, -1] == pytest.approx(0.5 + 0.5 * 0.35 / 0.75)
    assert (heights[2] == 1.1).all()
    assert places[2] == pytest.approx(x)
    assert places[3, [0, -1]] == pytest.approx([-1.1, 2.0])
    assert (heights <= 1.1).all()
    assert (np.diff(places, axis=1) > 0).all()


def test_what_lies_below_the_ceiling_is_the_surface_that_was_given():
    x, rng = np.linspace(0.0, 1.0, 30), np.random.default_rng(0)
    z = np.sort(rng.normal(size=(5, 30)), axis=1)
    places, heights = below(x, z, 10.0)
    np.testing.assert_allclose(places, np.broadcast_to(x, z.shape))
    np.testing.assert_allclose(heights, z)


@pytest.mark.parametrize("scale", [1e-5, 1e4])
def test_the_plane_is_drawn_whatever_the_size_of_the_risk(scale, tmp_path):
    config = LandscapeConfig(planted(2 * scale, scale), grid=9)
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result
    for figure in FIGURES:
        assert draw(figure, result, ()).caption


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-5])
def test_a_narrow_way_down_is_seen_on_both_sides(gap, tmp_path):
    config = LandscapeConfig(planted(4.0, 4.0 - gap, 2.0, 1.0), grid=9)
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result
    assert result.falls_on_both_sides
    assert (
        "a way down on both sides"
        in of_kind(MplFigure, FIGURES[0].draw(result).figure).axes[0].get_title()
    )
    assert (result.line < result.saddle.risk).sum() > 20
    assert (result.line[[0, -1]] > result.saddle.risk).all()


def test_the_surface_is_not_flattened_by_a_floor_beneath_it(tmp_path):
    problem = planted(4.0, 3.0, 2.0, 1.0, noise=1e4)
    result = run_experiment(
        EXPERIMENT, LandscapeConfig(problem, grid=15), RunStore(tmp_path)
    ).result
    assert result.minimum.risk > 1e8 * (result.saddle.risk - result.minimum.risk)
    surface = charts(result)["surface"]
    shown = np.minimum(result.risk, result.minimum.risk + 1.5 * result.saddle.excess)
    assert np.abs(np.array(surface["flat"]["z"]) - shown).max() < 1e-3


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_colours_of_the_plane_have_a_scale(scale, tmp_path):
    config = LandscapeConfig(planted(2 * scale, scale), grid=9)
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result
    bar = of_kind(MplFigure, FIGURES[1].draw(result).figure).axes[-1]
    assert len([label for label in bar.get_yticklabels() if label.get_text()]) >= 2
