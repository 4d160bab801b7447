import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.parity_gradients import EXPERIMENT, GradientsConfig
from pitfalls.frame.experiment import run_experiment
from pitfalls.runs import RunStore


def test_every_step_of_the_derivation_holds_to_rounding(tmp_path):
    config = GradientsConfig(n_features=(2, 5), boundary="max")
    rows = run_experiment(EXPERIMENT, config, RunStore(tmp_path)).result.rows
    assert len(rows) == 4
    for row in rows:
        assert row.identity_error < 1e-12
        assert row.orthonormality_error == 0
        assert row.gradient_error < 1e-13
        assert row.decomposition_error < 1e-13
        assert row.largest_element == pytest.approx(row.element_bound, rel=1e-12)
        assert row.mean_square <= row.by_moments
        assert row.mean_square <= row.by_unit <= row.by_homework
    assert {row.active == 1 for row in rows} == {True, False}


def test_more_targets_than_autograd_can_do_are_refused():
    with pytest.raises(InputError, match="to d = 10"):
        GradientsConfig(n_features=(11,))
