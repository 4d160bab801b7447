"""Fewer rows than columns: the space of the rows gives what the moments of the columns give."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn import decomposition
from sklearn.linear_model import Ridge

from pitfalls.errors import InputError
from pitfalls.images import CCA, PCA, LeastSquaresClassifier
from pitfalls.images.linear.row_space import row_space
from tests.kinds import there


def wide(n=40, d=1100, k=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    return rng.normal(size=(n, d)) + 5 + 0.5 * rng.normal(size=(k, d))[y], y


def assert_same_directions(ours, theirs, atol=1e-8):
    for a, b in zip(ours.T, theirs.T, strict=True):
        np.testing.assert_allclose(a * np.sign(a @ b), b, atol=atol * np.abs(b).max())


def test_coordinates_and_lift_give_the_rows_back():
    X, _ = wide()
    space = there(row_space(X))
    assert space.coordinates.shape == (40, 39)
    basis = space.lift(np.eye(39))
    np.testing.assert_allclose(basis.T @ basis, np.eye(39), atol=1e-12)
    np.testing.assert_allclose(space.coordinates @ basis.T, X - X.mean(axis=0), atol=1e-10)


def test_repeated_rows_span_no_new_directions():
    X, y = wide(n=20)
    twice = np.vstack([X, X])
    assert there(row_space(twice)).coordinates.shape == (40, 19)
    classifier = LeastSquaresClassifier().fit(twice, np.r_[y, y])
    assert classifier.rank_ == 19
    np.testing.assert_allclose(
        classifier.coef_, LeastSquaresClassifier().fit(X, y).coef_, atol=1e-9
    )


@pytest.mark.parametrize("n_components", [3, 0.5])
def test_pca_is_the_same_by_rows_and_by_columns(n_components):
    X, _ = wide()
    rows, columns = PCA(n_components).fit(X), PCA(n_components).partial_fit(X)
    assert not hasattr(rows, "moments_")
    assert hasattr(columns, "moments_")
    assert rows.n_components_ == columns.n_components_
    for name in ("explained_variance_", "explained_variance_ratio_", "singular_values_", "mean_"):
        np.testing.assert_allclose(getattr(rows, name), getattr(columns, name), rtol=1e-10)
    full = decomposition.PCA(rows.n_components_, svd_solver="full").fit(X)
    assert rows.noise_variance_ == pytest.approx(full.noise_variance_, rel=1e-9)
    assert rows.noise_variance_ == pytest.approx(columns.noise_variance_, abs=1e-10)
    assert_same_directions(rows.components_.T, columns.components_.T, atol=1e-6)
    assert_same_directions(rows.transform(X), columns.transform(X), atol=1e-7)


@pytest.mark.parametrize("ridge", [0.0, 30.0])
@pytest.mark.parametrize("targets", ["labels", "numbers"])
def test_cca_is_the_same_by_rows_and_by_columns(ridge, targets):
    X, y = wide()
    if targets == "numbers":
        y = X[:, :2] + np.random.default_rng(1).normal(size=(40, 2))
    rows, columns = CCA(2, ridge).fit(X, y), CCA(2, ridge).partial_fit(X, y)
    assert not hasattr(rows, "moments_")
    np.testing.assert_allclose(
        rows.canonical_correlations_, columns.canonical_correlations_, atol=1e-10
    )
    assert rows.rank_ == 39
    assert rows.whitening_error_ < 1e-10
    np.testing.assert_allclose(rows.coef_, columns.coef_, atol=1e-9)
    np.testing.assert_array_equal(rows.predict(X).round(8), columns.predict(X).round(8))
    if ridge:  # else all correlations are 1, and any rotation of the directions does
        assert_same_directions(rows.x_rotations_, columns.x_rotations_, atol=1e-6)
        assert_same_directions(rows.x_loadings_, columns.x_loadings_, atol=1e-6)


@pytest.mark.parametrize("ridge", [0.0, 30.0])
@pytest.mark.parametrize("sparse", [False, True])
def test_least_squares_is_the_same_by_rows_and_by_columns(ridge, sparse):
    X, y = wide()
    if sparse:
        X = np.maximum(X - 5, 0)
    given: Any = csr_array(X) if sparse else X
    rows = LeastSquaresClassifier(ridge).fit(given, y)
    columns = LeastSquaresClassifier(ridge).partial_fit(X, y)
    assert not hasattr(rows, "moments_")
    np.testing.assert_allclose(rows.coef_, columns.coef_, atol=1e-9)
    np.testing.assert_allclose(rows.intercept_, columns.intercept_, atol=1e-9)
    assert rows.normal_residual_ < 1e-12


@pytest.mark.parametrize("intercept", [True, False])
def test_weighted_rows_are_those_of_scikit_learns_ridge(intercept):
    X, y = wide(seed=2)
    weight = np.random.default_rng(3).exponential(size=40)
    ours = LeastSquaresClassifier(20.0, fit_intercept=intercept).fit(X, y, weight)
    theirs = Ridge(20.0, fit_intercept=intercept).fit(X, np.eye(3)[y], weight)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-10)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-9)


def test_large_photographs_are_embedded_and_classified_without_a_square_of_their_pixels():
    rng = np.random.default_rng(4)
    y = np.arange(24) % 3
    X = rng.integers(0, 200, (24, 150_528), dtype=np.uint8) + (20 * y[:, None]).astype(np.uint8)
    assert np.ptp(PCA(2).fit(X).transform(X)[:, 0]) > 1000
    assert CCA(2, ridge=1e6).fit(X, y).canonical_correlations_.shape == (2,)
    assert LeastSquaresClassifier().fit(X, y).score(X, y) == 1.0


def test_columns_of_very_unlike_units_take_the_other_way():
    X, _ = wide()
    assert row_space(X * np.where(np.arange(1100) == 3, 1e6, 1.0)) is None
    assert row_space(X[:, :500]) is None
    assert row_space(np.vstack([X] * 30)) is None
    assert row_space(np.ones((5, 2000))) is None


@pytest.mark.parametrize("estimator", [PCA(), CCA(), LeastSquaresClassifier()])
def test_rows_cannot_be_added_to_a_fit_that_kept_no_moments(estimator):
    X, y = wide()
    estimator.fit(X, y)
    with pytest.raises(InputError, match="Begin with partial_fit"):
        estimator.partial_fit(X, y)


def test_pca_of_repeated_rows_has_as_many_directions_as_by_columns():
    rows = np.tile(np.random.default_rng(0).standard_normal((4, 1100)), (3, 1))
    for k, kept in ((5, 5), (None, 11)):
        pca = PCA(k).fit(rows)
        assert pca.components_.shape == (kept, 1100)
        np.testing.assert_allclose(pca.components_ @ pca.components_.T, np.eye(kept), atol=1e-12)
        wanted = decomposition.PCA(kept).fit(rows)
        np.testing.assert_allclose(pca.explained_variance_, wanted.explained_variance_, atol=1e-9)
    with pytest.raises(InputError, match="from 1 to 11 with 12 rows"):
        PCA(12).fit(rows)


def test_constant_columns_take_nothing_from_the_way_by_rows():
    X, y = wide()
    for constant in np.random.default_rng(1).normal(size=20):
        X[:, 7] = constant
        assert there(row_space(X)).mean[7] == constant
    found = LeastSquaresClassifier().fit(X, y)
    assert not hasattr(found, "moments_")
    assert not found.coef_[:, 7].any()
