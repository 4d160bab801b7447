"""Whatever is asked, the report says it in well-formed sentences and is never lost."""

import contextlib

import numpy as np
import pytest

from pitfalls.errors import PitfallsError
from pitfalls.experiments import all_experiments
from pitfalls.frame.experiment import run_experiment
from pitfalls.plots import draw
from pitfalls.report import build
from pitfalls.report.rooms import block_values
from pitfalls.runs import RunStore
from tests.report.any_settings import SETTINGS, settings_of
from tests.report.forbidden import assert_well_formed, assert_well_told

EXPERIMENTS = {experiment.name: experiment for experiment in all_experiments()}
FEWER = {
    "linear-homework": 1,
    "linear-tour": 4,
    "parity-exact": 8,
    "parity-sweep": 4,
    "parity-depth": 4,
    "images-compare": 6,
    "verify": 4,
}
"""How many settings of the costly ones; 12 of every other, over 200 in all."""


@pytest.mark.parametrize("name", SETTINGS)
def test_any_legal_setting_is_told_in_well_formed_sentences(name, tmp_path):
    experiment, store = EXPERIMENTS[name], RunStore(tmp_path)
    told = 0
    for config in settings_of(name, FEWER.get(name, 12)):
        try:
            result = run_experiment(experiment, config, store).result
        except PitfallsError:
            continue  # refused for what only the run can know
        told += 1
        assert assert_well_told(experiment, result)
        experiment.charts(result)
        assert_shows_itself(experiment, result)
        for block in experiment.account(result):
            block_values(block)
        for figure in experiment.figures():
            if figure.shown_for(result) and told <= 2:
                drawn = draw(figure, result, ("svg",))
                assert_well_formed(drawn.alt)
                assert_well_formed(drawn.caption)
    assert told > 0


def assert_shows_itself(experiment, result):
    """A short line, columns of one length, and each figure on axes that are given."""
    assert type(result).__name__ in repr(result)
    assert len(repr(result)) < 1200
    assert "<table>" in result._repr_html_()
    columns = result.table()
    assert columns
    assert len({len(column) for column in columns.values()}) == 1


@pytest.mark.parametrize("draw_number", range(3))
def test_no_setting_and_no_missing_part_loses_the_report(draw_number, tmp_path):
    rng, store = np.random.default_rng(draw_number), RunStore(tmp_path / "runs")
    names = [name for name in SETTINGS if name not in FEWER]
    quoted = []
    for name in rng.choice(names, len(names) // 2, replace=False):
        (config,) = settings_of(name, 1, start=draw_number + 1)
        with contextlib.suppress(PitfallsError):
            quoted.append(run_experiment(EXPERIMENTS[name], config, store).run)
    made = build(store, tmp_path / "report")
    page = made.page.read_text(encoding="utf-8")
    assert len(quoted) > len(names) // 3
    for run in quoted:
        assert run.id in page
    assert made.writeup.read_bytes().startswith(b"%PDF")
