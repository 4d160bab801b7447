"""PCA in closed form from second moments: the directions of greatest variance."""

from numbers import Integral
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackNoConvergence, eigsh
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from pitfalls.errors import InputError
from pitfalls.images.linear.moment_estimator import Matrix, MomentEstimator, leading_signs
from pitfalls.moments import SecondMoments, Whitening

__all__ = ["PCA"]

LANCZOS_FROM = 256  # columns from which few eigenvectors are cheaper one at a time


class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, MomentEstimator):
    """Principal components from the covariance, which one pass over the data collects.

    Parameters
    ----------
    n_components : int, default=2
        Directions to keep.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, d)
        Orthonormal rows, by falling variance; the largest entry of each is positive.
    explained_variance_, explained_variance_ratio_ : ndarray of shape (n_components,)
        Variance along each (with n - 1), and its share of the whole.
    mean_ : ndarray of shape (d,)
        Mean of the training data.
    moments_ : SecondMoments
        What was fitted.

    Notes
    -----
    Forming the covariance squares the condition number, which costs nothing here: leading
    components belong to the largest eigenvalues.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(500, 3)) * [5.0, 2.0, 0.1]
    >>> pca = PCA(n_components=2).fit(X)
    >>> np.abs(pca.components_).round(2).tolist()
    [[1.0, 0.01, 0.0], [0.01, 1.0, 0.0]]
    """

    _parameter_constraints: ClassVar = {
        "n_components": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, n_components: int = 2) -> None:
        self.n_components = n_components

    def fit(self, X: npt.ArrayLike, y: object = None) -> Self:
        """Fit to X of shape (n, d); y is ignored."""
        self._reset()
        return self._add(X, partial=False)

    def partial_fit(self, X: npt.ArrayLike, y: object = None) -> Self:
        """Add the rows X of shape (m, d) and solve anew; the order of the rows does not matter."""
        return self._add(X, partial=True)

    def _add(self, X: npt.ArrayLike, *, partial: bool) -> Self:
        self._validate_params()
        checked = validate_data(self, X, reset=not hasattr(self, "moments_"))
        if not partial and len(checked) < 2:
            raise InputError("PCA needs at least two rows; got 1 sample.")
        nothing = np.zeros((len(checked), 1), dtype=np.uint8)
        self._absorb(SecondMoments.from_arrays(checked, nothing, center=True), None)
        self._solve(partial=partial)
        return self

    def _solve(self, *, partial: bool, inputs: Whitening | None = None) -> None:
        moments = self.moments_
        most = min(moments.n - 1, moments.n_features)
        if self.n_components > most and not partial:
            raise InputError(
                f"PCA: n_components must be from 1 to {most} with {moments.n} rows of "
                f"{moments.n_features} features; got {self.n_components}."
            )
        if self.n_components > most:
            return  # too few rows yet
        scatter = moments.scatter_xx
        values, vectors = _largest_eigenpairs(scatter, self.n_components)
        total = float(np.trace(scatter))
        self.mean_ = moments.mean_x
        self.components_ = vectors.T * leading_signs(vectors)[:, None]
        self.explained_variance_ = values / (moments.n - 1)
        self.explained_variance_ratio_ = values / total if total > 0 else np.zeros_like(values)

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def transform(self, X: npt.ArrayLike) -> Matrix:
        """Return the scores of X, shape (n, n_components)."""
        check_is_fitted(self, "components_")
        return self._apply(X, self.components_.T, -(self.components_ @ self.mean_))

    def inverse_transform(self, X: npt.ArrayLike) -> Matrix:
        """Return the points whose scores X are, shape (n, d)."""
        check_is_fitted(self, "components_")
        scores = check_array(X, dtype=np.float64)
        if scores.shape[1] != len(self.components_):
            raise InputError(
                f"PCA: inverse_transform takes scores of shape (n, {len(self.components_)}), one column "
                f"a component. Got shape {scores.shape} instead."
            )
        return np.asarray(scores @ self.components_ + self.mean_)


def _largest_eigenpairs(matrix: Matrix, k: int) -> tuple[Matrix, Matrix]:
    """Return the k largest eigenvalues, falling, and their vectors as columns."""
    d = len(matrix)
    if d >= LANCZOS_FROM and k <= d // 20:
        try:
            # the fixed start makes it deterministic; tol=0 asks for all the digits there are
            values, vectors = eigsh(matrix, k=k, which="LA", tol=0, v0=np.ones(d))
            return np.maximum(values[::-1], 0.0), np.asarray(vectors[:, ::-1])
        except ArpackNoConvergence:  # eigenvalues that lie too close together
            pass
    values, vectors = eigh(matrix, subset_by_index=[d - k, d - 1])
    return np.maximum(values[::-1], 0.0), np.asarray(vectors[:, ::-1])
