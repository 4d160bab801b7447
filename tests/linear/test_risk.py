import inspect
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from pitfalls.errors import InputError
from pitfalls.linear import DeepLinearNetwork, SquaredRisk, end_to_end
from pitfalls.moments import SecondMoments
from tests.linear.problems import data, make_risk, random_weights, risk_with_modes

WIDTHS = [(5, 3), (5, 4, 3), (5, 2, 6, 3), (5, 1, 1, 3), (5, 4, 4, 4, 4, 3)]


def raw_risk(weights, x, y):
    """The definition, on the data, for autograd."""
    out = torch.as_tensor(x)
    for w in weights:
        out = out @ w.T
    return 0.5 * ((out - torch.as_tensor(y)) ** 2).sum()


def assert_close(found, wanted, rtol=1e-12):
    wanted = np.asarray(wanted)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=rtol * max(np.abs(wanted).max(), 1e-300))


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("rank", [None, 3], ids=["full", "rank-deficient"])
def test_value_and_gradients_equal_autograd_for_every_layer(widths, rank):
    x, y = data(rank=rank)
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    weights = random_weights(widths)
    leaves = [torch.tensor(w, requires_grad=True) for w in weights]
    value = raw_risk(leaves, x, y)
    value.backward()
    assert risk.value(weights) == pytest.approx(value.item(), rel=1e-12)
    for found, leaf in zip(risk.layer_gradients(weights), leaves, strict=True):
        assert_close(found, leaf.grad)


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_hessian_vector_products_equal_autograd(widths):
    x, y = data()
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    weights, direction = random_weights(widths), random_weights(widths, seed=9)
    _, wanted = torch.autograd.functional.hvp(
        lambda *w: raw_risk(w, x, y),
        tuple(map(torch.tensor, weights)),
        tuple(map(torch.tensor, direction)),
    )
    for found, product in zip(risk.hessian_vector_product(weights, direction), wanted, strict=True):
        assert_close(found, product)


def test_end_to_end_gradient_is_the_derivative_of_the_convex_risk():
    x, y = data()
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    weights = random_weights((5, 4, 3))
    leaf = torch.tensor(end_to_end(weights), requires_grad=True)
    raw_risk([leaf], x, y).backward()
    assert_close(risk.end_to_end_gradient(weights), leaf.grad)


@given(st.integers(0, 10**6), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_q_is_convex_along_segments(seed, t):
    risk = make_risk(seed=seed % 7)
    (a,), (b,) = random_weights((5, 3), seed), random_weights((5, 3), seed + 1)
    chord = (1 - t) * risk.value([a]) + t * risk.value([b])
    assert risk.value([(1 - t) * a + t * b]) <= chord * (1 + 1e-12)


def test_tensors_and_networks_give_tensors_of_their_dtype_that_differentiate():
    risk = make_risk()
    network = DeepLinearNetwork([5, 4, 3])
    risk.value(network).backward()
    gradients = risk.layer_gradients(network)
    for found, weight in zip(gradients, network.weights, strict=True):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, weight.grad, rtol=1e-4, atol=1e-4)


def test_centred_moments_give_the_risk_with_the_best_intercept():
    x, y = data()
    y = y + 7
    weights = random_weights((5, 4, 3))
    predicted = x @ end_to_end(weights).T
    rest = (y - predicted) - (y - predicted).mean(axis=0)
    centred = SquaredRisk(SecondMoments.from_arrays(x, y, center=True))
    assert centred.value(weights) == pytest.approx(0.5 * np.sum(rest**2), rel=1e-12)


@pytest.mark.parametrize("max_rank", [0, 1, 2, 3, None])
@pytest.mark.parametrize("kind", [{}, {"rank": 2}, {"n": 3}, {"d": 2, "p": 4}], ids=str)
def test_minimum_is_as_low_as_multi_start_lbfgs(kind, max_rank):
    x, y = data(**kind)
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    d, p = x.shape[1], y.shape[1]
    best = risk.minimum(max_rank)
    assert risk.value([best.map]) == pytest.approx(best.value, abs=1e-9)
    assert np.linalg.matrix_rank(best.map, tol=1e-9) <= best.max_rank
    r = min(p, d) if max_rank is None else max_rank
    if r == 0:
        assert best.value == pytest.approx(0.5 * np.sum(y**2))
        return

    def objective(v):
        layers = [v[: r * d].reshape(r, d), v[r * d :].reshape(p, r)]
        gradients = risk.layer_gradients(layers)
        return risk.value(layers), np.concatenate([g.ravel() for g in gradients])

    rng = np.random.default_rng(0)
    options: Any = {"maxiter": 20_000, "maxfun": 40_000, "ftol": 1e-16, "gtol": 1e-10}
    found = min(
        minimize(
            objective,
            0.5 * rng.standard_normal(r * (d + p)),
            jac=True,
            method="L-BFGS-B",
            options=options,
        ).fun
        for _ in range(4)
    )
    assert abs(found - best.value) <= 1e-10 * np.sum(y**2)


