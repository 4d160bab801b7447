import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.experiments import perform
from pitfalls.experiments.parity_signal import SignalConfig, TargetsConfig, homework_runs
from pitfalls.parity import TwoLayerReLU, gradient_signal
from pitfalls.report.figures import draw_run
from pitfalls.runs import RunStore


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path)


def test_signal_rows_are_the_medians_of_the_cells(store):
    run = perform(SignalConfig(dimensions=(3, 9), n_seeds=3, seed=5), store)
    cells, rows = run.arrays("cells"), run.results()["rows"]
    assert len(cells["d"]) == 6
    expected = [gradient_signal(TwoLayerReLU(9, 90, seed=seed)).mean_square for seed in (5, 6, 7)]
    assert rows[1]["mean_square"] == pytest.approx(np.median(expected), rel=1e-13)
    assert rows[1]["exact"]


def test_interrupted_signal_run_goes_on_where_it_was_with_the_same_numbers(store, tmp_path):
    config = SignalConfig(dimensions=(4, 6), n_seeds=2)
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

    with pytest.raises(KeyboardInterrupt):
        perform(config, store, progress=lambda label, unit="steps": Stop(label))
    opened.clear()
    finished = perform(config, store, progress=lambda label, unit="steps": Stop(label))
    assert len(opened) == 2
    undisturbed = perform(config, RunStore(tmp_path / "other"))
    assert finished.results() == undisturbed.results()
    assert finished.metrics() == undisturbed.metrics()


def test_sampled_dimensions_carry_a_warning(store):
    run = perform(SignalConfig(dimensions=(34,), n_seeds=1, width_factor=1, n_samples=100), store)
    assert not run.results()["rows"][0]["exact"]
    assert any("estimate" in warning for warning in run.manifest.warnings)


def test_targets_by_weight_add_up_to_the_signal(store):
    run = perform(TargetsConfig(n_features=6, n_seeds=2, width_factor=4), store)
    results = run.results()
    assert [row["masks"] for row in results["rows"]] == [1, 6, 15, 20, 15, 6, 1]
    distances = run.arrays("first")["squared_distance"]
    signal = gradient_signal(TwoLayerReLU(6, 24, seed=123)).signal
    assert distances.mean() == pytest.approx(signal, rel=1e-10)
    np.testing.assert_allclose(run.arrays("weights")["share"].sum(1), 1)


@pytest.mark.parametrize(
    ("config", "figure"),
    [
        (SignalConfig(dimensions=(2, 4), n_seeds=2), "signal-by-dimension"),
        (TargetsConfig(n_features=4, n_seeds=2), "signal-by-weight"),
        (TargetsConfig(n_features=1, n_seeds=1), "signal-by-weight"),
    ],
)
def test_figures_are_drawn_with_words(store, config, figure):
    run = perform(config, store)
    assert [path.stem for path in draw_run(run)] == [figure]
    assert (run.path / "figures" / f"{figure}.png").stat().st_size > 5000


def test_homework_runs_measure_every_dimension_that_the_homework_names():
    sizes = {scale: homework_runs(scale, 1) for scale in ("quick", "full")}
    for configs in sizes.values():
        dimensions = configs[0].dimensions
        assert {5, 10, 30} <= set(dimensions)
        assert list(dimensions) == sorted(set(dimensions))
        assert max(dimensions) == 30
    assert set(sizes["full"][0].dimensions) - set(sizes["quick"][0].dimensions) == {22, 24, 26, 28}
    assert all(config.seed == 1 for configs in sizes.values() for config in configs)


def test_bad_configs_are_refused():
    for make in (
        lambda: SignalConfig(dimensions=()),
        lambda: SignalConfig(n_seeds=0),
        lambda: SignalConfig(boundary="abs"),
        lambda: TargetsConfig(n_features=0),
    ):
        with pytest.raises(InputError):
            make()
