"""What is expected of a network, and skipped where it is proved, changes no sum."""

import numpy as np
import pytest
import torch

from pitfalls.parity import (
    HingeLoss,
    LearningConfig,
    ParityTask,
    TwoLayerReLU,
    cube,
    exact_network,
    gradient_signal,
    train,
)
from pitfalls.parity.signal import cube_pass
from pitfalls.parity.signal.cube_pass import HINGE, expected_parity, stream_sums
from pitfalls.parity.signal.gradient_norm import gradient_norm_total, parity_gradient_sum


def arrays(network):
    w, b, alpha, beta = (p.detach().double().numpy() for p in network.parameters())
    return w, b, alpha[0], float(beta[0])


def scaled(d, k, scale, seed=0):
    network = TwoLayerReLU(d, k, seed=seed, dtype=torch.float64)
    return network.load_flat(network.flat_parameters() * scale)


@pytest.fixture(scope="module")
def trained():
    """Two networks: one has learned features 2, 5 and 12 of 14 by a margin, one is on its way there."""
    task = ParityTask([1 if j in (2, 5, 12) else 0 for j in range(14)])
    return [
        train(task, LearningConfig(n_hidden=60, learning_rate=rate, n_iterations=n)).network
        for rate, n in ((0.1, 4000), (0.01, 300))
    ]


def assert_same_sums(fast, slow, network):
    """Sums are compared in units of what they are summed from, the squared norms of all gradients."""
    w, b, alpha, _ = arrays(network)
    n_inputs = 2 ** w.shape[1]
    total = n_inputs * gradient_norm_total(w, b, alpha)
    assert fast.n_active == slow.n_active
    assert fast.odd_deficit == pytest.approx(slow.odd_deficit, rel=0, abs=1e-14 * total)
    assert fast.even_square == pytest.approx(slow.even_square, rel=0, abs=1e-14 * total)
    size = np.sqrt(n_inputs * total)
    np.testing.assert_allclose(fast.even_gradient, slow.even_gradient, rtol=0, atol=1e-14 * size)


def test_a_learned_parity_is_guessed_and_most_inputs_are_settled_by_bounds(trained):
    learned, _ = trained
    w, b, alpha, beta = arrays(learned)
    fast, slow = stream_sums(w, b, alpha, beta), stream_sums(w, b, alpha, beta, skip=False)
    assert slow.n_active < 0.05 * 2**14
    assert fast.n_evaluated < 0.1 * 2**14
    assert_same_sums(fast, slow, learned)


@pytest.mark.parametrize("guess", [None, 0, 1, 6, 0b1001000100, 2**14 - 1])
def test_a_wrong_guess_costs_time_and_changes_no_sum(trained, guess, monkeypatch):
    for network in (*trained, scaled(14, 20, 1.0), scaled(14, 20, 2.5)):
        for at_kink in (0.0, 1.0):
            slow = stream_sums(*arrays(network), at_kink=at_kink, skip=False)
            with monkeypatch.context() as patched:
                patched.setattr(cube_pass, "expected_parity", lambda *_: guess)
                assert_same_sums(stream_sums(*arrays(network), at_kink=at_kink), slow, network)


def test_the_guess_is_the_parity_where_most_outputs_are_beyond_one():
    mask = [0, 0, 0, 1, 0, 1]
    network = exact_network(mask).double()
    assert expected_parity(*arrays(network)) == ParityTask(mask).index
    assert expected_parity(*arrays(scaled(6, 20, 0.5))) is None


@pytest.mark.parametrize("boundary", ["relu", "clamp", "max"])
@pytest.mark.parametrize("d", [3, 6, 9, 13])
def test_a_network_on_the_kink_everywhere_has_the_sums_of_plain_enumeration(d, boundary):
    network = exact_network([1] * (d - 1) + [0]).double()
    streamed = gradient_signal(network, HingeLoss(boundary))
    plain = gradient_signal(network, HingeLoss(boundary), method="enumerate")
    assert streamed.mean_square == pytest.approx(plain.mean_square, rel=1e-12)
    assert streamed.active == plain.active
    assert streamed.noise == pytest.approx(plain.noise, rel=1e-11)
    np.testing.assert_allclose(streamed.shared, plain.shared, atol=1e-12)


def test_the_order_of_the_features_is_the_callers():
    w, b, alpha, beta = arrays(scaled(13, 9, 2.0))
    order = np.random.default_rng(0).permutation(13)
    one, other = stream_sums(w, b, alpha, beta), stream_sums(w[:, order], b, alpha, beta)
    assert one.n_active == other.n_active
    assert one.odd_deficit == pytest.approx(other.odd_deficit, rel=1e-12)
    weights, moved = (s.even_gradient[: 9 * 13].reshape(9, 13) for s in (one, other))
    np.testing.assert_allclose(moved, weights[:, order], atol=1e-12 * np.abs(weights).max())


@pytest.mark.parametrize("beta", [1.0, -1.0])
@pytest.mark.parametrize("seed", range(3))
def test_rounding_never_proves_an_output_outside_that_evaluates_inside(seed, beta, monkeypatch):
    # pairs of units that are always on and cancel: f is 1 or -1 up to rounding at every input
    rng = np.random.default_rng(seed)
    d, k = 13, 6
    w = rng.normal(size=(k, d))
    b, alpha = rng.normal(size=k) + 6 + np.abs(w).sum(1), 100 * rng.normal(size=k)
    mixed = rng.permutation(2 * k)
    network = np.vstack([w, w])[mixed], np.r_[b, b][mixed], np.r_[alpha, -alpha][mixed]
    monkeypatch.setattr(cube_pass, "expected_parity", lambda *_: 0)
    fast = stream_sums(*network, beta, kind=HINGE)
    slow = stream_sums(*network, beta, kind=HINGE, skip=False)
    assert 0 < slow.n_active < 2**d  # rounding decides
    assert fast.n_active == slow.n_active
    assert fast.n_evaluated == 2**d


@pytest.mark.parametrize(("d", "k"), [(1, 2), (2, 3), (5, 4), (8, 6)])
def test_the_gradient_summed_with_a_parity_is_that_of_enumeration(d, k):
    network = scaled(d, k, 2.0, seed=d)
    gradients = network.per_sample_gradient(cube(d, dtype=torch.float64))
    for mask in {0, 1, 2**d - 1, 2**d // 3, 2 ** (d - 1)}:
        task = ParityTask([mask >> j & 1 for j in range(d)])
        signs = task.labels(cube(d, dtype=torch.float64))
        expected = (signs @ gradients).numpy()
        w, b, alpha, _ = arrays(network)
        found = parity_gradient_sum(w, b, alpha, mask)
        np.testing.assert_allclose(found, expected, atol=1e-12 * np.abs(gradients.numpy()).sum())
