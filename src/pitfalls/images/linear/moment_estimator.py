"""What the three linear estimators share: fitting from second moments, in scikit-learn's contract."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import validate_data

from pitfalls.errors import InputError
from pitfalls.images.linear.row_space import RowSpace
from pitfalls.moments import SecondMoments, Whitening, refuse_masked

__all__ = [
    "Inputs",
    "MomentEstimator",
    "ParameterError",
    "SupervisedMomentEstimator",
    "apply_linear",
    "collect",
    "leading_signs",
    "merge_classes",
    "one_hot",
    "refuse_sparse",
    "row_chunks",
    "sorted_classes",
]

Matrix = npt.NDArray[np.float64]
CHUNK_VALUES = 1 << 23  # 64 MB in float64
SPARSE = ("csr", "csc")


class ParameterError(InputError, InvalidParameterError):
    """A parameter of an estimator is not what its constraints say: ours and scikit-learn's error."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """Moments to solve with, and how what is found there becomes directions of the data.

    Attributes
    ----------
    moments : SecondMoments
        Of the inputs, or of their coordinates in an orthonormal basis.
    mean : ndarray of shape (d,)
        The inputs' mean.
    lift : callable
        Takes directions of the moments' inputs as columns to directions of the data.
    white : Whitening or None
        Of the moments' inputs with the estimator's ridge, if it is at hand.
    unit : float
        What a row counts as 1 in the moments; a ridge is divided by it.
    """

    moments: SecondMoments
    mean: Matrix
    lift: Callable[[Matrix], Matrix]
    white: Whitening | None = None
    unit: float = 1.0

    @classmethod
    def of_moments(cls, moments: SecondMoments, white: Whitening | None = None) -> Self:
        """Take moments of the data themselves."""
        return cls(moments, moments.mean_x, np.asarray, white)

    @classmethod
    def of_rows(cls, space: RowSpace, targets: Matrix, mean: Matrix) -> Self:
        """Take a space that a few rows span, and targets about their mean."""
        return cls(space.moments(targets, mean), space.mean, space.lift)


class MomentEstimator(BaseEstimator):
    """An estimator whose answer is a closed form in the second moments of its data.

    ``fit`` and ``partial_fit`` collect moments and solve; ``fit_moments`` takes moments that were
    collected elsewhere, so that one pass over the data serves several estimators. ``fit`` on far fewer
    rows than columns solves in the space that the rows span and keeps no moments.
    """

    def _solve(self, inputs: Inputs, *, partial: bool) -> None:
        """Set the fitted attributes; may leave them unset while ``partial``."""
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
        merged: npt.NDArray[Any] | None = None
        if classes is not None:
            known = getattr(self, "classes_", classes)
            merged = merge_classes(known, classes)
            if seen is not None:
                seen = _with_classes(seen, known, merged)
            moments = _with_classes(moments, classes, merged)
        # what does not add up is refused here, and leaves the fit before as it was
        self.moments_ = moments if seen is None else seen + moments
        if merged is not None:
            self.classes_ = merged

    def _reset(self) -> None:
        """Forget what was fitted: a fit that fails must not leave half of an older one."""
        for name in [name for name in vars(self) if name.endswith("_") and name[0] != "_"]:
            del self.__dict__[name]

    def _require_moments(self) -> None:
        """Refuse to add rows to a fit that has kept no moments."""
        if hasattr(self, "n_features_in_") and not hasattr(self, "moments_"):
            raise InputError(
                f"{type(self).__name__}: partial_fit adds to moments, and the fit before kept none, "
                "having fewer rows than columns or weights. Begin with partial_fit."
            )

    def _keep_dtype(self, X: Any) -> None:
        """Round what was computed in float64 to the data's own float32, where that holds it."""
        if X.dtype != np.float32:
            return
        for name, value in list(vars(self).items()):
            numbers = isinstance(value, np.ndarray) and value.dtype == np.float64
            if numbers and name.endswith("_") and name != "classes_":
                with np.errstate(over="ignore"):
                    single = value.astype(np.float32)
                if np.isfinite(single).all():  # squares and inverses of the data may be beyond it
                    setattr(self, name, single)

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
        if named is not None and len(np.unique(named)) < len(named):
            raise InputError(f"{type(self).__name__}: classes must differ. Got {named.tolist()}.")
        if named is not None and (np.argsort(named, kind="stable") != np.arange(len(named))).any():
            raise InputError(
                f"{type(self).__name__}: classes must be sorted, and the columns of y with them. Got "
                f"{named.tolist()}."
            )
        self._absorb(moments, named)
        if inputs is not None:
            self._require_whitening(inputs, moments)
        self._solve(Inputs.of_moments(self.moments_, inputs), partial=False)
        return self

    def _require_whitening(self, inputs: Whitening, moments: SecondMoments) -> None:
        """Refuse a whitening of other moments, with another ridge, or of sums about zero."""
        due = np.sqrt(np.diagonal(moments.scatter_xx) + getattr(self, "ridge", 0.0))
        fits = inputs.scale.shape == due.shape and inputs.gain == 1.0
        # a constant column has no scale
        if not fits or not np.allclose(inputs.scale, due * (inputs.scale > 0), rtol=1e-9, atol=0):
            raise InputError(
                f"{type(self).__name__}: inputs must be whiten_inputs(moments.centered(), ridge) of these "
                "moments, about the mean, with this estimator's ridge."
            )

    def _validated(self, *data: npt.ArrayLike, reset: bool, **options: Any) -> Any:
        """Scikit-learn's checks of X, or of X and y; it would drop a mask in silence."""
        for name, values in zip("Xy", data, strict=False):
            refuse_masked(values, name, type(self).__name__)
        for values in data[1:]:
            refuse_sparse(values, "y", type(self).__name__)
        return validate_data(self, *data, reset=reset, accept_sparse=SPARSE, **options)

    def _apply(self, X: npt.ArrayLike, weights: Matrix, offset: Matrix) -> Matrix:
        checked = self._validated(X, reset=False)
        result = apply_linear(checked, weights, offset)
        single = checked.dtype == weights.dtype == np.float32
        return result.astype(np.float32) if single else result

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class SupervisedMomentEstimator(MomentEstimator):
    """A `MomentEstimator` of x and y; what y may be is its subclass's ``_check_y``."""

    def _check_y(
        self, y: npt.NDArray[Any], classes: npt.ArrayLike | None
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
        """Return the targets of shape (n, q) and, if y is labels, what their columns stand for."""
        raise NotImplementedError

    def _check_xy(self, X: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Any, npt.NDArray[Any]]:
        if y is None:
            raise InputError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        self._validate_params()
        first = not hasattr(self, "moments_")
        checked, y_checked = self._validated(X, y, reset=first, multi_output=self._many_outputs)
        return checked, y_checked

    _many_outputs = False

    def partial_fit(
        self, X: npt.ArrayLike, y: npt.ArrayLike, classes: npt.ArrayLike | None = None
    ) -> Self:
        """Add rows and solve anew; a class may turn up at any time, ``classes`` only announces."""
        self._require_moments()
        checked, y_checked = self._check_xy(X, y)
        targets, labels = self._check_y(y_checked, classes)
        self._absorb(collect(checked, targets), labels)
        self._solve(Inputs.of_moments(self.moments_), partial=True)
        return self


def refuse_sparse(values: Any, name: str, who: str) -> None:
    """Refuse targets or labels that are sparse: scikit-learn lets some of them through, to fail later."""
    if issparse(values):
        raise InputError(f"{who}: {name} must be dense. Got a sparse one; give {name}.toarray().")


def collect(x: Any, y: npt.NDArray[Any]) -> SecondMoments:
    """Collect the centred moments of a dense or sparse matrix (n, d) and targets (n, q)."""
    sparse = bool(issparse(x))
    if not sparse:
        return SecondMoments.from_arrays(x, y, center=True)
    return SecondMoments.from_batches(
        ((part.toarray(), y[rows]) for rows, part in row_chunks(x)), center=True
    )


def apply_linear(x: Any, weights: Matrix, offset: Matrix) -> Matrix:
    """Return x @ weights + offset in float64, in chunks of rows, whatever x's dtype, sparse or not."""
    result = np.empty((x.shape[0], weights.shape[1]))
    weights = weights.astype(np.float64, copy=False)
    for rows, part in row_chunks(x):
        result[rows] = part.astype(np.float64, copy=False) @ weights
    result += offset
    return result


def row_chunks(x: Any) -> Iterator[tuple[slice, Any]]:
    """Yield some rows at a time, with where they stand."""
    sparse = bool(issparse(x))
    x = x.tocsr() if sparse else x
    step = max(CHUNK_VALUES // max(x.shape[1], 1), 1)
    for start in range(0, x.shape[0], step):
        rows = slice(start, start + step)
        yield rows, x[rows]


def sorted_classes(y: npt.NDArray[Any], announced: npt.ArrayLike | None = None) -> npt.NDArray[Any]:
    """Return the distinct labels of y and those announced, sorted."""
    present = np.unique(y)
    return present if announced is None else merge_classes(np.unique(announced), present)


def merge_classes(known: npt.NDArray[Any], new: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the union of two sorted class lists, sorted; the same object if nothing is new."""
    return known if np.isin(new, known).all() else np.union1d(known, new)


def one_hot(y: npt.NDArray[Any], classes: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return one column a class: shape (n, n_classes).

    Parameters
    ----------
    y : array of shape (n,)
    classes : array of shape (n_classes,)
        The labels, sorted; all of y must be among them.
    """
    y, classes = np.asarray(y), np.asarray(classes)
    at = np.searchsorted(classes, y)
    known = len(classes) > 0 and bool((classes.take(at, mode="clip") == y).all())
    if not known or (classes[1:] <= classes[:-1]).any():
        raise InputError("one_hot: classes must be sorted, differ and hold every label.")
    hot = np.zeros((len(y), len(classes)), dtype=np.uint8)
    hot[np.arange(len(y)), at] = 1
    return hot


def leading_signs(columns: Matrix) -> Matrix:
    """Return for each column the sign that makes its largest entry positive (the first of equals)."""
    size = np.abs(columns)
    first = np.argmax(size >= 0.999 * size.max(axis=0), axis=0)
    signs = np.sign(columns[first, np.arange(columns.shape[1])])
    return np.where(signs == 0, 1.0, signs)


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
