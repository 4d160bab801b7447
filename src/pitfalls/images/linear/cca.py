"""CCA in closed form from second moments: the directions that correlate most with the labels."""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import svd
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d

from pitfalls.errors import InputError
from pitfalls.images.linear.moment_estimator import (
    Inputs,
    Matrix,
    SupervisedMomentEstimator,
    apply_linear,
    collect,
    leading_signs,
    one_hot,
    refuse_sparse,
    sorted_classes,
)
from pitfalls.images.linear.row_space import row_space
from pitfalls.moments import refuse_masked, whiten_inputs, whiten_outputs

__all__ = ["CCA"]

ROWS_A_CLASS = 3  # fewer on average look like a regression's targets


class CCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, SupervisedMomentEstimator):
    r"""Canonical correlation analysis in closed form.

    Directions a_i, b_i with the greatest correlation ρ_i of a_i'x and b_i'y, each uncorrelated
    with those before it: the singular value decomposition of S_xx^{-1/2} S_xy S_yy^{-1/2}.
    Against class labels (one column a class) they are Fisher's discriminant directions.

    Parameters
    ----------
    n_components : int or None, default=2
        Pairs of directions to keep; None keeps all. There are at most min(rank of x, rank of y) of
        them, so K classes give K - 1; asked for more, it warns, and ``n_components_`` says how many
        there are.
    ridge : float, default=0.0
        Added to the diagonal of S_xx. Without it every correlation is 1 where ``rank_`` is the number
        of rows less one, as it is of independent rows no more than columns.

    Attributes
    ----------
    canonical_correlations_ : ndarray of shape (n_components_,)
        Between 0 and 1, falling. With a ridge the scores themselves correlate more.
    x_rotations_, y_rotations_ : ndarray of shape (d, n_components_), (q, n_components_)
        A and B. The scores they give on the training data have variance 1 (with n - 1), those of x
        less with a ridge, whose share a'a is the rest.
    x_loadings_, y_loadings_ : ndarray of shape (d, n_components_), (q, n_components_)
        Covariance of each column with the scores of its side; divided by the column's standard
        deviation it is their correlation.
    coef_, intercept_ : ndarray of shape (q, d), (q,)
        The least-squares prediction of y from the scores of x, with all pairs that from x itself; with
        a ridge that of ridge regression.
    x_mean_, y_mean_ : ndarray of shape (d,), (q,)
        Means of the training data.
    whitening_error_ : float
        The certificate ‖A'S_xxA - I‖_F with S_xx the (regularised) sample covariance.
    rank_ : int
        Directions of x that were used. Fewer than d where S_xx is singular (constant columns,
        dependent columns, n <= d): then the rest was projected away, and A has least norm.
    n_components_ : int
        Number of pairs found.
    classes_ : ndarray of shape (n_classes,)
        Only if y was labels.
    moments_ : SecondMoments
        What was fitted, unless `fit` took the space of the rows.

    References
    ----------
    Hotelling. Relations between two sets of variates. Biometrika 28, 1936.
    Björck, Golub. Numerical methods for computing angles between linear subspaces.
    Mathematics of Computation 27, 1973.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 3, 600)
    >>> X = rng.normal(size=(600, 5)) + 3 * np.eye(3, 5)[y]
    >>> cca = CCA(n_components=2).fit(X, y)
    >>> cca.canonical_correlations_.round(2).tolist()
    [0.89, 0.84]
    >>> bool(cca.whitening_error_ < 1e-12)
    True

    Digits in their first two canonical variates, a colour for each digit:

    .. plot::
       :include-source:

       import matplotlib.pyplot as plt
       from pitfalls.images import CCA, DataConfig, load_dataset

       digits = load_dataset(DataConfig("digits", subset_train=800))
       x, y = digits.train_images.reshape(800, -1) / 255, digits.train_labels
       scores = CCA(n_components=2, ridge=1e-3).fit(x, y).transform(x)
       points = plt.scatter(*scores.T, c=y, cmap="tab10", s=8)
       plt.legend(*points.legend_elements(), title="digit", loc="center left", bbox_to_anchor=(1, 0.5))
       plt.xlabel("first canonical variate")
       plt.ylabel("second canonical variate")
    """

    _parameter_constraints: ClassVar = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "ridge": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, n_components: int | None = 2, ridge: float = 0.0) -> None:
        self.n_components = n_components
        self.ridge = ridge

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Fit to X of shape (n, d) and to labels or targets.

        Parameters
        ----------
        X : array-like of shape (n, d)
        y : array-like of shape (n,) or (n, q)
            Of shape (n,) it is class labels if it holds whole numbers, texts or booleans, one target if
            it holds fractions. Whole numbers stored as floats are refused, being either: give
            ``y.astype(int)`` or ``y[:, None]``. Of shape (n, q) it is q targets.
        """
        self._reset()
        checked, y_checked = self._check_xy(X, y)
        targets, labels = self._check_y(y_checked, None)
        if (space := row_space(checked)) is not None:
            if labels is not None:
                self.classes_ = labels
            wide = targets.astype(np.float64)
            self._solve(Inputs.of_rows(space, wide, wide.mean(axis=0)), partial=False)
        else:
            self._absorb(collect(checked, targets), labels)
            self._solve(Inputs.of_moments(self.moments_), partial=False)
        self._warn_of_numbers(len(targets))
        self._keep_dtype(checked)
        return self

    _many_outputs = True

    def _check_y(
        self, y: npt.NDArray[Any], classes: npt.ArrayLike | None
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
        if y.dtype == object and all(isinstance(v, float) for v in y.ravel().tolist()):
            y = y.astype(np.float64)
        if y.ndim == 1 and self._takes_labels(y):
            labels = sorted_classes(y, classes)
            return one_hot(y, labels), labels
        return y.reshape(len(y), -1).astype(np.float64), None

    def _takes_labels(self, y: npt.NDArray[Any]) -> bool:
        """Whether y of shape (n,) is labels: a matter of its type, where its values leave it open."""
        if y.dtype.kind != "f":
            return True
        if (kind := type_of_target(y)) == "continuous":
            return False
        if hasattr(self, "moments_"):
            return hasattr(self, "classes_")  # the rows before have decided
        if kind == "binary":
            return True  # two labels or two numbers: the directions are the same
        raise InputError(
            "CCA: y is floats that are all whole numbers, which may be class labels or the targets of "
            "a regression. Give y.astype(int) for labels, y[:, None] for targets."
        )

    def _warn_of_numbers(self, n: int) -> None:
        """Say that what may be a regression's targets was taken for labels."""
        labels = getattr(self, "classes_", np.array(["none"]))
        if labels.dtype.kind in "iu" and len(labels) > 2 and ROWS_A_CLASS * len(labels) > n:
            warnings.warn(
                f"CCA: y was taken for labels of {len(labels)} classes in {n} rows. If it "
                "is the target of a regression, give y[:, None].",
                stacklevel=3,
            )

    def _solve(self, inputs: Inputs, *, partial: bool) -> None:
        moments = inputs.moments
        x_white = inputs.white or whiten_inputs(moments, self.ridge)
        y_white = whiten_outputs(moments)
        if min(x_white.rank, y_white.rank) == 0:
            if partial:
                return
            kind = "y has one class or is constant" if y_white.rank == 0 else "X is constant"
            raise InputError(
                f"CCA: {kind} over n_samples = {moments.n}, so nothing correlates; "
                "it needs at least two classes and some variance."
            )
        cross = y_white.project(x_white.project(moments.scatter_yx.T).T).T  # F_x' S_xy F_y
        left, correlations, right = svd(cross, full_matrices=False)
        k = self._count(min(x_white.rank, y_white.rank), partial=partial)
        y_side = y_white.lift(right[:k].T)
        signs = leading_signs(y_side)
        unit = np.sqrt(max(moments.n - 1, 1))
        x_side = x_white.lift(left[:, :k]) * signs * unit
        self.n_components_ = k
        self.rank_ = x_white.rank
        self.canonical_correlations_ = np.clip(correlations[:k], 0.0, 1.0)
        self.x_rotations_ = inputs.lift(x_side)
        self.y_rotations_ = y_side * signs * unit
        self.x_mean_, self.y_mean_ = inputs.mean, moments.mean_y
        spread = moments.scatter_xx @ x_side
        self.x_loadings_ = inputs.lift(spread / unit**2)
        self.y_loadings_ = moments.scatter_yy @ self.y_rotations_ / unit**2
        self.coef_ = (moments.scatter_yx @ x_side / unit**2) @ self.x_rotations_.T
        self.intercept_ = self.y_mean_ - self.coef_ @ self.x_mean_
        gap = x_side.T @ (spread + self.ridge * x_side) / unit**2 - np.eye(k)
        self.whitening_error_ = float(np.linalg.norm(gap))

    def _count(self, most: int, *, partial: bool) -> int:
        """Return how many pairs to keep of those that there are."""
        if self.n_components is None:
            return most
        if self.n_components > most and not partial:
            warnings.warn(
                f"CCA: there are only {most} pairs of directions, not n_components = "
                f"{self.n_components}: min(rank of x, rank of y), and K classes have rank K - 1.",
                stacklevel=4,
            )
        return min(self.n_components, most)

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def transform(
        self, X: npt.ArrayLike, y: npt.ArrayLike | None = None
    ) -> Matrix | tuple[Matrix, Matrix]:
        """Return the scores of X, shape (n, n_components_); with y, those of y as well."""
        check_is_fitted(self, "x_rotations_")
        scores = self._apply(X, self.x_rotations_, -(self.x_mean_ @ self.x_rotations_))
        if y is None:
            return scores
        targets = self._as_targets(y)
        if len(targets) != len(scores):
            raise InputError(
                f"CCA: X has {len(scores)} rows and y {len(targets)}; they must match."
            )
        return scores, apply_linear(targets, self.y_rotations_, -(self.y_mean_ @ self.y_rotations_))

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return what the scores of X predict: labels of shape (n,), or targets of shape (n, q)."""
        check_is_fitted(self, "coef_")
        outputs = self._apply(X, self.coef_.T, self.intercept_)
        if hasattr(self, "classes_"):
            return np.asarray(self.classes_[outputs.argmax(axis=1)])
        return outputs

    def _as_targets(self, y: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return y as the columns that were fitted: one a class, or the targets."""
        refuse_masked(y, "y", "CCA")
        refuse_sparse(y, "y", "CCA")
        if hasattr(self, "classes_"):
            labels = column_or_1d(y)
            if not np.isin(labels, self.classes_).all():
                raise InputError("CCA: y has a class that was not there when it was fitted.")
            return one_hot(labels, self.classes_)
        targets = check_array(y, dtype=np.float64, ensure_2d=False)
        targets = targets.reshape(len(targets), -1)
        if targets.shape[1] != len(self.y_mean_):
            raise InputError(
                f"CCA: y must have {len(self.y_mean_)} columns, as it had when it was fitted. Got shape "
                f"{np.shape(y)} instead."
            )
        return np.asarray(targets)

    def fit_transform(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Matrix | tuple[Matrix, Matrix]:
        """Fit, then return the scores: of X where y is labels, of X and of y where y is targets.

        The first fits a pipeline, the second is what scikit-learn's CCA returns.
        """
        self.fit(X, y)
        return self.transform(X) if hasattr(self, "classes_") else self.transform(X, y)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags
