import numpy as np
import pytest
from hypothesis import given, settings

from pitfalls.errors import InputError
from pitfalls.moments import SecondMoments, whiten_inputs, whiten_outputs
from tests.moments.exact import residuals
from tests.moments.problems import problems


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("n", [2, 3, 4, 9])
def test_the_root_is_in_the_order_of_the_columns_whatever_the_order_of_the_pivots(n, center):
    rng = np.random.default_rng(n)
    for _ in range(10):  # n = d and n = d + 1 are where all columns are kept after pivoting
        x = rng.integers(-3, 4, (n, 3)) * 10.0 ** rng.integers(-6, 7, 3)
        moments = SecondMoments.from_arrays(x, x, center=center)
        white = whiten_inputs(moments)
        size = np.sqrt(np.maximum(np.diag(moments.sxx), 1e-300))
        error = np.abs(white.colour @ white.colour.T - moments.sxx)
        assert np.all(error <= 1e-10 * np.outer(size, size))
        assert np.allclose(white.whiten.T @ white.colour, np.eye(white.rank), atol=1e-9)
        assert np.allclose(white.lift(np.eye(white.rank)), white.whiten)
        error = np.abs(white.project(moments.sxx) - white.colour.T)
        assert np.all(error <= 1e-9 * size)


@given(problems())
@settings(max_examples=150, deadline=None)
def test_the_factor_restores_the_sums_and_its_inverse_inverts_it_in_any_units(problem):
    x, center = problem
    moments = SecondMoments.from_arrays(x, x, center=center)
    white = whiten_inputs(moments)
    _, rank = residuals(x, x, center=center)
    assert white.rank == rank
    assert sorted([*white.kept, *white.dropped]) == list(range(x.shape[1]))
    units = np.where(moments.lengths_x > 0, moments.lengths_x, 1.0)
    error = np.abs(white.colour @ white.colour.T - moments.sxx)
    assert np.all(error <= 100 * white.dependence_rounding * np.outer(units, units))
    np.testing.assert_allclose(white.whiten.T @ white.colour, np.eye(rank), atol=1e-8)
    if not center:
        assert np.all(np.abs(white.colour @ white.mean - moments.mean_x) <= 1e-9 * units)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_what_was_dropped_is_the_combination_of_what_was_kept_that_is_said(problem):
    x, center = problem
    white = whiten_inputs(SecondMoments.from_arrays(x, x, center=center))
    shown = x - x.mean(axis=0) if center else x
    size = np.linalg.norm(x, axis=0)[white.dropped]
    error = np.linalg.norm(
        shown[:, white.dropped] - shown[:, white.kept] @ white.dependence.T, axis=0
    )
    assert np.all(error <= 1e-7 * size)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("n", [5, 60])
def test_solutions_have_least_norm_in_the_data_s_own_units(center, n):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((n, 4)) @ rng.standard_normal((4, 9)) * 10.0 ** rng.integers(-2, 3, 9)
    x, y = x + 0.3, rng.standard_normal((n, 2))
    moments = SecondMoments.from_arrays(x, y, center=center)
    if center:
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    wanted = np.linalg.pinv(x, rcond=1e-10) @ y
    found = whiten_inputs(moments).solve(moments.syx.T)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-7 * np.abs(wanted).max())


def test_a_solution_is_the_pseudo_inverse_s_whether_or_not_there_is_an_exact_one():
    rng = np.random.default_rng(8)
    for d, rank in ((3, 3), (6, 4)):
        x = rng.standard_normal((30, rank)) @ rng.standard_normal((rank, d))
        for center in (True, False):
            moments = SecondMoments.from_arrays(x, x, center=center)
            any_right_side = rng.standard_normal((d, 3))
            found = whiten_inputs(moments).solve(any_right_side)
            wanted = np.linalg.pinv(moments.sxx, rcond=1e-10) @ any_right_side
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10 * np.abs(wanted).max())


