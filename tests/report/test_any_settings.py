"""Whatever is asked, the report says it in well-formed sentences and is never lost."""

import pytest

from pitfalls.errors import PitfallsError
from pitfalls.experiments.catalogue import catalogue
from pitfalls.frame.experiment import perform
from pitfalls.plots import draw
from pitfalls.report.rooms import block_values
from pitfalls.runs import RunStore
from tests.report.any_settings import SETTINGS, settings_of
from tests.report.forbidden import assert_well_formed, assert_well_told

EXPERIMENTS = {experiment.name: experiment for experiment in catalogue()}
EACH = {"linear-homework": 1, "parity-sweep": 4, "parity-depth": 6, "verify": 5}


@pytest.mark.parametrize("name", SETTINGS)
def test_any_legal_setting_is_told_in_well_formed_sentences(name, tmp_path):
    experiment, store = EXPERIMENTS[name], RunStore(tmp_path)
    told = 0
    for config in settings_of(name, EACH.get(name, 12)):
        try:
            result = perform(experiment, config, store).result
        except PitfallsError:
            continue  # refused for what only the run can know
        told += 1
        assert assert_well_told(experiment, result)
        experiment.charts(result)
        for block in experiment.account(result):
            block_values(block)
        for figure in experiment.figures():
            if figure.shown_for(result) and told <= 2:
                drawn = draw(figure, result, ("svg",))
                assert_well_formed(drawn.alt)
                assert_well_formed(drawn.caption)
    assert told > 0
