"""What the chapter on linear networks says of a run follows from the run's own values."""

import numpy as np
import pytest

from pitfalls.experiments import perform
from pitfalls.experiments.linear import DescendConfig, LandscapeConfig, TourConfig
from pitfalls.experiments.linear_source import Planted
from pitfalls.report.explore.landscape import surface
from pitfalls.report.facts import facts_of
from pitfalls.report.facts.linear import _last_gain
from pitfalls.report.figures import draw_run
from pitfalls.report.figures.linear import _nearness, _order_of
from pitfalls.report.passages import passages
from pitfalls.runs import RunStore


def test_only_saddles_that_the_flow_comes_near_are_counted(store: RunStore) -> None:
    run = perform(TourConfig(depths=(2, 3)), store)
    shallow, deep = passages(run)
    assert [v["rank"] for v in shallow.between] == [1, 2, 3]
    assert [v["rank"] for v in shallow.passed] == [3]
    assert [v["rank"] for v in deep.passed] == [1, 2, 3]
    assert _nearness([shallow, deep]) == "Only 3 layers come near every saddle"
    assert _nearness([deep]) == "Every depth comes near every saddle"
    assert _nearness([shallow]) == "No depth comes near every saddle"
    values = facts_of("linear-tour", (run,)).values
    assert values["n_between"] == 3
    assert [t["passed_ranks"] for t in values["tours"]] == [[3], [1, 2, 3]]


def test_how_long_a_flow_stays_near_zero_is_read_where_it_leaves(store: RunStore) -> None:
    run = perform(TourConfig(depths=(2, 3)), store)
    for number, passage in enumerate(passages(run)):
        path = run.arrays(f"tour{number}")
        leaves = path["time"] == passage.leaves_zero
        size = np.linalg.norm(path["singular_values"], axis=1)
        assert size[: int(leaves.argmax())].max() < 0.4
        assert size[leaves][0] >= 0.4
        assert passage.leaves_zero is not None
        assert passage.arrives is not None
        assert passage.leaves_zero < passage.arrives
    assert facts_of("linear-tour", (run,)).values["longer_near_zero_with_depth"]


def test_a_single_flow_says_nothing_about_depth(store: RunStore) -> None:
    run = perform(TourConfig(depths=(2,)), store)
    assert not facts_of("linear-tour", (run,)).values["longer_near_zero_with_depth"]


def test_the_caption_names_no_saddle_that_the_flow_misses(store: RunStore) -> None:
    run = perform(TourConfig(depths=(2, 3)), store)
    (path,) = draw_run(run)
    words = path.with_suffix(".json").read_text()
    assert "2 layers: rank 3 strict saddle (0.14); 3 layers: rank 1" in words


@pytest.mark.parametrize(("hidden", "fits"), [((4, 4), True), ((2, 4), False)])
def test_the_card_judges_the_descent_by_its_own_widths(
    store: RunStore, hidden: tuple[int, ...], fits: bool
) -> None:
    run = perform(DescendConfig(hidden=hidden, steps=50), store)
    values = facts_of("linear-descend", (run,)).values
    assert (values["rank"], values["capacity"]) == (4, min(hidden))
    assert values["representable"] is fits


def test_a_mode_that_is_rounding_is_neither_counted_nor_drawn(store: RunStore) -> None:
    planted = Planted(modes=(3.0, 2.0, 0.0))
    run = perform(DescendConfig(data=planted, hidden=(4,), steps=50), store)
    assert facts_of("linear-descend", (run,)).values["rank"] == 2
    np.testing.assert_allclose(run.arrays("trajectory")["modes"], [3.0, 2.0])


def test_the_gain_of_the_last_rank_has_the_error_of_two_accuracies() -> None:
    rows = [{"test_accuracy": 0.3613}, {"test_accuracy": 0.3647}]
    found = _last_gain(rows, {"has_accuracy": True, "n_test": 10_000})
    assert found["last_gain"] == pytest.approx(0.0034)
    assert found["last_gain_error"] == pytest.approx(0.0068, abs=1e-4)
    assert _last_gain(rows[:1], {"has_accuracy": True, "n_test": 10_000}) == {}


def test_the_order_of_the_modes_is_read_from_the_path() -> None:
    time, modes = np.arange(4.0), np.array([2.0, 1.0, 0.0])
    first = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [2, 1, 0]], dtype=float)
    swapped = np.array([[0, 0, 0], [0, 1, 0], [2, 1, 0], [2, 1, 0]], dtype=float)
    assert _order_of(time, first, modes) == "The stronger a mode, the sooner it is learnt"
    assert "not in the order" in _order_of(time, swapped, modes)
    assert _order_of(time, first[:2], modes) == "1 of 2 modes are learnt"


def test_the_surface_is_cut_flat_and_has_no_holes(store: RunStore) -> None:
    run = perform(LandscapeConfig(grid=15), store)
    saddle, minimum = run.results()["points"]
    height = np.array(surface(run)["z"], dtype=float)
    assert np.isfinite(height).all()
    top = minimum["risk"] + 1.5 * (saddle["risk"] - minimum["risk"])
    assert height.max() == pytest.approx(top, rel=1e-4)
