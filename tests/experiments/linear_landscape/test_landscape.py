import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.linear_landscape import EXPERIMENT, LandscapeConfig
from pitfalls.experiments.linear_landscape.figures import FIGURES
from pitfalls.experiments.linear_landscape.words import charts, drawn
from pitfalls.frame import Homework
from pitfalls.frame.experiment import perform
from pitfalls.plots import draw
from pitfalls.prose import plain
from pitfalls.runs import RunStore


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    store = RunStore(tmp_path_factory.mktemp("runs"))
    return perform(EXPERIMENT, LandscapeConfig(grid=15), store).result


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
        assert draw(figure, result).alt
    assert [figure.name for figure in FIGURES] == ["escape-line", "plane"]


def test_the_surface_is_cut_flat_and_has_no_holes(result):
    height = np.array(charts(result)["surface"]["z"], dtype=float)
    assert np.isfinite(height).all()
    top = result.minimum.risk + 1.5 * (result.saddle.risk - result.minimum.risk)
    assert height.max() == pytest.approx(top, rel=1e-4)


def test_the_full_plane_is_finer():
    quick, full = (EXPERIMENT.homework(Homework(scale, seed=7))[0] for scale in ("quick", "full"))
    assert full.grid > quick.grid
    assert quick.seed == quick.problem.source.seed == 7


def test_a_grid_too_small_is_refused():
    with pytest.raises(InputError, match="Got"):
        LandscapeConfig(grid=1)
