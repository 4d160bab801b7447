import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.parity_exact import EXPERIMENT, ExactConfig
from pitfalls.experiments.parity_exact.figures import FIGURES
from pitfalls.frame.experiment import run_experiment
from pitfalls.plots import draw
from pitfalls.runs import RunStore


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path)


def test_exact_run_finds_the_misprint_for_every_d_and_nothing_else(store):
    config = ExactConfig(proved=(1, 2, 5, 8), n_features=6)
    for proof in run_experiment(EXPERIMENT, config, store).result.proofs:
        assert proof.exact is (proof.variant != "printed")
        assert proof.weights_exact == proof.n_features + (proof.variant != "printed")
        if proof.variant != "printed":
            assert proof.output_at_ones == proof.label_at_ones == (-1.0) ** proof.n_features
        else:
            assert proof.only_at_ones
            assert proof.output_at_ones == (-1.0 if proof.n_features % 2 == 0 else 5.0)


def test_homeworks_random_check_misses_the_misprint_unless_the_mask_is_all_ones(store):
    config = ExactConfig(proved=(3,), n_features=8, n_inputs=5000)
    sampled = run_experiment(EXPERIMENT, config, store).result.sampled
    wrong = {(row.mask, row.variant): row.n_wrong for row in sampled}
    ones = wrong.pop(("all ones", "printed"))
    assert 3 < ones < 50  # 5000 / 256 expected
    assert set(wrong.values()) == {0}


@pytest.mark.parametrize("proved", [(1, 4), (40,)])
def test_the_figure_is_drawn_with_words(store, proved):
    result = run_experiment(EXPERIMENT, ExactConfig(proved=proved, n_features=5), store).result
    drawn = draw(FIGURES[0], result)
    assert len(drawn.files["png"]) > 5000
    assert "the printed one is wrong at s = 5" in drawn.alt


@pytest.mark.parametrize(
    "wrong", [{"proved": (0,)}, {"width_factor": 1}, {"n_features": 1001}, {"n_inputs": 0}]
)
def test_bad_configs_are_refused(wrong):
    with pytest.raises(InputError):
        ExactConfig(**wrong)
