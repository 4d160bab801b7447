"""What users of scikit-learn expect of the three estimators beside fit and transform."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array
from sklearn import clone, decomposition
from sklearn.linear_model import LinearRegression, Ridge

from pitfalls.errors import InputError
from pitfalls.images import CCA, PCA, LeastSquaresClassifier
from pitfalls.moments import SecondMoments
from tests.images.linear.test_estimators import labelled, one_hot


@pytest.mark.parametrize("n_components", [3, None, 0.9])
@pytest.mark.parametrize("whiten", [False, True])
def test_pca_has_all_of_scikit_learns_attributes_and_scores(n_components, whiten):
    X, _ = labelled(seed=30)
    ours = PCA(n_components, whiten=whiten).fit(X)
    theirs = decomposition.PCA(n_components, whiten=whiten, svd_solver="full").fit(X)
    assert ours.n_components_ == theirs.n_components_
    assert ours.n_samples_ == theirs.n_samples_
    for name in ("explained_variance_", "singular_values_", "noise_variance_", "mean_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-9)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-8)
    np.testing.assert_allclose(ours.get_covariance(), theirs.get_covariance(), atol=1e-9)
    np.testing.assert_allclose(ours.get_precision(), theirs.get_precision(), atol=1e-8)
    assert ours.score(X) == pytest.approx(theirs.score(X), rel=1e-10)
    np.testing.assert_allclose(
        ours.inverse_transform(ours.transform(X)),
        theirs.inverse_transform(theirs.transform(X)),
        atol=1e-9,
    )


@pytest.mark.parametrize("container", [csr_array, csc_array])
@pytest.mark.parametrize(
    "estimator", [PCA(2), CCA(2), LeastSquaresClassifier(), LeastSquaresClassifier(1.0)]
)
def test_sparse_data_give_what_dense_data_give(estimator, container):
    X, y = labelled(seed=31)
    X = np.where(np.abs(X) > 2, X, 0.0)
    dense, sparse = clone(estimator).fit(X, y), clone(estimator).fit(container(X), y)
    streamed = clone(estimator)
    for rows in (slice(0, 100), slice(100, None)):
        streamed.partial_fit(container(X[rows]), y[rows])
    method = "outputs" if isinstance(estimator, LeastSquaresClassifier) else "transform"
    expected = getattr(dense, method)(X)
    np.testing.assert_allclose(getattr(sparse, method)(container(X)), expected, atol=1e-10)
    np.testing.assert_allclose(getattr(streamed, method)(X), expected, atol=1e-10)


@pytest.mark.parametrize("estimator", [PCA(2), CCA(2), LeastSquaresClassifier()])
def test_float32_stays_float32_and_is_computed_in_float64(estimator):
    X, y = labelled(seed=32)
    X = X.astype(np.float32)
    single, double = clone(estimator).fit(X, y), clone(estimator).fit(X.astype(np.float64), y)
    for name, value in vars(double).items():
        if isinstance(value, np.ndarray) and value.dtype == np.float64:
            assert getattr(single, name).dtype == np.float32, name
            np.testing.assert_array_equal(getattr(single, name), value.astype(np.float32))
    method = "outputs" if isinstance(estimator, LeastSquaresClassifier) else "transform"
    assert getattr(single, method)(X).dtype == np.float32
    assert getattr(double, method)(X).dtype == np.float64


def test_with_all_pairs_cca_predicts_as_least_squares_does():
    X, _ = labelled(seed=33)
    Y = X[:, :3] @ np.ones((3, 2)) + np.random.default_rng(0).normal(size=(300, 2))
    for ridge, reference in ((0.0, LinearRegression()), (7.0, Ridge(7.0))):
        cca = CCA(None, ridge).fit(X, Y)
        assert cca.n_components_ == 2
        theirs = reference.fit(X, Y)
        np.testing.assert_allclose(cca.coef_, theirs.coef_, atol=1e-10)
        np.testing.assert_allclose(cca.predict(X), theirs.predict(X), atol=1e-9)


def test_with_some_pairs_cca_predicts_as_least_squares_on_its_scores_does():
    X, y = labelled(seed=34)
    Y = X[:, :4] + np.random.default_rng(0).normal(size=(300, 4))
    cca = CCA(2).fit(X, Y)
    expected = LinearRegression().fit(cca.transform(X), Y).predict(cca.transform(X))
    np.testing.assert_allclose(cca.predict(X), expected, atol=1e-9)
    labels = CCA(None).fit(X, y)
    assert labels.n_components_ == 3
    np.testing.assert_array_equal(labels.predict(X), LeastSquaresClassifier().fit(X, y).predict(X))


def test_loadings_are_covariances_with_the_scores():
    X, y = labelled(seed=35)
    cca = CCA(3).fit(X, y)
    a, b = cca.transform(X, y)
    for columns, scores, loadings in (
        (X, a, cca.x_loadings_),
        (one_hot(y), b, cca.y_loadings_),
    ):
        expected = np.cov(columns.T, scores.T)[: columns.shape[1], columns.shape[1] :]
        np.testing.assert_allclose(loadings, expected, atol=1e-10)


def test_cca_warns_when_there_are_fewer_pairs_than_asked_for():
    X, y = labelled(k=2, seed=36)
    with pytest.warns(UserWarning, match="only 1 pairs of directions, not n_components = 2"):
        cca = CCA(2).fit(X, y)
    assert cca.n_components_ == 1


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("intercept", [True, False])
def test_a_weight_of_two_is_the_row_twice_and_a_weight_of_zero_none(intercept, sparse):
    X, y = labelled(n=80, seed=37)
    weight = np.random.default_rng(1).integers(0, 4, 80)
    container: Any = csc_array if sparse else np.asarray
    weighted = LeastSquaresClassifier(2.0, fit_intercept=intercept).fit(container(X), y, weight)
    repeated = LeastSquaresClassifier(2.0, fit_intercept=intercept).fit(
        np.repeat(X, weight, axis=0), np.repeat(y, weight)
    )
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-10)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-10)
    assert weighted.normal_residual_ < 1e-12


def test_without_an_intercept_far_from_zero_no_digit_is_lost():
    X, y = labelled(n=80, d=5, seed=38)
    X += 1e5
    ours = LeastSquaresClassifier(fit_intercept=False).fit(X, y)
    expected, *_ = np.linalg.lstsq(X, one_hot(y))
    np.testing.assert_allclose(ours.outputs(X), X @ expected, atol=1e-7)
    assert not ours.intercept_.any()


def test_class_weights_are_row_weights():
    X, y = labelled(seed=39)
    by_class = LeastSquaresClassifier(class_weight={0: 3.0, 2: 0.5}).fit(X, y)
    by_row = LeastSquaresClassifier().fit(X, y, np.array([3.0, 1.0, 0.5, 1.0])[y])
    np.testing.assert_allclose(by_class.coef_, by_row.coef_, atol=1e-12)
    balanced = LeastSquaresClassifier(class_weight="balanced").fit(X, y)
    share = len(y) / (4 * np.bincount(y))
    np.testing.assert_allclose(
        balanced.coef_, LeastSquaresClassifier().fit(X, y, share[y]).coef_, atol=1e-12
    )


@pytest.mark.parametrize("weight", [[-1.0] + [1.0] * 299, [0.0] * 300, [np.nan] * 300, [1.0] * 5])
def test_weights_without_meaning_are_refused(weight):
    X, y = labelled(seed=40)
    with pytest.raises(ValueError, match=r"[Nn]egative|weight|NaN"):
        LeastSquaresClassifier().fit(X, y, weight)


def test_class_weights_are_refused_where_only_moments_are_known():
    X, y = labelled(seed=41)
    weighted = LeastSquaresClassifier(class_weight="balanced")
    with pytest.raises(InputError, match="partial_fit knows the rows by their moments"):
        weighted.partial_fit(X, y)
    moments = SecondMoments.from_arrays(X, one_hot(y), center=True)
    with pytest.raises(InputError, match="fit_moments knows the rows by their moments"):
        weighted.fit_moments(moments, np.unique(y))


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("unit", [1e-30, 1.0, 1e30])
def test_constant_columns_have_no_share_whatever_the_weights(intercept, unit):
    rng = np.random.default_rng(45)
    y, weight = rng.integers(0, 3, 500), unit * rng.uniform(0.1, 10, 500)
    X = rng.normal(size=(500, 3)) + 0.5 * np.eye(3)[y]
    for constant in rng.normal(size=20):
        wide = np.column_stack([X, np.full(500, constant)])
        found = LeastSquaresClassifier(fit_intercept=intercept).fit(wide, y, weight)
        assert found.rank_ == (3 if intercept else 4)
        root = np.sqrt(weight / unit)[:, None]
        ones = np.ones((500, 1)) if intercept else wide[:, 3:]
        columns = np.hstack([X, ones]) * root
        due, *_ = np.linalg.lstsq(columns, one_hot(y) * root, rcond=None)
        np.testing.assert_allclose(found.outputs(wide), np.hstack([X, ones]) @ due, atol=1e-10)
        if intercept:
            assert not found.coef_[:, 3].any()


def test_constant_columns_have_no_share_whatever_the_classes_count():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 3, 2000)
        y[:700] = 0
        X = np.column_stack([rng.normal(size=(2000, 3)), np.full(2000, 0.1)])
        found = LeastSquaresClassifier(class_weight={0: 3.3, 1: 0.7, 2: 1.1}).fit(X, y)
        assert found.rank_ == 3
        assert not found.coef_[:, 3].any()


def test_weighted_rows_far_from_zero_lose_no_digit_without_an_intercept():
    X, y = labelled(n=80, d=5, seed=38)
    X += 1e5
    ours = LeastSquaresClassifier(fit_intercept=False).fit(X, y, np.full(80, 2.0))
    expected, *_ = np.linalg.lstsq(X, one_hot(y))
    assert ours.rank_ == 5
    np.testing.assert_allclose(ours.outputs(X), X @ expected, atol=1e-7)


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_class_weights_without_meaning_are_refused(weight):
    X, y = labelled(seed=46)
    with pytest.raises(InputError, match="class_weight must be finite and not negative"):
        LeastSquaresClassifier(class_weight={0: weight, 1: 1.0}).fit(X, y)


@pytest.mark.parametrize(
    ("unit", "kind"), [(1e-17, np.float64), (1e-30, np.float64), (1e-25, np.float32)]
)
def test_whitened_scores_have_variance_one_in_any_units(unit, kind):
    X, _ = labelled(seed=47)
    X = (unit * X).astype(kind)
    scores = PCA(3, whiten=True).fit(X).transform(X)
    np.testing.assert_allclose(scores.std(axis=0, ddof=1), 1.0, rtol=1e-5)


def test_fractions_in_a_column_of_objects_are_one_target():
    X, _ = labelled(seed=48)
    y = X[:, 0] + 0.5
    found = CCA(1).fit(X, y.astype(object))
    assert not hasattr(found, "classes_")
    np.testing.assert_allclose(found.predict(X), CCA(1).fit(X, y).predict(X), atol=1e-12)


def test_what_float32_cannot_hold_stays_float64():
    X, y = labelled(seed=49)
    large, small = (1e25 * X).astype(np.float32), (1e-42 * X).astype(np.float32)
    np.testing.assert_allclose(
        PCA(2).fit(large).explained_variance_, 1e50 * PCA(2).fit(X).explained_variance_, rtol=1e-5
    )
    classifier = LeastSquaresClassifier().fit(small, y)
    assert np.isfinite(classifier.coef_).all()
    assert classifier.score(small, y) > 0.5
