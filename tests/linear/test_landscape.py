import inspect

import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.linear import (
    EscapeDirection,
    classify,
    critical_point,
    plane_through,
    risk_along,
    risk_on_plane,
)
from tests.kinds import of_kind
from tests.linear.problems import make_risk, random_weights


def test_the_risk_along_a_line_is_a_polynomial_of_degree_two_l():
    risk, weights = make_risk(), random_weights((5, 4, 4, 3))
    values = risk_along(risk, weights, random_weights((5, 4, 4, 3), 1), np.arange(9.0))
    differences = np.diff(values, 7)
    assert np.abs(differences).max() < 1e-6 * np.abs(np.diff(values, 6)).max()
    assert values[0] == pytest.approx(risk.value(weights))


def test_a_plane_holds_both_points_and_the_direction():
    risk = make_risk()
    saddle = critical_point(risk, (5, 4, 4, 3), (2,))
    minimum = critical_point(risk, (5, 4, 4, 3), (1, 2, 3))
    witness = of_kind(EscapeDirection, classify(risk, saddle).witness).direction
    plane = plane_through(saddle, minimum, witness)
    np.testing.assert_allclose(plane.coordinates(saddle), 0, atol=1e-12)
    np.testing.assert_allclose(plane.coordinates(minimum), (plane.span, 0, 0), atol=1e-10)
    along = [w + 0.3 * v for w, v in zip(saddle, witness, strict=True)]
    assert plane.coordinates(along)[2] < 1e-12
    a, b = np.array([0.0, plane.span]), np.array([0.0, 0.5])
    values = risk_on_plane(risk, plane, a, b)
    assert values.shape == (2, 2)
    assert values[0, 0] == pytest.approx(risk.value(saddle))
    assert values[0, 1] == pytest.approx(risk.value(minimum))
    assert values[1, 0] == pytest.approx(risk.value(plane.at(0.0, 0.5)))


def test_planes_that_are_none_are_refused():
    a, b = random_weights((5, 4, 3)), random_weights((5, 4, 3), 1)
    with pytest.raises(InputError, match="the two points are the same"):
        plane_through(a, a, b)
    with pytest.raises(InputError, match="lies along the line"):
        plane_through(a, b, [2 * (v - u) for u, v in zip(a, b, strict=True)])


def test_points_of_other_shapes_with_as_many_weights_are_refused():
    here, other = [np.ones((2, 3)), np.ones((3, 2))], [np.zeros((3, 2)), np.zeros((2, 3))]
    towards = [np.arange(6.0).reshape(2, 3), np.ones((3, 2))]
    with pytest.raises(InputError, match="the second point must have the layers' shapes"):
        plane_through(here, other, towards)
    plane = plane_through(here, [0 * w for w in here], towards)
    with pytest.raises(InputError, match="the point must have the layers' shapes"):
        plane.coordinates(other)


@pytest.mark.parametrize("lengths", [0.5, np.ones((4, 3))])
def test_lengths_are_one_number_each(lengths):
    layers = [np.eye(5)[:3], np.eye(3)]
    with pytest.raises(InputError, match=r"lengths must be of shape \(t,\)"):
        inspect.unwrap(risk_along)(make_risk(), layers, layers, lengths)
