import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from pitfalls.errors import InputError
from pitfalls.linear import (
    DeepLinearNetwork,
    classify,
    critical_point,
    curvature_along,
    dense_hessian,
    lowest_curvature,
    plane_through,
    risk_along,
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


WIDTHS = (5, 4, 3)
DIRECTIONS: dict[str, Callable[[Any], Any]] = {
    "tensors": lambda steps: [torch.from_numpy(v) for v in steps],
    "nested lists": lambda steps: [v.tolist() for v in steps],
    "a network": DeepLinearNetwork.from_weights,
}


@pytest.mark.parametrize("kind", DIRECTIONS)
def test_a_direction_may_be_whatever_weights_may_be(kind):
    risk, weights, steps = make_risk(), random_weights(WIDTHS), random_weights(WIDTHS, 1)
    given, lengths = DIRECTIONS[kind](steps), np.array([0.0, 0.5])
    assert curvature_along(risk, weights, given) == curvature_along(risk, weights, steps)
    np.testing.assert_array_equal(
        risk_along(risk, weights, given, lengths), risk_along(risk, weights, steps, lengths)
    )
    planes = [plane_through(weights, random_weights(WIDTHS, 2), v) for v in (given, steps)]
    np.testing.assert_array_equal(flatten(planes[0].second), flatten(planes[1].second))
    found, wanted = (lowest_curvature(risk, weights, start=start) for start in (given, steps))
    assert found.value == wanted.value


@pytest.mark.parametrize("exponent", [-1060, -700, -1, 1, 700, 1020])
def test_the_length_of_a_direction_changes_nothing(exponent):
    risk, weights = make_risk(), random_weights(WIDTHS)
    whole = [
        np.rint(3 * v) for v in random_weights(WIDTHS, 1)
    ]  # fits what denormals have of digits
    scaled = [np.ldexp(v, exponent) for v in whole]
    assert curvature_along(risk, weights, scaled) == curvature_along(risk, weights, whole)
    found = lowest_curvature(risk, weights, start=scaled)
    assert found.value == lowest_curvature(risk, weights, start=whole).value


def test_a_huge_direction_has_the_curvature_of_its_quadratic_form():
    risk, weights, steps = make_risk(), random_weights(WIDTHS), random_weights(WIDTHS, 1)
    flat = flatten(steps)
    wanted = flat @ dense_hessian(risk, weights) @ flat / (flat @ flat)
    huge = [1e200 * v for v in steps]
    assert curvature_along(risk, weights, huge) == pytest.approx(wanted, rel=1e-12)


BAD_DIRECTIONS = {
    "zero": ([np.zeros((4, 5)), np.zeros((3, 4))], "the direction is zero"),
    "other shapes": (random_weights((5, 2, 3)), "must have the layers' shapes"),
    "too few": (random_weights((5, 3)), "must have the layers' shapes"),
    "none": ([], "no layers came"),
    "transposed": ([np.ones((5, 4)), np.ones((4, 3))], "direction: layer 2 of shape"),
    "NaN": ([np.full((4, 5), np.nan), np.ones((3, 4))], "layer 1 has NaN or infinite"),
    "infinite": ([np.ones((4, 5)), np.full((3, 4), np.inf)], "layer 2 has NaN or infinite"),
    "complex": ([1j * np.ones((4, 5)), np.ones((3, 4))], "must hold real numbers"),
}


@pytest.mark.parametrize("bad", BAD_DIRECTIONS)
def test_a_direction_that_is_none_is_refused(bad):
    direction, message = BAD_DIRECTIONS[bad]
    risk, weights = make_risk(), random_weights(WIDTHS)
    with pytest.raises(InputError, match=f"curvature_along.*{message}"):
        curvature_along(risk, weights, direction)
    with pytest.raises(InputError, match=f"lowest_curvature.*{message}"):
        lowest_curvature(risk, weights, start=direction)
    with pytest.raises(InputError, match=f"plane_through.*{message}"):
        plane_through(weights, random_weights(WIDTHS, 2), direction)
    if bad != "zero":  # no way to go is still a line
        with pytest.raises(InputError, match=f"risk_along.*{message}"):
            risk_along(risk, weights, direction, np.array([0.0, 1.0]))


@pytest.mark.parametrize("widths", [WIDTHS, (9, 8, 8, 7)], ids=str)
@pytest.mark.parametrize("budget", [0, -1, 1.5, True])
def test_a_budget_below_one_product_is_refused(budget, widths):
    risk, weights = make_risk(d=widths[0], p=widths[-1]), random_weights(widths)
    for search in (lowest_curvature, classify):
        plain = inspect.unwrap(search)  # without the types that the tests hold it to
        with pytest.raises(InputError, match=r"max_products must be (an integer|at least 1). Got"):
            plain(risk, weights, max_products=budget)


@pytest.mark.parametrize("budget", [1, 2])
def test_a_budget_of_one_product_is_enough_for_an_answer(budget):
    risk = make_risk(d=9, p=7)
    point = critical_point(risk, (9, 8, 8, 7), (1, 2), "non-strict saddle")
    assert np.isfinite(lowest_curvature(risk, point, max_products=budget).value)
    assert classify(risk, point, max_products=budget).verdict == "non-strict saddle"


@pytest.mark.parametrize("call", [curvature_along, lambda r, w, v: dense_hessian(r, w)])
def test_curvature_beyond_float64_is_refused_wherever_it_is_asked_for(call):
    with pytest.raises(InputError, match="weights must be below"):
        call(make_risk(), [np.full((4, 5), 1e160), np.ones((3, 4))], random_weights((5, 4, 3)))
