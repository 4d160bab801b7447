"""PCA, CCA and least squares against slow independent computations."""

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import clone, decomposition
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_param_validation, estimator_checks_generator

from pitfalls.errors import InputError
from pitfalls.images import CCA, PCA, LeastSquaresClassifier
from pitfalls.moments import SecondMoments, whiten_inputs

ESTIMATORS = [
    PCA(),
    PCA(n_components=0.9, whiten=True),
    CCA(),
    CCA(n_components=1, ridge=1.0),
    LeastSquaresClassifier(),
    LeastSquaresClassifier(ridge=1.0),
]


@pytest.mark.filterwarnings(
    "ignore:CCA. there are only"
)  # two components, and checks of two classes
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_every_scikit_learn_check_passes_with_no_expected_failure(estimator):
    for checked, check in estimator_checks_generator(estimator):
        try:
            check(checked)
        except pytest.skip.Exception:
            pass
        except Exception as error:
            if type(error).__name__ != "SkipTest":  # pandas or an array API is not installed
                raise AssertionError(f"{check}: {error}") from error


def principal_angles(a, b):
    """Largest angle between the column spaces, by an independent route."""
    return scipy.linalg.subspace_angles(a, b).max(initial=0.0)


def canonical_oracle(X, Y):
    """Correlations by QR of the centred data (Björck and Golub), rank by SVD."""

    def basis(A):
        A = A - A.mean(axis=0)
        u, s, _ = np.linalg.svd(A, full_matrices=False)
        return u[:, s > s.max(initial=0) * max(A.shape) * np.finfo(float).eps]

    return np.linalg.svd(basis(X).T @ basis(Y), compute_uv=False)


def labelled(n=300, d=12, k=4, seed=0, spread=1.5):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, k, n)
    X = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + spread * rng.normal(size=(k, d))[y]
    return X, y


def one_hot(y):
    return (y[:, None] == np.unique(y)).astype(float)


def test_canonical_correlations_equal_those_by_qr():
    X, y = labelled()
    cca = CCA(n_components=3).fit(X, y)
    expected = canonical_oracle(X, one_hot(y))[:3]
    np.testing.assert_allclose(cca.canonical_correlations_, expected, atol=1e-12)
    assert cca.n_components_ == 3
    assert cca.rank_ == X.shape[1]


def test_canonical_scores_are_white_and_correlate_as_stated():
    X, y = labelled(seed=1)
    cca = CCA(n_components=3).fit(X, y)
    a, b = cca.transform(X, y)
    k = np.arange(3)
    both = np.cov(np.hstack([a, b]).T)
    np.testing.assert_allclose(both[:3, :3], np.eye(3), atol=1e-10)
    np.testing.assert_allclose(both[3:, 3:], np.eye(3), atol=1e-10)
    np.testing.assert_allclose(both[:3, 3:], np.diag(cca.canonical_correlations_), atol=1e-10)
    assert cca.whitening_error_ < 1e-10
    assert (cca.canonical_correlations_[k] <= 1).all()


def test_certificate_is_the_error_of_whitening_that_numpy_finds():
    X, y = labelled(n=90, seed=2)
    X[:, 0] *= 1e5  # ill conditioned, so that the certificate is not exactly zero
    X[:, 1] = X[:, 0] + 1e-3 * X[:, 1]
    cca = CCA(n_components=2).fit(X, y)
    white = cca.x_rotations_.T @ np.cov(X.T) @ cca.x_rotations_
    assert abs(np.linalg.norm(white - np.eye(2)) - cca.whitening_error_) < 1e-7


def test_planted_shared_signal_is_recovered():
    rng = np.random.default_rng(3)
    signal = rng.normal(size=(4000, 1))
    X = rng.normal(size=(4000, 6))
    Y = rng.normal(size=(4000, 3))
    X[:, [2]] = signal
    Y[:, [1]] = 0.8 * signal + 0.6 * Y[:, [1]]
    cca = CCA(n_components=1).fit(X, Y)
    assert cca.canonical_correlations_[0] == pytest.approx(0.8, abs=0.02)
    assert np.argmax(np.abs(cca.x_rotations_[:, 0])) == 2
    assert np.argmax(np.abs(cca.y_rotations_[:, 0])) == 1


