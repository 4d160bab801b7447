"""Least squares onto one-hot labels: the plainest classifier there is."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from numbers import Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from pitfalls.errors import InputError
from pitfalls.images.linear.moment_estimator import (
    Inputs,
    Matrix,
    SupervisedMomentEstimator,
    collect,
    one_hot,
    row_chunks,
    sorted_classes,
)
from pitfalls.images.linear.row_space import row_space
from pitfalls.moments import SecondMoments, Whitening, whiten_inputs

__all__ = ["LeastSquaresClassifier"]


class LeastSquaresClassifier(ClassifierMixin, SupervisedMomentEstimator):
    """Linear regression with intercept onto one-hot labels; the largest output wins.

    Parameters
    ----------
    ridge : float, default=0.0
        Added to the diagonal of the centred S_xx; the intercept is not shrunk.
    fit_intercept : bool, default=True
        Without an intercept S_xx is about zero.
    class_weight : dict, "balanced" or None, default=None
        What the squared errors of each class's rows count, 1 where a class is not named; "balanced":
        n / (n_classes * rows of the class).

    Attributes
    ----------
    coef_ : ndarray of shape (n_classes, d)
        Where S_xx is singular (constant or dependent columns, n <= d) and ridge is 0, the
        solution of least norm, as ``numpy.linalg.lstsq`` gives it where the columns' units are
        alike (`pitfalls.moments.Whitening` says from where on a direction is noise).
    intercept_ : ndarray of shape (n_classes,)
        Output at x = 0.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    normal_residual_ : float
        The certificate ‖S_xxW - S_xy‖_F / ‖S_xy‖_F of the normal equations (ridge included).
    rank_ : int
        Directions of x that were used; fewer than d where the rest was projected away.
    moments_ : SecondMoments
        What was fitted, unless `fit` took weights or the space of the rows.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 3, 600)
    >>> X = rng.normal(size=(600, 5)) + 4 * np.eye(3, 5)[y]
    >>> LeastSquaresClassifier().fit(X, y).score(X, y)
    0.99
    """

    _parameter_constraints: ClassVar = {
        "ridge": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        ridge: float = 0.0,
        *,
        fit_intercept: bool = True,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
    ) -> None:
        self.ridge = ridge
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight

    def fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None
    ) -> Self:
        """Fit to X of shape (n, d), dense or sparse, and class labels.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional
            What each row's squared error counts, not negative; rows of weight 0 are left out.
        """
        self._reset()
        checked, y_checked = self._check_xy(X, y)
        weight = self._weights(checked, y_checked, sample_weight)
        if weight is not None and not weight.all():
            counted = np.flatnonzero(weight)
            checked = checked.tocsr() if bool(issparse(checked)) else checked
            checked, y_checked, weight = checked[counted], y_checked[counted], weight[counted]
        targets, self.classes_ = self._check_y(y_checked, None)
        space = row_space(checked, weight, about_mean=self.fit_intercept)
        if space is not None:
            wide = targets.astype(np.float64)
            mean = np.average(wide, axis=0, weights=weight) if self.fit_intercept else 0 * wide[0]
            self._solve(Inputs.of_rows(space, wide, mean), partial=False)
        elif weight is None:
            self._absorb(collect(checked, targets), self.classes_)
            self._solve(Inputs.of_moments(self.moments_), partial=False)
        else:
            moments, unit = _weighted(checked, targets, weight)
            self._solve(replace(Inputs.of_moments(moments), unit=unit), partial=False)
        self._keep_dtype(checked)
        return self

    def partial_fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, classes: npt.ArrayLike | None = None
    ) -> Self:
        """Add rows and solve anew; a class may turn up at any time, ``classes`` only announces."""
        self._require_no_weights("partial_fit")
        return super().partial_fit(X, y, classes)

    def fit_moments(
        self,
        moments: SecondMoments,
        classes: npt.ArrayLike | None = None,
        *,
        inputs: Whitening | None = None,
    ) -> Self:
        """Fit from moments that were collected elsewhere; see `CCA.fit_moments`. It needs classes."""
        self._require_no_weights("fit_moments")
        if classes is None:
            raise InputError(
                "LeastSquaresClassifier: fit_moments needs classes, what the columns of y stand for."
            )
        return super().fit_moments(moments, classes, inputs=inputs)

    def _require_no_weights(self, who: str) -> None:
        self._validate_params()
        if self.class_weight is not None:
            raise InputError(
                f"LeastSquaresClassifier: {who} knows the rows by their moments, in which classes have "
                "no weights any more. Use fit, or class_weight=None."
            )

    def _weights(
        self, X: Any, y: npt.NDArray[Any], sample_weight: npt.ArrayLike | None
    ) -> Matrix | None:
        """Return what each row counts, or None if all count alike."""
        if sample_weight is None and self.class_weight is None:
            return None
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        weight = weight * compute_sample_weight(self.class_weight, y)
        if not (np.isfinite(weight).all() and (weight >= 0).all()):
            raise InputError(
                "LeastSquaresClassifier: class_weight must be finite and not negative. Got "
                f"{self.class_weight}."
            )
        if not weight.any():
            raise InputError("LeastSquaresClassifier: every row has weight 0; one must count.")
        return np.asarray(weight)

    def _check_y(
        self, y: npt.NDArray[Any], classes: npt.ArrayLike | None
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        check_classification_targets(y)
        present = sorted_classes(y, classes)
        return one_hot(y, present), present

    def _solve(self, inputs: Inputs, *, partial: bool) -> None:
        if len(self.classes_) < 2:
            if partial:
                return
            raise InputError(
                "LeastSquaresClassifier needs at least two classes; the data hold one class, "
                f"{self.classes_[0]}."
            )
        moments = inputs.moments if self.fit_intercept else inputs.moments.raw()
        ridge = self.ridge / inputs.unit
        white = inputs.white or whiten_inputs(inputs.moments.centered(), ridge)
        if not self.fit_intercept:  # white is about the mean
            white = white.about_zero(inputs.moments.mean_x, inputs.moments.n)
        target = moments.syx.T
        weights = white.solve(target)
        self.rank_ = white.rank
        self.coef_ = np.ascontiguousarray(inputs.lift(weights).T)
        self.intercept_ = moments.mean_y - self.coef_ @ inputs.mean
        if not self.fit_intercept:
            self.intercept_ = np.zeros(len(self.classes_))
        gap = moments.sxx @ weights + ridge * weights - target
        size = float(np.linalg.norm(target)) or 1.0
        self.normal_residual_ = float(np.linalg.norm(gap)) / size

    def outputs(self, X: npt.ArrayLike) -> Matrix:
        """Return the regression's outputs, one column a class, shape (n, n_classes)."""
        check_is_fitted(self, "coef_")
        return self._apply(X, self.coef_.T, self.intercept_)

    def decision_function(self, X: npt.ArrayLike) -> Matrix:
        """Return the outputs; for two classes the second's minus the first's, shape (n,)."""
        outputs = self.outputs(X)
        return outputs[:, 1] - outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the label with the largest output, shape (n,)."""
        winners = self.outputs(X).argmax(axis=1)
        return np.asarray(self.classes_[winners])


def _weighted(x: Any, y: npt.NDArray[Any], weight: Matrix) -> tuple[SecondMoments, float]:
    """Return moments of rows that count in units of the mean weight, and that mean."""
    n, sparse = len(weight), bool(issparse(x))
    unit = float(weight.mean())
    share = weight / unit

    def dense() -> Iterator[tuple[slice, Matrix]]:
        for rows, part in row_chunks(x):
            yield rows, np.asarray(part.toarray() if sparse else part, dtype=np.float64)

    # about the first row, so that a constant column leaves nothing
    first_x, first_y = next(dense())[1][0], y[0].astype(np.float64)
    mean_x = first_x + sum(share[rows] @ (part - first_x) for rows, part in dense()) / n
    mean_y = first_y + share @ (y - first_y) / n
    root = np.sqrt(share)[:, None]
    about_zero = SecondMoments.from_batches(
        ((part - mean_x) * root[rows], (y[rows] - mean_y) * root[rows]) for rows, part in dense()
    )
    moments = SecondMoments(
        n=n,
        mean_x=mean_x,
        mean_y=mean_y,
        scatter_xx=about_zero.sxx,
        scatter_yx=about_zero.syx,
        scatter_yy=about_zero.syy,
        center=True,
    )
    return moments, unit
