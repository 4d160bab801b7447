"""Gates that rounding decides, against rational arithmetic."""

import itertools
import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from pitfalls.parity import (
    ParityTask,
    TwoLayerReLU,
    exact_network,
    gradient_bounds,
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


def test_a_gate_that_only_exact_sums_open_counts_in_the_bounds():
    network = TwoLayerReLU(2, 1, dtype=torch.float64, seed=0)
    # w . x + b = 2^-60 at x = (1, 1): float64 says 0
    flat = [1.0, 2.0**-60, -1.0, 1000.0, 0.0]
    network.load_flat(torch.tensor(flat, dtype=torch.float64))
    assert gradient_bounds(network).by_unit >= 1 + 3 * 1000.0**2
    assert gradient_bounds(network).element == 1000.0
    closed = [1.0, -(2.0**-60), -1.0, 1000.0, 0.0]
    network.load_flat(torch.tensor(closed, dtype=torch.float64))
    assert gradient_bounds(network).by_unit == 1


def on_the_kink(d, scale):
    """An exact network whose units are scaled: |f| is 1 on paper, and a little more or less as stored."""
    exact = exact_network([1] * d, dtype=torch.float64)
    network = TwoLayerReLU(d, exact.n_hidden, dtype=torch.float64)
    with torch.no_grad():
        for mine, given in zip(network.parameters(), exact.parameters(), strict=True):
            mine.copy_(given)
        network.hidden.weight.mul_(scale)
        network.hidden.bias.mul_(scale)
        network.output.weight.div_(scale)
    return network


def hinge_mean_square_in_fractions(network):
    w, b, alpha, beta = (
        [[Fraction(v) for v in row] for row in part.reshape(-1, part.shape[-1]).tolist()]
        for part in network.parameters()
    )
    total, d = Fraction(0), network.n_features
    for x in itertools.product((0, 1), repeat=d):
        norm, f = Fraction(1), beta[0][0]
        for line, bias, share in zip(w, b[0], alpha[0], strict=True):
            z = bias + sum((a for a, on in zip(line, x, strict=True) if on), Fraction(0))
            if z > 0:
                norm += share**2 * (1 + sum(x)) + z**2
                f += share * z
        total += norm * Fraction(int(f < 1) + int(-f < 1), 2) ** 2
    return float(total / 2**d)


def heard_of(ask):
    """Return the answer, and whether a warning speaks of the sides of 1 (gates may be warned of, too)."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        found = ask()
    return found, any("on which side of 1" in str(one.message) for one in heard)


METHODS: dict[str, dict[str, Any]] = {
    "stream": {"method": "stream"},
    "device": {"method": "stream", "device": "cpu"},
    "enumerate": {"method": "enumerate"},
    "sample": {"method": "sample"},
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [0.1, 0.7, 3.0])
def test_the_interval_covers_what_rounding_of_outputs_of_1_can_do(method, scale):
    network = on_the_kink(5, scale)
    due = hinge_mean_square_in_fractions(network)
    found, warned = heard_of(lambda: gradient_signal(network, **METHODS[method]))
    assert warned is (method != "sample")  # a sample has an interval of its own
    assert found.interval[0] <= due <= found.interval[1]
    assert found.interval[1] > found.interval[0]


@pytest.mark.parametrize("method", [name for name in METHODS if name != "sample"])
@pytest.mark.parametrize("scale", [1.0, 0.5, 4.0])
def test_outputs_of_exactly_1_are_on_the_side_that_the_boundary_says(method, scale):
    network = on_the_kink(5, scale)
    due = hinge_mean_square_in_fractions(network)
    found = gradient_signal(network, **METHODS[method])  # warnings are errors here
    assert found.interval == (found.mean_square, found.mean_square)
    assert found.mean_square == pytest.approx(due, rel=1e-12)


def test_each_target_is_warned_of_outputs_of_1_as_well():
    network, task = on_the_kink(5, 0.1), ParityTask([1, 0, 1, 0, 0])
    for asked in (lambda: target_gradients(network), lambda: target_signal(network, task)):
        assert heard_of(asked)[1]
