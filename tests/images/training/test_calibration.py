"""The temperature is where the cross-entropy is least, against a grid and planted answers."""

import numpy as np
import pytest
from scipy.special import log_softmax

from pitfalls.errors import InputError
from pitfalls.images.training import fit_temperature
from pitfalls.images.training.calibration import TEMPERATURES


def drawn(temperature, n=4000, k=5, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, k)) * 2
    shares = np.exp(log_softmax(logits, axis=1))
    labels = (shares.cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)
    return logits * temperature, labels


def cross_entropy(logits, labels, temperature):
    return -log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean()


@pytest.mark.parametrize("planted", [0.3, 1.0, 4.0])
def test_a_planted_temperature_is_found_within_its_error(planted):
    logits, labels = drawn(planted)
    assert fit_temperature(logits, labels) == pytest.approx(planted, rel=0.08)


@pytest.mark.parametrize("n", [3, 30, 500])
def test_no_temperature_of_a_grid_makes_the_labels_likelier(n):
    logits, labels = drawn(2.0, n=n, seed=n)
    found = fit_temperature(logits, labels)
    least = cross_entropy(logits, labels, found)
    for other in np.geomspace(*TEMPERATURES, 200):
        assert least <= cross_entropy(logits, labels, other) + 1e-12


def test_units_of_the_logits_and_constants_added_to_them_change_nothing_else():
    logits, labels = drawn(2.0, n=300)
    found = fit_temperature(logits, labels)
    assert fit_temperature(3 * logits, labels) == pytest.approx(3 * found)
    assert fit_temperature(logits + labels[:, None], labels) == pytest.approx(found)


def test_where_all_or_less_than_chance_is_right_the_ends_are_returned():
    logits = np.eye(4) * 3
    assert fit_temperature(logits, np.arange(4)) == TEMPERATURES[0]
    assert fit_temperature(-logits, np.arange(4)) == TEMPERATURES[1]
    assert fit_temperature(np.zeros((4, 4)), np.arange(4)) == TEMPERATURES[1]


@pytest.mark.parametrize("bad", [np.zeros((0, 3)), np.full((4, 3), np.nan), np.zeros(4)])
def test_logits_without_meaning_are_refused(bad):
    with pytest.raises(InputError, match="fit_temperature: logits must be finite"):
        fit_temperature(bad, np.zeros(len(bad), dtype=int))


@pytest.mark.parametrize("labels", [[-1, 0, 0, 1], [0, 1, 2, 3], [0.5, 1, 0, 1], [np.nan, 0, 1, 0]])
def test_labels_that_are_no_columns_are_refused(labels):
    with pytest.raises(InputError, match="labels must be whole numbers from 0 to 2"):
        fit_temperature(np.zeros((4, 3)), labels)
    assert fit_temperature(np.eye(3) * 3, [0.0, 1.0, 2.0]) == TEMPERATURES[0]