@pytest.mark.parametrize("fault", ["constant", "duplicate", "dependent", "wide"])
def test_singular_data_give_the_correlations_and_outputs_of_the_pseudo_inverse(fault):
    X, y = labelled(n=60, d=10, seed=4)
    if fault == "constant":
        X = np.hstack([X, np.full((60, 2), 7.3e4)])
    elif fault == "duplicate":
        X = np.hstack([X, X[:, :3]])
    elif fault == "dependent":
        X = np.hstack([X, X @ np.ones((10, 1))])
    else:
        X = np.random.default_rng(5).normal(size=(60, 200)) + 0.1 * y[:, None]
    expected = canonical_oracle(X, one_hot(y))[:3]
    cca = CCA(n_components=3).fit(X, y)
    np.testing.assert_allclose(cca.canonical_correlations_, expected, atol=1e-9)
    assert cca.whitening_error_ < 1e-8
    assert cca.rank_ == np.linalg.matrix_rank(X - X.mean(axis=0))
    classifier = LeastSquaresClassifier().fit(X, y)
    new = np.random.default_rng(6).normal(size=(40, X.shape[1]))
    reference = LinearRegression().fit(X, one_hot(y))
    np.testing.assert_allclose(classifier.outputs(new), reference.predict(new), atol=1e-7)
    assert classifier.normal_residual_ < 1e-10


def test_badly_scaled_columns_do_not_cost_rank():
    X, y = labelled(n=500, d=6, seed=7)
    scales = 10.0 ** np.arange(-9, 9, 3)
    expected = CCA(3).fit(X, y).canonical_correlations_
    found = CCA(3).fit(X * scales, y)
    np.testing.assert_allclose(found.canonical_correlations_, expected, atol=1e-10)
    assert found.rank_ == 6
    # a constant column, of ones say, changes nothing
    reference = LinearRegression().fit(X, one_hot(y)).predict(X)
    X = np.hstack([X[:, :1] * 1e-6, np.ones((500, 1)), X[:, 1:] * 1e6])
    assert CCA(3).fit(X, y).canonical_correlations_ == pytest.approx(expected, abs=1e-10)
    classifier = LeastSquaresClassifier().fit(X, y)
    assert classifier.rank_ == 6
    assert not classifier.coef_[:, 1].any()
    np.testing.assert_allclose(classifier.outputs(X), reference, atol=1e-9)


def test_least_squares_equals_scikit_learn_regression_and_ridge():
    X, y = labelled(seed=8)
    for ridge, reference in ((0.0, LinearRegression()), (5.0, Ridge(alpha=5.0))):
        ours = LeastSquaresClassifier(ridge=ridge).fit(X, y)
        theirs = reference.fit(X, one_hot(y))
        np.testing.assert_allclose(ours.outputs(X), theirs.predict(X), atol=1e-10)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-10)


def test_class_of_one_row_counts_and_is_predicted():
    rng = np.random.default_rng(9)
    X = np.vstack([rng.normal(size=(50, 3)), rng.normal(size=(50, 3)) + 5, [[40.0, -40.0, 0.0]]])
    y = np.array(["a"] * 50 + ["b"] * 50 + ["rare"])
    classifier = LeastSquaresClassifier().fit(X, y)
    assert classifier.classes_.tolist() == ["a", "b", "rare"]
    assert classifier.predict(X[-1:]) == ["rare"]
    np.testing.assert_allclose(
        CCA(2).fit(X, y).canonical_correlations_, canonical_oracle(X, one_hot(y))[:2], atol=1e-12
    )


def test_pca_equals_scikit_learn_full_decomposition():
    X, _ = labelled(seed=10)
    ours, theirs = PCA(3).fit(X), decomposition.PCA(3, svd_solver="full").fit(X)
    np.testing.assert_allclose(
        ours.explained_variance_ratio_, theirs.explained_variance_ratio_, rtol=1e-10
    )
    assert principal_angles(ours.components_.T, theirs.components_.T) < 1e-7
    np.testing.assert_allclose(np.abs(ours.transform(X)), np.abs(theirs.transform(X)), atol=1e-8)
    np.testing.assert_allclose(
        ours.inverse_transform(ours.transform(X)),
        theirs.inverse_transform(theirs.transform(X)),
        atol=1e-8,
    )