def test_minimum_is_least_squares_without_a_bound():
    x, y = data()
    wanted, *_ = np.linalg.lstsq(x, y, rcond=None)
    assert_close(make_risk().minimum().map, wanted.T, 1e-10)


def test_the_minimiser_of_least_norm_is_returned_for_rank_deficient_x():
    x, y = data(rank=3)
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    assert_close(risk.minimum().map, (np.linalg.pinv(x) @ y).T, 1e-8)


@pytest.mark.parametrize(
    ("modes", "max_rank", "unique"),
    [
        ([3.0, 2.0, 1.0], 2, True),
        ([3.0, 2.0, 2.0], 2, False),
        ([3.0, 2.0, 2.0], 1, True),
        ([3.0, 0.0, 0.0], 2, True),
        ([2.0, 2.0, 1.0], None, True),
    ],
)
def test_minimum_is_unique_unless_the_cut_falls_between_equal_modes(modes, max_rank, unique):
    risk = risk_with_modes(modes)
    np.testing.assert_allclose(risk.modes.values, sorted(modes, reverse=True), atol=1e-9)
    assert risk.minimum(max_rank).unique is unique


def test_excess_is_value_less_minimum():
    risk, weights = make_risk(), random_weights((5, 2, 3))
    assert risk.excess(weights) == pytest.approx(risk.value(weights) - risk.minimum(2).value)
    assert risk.excess(weights, 3) == pytest.approx(risk.value(weights) - risk.minimum(3).value)


def test_risk_does_not_depend_on_the_order_or_the_number_of_equal_rows():
    x, y = data()
    weights = random_weights((5, 4, 3))
    once = SquaredRisk(SecondMoments.from_arrays(x, y))
    thrice = SquaredRisk(
        SecondMoments.from_arrays(np.tile(x, (3, 1))[::-1], np.tile(y, (3, 1))[::-1])
    )
    assert thrice.value(weights) == pytest.approx(3 * once.value(weights), rel=1e-12)


def test_the_whitened_problem_has_the_same_risk():
    risk = make_risk(rank=4)
    white, lift = risk.whitened(), risk.modes.lift
    weights = random_weights((3, 4, 3))
    there = white.value(weights)
    assert risk.value([weights[0] @ lift.T, weights[1]]) == pytest.approx(there, rel=1e-10)
    np.testing.assert_allclose(white.modes.values, risk.modes.values, rtol=1e-10)
    assert white.minimum(2).value == pytest.approx(risk.minimum(2).value)


def test_fewer_rows_than_features_leave_no_unconstrained_risk():
    risk = make_risk(n=4)
    assert risk.modes.rank_x == 4
    assert risk.minimum().value <= 1e-10


def test_data_without_correlation_have_minimum_zero_map():
    x = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    y = np.array([[1.0], [1.0], [-1.0], [-1.0]])
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    assert risk.modes.rank == 0
    assert not risk.minimum().map.any()


@pytest.mark.parametrize("tensor", [False, True])
@pytest.mark.parametrize("call", ["value", "end_to_end_gradient", "layer_gradients"])
def test_weights_of_other_widths_are_refused(call, tensor):
    weights = random_weights((4, 3))
    if tensor:
        weights = [torch.tensor(w) for w in weights]
    with pytest.raises(InputError, match="map 4 inputs to 3 outputs, the data have 5 features"):
        getattr(make_risk(), call)(weights)


def test_unchained_tensors_and_misshaped_directions_are_refused():
    risk = make_risk()
    with pytest.raises(InputError, match=r"layer 2 of shape .* does not follow layer 1"):
        risk.value([torch.ones(4, 5), torch.ones(3, 3)])
    with pytest.raises(InputError, match="direction must have"):
        risk.hessian_vector_product(random_weights((5, 4, 3)), random_weights((5, 2, 3)))


def test_a_negative_rank_is_refused():
    with pytest.raises(InputError, match="max_rank must not be negative"):
        make_risk().minimum(-1)


def rational_risk(x, y, weights):
    """R in rational arithmetic, of the very numbers that were given."""
    total = Fraction(0)
    for row, targets in zip(x.tolist(), y.tolist(), strict=True):
        for line, target in zip(weights.tolist(), targets, strict=True):
            terms = (Fraction(a) * Fraction(b) for a, b in zip(line, row, strict=True))
            total += (sum(terms, Fraction(0)) - Fraction(target)) ** 2
    return total / 2


