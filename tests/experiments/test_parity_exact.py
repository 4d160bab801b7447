import pytest

from pitfalls.errors import InputError
from pitfalls.experiments import perform
from pitfalls.experiments.parity_exact import ExactConfig
from pitfalls.report.figures import draw_run
from pitfalls.runs import RunStore


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path)


def test_exact_run_finds_the_misprint_for_every_d_and_nothing_else(store):
    results = perform(ExactConfig(dimensions=(1, 2, 5, 8), shown=6), store).results()
    for row in results["proofs"]:
        assert row["exact"] is (row["variant"] != "printed")
        assert row["weights_exact"] == row["d"] + (row["variant"] != "printed")
        if row["variant"] != "printed":
            assert row["output_at_ones"] == row["label_at_ones"] == (-1.0) ** row["d"]
        else:
            assert row["counterexample_is_ones"]
            assert row["output_at_ones"] == (-1.0 if row["d"] % 2 == 0 else 5.0)


def test_homeworks_random_check_misses_the_misprint_unless_the_mask_is_all_ones(store):
    results = perform(ExactConfig(dimensions=(3,), shown=8, n_inputs=5000), store).results()
    wrong = {(row["mask"], row["variant"]): row["wrong"] for row in results["sampled"]}
    ones = wrong.pop(("all ones", "printed"))
    assert 3 < ones < 50  # 5000 / 256 expected
    assert set(wrong.values()) == {0}


def test_the_figure_is_drawn_with_words(store):
    run = perform(ExactConfig(dimensions=(1, 4), shown=5), store)
    assert [path.stem for path in draw_run(run)] == ["exact-networks"]
    assert (run.path / "figures" / "exact-networks.png").stat().st_size > 5000


@pytest.mark.parametrize("wrong", [{"dimensions": (0,)}, {"width_factor": 1}])
def test_bad_configs_are_refused(wrong):
    with pytest.raises(InputError):
        ExactConfig(**wrong)
