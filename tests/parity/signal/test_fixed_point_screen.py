"""What integers of 16 bits prove holds in exact arithmetic, and they prove nearly all there is."""

from fractions import Fraction

import numba
import numpy as np
import pytest

from pitfalls.parity import LearningConfig, ParityTask, exact_network, train
from pitfalls.parity.signal.cube_pass import expected_highest, stream_sums, subset_sums
from pitfalls.parity.signal.fixed_point_screen import (
    BLOCK_BITS,
    SCREEN_BITS,
    make_screen,
    screen,
)
from pitfalls.parity.signal.gradient_norm import gradient_norm_total
from tests.kinds import there

N_INPUTS = 1 << SCREEN_BITS
N_BLOCKS = N_INPUTS >> BLOCK_BITS
GUARD = 1e-12


def screened(a, beta, low, alpha, *, side, limit, signs=None, typical=None):
    """Which blocks are proved, with the tables' error."""
    tables = there(make_screen(low, alpha, a[None] if typical is None else typical, GUARD))
    settled = np.zeros(N_BLOCKS, bool)
    signs = np.ones(N_INPUTS) if signs is None else signs
    n_rows = len(tables.units)
    buffers = np.empty(n_rows, np.int16), *np.empty((2, N_INPUTS), np.int16)
    n = screen(a, beta, tables, signs, side, limit, *buffers, settled)
    assert n == settled.sum()
    return settled, tables.error


def outputs(a, beta, low, alpha):
    return np.maximum(a[:, None] + low, 0).T @ alpha + beta


def units(kind, seed):
    """Weights of the low features, a subcube's a_i and alpha."""
    rng = np.random.default_rng(seed)
    k = 1 if kind == "one unit" else 37
    weights, a, alpha = rng.normal(size=(k, SCREEN_BITS)), rng.normal(size=k), rng.normal(size=k)
    if kind == "one sign":
        alpha = np.abs(alpha) * (-1) ** seed
    elif kind == "zeros":
        weights[::2], alpha[::3], a[::5] = 0, 0, 0
    elif kind == "integers":
        weights, a, alpha = (np.rint(2 * part) for part in (weights, a, alpha))
    elif kind == "one large":
        weights[0], alpha[1] = 1e4 * weights[0], 1e4
    elif kind == "far":
        a = 50 * a  # always on or always off
    return subset_sums(weights), a, alpha


KINDS = ["usual", "one unit", "one sign", "zeros", "integers", "one large", "far"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_a_block_is_settled_below_its_least_output_by_twice_the_error_and_never_above(kind, seed):
    low, a, alpha = units(kind, seed)
    beta = 0.3
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], N_INPUTS)
    for side in (1.0, -1.0):
        least = (side * signs * outputs(a, beta, low, alpha)).reshape(N_BLOCKS, -1).min(1)
        for block in range(N_BLOCKS):
            at, error = screened(a, beta, low, alpha, side=side, limit=least[block], signs=signs)
            assert not at[block]
            assert (least[at] > least[block]).all()
            limit = least[block] - 2.001 * error
            below, _ = screened(a, beta, low, alpha, side=side, limit=limit, signs=signs)
            assert below[block]


@pytest.mark.parametrize("kind", KINDS)
def test_inside_a_block_is_settled_above_its_largest_output_and_never_at_it(kind):
    low, a, alpha = units(kind, 5)
    largest = np.abs(outputs(a, -0.2, low, alpha)).reshape(N_BLOCKS, -1).max(1)
    for block in range(N_BLOCKS):
        at, error = screened(a, -0.2, low, alpha, side=0.0, limit=largest[block])
        assert not at[block]
        above, _ = screened(a, -0.2, low, alpha, side=0.0, limit=largest[block] + 2.001 * error)
        assert above[block]


def test_the_tables_are_off_by_less_than_the_error_in_exact_arithmetic():
    low, a, alpha = units("usual", 1)
    tables = there(make_screen(low, alpha, a[None], GUARD))
    step = Fraction(tables.step)
    worst = Fraction(0)
    for x in range(0, N_INPUTS, 17):
        total = Fraction(0)
        for row, unit in enumerate(tables.units):
            if tables.scale[row] == 0:
                continue
            sign = 1 if alpha[unit] > 0 else -1
            size = abs(Fraction(alpha[unit]))
            kept = min(max(-size * Fraction(a[unit]), tables.least[row]), tables.most[row])
            rounded = max(int(tables.table[row, x]), round(Fraction(kept) / step)) * step
            total += sign * (rounded - max(size * Fraction(low[unit, x]), Fraction(kept)))
        worst = max(worst, abs(total))
    assert 0 < worst < Fraction(tables.error)