@pytest.mark.parametrize("seed", range(60))
def test_the_risk_is_off_by_no_more_than_rounding_says(seed):
    rng = np.random.default_rng(seed)
    n, d, p = (int(rng.integers(*ends)) for ends in ((6, 20), (2, 4), (1, 3)))
    x, y = rng.standard_normal((n, d)), rng.standard_normal((n, p))
    kind = seed % 5
    if kind in (0, 1):  # columns that are nearly one
        x[:, 1] = x[:, 0] + 10.0 ** -rng.integers(2, 6) * rng.standard_normal(n)
    elif kind == 2:
        x += 10.0 ** rng.integers(1, 6)
    elif kind == 3:
        y += 10.0 ** rng.integers(1, 6)
    else:
        y = x @ rng.standard_normal((d, p)) + 1e-5 * y
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    weights = rng.standard_normal((p, d)) * 10.0 ** rng.integers(-3, 7)
    if kind == 0:  # what is nearly one is nearly taken off
        weights[:, 1] = -weights[:, 0]
    if seed % 2:
        weights = risk.minimum().map + 1e-4 * weights
    off = abs(float(Fraction(risk.value([weights])) - rational_risk(x, y, weights)))
    assert off <= risk.rounding([weights])


def test_a_minimum_far_from_zero_says_how_far_it_may_be_off():
    x, y = np.array([[1.0], [2.0], [4.0]]), np.array([[1e3], [1001.0], [1003.5]])
    found = SquaredRisk(SecondMoments.from_arrays(x, y)).minimum()
    share = Fraction(np.sum(x * y)) / Fraction(np.sum(x * x))
    due = sum((Fraction(b) - share * Fraction(a)) ** 2 for (a,), (b,) in zip(x, y, strict=True)) / 2
    assert abs(float(Fraction(found.value) - due)) <= found.rounding
    assert found.rounding >= np.spacing(found.value) / 2


def unchecked_minimum(rank):
    """Call it as people do: without the types that the tests hold it to."""
    return inspect.unwrap(SquaredRisk.minimum)(make_risk(), rank)


@pytest.mark.parametrize("rank", [np.int64(2), np.uint8(2), torch.tensor(2)], ids=str)
def test_a_rank_may_be_an_integer_of_any_library(rank):
    wanted, found = make_risk().minimum(2), unchecked_minimum(rank)
    assert (found.value, found.max_rank) == (wanted.value, 2)


@pytest.mark.parametrize("rank", [1.5, 1.0, np.nan, "1", True, torch.tensor(1.5), np.ones(2)])
def test_a_rank_that_is_no_integer_is_refused(rank):
    with pytest.raises(InputError, match=r"max_rank must be an integer\. Got"):
        unchecked_minimum(rank)


@pytest.mark.parametrize("rank", [-1, True])
def test_an_excess_over_a_rank_that_is_none_is_refused(rank):
    with pytest.raises(InputError, match="excess: max_rank must"):
        make_risk().excess(random_weights((5, 4, 3)), max_rank=rank)


def test_the_rounding_of_a_value_covers_the_dtype_that_it_comes_back_in():
    risk, weights = make_risk(), random_weights((5, 4, 3))
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        given = [torch.from_numpy(w).to(dtype) for w in weights]
        wanted = float(risk.value([w.double() for w in given]))
        assert abs(float(risk.value(given)) - wanted) <= risk.rounding(given)
        assert risk.digits(given) < 9
    far = [torch.full(w.shape, 300.0, dtype=torch.float16) for w in weights]
    assert risk.value(far) == risk.rounding(far) == float("inf")
    assert risk.digits(far) == 0


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("apart", [1e-7, 1e-8, 1e-9, 0.0])
def test_the_rounding_covers_what_weights_see_of_columns_that_were_dropped(apart, center):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        a, b, c = rng.standard_normal((3, 20))
        x, y = np.column_stack([a, b, b + apart * c]), rng.standard_normal((20, 2))
        risk = SquaredRisk(SecondMoments.from_arrays(x, y, center=center))
        assert risk.modes.rank_x == 2 or apart == 1e-7
        weights = [rng.standard_normal((4, 3)), rng.standard_normal((2, 4))]
        wide_x, wide_y = x.astype(np.longdouble), y.astype(np.longdouble)
        if center:
            wide_x, wide_y = wide_x - wide_x.mean(axis=0), wide_y - wide_y.mean(axis=0)
        due = 0.5 * float(np.sum((wide_x @ weights[0].T @ weights[1].T - wide_y) ** 2))
        assert abs(risk.value(weights) - due) <= risk.rounding(weights)
        if risk.modes.rank_x == 2:
            assert risk.rounding(weights) < 1e-5 * due