def test_pca_by_lanczos_equals_pca_by_dense_eigenvectors():
    X = np.random.default_rng(11).normal(size=(400, 300)) * np.linspace(3, 0.1, 300)
    ours, theirs = PCA(2).fit(X), decomposition.PCA(2, svd_solver="full").fit(X)
    np.testing.assert_allclose(ours.explained_variance_, theirs.explained_variance_, rtol=1e-12)
    assert principal_angles(ours.components_.T, theirs.components_.T) < 1e-6


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 79), min_size=1, max_size=5, unique=True),
    seed=st.integers(0, 99),
)
def test_partial_fit_in_any_pieces_and_order_equals_fit(cuts, seed):
    X, y = labelled(n=80, d=5, k=3, seed=seed)
    order = np.argsort(y, kind="stable")  # the classes turn up one after the other
    X, y = X[order], y[order]
    pieces = np.split(np.arange(80), sorted(cuts))
    for whole, parts in (
        (LeastSquaresClassifier(), LeastSquaresClassifier()),
        (CCA(2), CCA(2)),
        (PCA(2), PCA(2)),
    ):
        whole.fit(X, y)
        for piece in pieces:
            parts.partial_fit(X[piece], y[piece])
        if isinstance(whole, LeastSquaresClassifier):
            np.testing.assert_allclose(parts.coef_, whole.coef_, atol=1e-9)
            assert parts.classes_.tolist() == whole.classes_.tolist()
        else:
            np.testing.assert_allclose(parts.transform(X), whole.transform(X), atol=1e-8)


def test_announced_class_without_rows_is_never_predicted():
    X, y = labelled(k=3, seed=12)
    classifier = LeastSquaresClassifier().partial_fit(X, y, classes=[0, 1, 2, 9])
    assert classifier.classes_.tolist() == [0, 1, 2, 9]
    assert set(classifier.predict(X)) <= {0, 1, 2}


@pytest.mark.parametrize("estimator", [CCA(2), LeastSquaresClassifier()])
def test_a_class_nobody_announced_counts_all_the_same(estimator):
    X, y = labelled(k=3, seed=12)
    announced = clone(estimator).partial_fit(X, y, classes=[1])
    whole = clone(estimator).fit(X, y)
    assert announced.classes_.tolist() == [0, 1, 2]
    method = "transform" if isinstance(estimator, CCA) else "outputs"
    np.testing.assert_array_equal(getattr(announced, method)(X), getattr(whole, method)(X))


def test_moments_collected_once_serve_all_three():
    X, y = labelled(seed=13)
    moments = SecondMoments.from_arrays(X, one_hot(y), center=True)
    np.testing.assert_allclose(
        CCA(2).fit_moments(moments, np.unique(y)).transform(X),
        CCA(2).fit_transform(X, y),
        atol=1e-12,
    )
    np.testing.assert_allclose(
        PCA(2).fit_moments(moments).transform(X), PCA(2).fit_transform(X), atol=1e-12
    )
    np.testing.assert_allclose(
        LeastSquaresClassifier().fit_moments(moments, np.unique(y)).coef_,
        LeastSquaresClassifier().fit(X, y).coef_,
        atol=1e-12,
    )


def test_cca_is_a_step_of_a_pipeline():
    X, y = labelled(seed=14, spread=4)
    assert make_pipeline(CCA(3), KNeighborsClassifier()).fit(X, y).score(X, y) > 0.9