def test_columns_that_do_not_depend_on_the_constant_one_have_exact_zeros_there():
    x = np.random.default_rng(5).standard_normal((40, 1)) + 3.7
    x = np.hstack([x, x * 3, x / 7, np.full((40, 1), 0.1)])
    white = whiten_inputs(SecondMoments.from_arrays(x, x))
    assert sorted(white.kept.tolist()) == [1, 3]
    constant = white.kept.tolist().index(3)
    assert white.dependence[:, constant].tolist() == [0.0, 0.0]


def test_ridge_is_added_in_the_data_s_units_with_the_mean_and_without():
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((30, 4)) + 2, rng.standard_normal((30, 2))
    x = np.hstack([x, x[:, :1]])
    for center in (True, False):
        moments = SecondMoments.from_arrays(x, y, center=center)
        wanted = np.linalg.solve(moments.sxx + 0.7 * np.eye(5), moments.syx.T)
        found = whiten_inputs(moments, ridge=0.7).solve(moments.syx.T)
        np.testing.assert_allclose(found, wanted, atol=1e-12)
    for ridge in (-1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="ridge must be finite and not negative"):
            whiten_inputs(moments, ridge=ridge)


def test_a_constant_column_is_no_direction_however_many_rows_it_has():
    rows = 300_000  # a plain sum of so many 0.1 is off by 1e-12 of itself
    x = np.stack([np.arange(rows) % 7, np.full(rows, 0.1)], axis=1)
    moments = SecondMoments.from_arrays(x, x[:, 1], center=True)
    assert moments.scatter_xx[1].tolist() == [0.0, 0.0]
    white = whiten_inputs(moments)
    assert (white.rank, white.dropped.tolist(), white.scale[1]) == (1, [1], 0.0)
    assert whiten_outputs(moments).rank == 0


def test_columns_that_differ_from_each_other_by_a_millionth_are_two():
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((2, 400))
    for step, rank in ((1e-6, 2), (1e-9, 1)):  # the root of rounding lies between, at 1e-7
        x = np.stack([a, 1e5 * (a + step * b)], axis=1)
        assert whiten_inputs(SecondMoments.from_arrays(x, x)).rank == rank


def test_outputs_are_whitened_like_inputs():
    x = np.random.default_rng(6).standard_normal((20, 3)) + 5
    for center in (True, False):
        ones = np.ones((20, 1))
        a = whiten_inputs(SecondMoments.from_arrays(x, ones, center=center))
        b = whiten_outputs(SecondMoments.from_arrays(ones, x, center=center))
        np.testing.assert_array_equal(a.colour, b.colour)


def test_data_without_variance_are_whitened_without_a_word(capfd):
    for x in (np.zeros((3, 2)), np.ones((1, 2))):
        white = whiten_inputs(SecondMoments.from_arrays(x, x, center=True))
        assert white.rank == 0
        assert white.whiten.shape == white.colour.shape == (2, 0)
    assert not any(capfd.readouterr())


@pytest.mark.parametrize("seed", range(8))
def test_the_factor_about_zero_gives_back_the_sums_of_nearly_dependent_columns(seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((20, 3))
    x[:, 1] = x[:, 0] + 1e-5 * rng.standard_normal(20)
    moments = SecondMoments.from_arrays(x, x[:, :1])
    colour = whiten_inputs(moments).colour
    size = np.outer(moments.lengths_x, moments.lengths_x)
    assert np.all(np.abs(colour @ colour.T - moments.sxx) <= 2e-15 * size)


def test_a_constant_whose_squares_vanish_is_not_taken_for_zero():
    x, y = np.full((9, 1), 1e-170), np.arange(9.0)
    assert whiten_inputs(SecondMoments.from_arrays(x, y, center=True)).rank == 0
    with pytest.raises(InputError, match="would take it for zero"):
        whiten_inputs(SecondMoments.from_arrays(x, y))
    assert whiten_inputs(SecondMoments.from_arrays(0 * x, y)).rank == 0
