import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from pitfalls.errors import DivergenceError, InputError
from pitfalls.images.training.range_test import _read, learning_rate_range
from tests.images.training.test_loop import PLAIN, assert_equal, dataset, plain, weights
from tests.kinds import there


def test_rates_grow_geometrically_and_the_model_is_left_alone():
    model = plain()
    before = weights(model)
    result = learning_rate_range(model, dataset(), PLAIN, start=1e-4, stop=1e-2, steps=21)
    assert_equal(before, weights(model))
    np.testing.assert_allclose(result.rates, np.geomspace(1e-4, 1e-2, 21))
    assert not result.diverged


def test_smoothing_is_a_bias_corrected_average():
    result = learning_rate_range(plain(), dataset(), PLAIN, start=1e-4, stop=1e-2, steps=12)
    for k in range(12):
        w = 0.9 ** np.arange(k, -1, -1)
        assert result.smoothed[k] == pytest.approx(w @ result.losses[: k + 1] / w.sum())


def test_the_edge_of_stability_of_a_quadratic_like_loss_is_found():
    torch.manual_seed(0)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    config = dataclasses.replace(PLAIN, momentum=0.0, batch_size=32)
    result = learning_rate_range(linear, dataset(n=64), config, start=1e-4, stop=10, steps=200)
    assert result.diverged
    assert len(result.rates) < 200
    assert result.losses[:10].mean() > 1.1 * result.smoothed.min()
    assert 1e-3 < there(result.steepest) <= there(result.lowest) < result.rates[-1]
    assert result.undecided == ""


def read(losses):
    """The range test's reading of a curve of losses over rates from 1e-4 to 1."""
    losses = np.asarray(losses, dtype=float)
    weights = [0.9 ** np.arange(k, -1, -1) for k in range(len(losses))]
    smoothed = [w @ losses[: k + 1] / w.sum() for k, w in enumerate(weights)]
    return _read(np.geomspace(1e-4, 1, len(losses)), losses, np.array(smoothed), diverged=False)


def test_a_loss_that_still_falls_at_the_last_rate_recommends_none():
    noise = np.random.default_rng(0).normal(size=120) * 0.01
    falling = 2.3 - np.linspace(0, 1, 120) ** 3 + noise
    result = read(falling)
    assert result.steepest is None
    assert result.lowest is None
    assert "still falls at the last rate, 1" in result.undecided
    back = read(np.concatenate([falling, falling[::-1]]))  # the same, and up again
    assert back.undecided == ""
    assert 1e-3 < back.steepest < back.lowest < 0.1


def test_the_noise_of_a_long_burst_does_not_hide_the_fall_before_it():
    rng = np.random.default_rng(1)
    falling = 2.3 - np.linspace(0, 1, 60) ** 2 + 0.01 * rng.normal(size=60)
    result = read(np.concatenate([falling, 4 + 3 * rng.normal(size=120)]))
    assert result.undecided == ""
    assert result.rates[10] < result.steepest < result.lowest < result.rates[65]


@pytest.mark.parametrize("seed", range(20))
def test_a_loss_that_is_all_noise_recommends_none(seed):
    result = read(2.3 + np.random.default_rng(seed).normal(size=100))
    assert result.steepest is None
    assert "no more than its noise" in result.undecided


def test_a_loss_that_only_rises_recommends_none():
    assert "no more than its noise" in read(2.3 + np.linspace(0, 1, 100)).undecided


@pytest.mark.parametrize("seed", range(40))
def test_the_end_of_a_range_is_never_recommended(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 80))
    shape = np.cumsum(rng.normal(size=n)) * 10.0 ** rng.integers(-2, 2)
    result = read(20 + shape + rng.normal(size=n) * 10.0 ** rng.integers(-3, 1))
    assert (result.steepest is None) == (result.lowest is None) == bool(result.undecided)
    if result.steepest is not None:
        assert result.rates[0] < result.steepest < result.rates[-1]
        assert "e-" not in result.undecided


def test_a_range_that_ends_too_soon_names_no_rate():
    config = dataclasses.replace(PLAIN, batch_size=32)
    torch.manual_seed(0)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    result = learning_rate_range(linear, dataset(n=64), config, start=1e-4, stop=1e-2)
    assert result.steepest is None
    assert "try higher ones" in result.undecided


def test_progress_counts_steps():
    seen = []
    learning_rate_range(
        plain(), dataset(), PLAIN, stop=1e-3, steps=5, on_progress=lambda *a: seen.append(a)
    )
    assert seen == [(k, 5) for k in range(1, 6)]


def test_a_start_beyond_the_useful_range_is_an_error():
    with pytest.raises(DivergenceError, match="Start lower"):
        learning_rate_range(plain(), dataset(), PLAIN, start=1e30, stop=1e31)


@pytest.mark.parametrize("wrong", [{"start": 0}, {"start": 2, "stop": 1}, {"steps": 2}])
def test_ranges_without_meaning_are_refused(wrong):
    with pytest.raises(InputError, match="start < stop"):
        learning_rate_range(plain(), dataset(), PLAIN, **wrong)


def test_a_loss_below_zero_does_not_burst_where_it_falls(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "from torch.nn import functional\n\n"
        "def lowered(logits, labels):\n    return functional.cross_entropy(logits, labels) - 100\n\n"
        "def usual(logits, labels):\n    return functional.cross_entropy(logits, labels)\n"
    )
    found = [
        learning_rate_range(
            plain(), dataset(), dataclasses.replace(PLAIN, loss=f"{file}:{name}"),
            start=1e-4, stop=1e-2, steps=21,
        )
        for name in ("lowered", "usual")
    ]  # fmt: skip
    assert [len(result.rates) for result in found] == [21, 21]
    np.testing.assert_allclose(found[0].losses + 100, found[1].losses, atol=1e-4)


def test_a_model_that_is_told_each_epoch_stays_in_the_first():
    class Phased(nn.Sequential):
        def set_epoch(self, epoch):
            told.append((epoch, id(self)))

    told: list[tuple[int, int]] = []
    model = Phased(nn.Flatten(), nn.Linear(192, 4))
    learning_rate_range(model, dataset(), PLAIN, start=1e-4, stop=1e-3, steps=20)
    assert [epoch for epoch, _ in told] == [0]
    model.set_epoch(7)  # the model itself is left as it is
    assert told[-1] == (7, id(model))