def test_two_fits_give_the_same_bits():
    X, y = labelled(seed=15)
    for make in (lambda: CCA(2), lambda: PCA(2)):
        assert np.array_equal(make().fit(X, y).transform(X), make().fit(X, y).transform(X))


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (CCA(), "one class"),
        (LeastSquaresClassifier(), "one class"),
        (CCA(n_components=0), r"must be an int in the range \[1, inf\) or None. Got 0"),
        (
            CCA(n_components=1.5),  # type: ignore[arg-type]
            r"must be an int in the range \[1, inf\) or None. Got 1.5",
        ),
        (CCA(ridge=-1.0), r"must be a float in the range \[0.0, inf\). Got -1.0"),
        (CCA(ridge=None), "Got None"),  # type: ignore[arg-type]
        (LeastSquaresClassifier(ridge=float("nan")), "Got nan"),
        (LeastSquaresClassifier(ridge=float("inf")), "Got inf"),
        (LeastSquaresClassifier(ridge=None), "Got None"),  # type: ignore[arg-type]
        (LeastSquaresClassifier(ridge="1"), "Got '1'"),  # type: ignore[arg-type]
        (PCA(n_components=2.5), "Got 2.5"),
        (PCA(n_components=2.0), "Got 2.0"),
        (PCA(n_components=9), "from 1 to 3"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_line(estimator, message):
    X = np.random.default_rng(16).normal(size=(20, 3))
    y = np.arange(20) % (1 if message == "one class" else 2)
    with pytest.raises(InputError, match=message) as raised:
        estimator.fit(X, y)
    assert "\n" not in str(raised.value)


def test_constant_inputs_are_refused_by_cca():
    with pytest.raises(InputError, match="X is constant"):
        CCA().fit(np.full((10, 3), 0.1), np.arange(10) % 2)


def test_partial_fit_waits_for_a_second_class():
    X, y = labelled(n=40, k=2, seed=17)
    classifier = LeastSquaresClassifier().partial_fit(X[y == 0], y[y == 0])
    with pytest.raises(NotFittedError):
        classifier.predict(X)
    classifier.partial_fit(X[y == 1], y[y == 1])
    assert classifier.score(X, y) > 0.5


def test_a_chunk_of_targets_that_happen_to_be_whole_stays_targets():
    X = np.random.default_rng(19).normal(size=(60, 3))
    y = X[:, 0] + 0.5
    y[40:] = np.round(y[40:])
    pieces = CCA(1).partial_fit(X[:40], y[:40]).partial_fit(X[40:], y[40:])
    whole = CCA(1).fit(X, y)
    np.testing.assert_allclose(pieces.x_rotations_, whole.x_rotations_, rtol=1e-10)


@pytest.mark.parametrize("estimator", [CCA(2), LeastSquaresClassifier()])
def test_a_fit_that_fails_leaves_nothing_of_an_older_one(estimator):
    X, y = labelled(n=40, seed=20)
    estimator = clone(estimator).fit(X, y)
    with pytest.raises(InputError, match="one class"):
        estimator.fit(X, np.zeros(40, dtype=int))
    method = estimator.predict if hasattr(estimator, "predict") else estimator.transform
    with pytest.raises(NotFittedError):
        method(X)


def test_labels_and_targets_cannot_be_mixed():
    X, y = labelled(n=40, seed=18)
    cca = CCA(1).partial_fit(X, y)
    with pytest.raises(InputError, match="what it was at first"):
        cca.partial_fit(X, X[:, :2])
    cca = CCA(1).partial_fit(X, X[:, :4])
    with pytest.raises(InputError, match="what it was at first"):
        cca.partial_fit(X, y)


def test_whole_numbers_of_a_regression_are_not_taken_for_labels_in_silence():
    X, y = load_diabetes(return_X_y=True)
    assert np.unique(y).size == 214
    with pytest.raises(InputError, match=r"Give y.astype\(int\) for labels, y\[:, None\]"):
        CCA(1).fit(X, y)
    as_target = CCA(1).fit(X, y[:, None])
    assert not hasattr(as_target, "classes_")
    np.testing.assert_allclose(
        as_target.canonical_correlations_, canonical_oracle(X, y[:, None]), atol=1e-12
    )
    with pytest.warns(UserWarning, match=r"labels of 214 classes in 442 rows.* y\[:, None\]"):
        CCA(1).fit(X, y.astype(int))


def test_two_floats_are_two_classes():
    X, y = labelled(k=2, seed=21)
    np.testing.assert_allclose(
        CCA(1).fit(X, y.astype(float)).x_rotations_, CCA(1).fit(X, y).x_rotations_
    )


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda pca, cca: pca.inverse_transform(np.zeros((3, 5))), r"shape \(n, 2\)"),
        (lambda pca, cca: pca.inverse_transform([[np.nan, 0.0]]), "NaN"),
        (lambda pca, cca: pca.inverse_transform([0.0, 1.0]), "2D array"),
        (lambda pca, cca: pca.transform(np.full((2, 12), np.inf)), "infinity"),
        (lambda pca, cca: pca.transform(np.zeros((2, 11))), "expecting 12 features"),
        (lambda pca, cca: cca.transform(np.zeros((2, 12)), np.zeros((2, 3))), "2 columns"),
        (lambda pca, cca: cca.transform(np.zeros((2, 12)), np.full((2, 2), np.nan)), "NaN"),
        (lambda pca, cca: cca.transform(np.zeros((3, 12)), np.zeros((2, 2))), "must match"),
    ],
)
def test_what_does_not_fit_the_fit_is_refused(call, says):
    X, _ = labelled(seed=22)
    with pytest.raises(ValueError, match=says):
        call(PCA(2).fit(X), CCA(1).fit(X, X[:, :2]))


def test_correlations_are_never_above_one():
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(30, 6))
        cca = CCA(3).fit(X, X @ rng.normal(size=(6, 3)))  # y is a function of x
        assert (cca.canonical_correlations_ <= 1).all()
        assert cca.canonical_correlations_ == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("estimator", [PCA(), CCA(), LeastSquaresClassifier()])
def test_scikit_learns_check_of_parameters_passes(estimator):
    check_param_validation(type(estimator).__name__, estimator)


