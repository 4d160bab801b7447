"""Least squares onto one-hot labels: the plainest classifier there is."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from pitfalls.errors import InputError
from pitfalls.images.linear.moment_estimator import (
    Matrix,
    SupervisedMomentEstimator,
    one_hot,
    sorted_classes,
)
from pitfalls.moments import SecondMoments, Whitening, whiten_inputs

__all__ = ["LeastSquaresClassifier"]


class LeastSquaresClassifier(ClassifierMixin, SupervisedMomentEstimator):
    """Linear regression with intercept onto one-hot labels; the largest output wins.

    Parameters
    ----------
    ridge : float, default=0.0
        Added to the diagonal of the centred S_xx; the intercept is not shrunk.

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
        What was fitted.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 3, 600)
    >>> X = rng.normal(size=(600, 5)) + 4 * np.eye(3, 5)[y]
    >>> LeastSquaresClassifier().fit(X, y).score(X, y)
    0.99
    """

    _parameter_constraints: ClassVar = {"ridge": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, ridge: float = 0.0) -> None:
        self.ridge = ridge

    def _collect(
        self, X: npt.ArrayLike, y: npt.ArrayLike, classes: npt.ArrayLike | None
    ) -> tuple[SecondMoments, npt.NDArray[Any]]:
        checked, labels = validate_data(self, X, y, reset=not hasattr(self, "moments_"))
        check_classification_targets(labels)
        present = sorted_classes(labels, classes)
        return SecondMoments.from_arrays(checked, one_hot(labels, present), center=True), present

    def _solve(self, *, partial: bool, inputs: Whitening | None = None) -> None:
        moments = self.moments_
        if len(self.classes_) < 2:
            if partial:
                return
            raise InputError(
                "LeastSquaresClassifier needs at least two classes; the data hold one class, "
                f"{self.classes_[0]}."
            )
        inputs = inputs or whiten_inputs(moments, self.ridge)
        target = moments.scatter_yx.T
        weights = inputs.solve(target)
        self.rank_ = inputs.rank
        self.coef_ = np.ascontiguousarray(weights.T)
        self.intercept_ = moments.mean_y - self.coef_ @ moments.mean_x
        size = float(np.linalg.norm(target)) or 1.0
        self.normal_residual_ = float(np.linalg.norm(self._normal(weights) - target)) / size

    def _normal(self, weights: Matrix) -> Matrix:
        return np.asarray(self.moments_.scatter_xx @ weights + self.ridge * weights)

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
