"""What the three linear estimators share: fitting from second moments, in scikit-learn's contract."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import validate_data

from pitfalls.errors import InputError
from pitfalls.moments import SecondMoments, Whitening

__all__ = [
    "MomentEstimator",
    "ParameterError",
    "SupervisedMomentEstimator",
    "apply_linear",
    "leading_signs",
    "merge_classes",
    "one_hot",
    "sorted_classes",
]

Matrix = npt.NDArray[np.float64]
CHUNK_VALUES = 1 << 23  # 64 MB in float64


class ParameterError(InputError, InvalidParameterError):
    """A parameter of an estimator is not what its constraints say: ours and scikit-learn's error."""


class MomentEstimator(BaseEstimator):
    """An estimator whose answer is a closed form in the second moments of its data.

    ``fit`` and ``partial_fit`` collect moments and solve; ``fit_moments`` takes moments that were
    collected elsewhere, so that one pass over the data serves several estimators.
    """

    def _solve(self, *, partial: bool, inputs: Whitening | None = None) -> None:
        """Set the fitted attributes from ``moments_``; may leave them unset while ``partial``."""
        raise NotImplementedError

    def _validate_params(self) -> None:
        """Hold the parameters against ``_parameter_constraints``, scikit-learn's way of stating them."""
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            raise ParameterError(str(error)) from None

    def _absorb(self, moments: SecondMoments, classes: npt.NDArray[Any] | None) -> None:
        """Add moments to those seen before. A class that was not seen before had no rows."""
        seen: SecondMoments | None = getattr(self, "moments_", None)
        if seen is not None and hasattr(self, "classes_") != (classes is not None):
            raise InputError(
                f"{type(self).__name__}: y must stay what it was at first, class labels or targets."
            )
        if classes is not None:
            known = getattr(self, "classes_", classes)
            merged = merge_classes(known, classes)
            if seen is not None:
                seen = _with_classes(seen, known, merged)
            moments = _with_classes(moments, classes, merged)
            self.classes_ = merged
        self.moments_ = moments if seen is None else seen + moments

    def _reset(self) -> None:
        """Forget what was fitted: a fit that fails must not leave half of an older one."""
        for name in [name for name in vars(self) if name.endswith("_") and name[0] != "_"]:
            del self.__dict__[name]

    def fit_moments(
        self,
        moments: SecondMoments,
        classes: npt.ArrayLike | None = None,
        *,
        inputs: Whitening | None = None,
    ) -> Self:
        """Fit from moments that were collected elsewhere.

        Parameters
        ----------
        moments : SecondMoments
            Of the inputs and, for y, one column a class (one-hot) or a target.
        classes : array-like of shape (n_classes,), optional
            What the columns of y stand for, sorted; None if they are targets.
        inputs : Whitening, optional
            The result of `whiten_inputs` on these moments, about the mean, with this estimator's
            ridge, if it is at hand.

        Returns
        -------
        self
        """
        self._reset()
        self._validate_params()
        self.n_features_in_ = moments.n_features
        moments = moments.centered()
        named = None if classes is None else np.asarray(classes)
        if named is not None and named.shape != (moments.n_outputs,):
            raise InputError(
                f"{type(self).__name__}: {moments.n_outputs} columns of y but classes of shape "
                f"{named.shape}."
            )
        self._absorb(moments, named)
        self._solve(partial=False, inputs=inputs)
        return self

    def _apply(self, X: npt.ArrayLike, weights: Matrix, offset: Matrix) -> Matrix:
        checked = validate_data(self, X, reset=False)
        return apply_linear(checked, weights, offset)


class SupervisedMomentEstimator(MomentEstimator):
    """A `MomentEstimator` of x and y; what y may be is its subclass's ``_collect``."""

    def _collect(
        self, X: npt.ArrayLike, y: npt.ArrayLike, classes: npt.ArrayLike | None
    ) -> tuple[SecondMoments, npt.NDArray[Any] | None]:
        """Check x and y; return their moments and, if y is labels, what its columns stand for."""
        raise NotImplementedError

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Fit to X of shape (n, d) and y of shape (n,): class labels."""
        self._reset()
        return self._add(X, y, None, partial=False)

    def partial_fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, classes: npt.ArrayLike | None = None
    ) -> Self:
        """Add rows and solve anew; a class may turn up at any time, ``classes`` only announces."""
        return self._add(X, y, classes, partial=True)

    def _add(
        self, X: npt.ArrayLike, y: npt.ArrayLike, classes: npt.ArrayLike | None, *, partial: bool
    ) -> Self:
        if y is None:
            raise InputError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        self._validate_params()
        self._absorb(*self._collect(X, y, classes))
        self._solve(partial=partial)
        return self


def apply_linear(x: npt.NDArray[Any], weights: Matrix, offset: Matrix) -> Matrix:
    """Return x @ weights + offset in float64, in chunks of rows, whatever x's dtype."""
    rows = max(CHUNK_VALUES // max(x.shape[1], 1), 1)
    result = np.empty((len(x), weights.shape[1]))
    for start in range(0, len(x), rows):
        chunk = x[start : start + rows].astype(np.float64, copy=False)
        np.matmul(chunk, weights, out=result[start : start + rows])
    result += offset
    return result


def sorted_classes(y: npt.NDArray[Any], announced: npt.ArrayLike | None = None) -> npt.NDArray[Any]:
    """Return the distinct labels of y and those announced, sorted."""
    present = np.unique(y)
    return present if announced is None else merge_classes(np.unique(announced), present)


def merge_classes(known: npt.NDArray[Any], new: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the union of two sorted class lists, sorted; the same object if nothing is new."""
    return known if np.isin(new, known).all() else np.union1d(known, new)


def one_hot(y: npt.NDArray[Any], classes: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return one column a class: shape (n, n_classes)."""
    at = np.searchsorted(classes, y)
    hot = np.zeros((len(y), len(classes)), dtype=np.uint8)
    hot[np.arange(len(y)), at] = 1
    return hot


def _with_classes(
    moments: SecondMoments, have: npt.NDArray[Any], want: npt.NDArray[Any]
) -> SecondMoments:
    """Insert columns of zeros for classes without a row: mean and sums about it are zero."""
    if len(have) == len(want):
        return moments
    at = np.searchsorted(want, have)
    q, d = len(want), moments.n_features
    mean_y, scatter_yx, scatter_yy = np.zeros(q), np.zeros((q, d)), np.zeros((q, q))
    mean_y[at] = moments.mean_y
    scatter_yx[at] = moments.scatter_yx
    scatter_yy[np.ix_(at, at)] = moments.scatter_yy
    return SecondMoments(
        n=moments.n,
        mean_x=moments.mean_x,
        mean_y=mean_y,
        scatter_xx=moments.scatter_xx,
        scatter_yx=scatter_yx,
        scatter_yy=scatter_yy,
        center=moments.center,
    )


def leading_signs(columns: Matrix) -> Matrix:
    """Return for each column the sign that makes its largest entry positive (the first of equals)."""
    size = np.abs(columns)
    first = np.argmax(size >= 0.999 * size.max(axis=0), axis=0)
    signs = np.sign(columns[first, np.arange(columns.shape[1])])
    return np.where(signs == 0, 1.0, signs)
