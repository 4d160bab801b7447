import numpy as np
import pytest

from pitfalls.errors import DataError, InputError
from pitfalls.experiments import perform
from pitfalls.experiments.linear import (
    CapacityConfig,
    ClassifyConfig,
    DescendConfig,
    LandscapeConfig,
    LinearHomeworkConfig,
    MinimumConfig,
    RanksConfig,
    TourConfig,
    homework_runs,
)
from pitfalls.experiments.linear_source import ArraySource, Planted, find_source, load_risk
from pitfalls.images import DataConfig, load_dataset
from pitfalls.linear import DeepLinearNetwork, SquaredRisk, classify
from pitfalls.moments import SecondMoments
from pitfalls.report.figures import draw_run, figure_names
from pitfalls.runs import RunStore


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path)


def test_planted_data_have_the_planted_modes():
    for modes in ((3.0, 2.0, 2.0), (1.0, 0.0), (5.0,)):
        risk = load_risk(Planted(modes=modes))
        np.testing.assert_allclose(risk.modes.values, modes, atol=1e-9)


def test_arrays_and_pictures_are_told_apart(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    path = tmp_path / "data.npz"
    np.savez(path, x=x, y=y)
    source = find_source(str(path))
    assert isinstance(source, ArraySource)
    np.testing.assert_allclose(load_risk(source).moments.sxx, x.T @ x)
    assert find_source("digits", subset_train=50).name == "digits"


def test_pictures_are_centred_and_normalised():
    risk = load_risk(find_source("digits", subset_train=200))
    data = load_dataset(DataConfig("digits", subset_train=200, seed=123))
    x = data.normalized("train").reshape(200, -1).astype(np.float64)
    x -= x.mean(axis=0)
    np.testing.assert_allclose(risk.moments.sxx, x.T @ x, atol=1e-9 * np.abs(x.T @ x).max())
    assert risk.moments.center


def test_files_that_are_no_arrays_are_refused(tmp_path):
    path = tmp_path / "data.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read"):
        find_source(str(path))


def test_capacity_factorises_or_refuses(store):
    fits = perform(CapacityConfig(), store).results()
    assert fits["representable"]
    assert fits["relative_error"] < 1e-13
    refused = perform(CapacityConfig(rank=6), store).results()
    assert "narrowest width is 4" in refused["refusal"]
    assert refused["relative_error"] == pytest.approx(refused["distance_by_narrowest_width"][3])


def test_minimum_lists_every_rank(store):
    results = perform(MinimumConfig(), store).results()
    drops = -np.diff([row["risk"] for row in results["by_rank"]])
    np.testing.assert_allclose(drops, 0.5 * np.array([4.0, 3.0, 2.0, 1.0]) ** 2)


@pytest.mark.parametrize("kind", ["global minimum", "strict saddle", "non-strict saddle"])
def test_classify_returns_the_kind_asked_for_and_draws_its_line(store, kind):
    run = perform(ClassifyConfig(kind=kind), store)
    results, line = run.results(), run.arrays("line")
    assert results["verdict"] == kind
    middle = len(line["lengths"]) // 2
    assert line["risk"][middle] == pytest.approx(results["risk"])
    if kind == "strict saddle":
        assert line["risk"].min() < results["risk"]
    assert draw_run(run)


def test_classify_takes_given_layers(store):
    network = DeepLinearNetwork([6, 5, 4])
    layers = tuple(tuple(map(tuple, w.tolist())) for w in network.weights)
    run = perform(ClassifyConfig(layers=layers), store)
    assert run.results()["verdict"] == "not critical"
    assert run.results()["witness"]["kind"] == "gradient"
    assert draw_run(run)


def test_the_flow_from_an_aligned_start_meets_the_exact_solution(store):
    run = perform(DescendConfig(), store)
    assert run.results()["largest_gap_to_exact"] < 1e-4
    assert run.results()["end"]["verdict"] == "global minimum"
    assert draw_run(run)


def test_descent_from_a_saddle_escapes_it(store):
    run = perform(DescendConfig(start="saddle"), store)
    results = run.results()
    assert results["method"] == "gradient"
    assert results["escapes"][0]["verdict"] == "strict saddle"
    assert results["end"]["verdict"] == "global minimum"
    assert draw_run(run)


def test_the_tour_passes_every_rank_closer_with_depth(store):
    run = perform(TourConfig(depths=(2, 3)), store)
    shallow, deep = run.results()["tours"]
    assert [v["rank"] for v in deep["visits"]] == [0, 1, 2, 3, 4]
    for a, b in zip(shallow["visits"][1:4], deep["visits"][1:4], strict=True):
        assert (a["verdict"], b["verdict"]) == ("strict saddle", "non-strict saddle")
        assert b["distance"] < a["distance"]
    assert draw_run(run)


