"""Modes, ranks and least risks: free of units and offsets, and zero where there is nothing."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_linnerud

from pitfalls.linear import EscapeDirection, SquaredRisk, classify
from pitfalls.moments import SecondMoments
from tests.kinds import of_kind
from tests.linear.problems import data, risk_with_modes
from tests.moments.exact import column_basis, least_risk, rational_least_risk, residuals
from tests.moments.problems import problems


def mixed_units():
    rng = np.random.default_rng(0)
    u, v, w = rng.standard_normal((3, 60))
    y = np.stack([u + v + w, u - 2 * v + 0.5 * w], axis=1) + 0.4 * rng.standard_normal((60, 2))
    return np.stack([1e8 * u, 0.01 * v, 40 * w], axis=1), y


def risk_of(x, y, *, center=False):
    return SquaredRisk(SecondMoments.from_arrays(x, y, center=center))


@pytest.mark.parametrize("center", [False, True])
def test_the_least_risk_does_not_move_when_a_column_changes_its_unit(center):
    x, y = mixed_units()
    wanted = least_risk(x, y, center=center)
    for column in range(3):
        for power in range(-12, 13):
            units = np.ones(3)
            units[column] = 10.0**power
            risk = risk_of(x * units, y, center=center)
            best = risk.minimum()
            assert (risk.modes.rank_x, risk.modes.rank) == (3, 2)
            assert best.value == pytest.approx(wanted, rel=1e-12)
            assert risk.value([best.map]) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("center", [False, True])
def test_bounded_ranks_do_not_see_the_units_of_the_inputs(center):
    x, y = mixed_units()
    first = risk_of(x, y, center=center)
    other = risk_of(x * [1e-12, 1e9, 1e-3], y, center=center)
    for rank in range(3):
        assert other.minimum(rank).value == pytest.approx(first.minimum(rank).value, rel=1e-10)


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("center", [False, True])
def test_diabetes_with_one_blood_serum_in_other_units(center, factor):
    x, y = load_diabetes(return_X_y=True, scaled=False)
    x[:, 6] *= factor
    risk = risk_of(x, y, center=center)
    assert risk.modes.rank_x == 10
    wanted = least_risk(x, y[:, None], center=center)
    assert risk.minimum().value == pytest.approx(wanted, rel=1e-11)


def test_an_output_in_small_units_is_a_mode_too():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((80, 4))
    y = x[:, :2] + 0.1 * rng.standard_normal((80, 2))
    for power in range(-12, 13, 4):
        risk = risk_of(x, y * [1.0, 10.0**power])
        assert risk.modes.rank == 2
        wanted = [least_risk(x, y[:, :1]), least_risk(x, y[:, 1:]) * 10.0 ** (2 * power)]
        assert risk.minimum().value == pytest.approx(sum(wanted), rel=1e-11)


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6, 1e8])
def test_offsets_do_not_cost_the_least_risk_its_digits(offset):
    rng = np.random.default_rng(2)
    x = offset + rng.standard_normal((2000, 3))
    y = x @ rng.standard_normal((3, 2)) + 0.001 * rng.standard_normal((2000, 2))
    for center in (False, True):
        risk = risk_of(x, y, center=center)
        wanted = least_risk(x, y, center=center)
        assert 0.0005 < wanted < 0.0025
        best = risk.minimum()
        assert best.rounding < 1e-6 * wanted
        assert abs(best.value - wanted) <= best.rounding
        assert abs(risk.value([best.map]) - wanted) <= risk.rounding([best.map])
        assert risk.modes.rank_x == 3


def test_offsets_do_not_cost_a_map_of_lower_rank_its_digits():
    rng = np.random.default_rng(7)
    x = 1e6 + rng.standard_normal((2000, 3))
    y = np.outer(x @ rng.standard_normal(3) + 0.001 * rng.standard_normal(2000), [1.0, 2.0, 3.0])
    risk = risk_of(x, y)
    best = risk.minimum()
    assert abs(risk.value([best.map]) - least_risk(x, y)) < 1e-6 * least_risk(x, y)


def test_a_column_of_ones_is_an_intercept_in_any_units():
    x, y = data()
    wanted = least_risk(x, y + 7, center=True)
    for ones in (1.0, 1e-9, 1e9):
        design = np.hstack([x[:, :2], np.full((len(x), 1), ones), x[:, 2:]])
        risk = risk_of(design, y + 7)
        assert risk.modes.rank_x == 6
        assert risk.minimum().value == pytest.approx(wanted, rel=1e-12)
        assert risk.value([risk.minimum().map]) == pytest.approx(wanted, rel=1e-12)


NOTHING = {
    "symmetric": lambda: (np.arange(-20.0, 21.0)[:, None], np.arange(-20.0, 21.0)[:, None] ** 2),
    "uneven": lambda: (np.linspace(-1, 1, 101)[:, None], np.linspace(-1, 1, 101)[:, None] ** 2),
    "in other units": lambda: (
        np.linspace(-1, 1, 101)[:, None] * 1e-9,
        np.linspace(-1, 1, 101)[:, None] ** 2 * 1e9,
    ),
    "zero outputs": lambda: (data()[0], np.zeros((40, 2))),
}


@pytest.mark.parametrize("case", NOTHING)
@pytest.mark.parametrize("center", [False, True])
def test_without_correlation_there_is_no_mode_and_the_zero_map_is_best(case, center):
    x, y = NOTHING[case]()
    risk = risk_of(x, y, center=center)
    modes, best = risk.modes, risk.minimum()
    assert modes.rank == 0
    assert not modes.values.any()
    assert not modes.correlation.any()
    assert not best.map.any()
    assert best.unique
    if center:
        y = y - y.mean(axis=0)
    assert best.value == pytest.approx(0.5 * np.sum(y**2), rel=1e-14)
    assert np.all(np.abs(risk.moments.syx) <= risk.moments.syx_rounding)


def regressions():
    x, y = data(n=500)
    yield x * [1, 10, 100, 0.1, 1], y
    x, y = load_diabetes(return_X_y=True, scaled=False)
    yield x, y[:, None]
    yield load_linnerud(return_X_y=True)


@pytest.mark.parametrize("center", [False, True])
def test_residuals_have_nothing_in_common_with_their_own_inputs(center):
    for x, y in regressions():
        design = np.hstack([x, np.ones((len(x), 1))]) if center else x
        rest = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        assert risk_of(x, rest, center=center).modes.rank == 0
        exact, _ = residuals(x, y, center=center)
        assert risk_of(x, exact.astype(float), center=center).modes.rank == 0


@pytest.mark.parametrize("weak", [1e-3, 1e-6, 1e-9, 1e-10])
def test_a_weak_mode_beside_a_strong_one_is_a_mode(weak):
    modes = risk_with_modes([1.0, weak, 0.0]).modes
    assert modes.rank == 2
    np.testing.assert_allclose(modes.values, [1.0, weak, 0.0], rtol=1e-3, atol=1e-15)


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_constants_are_learnt_from_constants_in_any_units(size):
    ones = np.ones((7, 1))
    risk = risk_of(ones, np.hstack([size * ones, 0 * ones]))
    assert risk.modes.rank == 1
    np.testing.assert_allclose(risk.minimum().map, [[size], [0.0]], rtol=1e-15)
    assert risk_of(ones, ones, center=True).modes.rank_x == 0
    assert risk_of(ones, ones, center=True).modes.rank == 0


@pytest.mark.parametrize("center", [False, True])
def test_a_direction_that_is_hardly_there_hides_no_mode(center):
    rng = np.random.default_rng(8)
    x = rng.standard_normal((50, 3))
    x[:, 2] = x[:, 0] + 1e-6 * x[:, 2]  # beside an offset of 1e7 rounding of the values is as large
    for offset in (0.0, 1e7):
        risk = risk_of(x + offset, x[:, :2], center=center)
        assert risk.modes.rank == 2
        ones = np.ones((50, int(center)))  # an intercept
        left = rational_least_risk(np.hstack([x + offset, ones]), x[:, :2])
        y = x[:, :2] - x[:, :2].mean(axis=0) * center
        explained = 0.5 * np.sum(risk.modes.values**2)
        assert explained == pytest.approx(0.5 * np.sum(y**2) - left, rel=1e-6)


def test_modes_of_rounding_size_are_exactly_zero():
    for values in ([3.0, 2.0, 0.0], [0.0, 0.0], [1e9, 0.0, 0.0], [1e-9, 0.0]):
        risk = risk_with_modes(values)
        assert risk.modes.rank == np.count_nonzero(values)
        assert np.count_nonzero(risk.modes.values) == risk.modes.rank


def test_an_output_that_has_nothing_in_common_with_the_inputs_is_a_row_of_zeros():
    # the last layer speaks to that output alone: its rounding made the point "not critical"
    x = np.array([[0.0, 0], [1, 1], [0, -2]])
    y = np.array([[2.0, 0, -2], [0, 0, 1], [0, 2, 0]])
    risk = risk_of(x, y)
    assert not risk.modes.correlation[0].any()
    assert np.allclose(risk.modes.values, [2, 1])
    layers = [
        np.array([[-1.0, -1], [1, 1], [-0.5, -0.5]]),
        np.array([[0.5, 0, 0], [1 / 6, 1 / 3, 1 / 3]]),
        np.zeros((1, 2)),
        np.array([[0.5], [0], [0]]),
    ]
    assert not any(slope.any() for slope in risk.layer_gradients(layers))
    assert classify(risk, layers).verdict in ("strict saddle", "undecided")


def test_outputs_that_are_zero_or_rounding_leave_the_modes_of_the_others_alone():
    # an output of zeros: the mode came out as 0.99998 and the minimum as "not critical"
    x = np.array([[2.0, 0, -1], [1, 0, -2]])
    y = np.array([[0, -0.6, 0.8], [0, 0, 0]])
    risk = risk_of(x, y)
    assert risk.modes.values == pytest.approx([1, 0], abs=1e-15)
    layers = [
        np.array([[-4 / 3, 9, -2 / 3], [4 / 3, -3, 2 / 3]]),
        np.array([[1.0, 0], [1, 0], [0.5, 0]]),
        np.array([[-1.0, -1, 2]]),
        np.array([[0.0], [-0.3], [0.4]]),
    ]
    assert classify(risk, layers).verdict == "global minimum"
    # ... and residuals in large units, of which nothing but rounding is left
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 3))
    learnt = x @ rng.standard_normal((3, 1)) @ np.array([[1.0, -2.0]])
    left = residuals(x, rng.standard_normal((30, 1)))[0].astype(float)
    alone = risk_of(x, learnt).modes
    for size in (1e4, 1e8, 1e12):
        modes = risk_of(x, np.hstack([left * size, learnt, np.zeros((30, 1))])).modes
        assert modes.rank == alone.rank == 1
        assert modes.values[0] == pytest.approx(alone.values[0], rel=1e-13)
        assert np.allclose(modes.correlation[1:3], alone.correlation, rtol=1e-13, atol=0)
        assert not modes.correlation[[0, 3]].any()


def test_the_floor_about_zero_does_not_suffer_from_what_is_nearly_dependent_about_the_mean():
    # less its mean X has a singular value of .006 beside 7.4, as it is the least is .43
    x = [[1, 3, -2, -2, 3], [1, -3, 2, 3, 0], [-3, -3, 1, -2, -1], [-3, 2, 1, -2, -3],
         [-1, -3, -3, 2, -2], [-1, 2, 1, 1, -3]]  # fmt: skip
    y = [[-3, 0, 0, -1], [2, -1, 1, 3], [1, 2, -3, -1], [1, 0, -1, 3], [-1, 1, 2, 1], [1, 0, 3, 3]]
    risk = risk_of(np.array(x, float), np.array(y, float))
    wanted = float(rational_least_risk(x, y))
    assert risk.minimum().value == pytest.approx(wanted, rel=1e-12)
    assert risk.value([np.zeros((4, 5))]) == pytest.approx(38.5, rel=1e-14)
    assert risk.minimum().rounding < 1e-11


def test_white_coordinates_restore_what_they_came_from():
    for center in (False, True):
        x, y = data(n=60)
        x = x * [1e6, 1e-6, 1, 30, 1e3] + [3e6, 0, 1, 2, 0]
        modes = risk_of(x, y, center=center).modes
        if center:
            x, y = x - x.mean(axis=0), y - y.mean(axis=0)
        norms = np.linalg.norm(x, axis=0)
        error = np.abs(modes.colour @ modes.colour.T - x.T @ x) / np.outer(norms, norms)
        assert error.max() < 1e-13
        white = x @ modes.whiten
        np.testing.assert_allclose(white.T @ white, np.eye(5), atol=1e-10)
        np.testing.assert_allclose(y.T @ white, modes.correlation, atol=1e-10)
        restored = (modes.left * modes.values) @ modes.right.T
        np.testing.assert_allclose(restored, modes.correlation, atol=1e-12)


def test_extreme_singular_values_of_the_inputs_are_those_of_the_data():
    for kind in ({}, {"rank": 3}, {"n": 4}):
        x, y = data(**kind)
        x = x * [5.0, 0.2, 1.0, 1.0, 3.0]
        values = np.linalg.svd(x, compute_uv=False)
        values = values[values > 1e-9]
        modes = risk_of(x, y).modes
        assert modes.rank_x == len(values)
        assert modes.largest_x == pytest.approx(values[0], rel=1e-9)
        assert modes.smallest_x == pytest.approx(values[-1], rel=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_few_rows_whiten_in_the_order_of_the_columns_whatever_the_pivots(seed):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 6))
    n = int(rng.integers(max(1, d - 1), d + 2))  # as many rows as columns, or about
    x = rng.integers(-3, 4, (n, d)).astype(float) * 10.0 ** rng.integers(-2, 3, d)
    y = rng.integers(-3, 4, (n, 2)).astype(float)
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    colour, whiten = risk.modes.colour, risk.modes.whiten
    size = np.outer(*2 * [np.linalg.norm(x, axis=0)])
    np.testing.assert_allclose(colour @ colour.T, x.T @ x, atol=1e-12 * size.max(), rtol=1e-9)
    np.testing.assert_allclose(whiten.T @ colour, np.eye(risk.modes.rank_x), atol=1e-9)
    weights = rng.standard_normal((2, d))
    residual = x @ weights.T - y
    assert risk.value([weights]) == pytest.approx(0.5 * np.sum(residual**2))


@given(
    st.integers(0, 10**6),
    st.sampled_from([0.0, 1e-9, 1e-6, 1.0]),
    st.sampled_from([0, 1e4, 1e7]),
    st.sampled_from([1.0, 1e-3, 1e-6]),
)
@settings(max_examples=60, deadline=None)
def test_the_risk_is_off_by_no_more_than_it_says(seed, noise, offset, apart):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((30, 3))
    x[:, 2] = x[:, 0] + apart * x[:, 2]
    x = offset + x * 10.0 ** rng.integers(-1, 2, 3)
    w = rng.standard_normal((2, 3))
    y = x @ w.T + noise * rng.standard_normal((30, 2))
    y = y.astype(np.float32).astype(np.float64) if noise == 1.0 else y
    risk = risk_of(x, y)
    rest = x.astype(np.longdouble) @ w.T.astype(np.longdouble) - y
    exact = float(0.5 * (rest**2).sum())
    value = risk.value([w])
    assert value >= 0.0
    assert abs(value - exact) <= risk.rounding([w])
    best = risk.minimum()
    assert abs(best.value - rational_least_risk(x, y)) <= best.rounding


def test_an_exact_fit_has_no_digits_left_and_says_so():
    rng = np.random.default_rng(3)
    for offset in (0.0, 1e6):
        x, w = offset + rng.standard_normal((200, 3)), rng.standard_normal((2, 3))
        risk = risk_of(x, x @ w.T)
        assert 0.0 <= risk.value([w]) <= risk.rounding([w]) < 1e-9
        assert risk.digits([w]) < 1
        assert 0.0 <= risk.minimum().value <= risk.minimum().rounding
        noisy = risk_of(x, x @ w.T + rng.standard_normal((200, 2)))
        assert noisy.digits([w]) > 6
    whole = rng.integers(-5, 6, (50, 3))
    assert risk_of(whole, whole @ np.ones((3, 2), dtype=int)).value([np.ones((2, 3))]) >= 0.0
    # a zero that was summed from zeros is exact
    assert risk_of(whole, np.zeros((50, 2))).digits([np.zeros((2, 3))]) == 16.0


def test_modes_that_rounding_cannot_tell_apart_are_equal_and_others_are_not():
    for gap, unique in ((0.0, False), (1e-9, True), (4e-9, True), (1e-3, True)):
        risk = risk_with_modes([2.0 + gap, 2.0, 1.0])
        assert risk.minimum(1).unique is unique
        assert risk.modes.rounding < 1e-10


@pytest.mark.parametrize("condition", [1.0, 1e3, 1e5])
@pytest.mark.parametrize("strength", [1.0, 1e-9])
def test_modes_are_off_by_no_more_than_is_said(condition, strength):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        u, _, v = np.linalg.svd(rng.standard_normal((50, 4)), full_matrices=False)
        x = (u * np.geomspace(1, 1 / condition, 4)) @ v * [1e3, 1.0, 1e-3, 1.0]
        y = rng.standard_normal((50, 3))
        y = y - (1 - strength) * u @ (u.T @ y)
        modes = risk_of(x, y).modes
        basis = np.stack(column_basis(x))
        exact = np.linalg.svd((basis @ y.astype(np.longdouble)).astype(float), compute_uv=False)
        assert np.all(np.abs(modes.values - exact) <= modes.errors)
        assert np.all(modes.errors <= modes.rounding)
        assert modes.rounding < 1e-10 * condition**2
        assert np.all(exact[modes.rank :] <= modes.rounding)


def test_the_whitened_problem_has_the_same_floor_to_the_last_bit():
    x, y = data()
    risk = risk_of(x + 1e6, (x + 1e6) @ np.ones((5, 2)) + 1e-4 * y[:, :2])
    white = risk.whitened()
    assert white.modes.floor == risk.modes.floor
    assert white.minimum(1).value == pytest.approx(risk.minimum(1).value, rel=1e-12)
    assert white.minimum().value == pytest.approx(risk.minimum().value, rel=1e-12)


@given(problems(), st.sampled_from([0.0, 5.0]))
@settings(max_examples=100, deadline=None)
def test_least_risk_and_ranks_equal_the_slow_ones_for_columns_of_every_kind(problem, shift):
    x, center = problem
    rng = np.random.default_rng(len(x))
    y = rng.standard_normal((len(x), 2)) * [1.0, 1e6] + shift
    risk = risk_of(x, y, center=center)
    rest, rank = residuals(x, y, center=center)
    wanted = float(0.5 * np.sum(rest**2))
    best = risk.minimum()
    assert risk.modes.rank_x == rank
    assert abs(best.value - wanted) <= best.rounding
    assert abs(risk.value([best.map]) - wanted) <= risk.rounding([best.map])


@pytest.mark.parametrize("units", [(1e5, 1.0, 1e-8), (1e-8, 1e7, 1e2), (1.0, 1e8, 1e-8)], ids=str)
@pytest.mark.parametrize("seed", [3, 27, 74])
def test_modes_keep_their_digits_whatever_the_units_and_the_order_of_the_outputs(seed, units):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((10, 3)), rng.standard_normal((10, 3)) * units
    with mpmath.workdps(60):
        q, _ = mpmath.qr(mpmath.matrix(x.tolist()), mode="skinny")
        due = sorted(mpmath.svd_r(mpmath.matrix(y.tolist()).T * q, compute_uv=False), reverse=True)
    for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1]):
        modes = SquaredRisk(SecondMoments.from_arrays(x, y[:, order])).modes
        off = np.abs(modes.values - np.array([float(value) for value in due]))
        assert np.all(off <= modes.errors)
        assert np.all(modes.errors < 1e-9 * modes.values)
        kept = modes.left @ np.diag(modes.values) @ modes.right.T
        sizes = np.linalg.norm(modes.correlation, axis=1, keepdims=True)
        assert np.all(np.abs(kept - modes.correlation) <= 1e-13 * sizes)
        np.testing.assert_allclose(modes.left.T @ modes.left, np.eye(3), atol=1e-14)
        np.testing.assert_allclose(modes.right.T @ modes.right, np.eye(3), atol=1e-14)


def test_a_mode_below_the_rounding_of_the_largest_says_so():
    rng = np.random.default_rng(5)  # four outputs of rank three: no full rank to rotate
    x, y = rng.standard_normal((30, 3)), rng.standard_normal((30, 4)) * (1e9, 1.0, 1.0, 1e-9)
    modes = SquaredRisk(SecondMoments.from_arrays(x, y)).modes
    assert np.all(modes.errors >= np.finfo(float).eps * modes.values[0])


def test_the_rounding_of_a_least_risk_covers_a_mode_that_counts_as_zero():
    # an output of 1e8 with a spread of 1e-7: its mode is 2e-6, and rounding may make one of 5e-6
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((5, 3)) + np.array([1e3, 0, 0])
        y = 1e-6 * rng.standard_normal((5, 2)) + np.array([0, 1e8])
        risk = risk_of(x, y, center=True)
        for rank in range(3):
            best = risk.minimum(rank)
            with mpmath.workdps(60):
                wanted = centred_least_risk(x, y, rank)
            assert abs(best.value - wanted) <= best.rounding


def centred_least_risk(x, y, rank):
    """Return the least risk of a rank with an intercept, in sixty digits."""
    about = []
    for values in (x, y):
        exact = mpmath.matrix(values.tolist())
        for j in range(exact.cols):
            mean = mpmath.fsum(exact[:, j]) / exact.rows
            for i in range(exact.rows):
                exact[i, j] -= mean
        about.append(exact)
    basis = mpmath.qr(about[0], mode="skinny")[0]
    cross = about[1].T * basis
    squares = sorted(mpmath.eigsy(cross * cross.T, eigvals_only=True), reverse=True)
    whole = mpmath.fsum(v**2 for v in about[1])
    return (whole - mpmath.fsum(squares[:rank])) / 2


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("units", [(1e80, 1e80), (1e140, 1e150), (1e-140, 1e100)])
def test_modes_in_units_near_the_ends_of_float64_are_those_in_others(units, center):
    x, y = data()
    wanted = risk_of(x, y, center=center).modes
    found = risk_of(x * units[0], y * units[1], center=center).modes
    assert (found.rank_x, found.rank) == (5, 3)
    np.testing.assert_allclose(found.values / units[1], wanted.values, rtol=1e-12)
    np.testing.assert_allclose(found.errors / units[1], wanted.errors, rtol=1e-3)


def test_a_way_down_has_a_curvature_in_large_units_too():
    x, y = data()
    points = [
        classify(risk_of(x * c, y * c), [np.zeros((4, 5)), np.zeros((3, 4))]) for c in (1, 1e80)
    ]
    assert [point.verdict for point in points] == ["strict saddle"] * 2
    once, large = (of_kind(EscapeDirection, point.witness).curvature for point in points)
    assert large == pytest.approx(1e160 * once)


@pytest.mark.parametrize("center", [False, True])
def test_the_floor_is_off_by_no_more_than_it_says_where_a_dropped_column_is_new_a_little(center):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        a, b, c = rng.standard_normal((3, 20))
        x, y = np.column_stack([a, b, b + 1e-8 * c]), rng.standard_normal((20, 2))
        modes = risk_of(x, y, center=center).modes
        assert modes.rank_x == 2
        kept = x[:, modes.inputs.kept]
        kept = np.column_stack([kept, np.ones(20)]) if center else kept
        rest = y - kept @ np.linalg.lstsq(kept, y, rcond=None)[0]
        due = 0.5 * float(np.sum(rest**2))  # well conditioned
        assert abs(modes.floor - due) <= modes.floor_rounding
