import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.linear_capacity import EXPERIMENT, CapacityConfig
from pitfalls.experiments.linear_capacity.figures import FIGURES
from pitfalls.frame.experiment import run_experiment
from pitfalls.plots import draw
from tests.experiments.linear_cases import store  # noqa: F401
from tests.kinds import there


def test_capacity_factorises_or_refuses(store):  # noqa: F811
    fits = run_experiment(EXPERIMENT, CapacityConfig(), store).result
    assert fits.representable
    assert fits.relative_error < 1e-13
    refused = run_experiment(EXPERIMENT, CapacityConfig(rank=6), store).result
    assert "narrowest width is 4" in there(refused.refusal)
    assert refused.relative_error == pytest.approx(refused.distances[3])
    for result, words in ((fits, "none is lost"), (refused, "2 are lost")):
        drawn = draw(FIGURES[0], result)
        assert len(drawn.files["png"]) > 5000
        assert words.split()[0] in words
    assert "is not representable" in draw(FIGURES[0], refused, ("svg",)).alt


def test_an_experiment_run_twice_is_reused(store):  # noqa: F811
    assert run_experiment(EXPERIMENT, CapacityConfig(), store).run.was_opened
    assert not run_experiment(EXPERIMENT, CapacityConfig(), store).run.was_opened


@pytest.mark.parametrize(
    "wrong", [{"rank": 9}, {"rank": -1}, {"widths": (3,)}, {"widths": (3, 0, 3)}, {"widths": ()}]
)
def test_bad_configs_are_refused(wrong):
    with pytest.raises(InputError, match="Got"):
        CapacityConfig(**wrong)
