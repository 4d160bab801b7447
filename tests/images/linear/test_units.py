"""PCA, CCA and least squares where columns differ in units, depend on each other, or fit exactly."""

import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.images import CCA, PCA, LeastSquaresClassifier, decide_separability
from pitfalls.moments import SecondMoments, whiten_inputs, whiten_outputs
from tests.moments.exact import residuals


def labelled(n=90, d=6, k=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    return rng.normal(size=(n, d)) + rng.normal(size=(k, d))[y], y


def one_hot(y):
    return (y[:, None] == np.unique(y)).astype(float)


@pytest.mark.parametrize("powers", [(0, 0, 0), (8, -6, 3), (-12, 12, 0), (6, 6, -9)])
def test_dependent_columns_in_any_units_change_neither_correlations_nor_outputs(powers):
    X, y = labelled()
    units = 10.0 ** np.array(powers)
    wider = np.hstack([X, X[:, :1] * units[0], X[:, 1:3] @ np.ones((2, 1)) * units[1]])
    wider = np.hstack([wider, np.full((len(X), 1), units[2])])
    cca, expected = CCA(2).fit(wider, y), CCA(2).fit(X, y)
    np.testing.assert_allclose(
        cca.canonical_correlations_, expected.canonical_correlations_, atol=1e-12
    )
    assert cca.rank_ == 6
    classifier = LeastSquaresClassifier().fit(wider, y)
    exact = one_hot(y) - residuals(X, one_hot(y), center=True)[0].astype(float)
    np.testing.assert_allclose(classifier.outputs(wider), exact, atol=1e-10)
    assert classifier.rank_ == 6
    assert classifier.normal_residual_ < 1e-13


@pytest.mark.parametrize("condition", [1e2, 1e4, 1e6])
def test_least_squares_loses_no_more_digits_than_the_condition_of_the_columns_costs(condition):
    rng = np.random.default_rng(1)
    u, _, v = np.linalg.svd(rng.normal(size=(300, 12)), full_matrices=False)
    X, y = (u * np.geomspace(1, 1 / condition, 12)) @ v, rng.integers(0, 3, 300)
    classifier = LeastSquaresClassifier().fit(X, y)
    rest, _ = residuals(X, one_hot(y), center=True)
    # sums of squares know the outputs to rounding times the condition squared
    np.testing.assert_allclose(
        classifier.outputs(X), one_hot(y) - rest.astype(float), atol=1e-17 * condition**2 + 1e-12
    )
    assert classifier.normal_residual_ < 1e-15 * condition + 1e-13
    assert classifier.rank_ == 12


def test_correlations_of_an_exact_fit_are_one_and_never_more():
    beyond = 0
    for seed in range(20):
        X, y = labelled(n=20, d=30, seed=seed)
        moments = SecondMoments.from_arrays(X, one_hot(y), center=True)
        half = whiten_inputs(moments).project(moments.scatter_yx.T)
        raw = np.linalg.svd(whiten_outputs(moments).project(half.T), compute_uv=False)
        beyond += raw.max() > 1
        found = CCA(2).fit(X, y).canonical_correlations_
        assert found.max() <= 1.0
        np.testing.assert_allclose(found, 1.0, atol=1e-12)
    assert beyond > 0  # rounding alone goes beyond


def test_certificates_are_zero_but_for_rounding_in_any_units():
    X, y = labelled(n=400)
    for scale in (1.0, 10.0 ** np.arange(-9, 9, 3)):
        assert CCA(2).fit(X * scale, y).whitening_error_ < 1e-12
        assert LeastSquaresClassifier().fit(X * scale, y).normal_residual_ < 1e-12


@pytest.mark.parametrize("side", ["X", "y"])
def test_masked_values_are_refused_by_every_estimator_with_the_way_to_fill_them(side):
    X, y = labelled()
    data = {"X": X, "y": y}
    data[side] = np.ma.array(
        data[side], mask=np.arange(data[side].size).reshape(data[side].shape) == 1
    )
    calls = [
        lambda: CCA(1).fit(**data),
        lambda: LeastSquaresClassifier().partial_fit(**data),
        lambda: CCA(1).fit(X, y).transform(**data),
        lambda: decide_separability(**data),
    ]
    if side == "X":
        fitted = LeastSquaresClassifier().fit(X, y), PCA(1).fit(X)
        calls += [
            lambda: PCA(1).fit(data["X"]),
            lambda: fitted[0].predict(data["X"]),
            lambda: fitted[1].inverse_transform(data["X"][:, :1]),
        ]
        data["X"].mask[:, 0] = data["X"].mask[:, 1]
    for call in calls:
        with pytest.raises(InputError, match=rf"{side} has \d masked values.*{side}\.filled\("):
            call()
    unmasked = np.ma.array(X)
    np.testing.assert_array_equal(PCA(1).fit(unmasked).components_, PCA(1).fit(X).components_)
