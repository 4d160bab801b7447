from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure as MplFigure

from pitfalls.errors import InputError
from pitfalls.experiments.linear_descend import EXPERIMENT, DescendConfig
from pitfalls.experiments.linear_descend.figures import FIGURES, title
from pitfalls.experiments.linear_descend.words import account, closed_form, end
from pitfalls.experiments.linear_source import ProblemConfig, find_problem
from pitfalls.frame.experiment import run_experiment
from pitfalls.plots import draw
from pitfalls.prose import plain
from pitfalls.report.verdicts.linear import linear_verdict
from pitfalls.runs import RunStore
from tests.experiments.linear_cases import planted, store  # noqa: F401
from tests.kinds import of_kind, there


def test_the_flow_from_an_aligned_start_meets_the_exact_solution(store):  # noqa: F811
    result = run_experiment(EXPERIMENT, DescendConfig(), store).result
    assert there(result.gap) < 1e-4
    assert result.end.verdict == "global minimum"
    assert title(result) == "The stronger a mode, the sooner it is half learnt, from this start"
    assert "the flow stays within" in plain(closed_form(result))
    assert "ends at a global minimum" in plain(end(result))
    assert draw(FIGURES[0], result, ("svg",)).alt
    order_of_the_modes_is_read_from_the_path(result)


def order_of_the_modes_is_read_from_the_path(result):
    time, modes = np.arange(4.0), np.array([2.0, 1.0])
    first = np.array([[0, 0], [2, 0], [2, 1], [2, 1]], dtype=float)
    swapped = np.array([[0, 0], [0, 1], [2, 1], [2, 1]], dtype=float)

    def told(strengths, modes=modes):
        return title(replace(result, time=time, modes=modes, strengths=strengths))

    assert told(first) == "The stronger a mode, the sooner it is half learnt, from this start"
    assert told(swapped) == "All modes reach half the strength"
    assert told(first[:2]) == "1 of 2 modes reach half their strength"
    assert told(first[:, :1], modes[:1]) == "The one mode reaches half the strength"
    assert told(np.empty((4, 0)), modes[:0]) == "The data hold no mode"
    # of two equal modes neither is the stronger
    assert told(first, np.array([2.0, 2.0])) == "All modes reach half the strength"


def test_descent_from_a_saddle_escapes_it(store):  # noqa: F811
    result = run_experiment(EXPERIMENT, DescendConfig(start="saddle"), store).result
    assert result.method == "gradient"
    assert result.escapes[0].verdict == "strict saddle"
    assert result.end.verdict == "global minimum"
    assert result.gap is None
    assert closed_form(result) == ()
    assert title(result) == "Off the saddle, and down to a global minimum"
    assert len(account(result)) == 2


@pytest.mark.parametrize(("hidden", "fits"), [((4, 4), True), ((2, 4), False)])
def test_the_card_judges_the_descent_by_its_own_widths(store, hidden, fits):  # noqa: F811
    result = run_experiment(EXPERIMENT, DescendConfig(hidden=hidden, steps=50), store).result
    (row,) = there(linear_verdict(result, None, None)).rows
    assert (row.represented.tone == "yes") is fits
    assert (len(result.modes), result.capacity) == (4, min(hidden))


def test_a_mode_that_is_rounding_is_neither_counted_nor_drawn(store):  # noqa: F811
    config = DescendConfig(planted(3.0, 2.0, 0.0), hidden=(4,), steps=50)
    np.testing.assert_allclose(run_experiment(EXPERIMENT, config, store).result.modes, [3.0, 2.0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"strength": 0.0},
        {"hidden": (0,)},
        {"steps": 0},
        {"learning_rate": 0.1},
        {"learning_rate": -1.0, "method": "gradient"},
    ],
)
def test_bad_configs_are_refused(wrong):
    with pytest.raises(InputError):
        DescendConfig(**wrong)


def test_time_is_not_called_steps_times_rate_where_momentum_makes_it_longer(store):  # noqa: F811
    config = DescendConfig(method="momentum", steps=50)
    result = run_experiment(EXPERIMENT, config, store).result
    assert result.time[-1] == pytest.approx(10 * 50 * there(result.learning_rate))
    (axis, *_) = of_kind(MplFigure, FIGURES[0].draw(result).figure).axes
    assert axis.get_xlabel() == "time of the gradient flow"


def test_off_a_saddle_a_rate_is_taken_and_a_small_start_s_strength_is_refused():
    config = DescendConfig(start="saddle", learning_rate=0.01)
    assert (config.method, config.learning_rate) == ("flow", 0.01)
    with pytest.raises(InputError, match="learning_rate goes with"):
        DescendConfig(learning_rate=0.01)
    with pytest.raises(InputError, match="strength is of a small start"):
        DescendConfig(start="saddle", strength=0.5)


def test_data_with_fewer_modes_than_outputs_are_drawn_with_those_that_they_have(tmp_path):
    x = np.random.default_rng(0).standard_normal((40, 4))
    y = x @ np.outer([1.0, 2.0, 0.0, 1.0], [1.0, 0.5, 2.0])  # one mode, three outputs
    np.savez(tmp_path / "rows.npz", x=x, y=y)
    problem = find_problem(ProblemConfig(str(tmp_path / "rows.npz")))
    config = DescendConfig(problem, hidden=(3,))
    result = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result
    assert (len(result.modes), result.strengths.shape[1]) == (1, 3)
    axis = of_kind(MplFigure, FIGURES[0].draw(result).figure).axes[0]
    assert [text.get_text() for text in axis.texts] == ["mode 1"]
    assert account(result)