def test_the_landscape_holds_both_verdicts_and_a_way_down(store):
    run = perform(LandscapeConfig(grid=15), store)
    results, arrays = run.results(), run.arrays("landscape")
    assert [p["verdict"] for p in results["points"]] == ["strict saddle", "global minimum"]
    assert results["curvature"] < 0
    assert arrays["risk"].shape == (15, 15)
    assert (arrays["risk"] >= results["minimum"] - 1e-9).all()
    assert arrays["line_risk"].min() < results["points"][0]["risk"]
    assert len(draw_run(run)) == 2


def test_ranks_on_digits_reach_every_minimum_and_its_accuracy(store):
    run = perform(RanksConfig(data=find_source("digits"), max_rank=3), store)
    results = run.results()
    assert [row["verdict"] for row in results["rows"]] == ["global minimum"] * 3
    for row in results["rows"]:
        assert row["modes"] == list(range(1, row["rank"] + 1))
        assert row["risk"] == pytest.approx(row["minimum"], rel=1e-9)
        assert row["test_accuracy"] == row["test_accuracy_of_minimum"]
    assert draw_run(run)


def test_accuracy_by_rank_is_that_of_the_explicit_map(store):
    source = find_source("digits")
    row = perform(RanksConfig(data=source, max_rank=2), store).results()["rows"][-1]
    data, risk = source.load(), load_risk(source)
    x = data.normalized("test").reshape(len(data.test_labels), -1)
    moments = risk.moments
    scores = (x - moments.mean_x) @ risk.minimum(2).map.T + moments.mean_y
    accuracy = np.mean(scores.argmax(axis=1) == data.test_labels)
    assert row["test_accuracy"] == pytest.approx(accuracy)


@pytest.mark.cifar10
def test_descent_finds_the_minimum_on_cifar10(store, cifar10_path):
    source = find_source(str(cifar10_path), subset_train=1000, size=8)
    rows = perform(RanksConfig(data=source, max_rank=3), store).results()["rows"]
    assert [row["verdict"] for row in rows] == ["global minimum"] * 3


def test_the_homework_numbers_hold_what_the_homework_states(store):
    results = perform(LinearHomeworkConfig(), store).results()
    assert results["a"]["relative_error"] < 1e-14
    assert results["a"]["distance_to_nearest"] == pytest.approx(results["a"]["expected_distance"])
    assert results["b"]["smallest_relative_gap_of_q"] > 0
    assert results["b"]["risk_halfway"] > results["b"]["risk_at_w_and_minus_w"]
    assert max(results["c"]["relative_error_by_layer"]) < 1e-12
    for row in results["d"]:
        assert (row["residual_at_minimum"] < 1e-10) is row["exact_condition"]
    zero = results["e"][0]
    assert zero["gradient_norm"] == 0
    assert zero["excess"] > 0
    assert {row["verdict"] for row in results["e"]} == {
        "strict saddle",
        "non-strict saddle",
        "global minimum",
        "not critical",
    }
    for row in results["f"]:
        assert row["gradient_norm"] >= row["lower_bound"] * (1 - 1e-9)
    assert [row["holds"] for row in results["f"]] == [True, True, False, True, False]


def test_an_experiment_run_twice_is_reused(store):
    assert perform(CapacityConfig(), store).was_opened
    assert not perform(CapacityConfig(), store).was_opened


def test_the_homework_needs_these_runs():
    configs = homework_runs("quick", "digits", 7)
    assert [type(c).__name__ for c in configs] == [
        "LinearHomeworkConfig",
        "CapacityConfig",
        "LandscapeConfig",
        "DescendConfig",
        "TourConfig",
        "RanksConfig",
    ]
    assert all(c.seed == 7 for c in configs)
    assert homework_runs("full", "digits", 7)[-1] == configs[-1]
    assert homework_runs("full", "digits", 7)[2].grid > configs[2].grid
    assert figure_names("linear-landscape") == ("escape-line", "plane")


@pytest.mark.parametrize(
    "config",
    [
        CapacityConfig(rank=9),
        MinimumConfig(max_rank=-1),
        DescendConfig(size=0.0),
        TourConfig(depths=(1,)),
        LandscapeConfig(grid=1),
        RanksConfig(max_rank=0),
        MinimumConfig(data=Planted(n_samples=3)),
        MinimumConfig(data=Planted(modes=(1.0, 2.0))),
    ],
)
def test_configs_out_of_range_are_refused(store, config):
    with pytest.raises(InputError, match="Got"):
        perform(config, store)


def test_a_network_trained_by_torch_is_judged(store):
    import torch

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((50, 4)), rng.standard_normal((50, 2))
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    network = DeepLinearNetwork([4, 3, 2], dtype=torch.float64)
    optimizer = torch.optim.LBFGS(
        network.parameters(),
        max_iter=500,
        tolerance_grad=1e-12,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        loss = 0.5 * ((network(torch.tensor(x)) - torch.tensor(y)) ** 2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert classify(risk, network, tol=1e-6).verdict == "global minimum"
