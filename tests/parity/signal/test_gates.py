"""Gates that rounding decides, against rational arithmetic."""

import itertools
import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch

from pitfalls.parity import (
    ParityTask,
    TwoLayerReLU,
    gradient_signal,
    target_gradients,
    target_signal,
)
from pitfalls.parity.signal.gates import rounded_gates


def of_tenths(d, k, seed, dtype=torch.float64):
    """Weights that are tenths, as nobody stores them: sums that are zero on paper are not in binary."""
    rng = np.random.default_rng(seed)
    network = TwoLayerReLU(d, k, dtype=dtype)
    with torch.no_grad():
        for part in network.parameters():
            part.copy_(torch.from_numpy(rng.integers(-4, 5, part.shape) / 10))
    return network


def mean_square_in_fractions(network):
    """Return E|grad f|^2 of the very numbers that are stored: G = 1 everywhere for the square loss."""
    w, b, alpha, _ = (
        [[Fraction(v) for v in row] for row in part.reshape(-1, part.shape[-1]).tolist()]
        for part in network.parameters()
    )
    total, d = Fraction(0), network.n_features
    for x in itertools.product((0, 1), repeat=d):
        total += 1
        for line, bias, share in zip(w, b[0], alpha[0], strict=True):
            z = bias + sum((a for a, on in zip(line, x, strict=True) if on), Fraction(0))
            if z > 0:
                total += share**2 * (1 + sum(x)) + z**2
    return float(total / 2**d)


@pytest.mark.parametrize("method", ["stream", "enumerate"])
@pytest.mark.parametrize("seed", range(20))
def test_the_interval_covers_what_rounding_of_gates_can_do_and_a_warning_says_so(seed, method):
    network = of_tenths(5, 4, seed)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = gradient_signal(network, "square", method=method)
    low, high = found.interval
    due = mean_square_in_fractions(network)
    room = 1e-12 * due
    assert low - room <= due <= high + room
    count, off = rounded_gates(network)
    assert high - found.mean_square == pytest.approx(off)
    said = [str(one.message) for one in heard]
    assert [line.startswith("gradient_signal: rounding decides") for line in said] == [True] * (
        count > 0
    )
    if count == 0:
        assert found.mean_square == pytest.approx(due, rel=1e-12)


def test_the_gates_are_those_within_the_rounding_of_their_sums():
    network = of_tenths(4, 1, 0)
    with torch.no_grad():
        network.hidden.weight[:] = torch.tensor([[0.3, 0.4, -0.1, -0.3]], dtype=torch.float64)
        network.hidden.bias.fill_(0.0)
        network.output.weight.fill_(3.0)
    # nothing, .3 - .3, and .4 - .1 - .3; a sum of nothing is counted, though it is exact
    count, off = rounded_gates(network)
    assert count == 3
    assert off == pytest.approx(3 * 5 * 9 / 16)
    for asked in (
        lambda: target_gradients(network, "square"),
        lambda: target_signal(network, ParityTask([1, 0, 1, 0]), "square"),
    ):
        with pytest.warns(RuntimeWarning, match="rounding decides 3 of the units' gates"):
            asked()


@pytest.mark.parametrize("d", [3, 12, 30])
def test_sums_that_are_exact_have_no_such_gates(d):
    assert rounded_gates(of_tenths(d, 9, 1, torch.float32)) == (0, 0.0)
    assert rounded_gates(TwoLayerReLU(d, 9, seed=0)) == (0, 0.0)
    network = of_tenths(d, 9, 1)
    with torch.no_grad():
        for part in network.parameters():
            part.mul_(10).round_().div_(8)
    assert rounded_gates(network) == (0, 0.0)
