import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pitfalls.errors import InputError
from pitfalls.linear import (
    critical_point,
    normal_equation_condition,
    optimality_certificate,
)
from tests.linear.problems import make_risk, random_weights, risk_with_modes


@given(
    st.sampled_from([(4, 4, 4, 4), (5, 4, 3), (3, 6, 5, 3), (5, 2, 3)]),
    st.integers(0, 100),
    st.sampled_from([None, 2]),
)
@settings(max_examples=60, deadline=None)
def test_every_layer_gradient_is_at_least_its_constant_times_the_residual(widths, seed, rank):
    risk = make_risk(d=widths[0], p=widths[-1], rank=rank)
    found = optimality_certificate(risk, random_weights(widths, seed))
    for condition in found.conditions:
        bound = condition.constant * found.residual_norm
        assert condition.gradient_norm >= bound * (1 - 1e-9)
    assert found.excess <= found.excess_bound * (1 + 1e-9)


def test_one_singular_layer_keeps_the_certificate_and_two_lose_it():
    risk = make_risk(d=4, p=4)
    square = random_weights((4, 4, 4, 4))
    singular = np.diag([1.0, 1.0, 1.0, 0.0])
    all_regular = optimality_certificate(risk, square)
    assert all_regular.all_invertible
    assert all_regular.holds
    one = optimality_certificate(risk, [square[0], singular, square[2]])
    assert not one.all_invertible
    assert one.holds
    assert one.layer == 2
    two = optimality_certificate(risk, [square[0], singular, singular])
    assert not two.holds
    assert two.excess_bound == np.inf


def test_layers_that_are_not_square_may_have_the_certificate():
    found = optimality_certificate(make_risk(d=3), random_weights((3, 6, 5, 3)))
    assert found.holds
    assert not found.all_invertible


def test_rank_deficient_x_asks_less_of_the_layers_before():
    weights = random_weights((5, 3, 5))
    assert not optimality_certificate(make_risk(p=5), weights).holds
    deficient = make_risk(p=5, rank=3)
    found = optimality_certificate(deficient, [weights[0], weights[1]])
    assert found.conditions[1].sigma_before > 0


def test_at_a_critical_point_the_certificate_forces_the_minimum():
    risk = make_risk()
    point = critical_point(risk, (5, 5, 3), (1, 2, 3))
    found = optimality_certificate(risk, point)
    assert found.holds
    assert found.excess_bound < 1e-12 * np.sum(risk.modes.values**2)
    assert found.best.gradient_norm < 1e-9


def test_two_zero_layers_are_critical_without_certificate_or_minimum():
    risk = make_risk(d=3)
    found = optimality_certificate(risk, [np.zeros((3, 3))] * 2)
    assert not found.holds
    assert found.excess > 1
    assert all(c.gradient_norm == 0 for c in found.conditions)


@pytest.mark.parametrize(
    ("risk", "widths", "printed", "exact"),
    [
        (make_risk(), (5, 3, 3), True, True),
        (make_risk(), (5, 2, 3), False, False),
        (make_risk(d=2), (2, 4, 3), True, True),
        (risk_with_modes([2.0, 1.0, 0.0]), (5, 2, 3), False, True),
        (make_risk(rank=2), (5, 2, 3), False, True),
        (make_risk(rank=2), (5, 1, 3), False, False),
    ],
)
def test_normal_equations_characterise_minima_iff_the_capacity_reaches_the_rank(
    risk, widths, printed, exact
):
    found = normal_equation_condition(risk, widths)
    assert (found.printed, found.exact) == (printed, exact)
    # the statement itself: the best map of allowed rank solves the normal equations, or none does
    best = risk.minimum(min(widths)).map
    residual = np.linalg.norm(risk.end_to_end_gradient([best]))
    assert bool(residual < 1e-7 * np.linalg.norm(risk.moments.syx)) is exact


def test_weights_of_other_widths_are_refused():
    with pytest.raises(InputError, match="optimality_certificate: the weights map"):
        optimality_certificate(make_risk(), random_weights((4, 3)))


def test_widths_of_other_data_are_refused():
    with pytest.raises(InputError, match="widths must go from 5 to 3, as the data do"):
        normal_equation_condition(make_risk(), [7, 2, 9])