def test_a_subcube_whose_sum_16_bits_cannot_tell_is_not_screened():
    rng = np.random.default_rng(0)
    weights, alpha = np.abs(rng.normal(size=(40, SCREEN_BITS))), np.ones(40)
    low = subset_sums(weights)
    off, on = np.full(40, -100.0), np.full(40, 100.0)
    nearly_off = 0.05 - weights.sum(1)[None]  # the step is chosen for these
    settled, _ = screened(off, 2.0, low, alpha, side=1.0, limit=1.0, typical=nearly_off)
    assert settled.all()
    settled, _ = screened(on, 2.0, low, alpha, side=1.0, limit=1.0, typical=nearly_off)
    assert not settled.any()


def test_units_that_are_not_finite_have_no_tables():
    low, a, alpha = units("usual", 0)
    assert make_screen(np.full_like(low, np.inf), alpha, a[None], GUARD) is None


def arrays(network):
    w, b, alpha, beta = (p.detach().double().numpy() for p in network.parameters())
    return w, b, alpha[0], float(beta[0])


def trained(d, seed, n=3000, k=64):
    task = ParityTask.random(d, seed, weight=2)
    config = LearningConfig(n_hidden=k, learning_rate=0.003, n_iterations=n, seed=seed)
    return arrays(train(task, config).network)


def network_of(kind):
    if kind.startswith("trained"):
        return trained(15, int(kind[-1]))
    if kind == "on the kink":
        return arrays(exact_network([0] * 9 + [1, 0, 1, 1]).double())
    rng = np.random.default_rng(3)
    d, k = 13, 30
    w, b, alpha = rng.normal(size=(k, d)) / 2, rng.normal(size=k), rng.normal(size=k) / 3
    if kind == "one sign":
        alpha = np.abs(alpha)
    elif kind == "zero weights":
        w[:, 3:] = 0
    elif kind == "nothing":
        w, b, alpha = 0 * w, 0 * b, 0 * alpha
    elif kind == "integers":  # |f| is 1 at many inputs
        w, b, alpha = np.rint(2 * w), np.rint(b), np.sign(alpha)
    return w, b, alpha, 0.0 if kind == "integers" else 0.25


@pytest.mark.parametrize(
    "kind",
    ["trained 0", "trained 1", "on the kink", "one sign", "zero weights", "nothing", "integers",
     "random"],
)  # fmt: skip
@pytest.mark.parametrize("at_kink", [0.0, 0.5])
def test_screening_changes_no_sum(kind, at_kink):
    network = network_of(kind)
    n_inputs = 2 ** network[0].shape[1]
    fast = stream_sums(*network, at_kink=at_kink)
    slow = stream_sums(*network, at_kink=at_kink, skip=False)
    total = n_inputs * gradient_norm_total(*network[:3])
    assert slow.n_screened == 0
    assert fast.n_active == slow.n_active
    assert fast.odd_deficit == pytest.approx(slow.odd_deficit, rel=0, abs=1e-13 * total)
    assert fast.even_square == pytest.approx(slow.even_square, rel=0, abs=1e-13 * total)
    size = np.sqrt(n_inputs * total)
    np.testing.assert_allclose(fast.even_gradient, slow.even_gradient, rtol=0, atol=1e-13 * size)
    if kind.startswith("trained"):
        assert fast.n_screened > n_inputs / 2
        assert fast.n_evaluated < n_inputs / 5


def test_the_sums_of_a_trained_network_are_the_same_bits_on_any_number_of_threads():
    network = trained(14, 2)
    before = numba.get_num_threads()
    try:
        results = []
        for threads in (1, before):
            numba.set_num_threads(threads)
            results.append(stream_sums(*network))
    finally:
        numba.set_num_threads(before)
    one, other = results
    assert (one.odd_deficit, one.even_square, one.n_screened, one.n_evaluated) == (
        other.odd_deficit, other.even_square, other.n_screened, other.n_evaluated
    )  # fmt: skip
    assert np.array_equal(one.even_gradient, other.even_gradient)


def test_the_expected_parity_comes_highest_though_other_features_have_larger_weights():
    w, b, alpha, beta = arrays(exact_network([1, 0, 0, 0, 1, 0, 0, 0, 0, 0]).double())
    others = np.zeros((2, 10))
    others[:, [2, 3, 9]] = 50.0  # two units that cancel
    w, b = np.vstack([w, others]), np.r_[b, 1.0, 1.0]
    alpha, beta = np.r_[2 * alpha, 3.0, -3.0], 2 * beta
    by_size = np.argsort(np.abs(alpha) @ np.abs(w), kind="stable")
    assert set(by_size[-3:]) == {2, 3, 9}
    order, mask = expected_highest(by_size, w, b, alpha, beta)
    assert set(order[-2:]) == {0, 4}
    assert mask == 0b11_0000_0000
    assert list(order[:-2]) == [j for j in by_size if j not in (0, 4)]
