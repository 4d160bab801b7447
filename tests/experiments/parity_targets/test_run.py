import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.parity_targets import EXPERIMENT, TargetsConfig
from pitfalls.experiments.parity_targets.figures import FIGURES
from pitfalls.frame.experiment import run_experiment
from pitfalls.parity import TwoLayerReLU, gradient_signal
from pitfalls.plots import draw
from pitfalls.runs import RunStore


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path)


def test_targets_by_weight_add_up_to_the_signal(store):
    config = TargetsConfig(n_features=6, n_seeds=2, width_factor=4)
    result = run_experiment(EXPERIMENT, config, store).result
    assert [row.n_masks for row in result.rows] == [1, 6, 15, 20, 15, 6, 1]
    signal = gradient_signal(TwoLayerReLU(6, 24, seed=123)).signal
    assert result.first is not None
    assert result.first.mean() == pytest.approx(signal, rel=1e-10)
    np.testing.assert_allclose(result.share.sum(1), 1)


@pytest.mark.parametrize("d", [4, 1])
def test_figures_are_drawn_with_words(store, d):
    result = run_experiment(EXPERIMENT, TargetsConfig(n_features=d, n_seeds=d), store).result
    (figure,) = FIGURES
    drawn = draw(figure, result)
    assert len(drawn.files["png"]) > 5000
    assert f"d = {d}" in drawn.caption


def test_bad_configs_are_refused():
    with pytest.raises(InputError):
        TargetsConfig(n_features=0)
