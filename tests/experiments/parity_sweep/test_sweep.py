import json
import os
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.parity_sweep import EXPERIMENT, Cell, SweepConfig, SweepResult
from pitfalls.experiments.parity_sweep.figures import FIGURES, edge, time_taken
from pitfalls.experiments.parity_sweep.words import charts, edges, partly, tally
from pitfalls.frame.experiment import run_experiment
from pitfalls.parity import CellResult, LearningConfig
from pitfalls.plots import draw
from pitfalls.prose import plain
from pitfalls.runs import RunStore
from tests.clusters.killed_submitit import kill_first_job
from tests.experiments.interruption import assert_equal, assert_goes_on
from tests.runs.costs import cost

SHORT = LearningConfig(n_iterations=600, record_every=200, seed=3)
CONFIG = SweepConfig(
    (3, 5), (1, 4), learning_rates=(0.001, 0.01), n_seeds=2, training=SHORT, n_jobs=1
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


def test_a_run_interrupted_after_its_first_cell_goes_on_to_the_same_numbers(
    store, tmp_path, monkeypatch
):
    assert_goes_on(EXPERIMENT, CONFIG, store, tmp_path, monkeypatch)


def test_where_cells_run_is_no_part_of_the_runs_name(store):
    run = run_experiment(EXPERIMENT, CONFIG, store).run
    other = run_experiment(EXPERIMENT, replace(CONFIG, n_jobs=2, backend="dask"), store)
    assert other.run.path == run.path
    assert len(other.result.cells) == 6


@pytest.mark.filterwarnings("ignore")
def test_a_killed_job_under_submitit_loses_no_cell(tmp_path, monkeypatch):
    config = replace(CONFIG, n_features=(3,), weights=(1,), learning_rates=(0.01,))
    killed = kill_first_job(monkeypatch, tmp_path)
    beside = replace(config, backend="submitit", address="local")
    done = run_experiment(EXPERIMENT, beside, RunStore(tmp_path / "beside"))
    assert killed
    here = run_experiment(EXPERIMENT, config, RunStore(tmp_path / "here"))
    assert_equal(done.result, here.result)


def test_every_figure_is_drawn_with_words(store):
    result = run_experiment(EXPERIMENT, CONFIG, store).result
    for figure in FIGURES:
        drawn = draw(figure, result, ("svg",))
        assert drawn.alt
        assert "nan" not in drawn.alt
    assert set(charts(result)["phase"]["cells"]) == {"3,1", "5,1", "5,4"}


@pytest.mark.parametrize(
    "bad",
    [
        {"n_seeds": 0},
        {"n_features": (3,), "weights": (4,)},
        {"n_jobs": 0},
        {"learning_rates": (-1.0,)},
        {"widths": (0,)},
        {"weights": ()},
    ],
)
def test_bad_configs_are_refused(bad):
    with pytest.raises(InputError):
        SweepConfig(**bad)


def cell(d, m, n_learned, iterations=None, *, n=2, accuracy=0.8, k=None, diverged=False):
    made = np.array([1.0] * n_learned + [accuracy] * (n - n_learned))
    at = np.full(n, -1 if iterations is None else iterations)
    curve = np.linspace(0.5, 1, 3 * n).reshape(n, 3)
    return Cell(
        d, m, k or 10 * d, 0.001, made, 1 - made, at, np.full(n, diverged), np.arange(3), curve
    )


def result_of(*cells):
    return SweepResult(tuple(cells), 1_000, cells[0].n, True)


def test_keeping_a_cell_costs_the_same_however_many_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    config = SweepConfig((30,), (2,), learning_rates=tuple((1000 + i) / 1000 for i in range(600)))
    costs = {}

    def keep_each(function, arguments, *, on_result, **_):
        for number, (asked, n_seeds, _) in enumerate(arguments):
            found = np.full(n_seeds, 0.5)
            result = CellResult(
                asked, found, found, np.full(n_seeds, -1), np.zeros(n_seeds, bool),
                np.arange(1, 4), np.zeros((n_seeds, 3)), np.zeros((n_seeds, 3)),
            )  # fmt: skip
            # names and numbers of the same length, so that nothing but the cells before can tell
            if number in (11, 111, 511):
                costs[number] = cost(partial(on_result, number, result))
            else:
                on_result(number, result)

    monkeypatch.setattr("pitfalls.experiments.parity_sweep.run.run_jobs", keep_each)
    finished = run_experiment(EXPERIMENT, config, RunStore(tmp_path))
    assert len(finished.result.cells) == 600
    assert costs[11] == costs[111] == costs[511], costs


def test_a_grid_of_thousands_of_cells_has_maps_words_and_charts_of_bounded_size():
    rng = np.random.default_rng(0)
    many = result_of(
        *(cell(100 + d, m, int(rng.integers(3)), 400 if m % 2 else None)
          for d in range(50) for m in range(1, 51))
    )  # fmt: skip
    for figure in FIGURES:
        drawn = draw(figure, many)
        assert max(map(len, drawn.files.values())) < 200_000
        assert len(drawn.alt) < 5_000
    assert len(plain(edges(many)) + plain(partly(many))) < 10_000
    assert "pairs more" in plain(partly(many))
    assert len(json.dumps(charts(many))) < 6_000_000
    panels = replace(many, cells=tuple(replace(c, n_hidden=i) for i, c in enumerate(many.cells)))
    few = replace(panels, cells=panels.cells[:50], default_width=False)
    assert "the first 12 of 50 widths and rates" in draw(FIGURES[0], few, ()).caption


def test_learned_in_part_is_told_from_not_learned_and_pairs_are_counted_once():
    result = result_of(cell(5, 2, 2), cell(5, 4, 1), cell(9, 4, 0), cell(9, 4, 0, k=7))
    assert "Of the 3 pairs of d and m tried, 1 was learned by every training" in plain(
        tally(result)
    )
    assert "and 1 by none" in plain(tally(result))
    assert plain(partly(result)) == (
        "Only some learned m = 4 at d = 5 (1 of 2, accuracy at the end 90.0 %). "
    )
    assert "at d = 9 none learned m = 4" in plain(edges(result))
    assert result.pairs[2].n == 4


def test_an_edge_names_the_largest_won_and_the_smallest_lost():
    result = result_of(cell(5, 1, 2), cell(5, 2, 2), cell(5, 4, 0), cell(5, 6, 0))
    assert "at d = 5 every training learned m = 2 and none m = 4" in plain(edges(result))
    assert edges(result_of(cell(5, 1, 2))) == ()


def test_a_chart_of_one_width_among_several_says_which():
    one = charts(result_of(cell(9, 4, 0)))["phase"]
    assert one["axes"][0] == "dimension d"
    two = replace(result_of(cell(9, 4, 0, k=7), cell(9, 4, 2, k=90)), default_width=False)
    phase = charts(two)["phase"]
    assert phase["text"] == [["0/2"]]
    assert phase["axes"][0] == "dimension d (k = 7, rate 0.001, the first of 2 widths and rates)"


def test_a_diverged_training_has_not_learned():
    assert cell(5, 1, 2, diverged=True).n_learned == 0
    assert np.isnan(cell(5, 1, 2, diverged=True).median_accuracy)


def test_the_title_names_the_edge_only_where_one_number_of_ones_parts_the_cells():
    parts = result_of(cell(5, 1, 2), cell(9, 2, 2), cell(5, 4, 0), cell(9, 4, 0))
    assert (
        edge(parts) == "Within 1,000 iterations all learn masks of up to 2 ones, none of 4 or more"
    )
    mixed = result_of(cell(5, 1, 2), cell(5, 4, 1), cell(9, 4, 0))
    assert edge(mixed) == (
        "Within 1,000 iterations every training learns in 1 of 3 cells, none in 1"
    )


def test_more_ones_are_said_to_take_longer_only_where_they_do_at_every_dimension():
    slower = [cell(5, 1, 2, 400), cell(5, 2, 2, 900), cell(9, 1, 2, 400), cell(9, 4, 0)]
    assert time_taken(result_of(*slower)).startswith("At every d more ones take longer: 400 to 900")
    assert time_taken(result_of(*slower, cell(9, 2, 2, 300))) == (
        "99 % accuracy takes 300 to 900 iterations"
    )
    for other in (cell(12, 2, 2, 300), cell(12, 2, 0)):  # of one weight at d = 12, or of none
        assert time_taken(result_of(*slower, other)).startswith("99 % accuracy takes")
    assert time_taken(result_of(cell(9, 4, 0))) == (
        "No training reaches 99 % accuracy within 1,000 iterations"
    )