def test_without_an_intercept_moments_give_what_the_rows_give():
    X, y = labelled(n=200, d=5)
    X += np.array([3.0, -2.0, 0.0, 1.0, 5.0])
    moments = SecondMoments.from_arrays(X, one_hot(y), center=True)
    rows = LeastSquaresClassifier(fit_intercept=False).fit(X, y)
    wanted, *_ = np.linalg.lstsq(X, one_hot(y), rcond=None)
    np.testing.assert_allclose(rows.coef_, wanted.T, atol=1e-10)
    for inputs in (None, whiten_inputs(moments)):
        found = LeastSquaresClassifier(fit_intercept=False)
        found.fit_moments(moments, np.unique(y), inputs=inputs)
        np.testing.assert_allclose(found.coef_, wanted.T, atol=1e-10)
        assert found.normal_residual_ < 1e-12


@pytest.mark.parametrize(
    ("classes", "says"),
    [([2, 0, 1, 3], "must be sorted"), ([0, 1, 1, 2], "must differ"), (None, "needs classes")],
)
def test_columns_without_names_in_order_are_refused(classes, says):
    X, y = labelled()
    moments = SecondMoments.from_arrays(X, one_hot(y), center=True)
    with pytest.raises(InputError, match=says):
        LeastSquaresClassifier().fit_moments(moments, classes)


def test_pca_of_rows_that_sum_to_zero_has_all_its_directions():
    # S takes the vector of ones, from which the search starts, to zero
    signs = scipy.linalg.hadamard(256)[1:5] * [[2.0], [2.0], [1.0], [1.0]]
    X = np.vstack([signs, -signs] * 50)
    pca = PCA(4).fit(X)
    np.testing.assert_allclose(pca.explained_variance_ * 399 / 400 / 64, [4, 4, 1, 1], rtol=1e-12)
    np.testing.assert_allclose(pca.components_ @ pca.components_.T, np.eye(4), atol=1e-12)
    same = PCA(3).fit(np.ones((9, 300)))
    assert (same.explained_variance_ == 0).all()


def test_a_whitening_of_something_else_is_refused():
    X, y = labelled(n=200, d=5)
    X += 10
    moments = SecondMoments.from_arrays(X, one_hot(y))
    centred = moments.centered()
    classifier = LeastSquaresClassifier(2.0)
    for wrong in (
        whiten_inputs(moments, 2.0),  # about zero
        whiten_inputs(centred),  # another ridge
        whiten_inputs(SecondMoments.from_arrays(2 * X, one_hot(y), center=True), 2.0),
        whiten_inputs(SecondMoments.from_arrays(X[:, :4], one_hot(y), center=True), 2.0),
    ):
        with pytest.raises(InputError, match="about the mean, with this estimator's ridge"):
            classifier.fit_moments(moments, np.unique(y), inputs=wrong)
    found = classifier.fit_moments(moments, np.unique(y), inputs=whiten_inputs(centred, 2.0))
    np.testing.assert_allclose(found.coef_, LeastSquaresClassifier(2.0).fit(X, y).coef_, atol=1e-12)


def test_rows_may_follow_moments_that_have_outputs():
    X, y = labelled(n=200, d=5)
    moments = SecondMoments.from_arrays(X[:120], one_hot(y)[:120])
    pca = PCA(2).fit_moments(moments, np.unique(y)).partial_fit(X[120:])
    np.testing.assert_allclose(pca.components_, PCA(2).fit(X).components_, atol=1e-10)
    assert pca.n_samples_ == 200
    with pytest.raises(InputError, match="at least two rows"):
        PCA(None).fit_moments(SecondMoments.from_arrays(X[:1], one_hot(y)[:1]))


def test_rows_that_are_refused_leave_the_labels_of_the_fit_before():
    X, y = labelled(n=90, k=3)
    names = np.array(["b", "c", "d"])[y]
    classifier = LeastSquaresClassifier().partial_fit(X, names)
    before = classifier.predict(X)
    with np.errstate(over="ignore"), pytest.raises(InputError, match="infinite"):
        classifier.partial_fit(np.full((2, X.shape[1]), 1e160), ["a", "a"])
    np.testing.assert_array_equal(classifier.predict(X), before)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_sparse_targets_are_refused_in_one_line(kind):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 4)), rng.standard_normal((30, 2))
    labels = (y[:, :1] > 0).astype(int)
    for ask in (
        lambda: CCA().fit(x, kind(y)),
        lambda: CCA().partial_fit(x, kind(y)),
        lambda: CCA().fit(x, y).transform(x, kind(y)),
        lambda: LeastSquaresClassifier().fit(x, kind(labels)),
    ):
        with pytest.raises(InputError, match=r"y must be dense\. .*give y\.toarray\(\)"):
            ask()
    assert CCA().fit(kind(x), y).n_components_ == 2
