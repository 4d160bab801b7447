import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.linear import (
    classify,
    critical_point,
    curvature_along,
    dense_hessian,
    lowest_curvature,
)
from pitfalls.linear.curvature import flatten, unflatten
from tests.linear.problems import make_risk, random_weights


def test_the_dense_hessian_is_the_second_difference_of_the_risk():
    risk, weights = make_risk(), random_weights((5, 2, 3))
    hessian = dense_hessian(risk, weights)
    step = random_weights((5, 2, 3), seed=3)
    h = 1e-3
    values = [
        risk.value([w + t * h * v for w, v in zip(weights, step, strict=True)]) for t in (-1, 0, 1)
    ]
    wanted = (values[0] - 2 * values[1] + values[2]) / h**2
    assert flatten(step) @ hessian @ flatten(step) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("widths", [(5, 3), (5, 4, 3), (9, 8, 8, 7), (9, 6, 8, 6, 7)], ids=str)
def test_the_lowest_curvature_is_the_lowest_eigenvalue(widths):
    risk, weights = make_risk(d=widths[0], p=widths[-1]), random_weights(widths)
    spectrum = np.linalg.eigvalsh(dense_hessian(risk, weights))
    found = lowest_curvature(risk, weights)
    assert found.converged
    assert found.value == pytest.approx(spectrum[0], abs=1e-6 * spectrum[-1])
    assert found.largest == pytest.approx(spectrum[-1], rel=0.03)
    assert curvature_along(risk, weights, found.direction) == pytest.approx(
        found.value, abs=1e-6 * spectrum[-1]
    )


def test_no_negative_curvature_is_found_at_a_non_strict_saddle():
    risk = make_risk(d=9, p=7)
    point = critical_point(risk, (9, 8, 8, 7), (1, 2), "non-strict saddle")
    found = lowest_curvature(risk, point)
    assert abs(found.value) < 1e-7 * found.largest


def test_a_zero_hessian_has_zero_curvature():
    found = lowest_curvature(make_risk(), [np.zeros((9, 5)), np.zeros((9, 9)), np.zeros((3, 9))])
    assert (found.value, found.largest, found.converged) == (0, 0, True)


@pytest.mark.parametrize("exponent", [-150, -80, 80, 120, 149])
def test_curvature_and_verdict_are_found_on_every_scale_whose_squares_are_in_range(exponent):
    risk = make_risk(d=2, p=2)
    first, *rest = critical_point(risk, (2, 8, 8, 2), (1,), "non-strict saddle")
    point = [first * 10.0**-exponent, rest[0] * 10.0**exponent, rest[1]]
    assert classify(risk, point).verdict == "non-strict saddle"
    found = lowest_curvature(risk, point)
    assert abs(found.value) < 1e-7 * found.largest
    assert found.largest > 0
    origin = [np.zeros((8, 2)), np.eye(8) * 10.0**exponent, np.zeros((2, 8))]
    assert classify(risk, origin).verdict == "strict saddle"
    # of W_2 at the origin the Hessian has the entries of 10^e S_yx, each n_hidden times, both signs
    wanted = 10.0**exponent * np.linalg.norm(risk.moments.syx, 2)
    found = lowest_curvature(risk, origin)
    assert found.value == pytest.approx(-wanted, rel=1e-6)


@pytest.mark.parametrize("ask", [classify, lowest_curvature])
def test_weights_whose_squares_overflow_are_refused(ask):
    point = [np.full((8, 5), 1e170), np.zeros((8, 8)), np.zeros((3, 8))]
    with pytest.raises(InputError, match=r"below 1e\+150, lest their squares overflow. Got 1e"):
        ask(make_risk(), point)


def test_a_hessian_beyond_the_range_has_no_curvature():
    layers = [np.full((8, 5), 1e149), np.full((8, 8), 1e149), np.full((3, 8), 1e149)]
    found = lowest_curvature(make_risk(), layers)
    assert np.isnan(found.value)
    assert not found.converged


def test_a_budget_that_runs_out_is_admitted():
    risk = make_risk(d=30, p=20, n=100)
    point = critical_point(risk, (30, 25, 25, 20), (1, 2, 3), "non-strict saddle")
    found = lowest_curvature(risk, point, rtol=1e-14, max_products=20)
    assert np.isfinite(found.value)
    assert sum(np.sum(v**2) for v in found.direction) == pytest.approx(1)


def test_flatten_and_unflatten_are_inverse():
    weights = random_weights((5, 4, 3))
    for a, b in zip(unflatten(flatten(weights), weights), weights, strict=True):
        np.testing.assert_array_equal(a, b)
