import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.experiments import perform
from pitfalls.experiments.parity_targets import TargetsConfig
from pitfalls.parity import TwoLayerReLU, gradient_signal
from pitfalls.report.figures import draw_run
from pitfalls.runs import RunStore


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path)


def test_targets_by_weight_add_up_to_the_signal(store):
    run = perform(TargetsConfig(n_features=6, n_seeds=2, width_factor=4), store)
    results = run.results()
    assert [row["masks"] for row in results["rows"]] == [1, 6, 15, 20, 15, 6, 1]
    distances = run.arrays("first")["squared_distance"]
    signal = gradient_signal(TwoLayerReLU(6, 24, seed=123)).signal
    assert distances.mean() == pytest.approx(signal, rel=1e-10)
    np.testing.assert_allclose(run.arrays("weights")["share"].sum(1), 1)


@pytest.mark.parametrize("d", [4, 1])
def test_figures_are_drawn_with_words(store, d):
    run = perform(TargetsConfig(n_features=d, n_seeds=d), store)
    assert [path.stem for path in draw_run(run)] == ["signal-by-weight"]
    assert (run.path / "figures" / "signal-by-weight.png").stat().st_size > 5000


def test_bad_configs_are_refused():
    with pytest.raises(InputError):
        TargetsConfig(n_features=0)
