import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.parity_signal import EXPERIMENT, SignalConfig
from pitfalls.frame import Homework
from pitfalls.frame.experiment import run_experiment
from pitfalls.parity import TwoLayerReLU, gradient_signal
from pitfalls.runs import RunStore


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path)


def test_signal_rows_are_the_medians_of_the_cells(store):
    result = run_experiment(
        EXPERIMENT, SignalConfig(n_features=(3, 9), n_seeds=3, seed=5), store
    ).result
    assert len(result.cells.n_features) == 6
    expected = [gradient_signal(TwoLayerReLU(9, 90, seed=seed)).mean_square for seed in (5, 6, 7)]
    assert result.rows[1].mean_square == pytest.approx(np.median(expected), rel=1e-13)
    assert result.rows[1].exact


def test_interrupted_signal_run_goes_on_where_it_was_with_the_same_numbers(store, tmp_path):
    config = SignalConfig(n_features=(4, 6), n_seeds=2)
    opened = []

    class Stop:
        def __init__(self, label):
            opened.append(label)

        def __enter__(self):
            if len(opened) == 3:
                raise KeyboardInterrupt
            return lambda done, total: None

        def __exit__(self, *reason):
            return None

    def stopping(label, unit="steps"):
        return Stop(label)

    with pytest.raises(KeyboardInterrupt):
        run_experiment(EXPERIMENT, config, store, progress=stopping)
    opened.clear()
    finished = run_experiment(EXPERIMENT, config, store, progress=stopping)
    assert len(opened) == 2
    undisturbed = run_experiment(EXPERIMENT, config, RunStore(tmp_path / "other"))
    assert finished.result.rows == undisturbed.result.rows
    for name, values in vars(undisturbed.result.cells).items():
        np.testing.assert_array_equal(getattr(finished.result.cells, name), values)
    assert finished.run.metrics() == undisturbed.run.metrics()


def test_sampled_dimensions_carry_a_warning(store):
    config = SignalConfig(n_features=(34,), n_seeds=1, width_factor=1, n_samples=100)
    finished = run_experiment(EXPERIMENT, config, store)
    assert not finished.result.rows[0].exact
    assert any("estimate" in warning for warning in finished.run.manifest.warnings)


def test_homework_runs_measure_every_dimension_that_the_homework_names():
    sizes = {scale: EXPERIMENT.homework(Homework(scale, seed=1)) for scale in ("quick", "full")}
    for configs in sizes.values():
        dimensions = configs[0].n_features
        assert {5, 10, 30} <= set(dimensions)
        assert list(dimensions) == sorted(set(dimensions))
        assert max(dimensions) == 30
    full, quick = sizes["full"][0].n_features, sizes["quick"][0].n_features
    assert set(full) - set(quick) == {22, 24, 26, 28}
    assert all(config.seed == 1 for configs in sizes.values() for config in configs)


def test_bad_configs_are_refused():
    for make in (
        lambda: SignalConfig(n_features=()),
        lambda: SignalConfig(n_seeds=0),
        lambda: SignalConfig(boundary="abs"),  # type: ignore[arg-type]
        lambda: SignalConfig(boundary="clamp", loss="square"),
        lambda: SignalConfig(batch_size=0),
        lambda: SignalConfig(n_samples=0),
    ):
        with pytest.raises(InputError):
            make()


def test_a_dimension_named_twice_is_measured_once(store):
    result = run_experiment(EXPERIMENT, SignalConfig(n_features=(3, 4, 3), n_seeds=2), store).result
    assert result.cells.n_features.tolist() == [3, 3, 4, 4]
    assert [row.n_features for row in result.rows] == [3, 4]


@pytest.mark.parametrize("seed", [2**53 + 1, 2**62 + 1, 2**63 - 2])
def test_large_seeds_are_kept_to_the_last_digit(store, seed):
    found = run_experiment(EXPERIMENT, SignalConfig((2,), n_seeds=2, seed=seed), store).result
    assert found.cells.seed.tolist() == [seed, seed + 1]
    with pytest.raises(InputError, match=r"stay below 2\^63"):
        SignalConfig((2,), n_seeds=2, seed=2**63 - 1)
