"""PCA in closed form from second moments: the directions of greatest variance."""

from dataclasses import replace
from math import sqrt
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackError, eigsh
from sklearn import decomposition
from sklearn.utils._param_validation import Interval, RealNotInt
from sklearn.utils.validation import check_array, check_is_fitted

from pitfalls.errors import InputError
from pitfalls.images.linear.moment_estimator import (
    Inputs,
    Matrix,
    MomentEstimator,
    collect,
    leading_signs,
)
from pitfalls.images.linear.row_space import row_space
from pitfalls.moments import SecondMoments, refuse_masked

__all__ = ["PCA"]

ONE_ROW = "PCA needs at least two rows; got 1 sample."
LANCZOS_FROM = 256  # columns from which few eigenvectors are cheaper one at a time


class PCA(MomentEstimator, decomposition.PCA):
    """Principal components from the covariance, which one pass over the data collects.

    scikit-learn's `sklearn.decomposition.PCA` with another way of fitting: streams (`partial_fit`),
    moments (`fit_moments`), sparse data and images as bytes, and for far fewer rows than columns the
    space that the rows span. What follows from the components, `score`, `get_covariance` and the like,
    is scikit-learn's own.

    Parameters
    ----------
    n_components : int, float in (0, 1) or None, default=2
        Directions to keep; a fraction keeps as many as it takes for more than this share of the
        variance; None keeps all, min(n - 1, d).
    whiten : bool, default=False
        Divide the scores by their standard deviations.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, d)
        Orthonormal rows, by falling variance; the largest entry of each is positive.
    explained_variance_, explained_variance_ratio_ : ndarray of shape (n_components_,)
        Variance along each (with n - 1), and its share of the whole.
    singular_values_ : ndarray of shape (n_components_,)
        Root of the sum of squared scores of each.
    noise_variance_ : float
        Mean variance of the directions left out.
    n_components_, n_samples_ : int
        Directions kept, and rows seen.
    mean_ : ndarray of shape (d,)
        Mean of the training data.
    moments_ : SecondMoments
        What was fitted, unless `fit` took the space of the rows.

    Notes
    -----
    Forming the covariance squares the condition number, which costs nothing here: leading
    components belong to the largest eigenvalues.

    References
    ----------
    Tipping, Bishop. Mixtures of probabilistic principal component analysers. Neural Computation 11,
    1999.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(500, 3)) * [5.0, 2.0, 0.1]
    >>> pca = PCA(n_components=2).fit(X)
    >>> np.abs(pca.components_).round(2).tolist()
    [[1.0, 0.01, 0.0], [0.01, 1.0, 0.0]]

    Digits in their first two principal components, a colour for each digit:

    .. plot::
       :include-source:

       import matplotlib.pyplot as plt
       from pitfalls.images import PCA, DataConfig, load_dataset

       digits = load_dataset(DataConfig("digits", subset_train=800))
       x, y = digits.train_images.reshape(800, -1) / 255, digits.train_labels
       scores = PCA(n_components=2).fit(x).transform(x)
       points = plt.scatter(*scores.T, c=y, cmap="tab10", s=8)
       plt.legend(*points.legend_elements(), title="digit", loc="center left", bbox_to_anchor=(1, 0.5))
       plt.xlabel("first component")
       plt.ylabel("second component")
    """

    _parameter_constraints: ClassVar = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "whiten": ["boolean"],
    }

    def __init__(self, n_components: float | None = 2, *, whiten: bool = False) -> None:
        self.n_components = n_components
        self.whiten = whiten

    def fit(self, X: npt.ArrayLike, y: object = None) -> Self:
        """Fit to X of shape (n, d), dense or sparse; y is ignored."""
        self._reset()
        checked = self._check(X)
        if checked.shape[0] < 2:
            raise InputError(ONE_ROW)
        nothing = np.zeros((checked.shape[0], 1))
        if (space := row_space(checked)) is not None:
            self._solve(Inputs.of_rows(space, nothing, np.zeros(1)), partial=False)
        else:
            self._absorb(collect(checked, nothing), None)
            self._solve(Inputs.of_moments(self.moments_), partial=False)
        self._keep_dtype(checked)
        return self

    def partial_fit(self, X: npt.ArrayLike, y: object = None) -> Self:
        """Add the rows X of shape (m, d) and solve anew; the order of the rows does not matter."""
        self._require_moments()
        checked = self._check(X)
        self._absorb(collect(checked, np.zeros((checked.shape[0], 1))), None)
        self._solve(Inputs.of_moments(self.moments_), partial=True)
        return self

    def _absorb(self, moments: SecondMoments, classes: npt.NDArray[Any] | None) -> None:
        """Add moments to those seen before; outputs, which moments of others may have, are none of PCA's."""
        d = moments.n_features
        alone = replace(
            moments, mean_y=np.zeros(1), scatter_yx=np.zeros((1, d)), scatter_yy=np.zeros((1, 1))
        )
        super()._absorb(alone, None)

    def fit_transform(self, X: npt.ArrayLike, y: object = None) -> Matrix:
        """Fit, then return the scores of X."""
        return self.fit(X).transform(X)

    def _check(self, X: npt.ArrayLike) -> Any:
        self._validate_params()
        return self._validated(X, reset=not hasattr(self, "moments_"))

    def _solve(self, inputs: Inputs, *, partial: bool) -> None:
        moments = inputs.moments
        n, d = moments.n, self.n_features_in_
        most = min(n - 1, d)
        asked: Any = self.n_components
        whole = isinstance(asked, Integral)
        if most < 1 and not partial:
            raise InputError(ONE_ROW)
        if whole and asked > most:
            if partial:
                return  # too few rows yet
            raise InputError(
                f"PCA: n_components must be from 1 to {most} with {n} rows of {d} features; got "
                f"{asked}."
            )
        if most < 1:
            return
        scatter = moments.scatter_xx
        total = float(np.trace(scatter))
        values, vectors = _largest_eigenpairs(
            scatter, min(int(asked) if whole else most, len(scatter))
        )
        if asked is not None and not whole:
            share = np.cumsum(values / total) if total > 0 else np.ones(len(values))
            kept = min(int(np.searchsorted(share, asked, side="right")) + 1, most)
            values, vectors = values[:kept], vectors[:, :kept]
        components = inputs.lift(vectors)
        if asked is None or whole:
            components = _completed(components, int(asked) if whole else most)
            values = np.append(values, np.zeros(components.shape[1] - len(values)))
        k = len(values)
        self.mean_ = inputs.mean
        self.components_ = components.T * leading_signs(components)[:, None]
        self.explained_variance_ = values / (n - 1)
        self.explained_variance_ratio_ = values / total if total > 0 else np.zeros_like(values)
        self.singular_values_ = np.sqrt(values)
        rest = min(n, d) - k
        self.noise_variance_ = max(total - values.sum(), 0.0) / (n - 1) / rest if rest else 0.0
        self.n_components_, self.n_samples_ = k, n

    def transform(self, X: npt.ArrayLike) -> Matrix:
        """Return the scores of X, shape (n, n_components_)."""
        check_is_fitted(self, "components_")
        directions = self.components_
        if self.whiten:
            scale = self.singular_values_ / sqrt(self.n_samples_ - 1)
            # a direction without variance has scores of rounding size, which stay small
            least = np.finfo(scale.dtype).eps * (scale.max() or 1.0)
            directions = directions / np.maximum(scale, least)[:, None]
        return self._apply(X, directions.T, -(directions @ self.mean_))

    def inverse_transform(self, X: npt.ArrayLike) -> Matrix:
        """Return the points whose scores X are, shape (n, d)."""
        check_is_fitted(self, "components_")
        refuse_masked(X, "X", "PCA")
        scores = check_array(X, dtype=[np.float64, np.float32])
        if scores.shape[1] != len(self.components_):
            raise InputError(
                f"PCA: inverse_transform takes scores of shape (n, {len(self.components_)}), one column "
                f"a component. Got shape {scores.shape} instead."
            )
        return np.asarray(super().inverse_transform(scores))

    def __sklearn_tags__(self) -> Any:
        # past scikit-learn's own, which reads the solver that we do not have
        tags = super(decomposition.PCA, self).__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _completed(components: Matrix, k: int) -> Matrix:
    """Add directions without variance up to k: rows that span fewer than n - 1 have no others."""
    d, found = components.shape
    if found >= k:
        return components
    whole, _ = np.linalg.qr(np.hstack([components, np.eye(d, k - found)]))
    return np.hstack([components, whole[:, found:]])


def _largest_eigenpairs(matrix: Matrix, k: int) -> tuple[Matrix, Matrix]:
    """Return the k largest eigenvalues, falling, and their vectors as columns."""
    d = len(matrix)
    if d >= LANCZOS_FROM and k <= d // 20:
        try:
            # the fixed start makes it deterministic; tol=0 asks for all the digits there are
            values, vectors = eigsh(matrix, k=k, which="LA", tol=0, v0=np.ones(d))
            return np.maximum(values[::-1], 0.0), np.asarray(vectors[:, ::-1])
        except (
            ArpackError
        ):  # eigenvalues too close together, or a start that the matrix takes to zero
            pass
    values, vectors = eigh(matrix, subset_by_index=[d - k, d - 1])
    return np.maximum(values[::-1], 0.0), np.asarray(vectors[:, ::-1])
