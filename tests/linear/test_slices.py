"""The risk along a line, and when a step down is proven."""

from fractions import Fraction

import numpy as np
import pytest

from pitfalls.linear import EscapeDirection, classify, critical_point, risk_along
from pitfalls.linear.slices import Slice, cut
from pitfalls.linear.white import WhitePoint
from tests.kinds import of_kind
from tests.linear.problems import make_risk, random_weights

WIDTHS = (5, 4, 4, 3)


def white(risk, weights, exact=False):
    return WhitePoint.of(weights, risk.modes, 1.1e-16, exact=exact)


@pytest.mark.parametrize("widths", [(5, 3), (5, 2, 3), WIDTHS, (5, 3, 4, 2, 3)], ids=str)
@pytest.mark.parametrize("which", ["all layers", "two layers", "the last"])
def test_a_slice_is_the_risk_along_the_line(widths, which):
    risk, weights, steps = make_risk(), random_weights(widths), random_weights(widths, seed=3)
    if which != "all layers":
        keep = {0, len(steps) - 1} if which == "two layers" else {len(steps) - 1}
        steps = [v if i in keep else 0 * v for i, v in enumerate(steps)]
    point = white(risk, weights)
    found = cut(point, steps)
    t = np.array([-0.3, -0.01, 0.02, 0.5])
    wanted = risk_along(risk, weights, steps, t * found.length) - risk.value(weights)
    powers = t[:, None] ** np.arange(1, len(found.coefficients) + 1)
    np.testing.assert_allclose(
        powers @ found.coefficients * point.unit**2,
        wanted,
        rtol=1e-8,
        atol=1e-9 * risk.value(weights),
    )


def exact_coefficients(point, steps, length):
    """The same polynomial in rational arithmetic, from the even layers as they are."""

    def exactly(matrix):
        return np.array([[Fraction(float(v)) for v in row] for row in matrix], dtype=object)

    moved = [exactly(point.even[0]), exactly(steps[0])]
    for layer, step in zip(point.even[1:], steps[1:], strict=True):
        layer, step = exactly(layer), exactly(step)
        after = [layer @ m for m in moved] + [step @ moved[-1]]
        for k in range(1, len(moved)):
            after[k] = after[k] + step @ moved[k - 1]
        moved = after
    left = moved[0] - exactly(point.target)
    found = [Fraction(0)] * (2 * len(point.even))
    for k, change in enumerate(moved[1:]):
        found[k] += (left * change).sum() * Fraction(length) ** (k + 1)
        for m, other in enumerate(moved[1:]):
            found[k + m + 1] += (change * other).sum() * Fraction(length) ** (k + m + 2) / 2
    return found


@pytest.mark.parametrize("seed", range(6))
def test_rounding_of_a_slice_bounds_its_error(seed):
    risk = make_risk(seed=seed)
    weights = critical_point(risk, WIDTHS, (1,), random_state=seed, spread=100.0)
    point = white(risk, weights)
    direction = random_weights(WIDTHS, seed=seed)
    found = cut(point, direction)
    wanted = exact_coefficients(point, point.evened(direction)[0], found.length)
    for value, bound, exact in zip(found.coefficients, found.rounding, wanted, strict=True):
        assert abs(Fraction(value) - exact) <= Fraction(bound)


def bowl(*coefficients, rounding=1e-15, hidden=0.0):
    size = len(coefficients)
    return Slice(np.array(coefficients), np.full(size, rounding), hidden, 2.0)


def test_a_step_down_lowers_the_risk_both_ways():
    saddle = bowl(0.0, -1.0, 0.0, 4.0)
    step = saddle.step_down() / 2.0
    assert -(step**2) + 4 * step**4 < 0


@pytest.mark.parametrize(
    ("name", "case"),
    {
        "no curvature": bowl(0.0, 0.0, 0.0, 1.0),
        "curvature upwards": bowl(0.0, 1.0, 0.0, 1.0),
        "curvature of rounding": bowl(0.0, -1e-18, 0.0, 1e-30),
        "a slope that leads down one way only": bowl(1e-3, -1e-8, 0.0, 1.0),
        "a quartic that takes over within rounding": bowl(0.0, -1e-10, 0.0, 1e8),
    }.items(),
)
def test_what_proves_no_step_down_is_none(name, case):
    assert case.step_down() is None, name


def test_curvature_proves_nothing_that_the_noise_of_the_point_may_hide():
    assert bowl(0.0, -1e-6, 0.0, 1.0, hidden=1e-6).proves
    assert not bowl(0.0, -1e-6, 0.0, 1.0, hidden=3e-6).proves
    risk = make_risk()
    weights = critical_point(risk, WIDTHS, (1,), "strict saddle")
    witness = of_kind(EscapeDirection, classify(risk, weights).witness)
    direction = list(witness.direction)
    shares = []
    for precision in (1.1e-16, 6e-8, 1e-2):
        point = WhitePoint.of(weights, risk.modes, precision, exact=False)
        found = cut(point, direction)
        assert point.noise >= precision
        assert found.proves == (precision < 1e-3)
        shares.append(found.hidden / point.noise)
    assert shares[1] == pytest.approx(shares[0], rel=0.5)


def test_the_curvature_of_a_slice_does_not_feel_the_scale_of_hidden_nodes():
    risk = make_risk()
    weights = critical_point(risk, WIDTHS, (1,), "strict saddle")
    direction = random_weights(WIDTHS, seed=5)
    before = cut(white(risk, weights), direction)
    scale = 2.0 ** np.array([-30, 0, 7, 30])
    moved = [scale[:, None] * weights[0], weights[1] / scale, weights[2]]
    turned = [scale[:, None] * direction[0], direction[1] / scale, direction[2]]
    after = cut(white(risk, moved), turned)
    np.testing.assert_allclose(
        after.curvature / after.length**2, before.curvature / before.length**2, rtol=1e-10
    )


def test_a_direction_that_the_data_do_not_see_proves_nothing():
    risk = make_risk(rank=3)
    weights = critical_point(risk, WIDTHS, (1,), "non-strict saddle")
    blind = np.linalg.svd(risk.modes.colour.T)[2][-1]
    direction = [np.outer(np.ones(4), blind), np.zeros((4, 4)), np.zeros((3, 4))]
    assert not cut(white(risk, weights), direction).proves
    nowhere = cut(white(risk, weights), [0.0 * v for v in direction])
    assert (nowhere.curvature, nowhere.proves, nowhere.step_down()) == (0.0, False, None)
