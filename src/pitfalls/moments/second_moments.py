r"""Second moments of (x, y): one streaming pass, after which everything linear is closed form.

The squared risk of a linear network, its derivatives, least squares, reduced-rank regression, PCA and
CCA depend on the data only through n, the means and S_xx = X'X, S_yx = Y'X, S_yy = Y'Y. One pass
collects them in float64, in chunks, so that memory does not grow with n; two results add up to the
moments of the data put together, so shards and machines can be summed.

What is stored are the sums about the mean, merged by the update of Chan, Golub and LeVeque; the sums
about zero follow from them without cancellation, the other way round would lose digits.

References
----------
T. F. Chan, G. H. Golub, R. J. LeVeque, Updating formulae and a pairwise algorithm for computing sample
variances, COMPSTAT 1982.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import numpy.typing as npt
from jaxtyping import Float64

from pitfalls.errors import InputError
from pitfalls.integers import require_integer
from pitfalls.moments.intake import as_columns, pairs
from pitfalls.moments.rounding import value_rounding, zero_rounding
from pitfalls.moments.streaming import FAINTEST, Sums, chunk_rows

if TYPE_CHECKING:
    from pitfalls.moments.intake import Array

__all__ = ["SecondMoments"]

LOST = (
    "SecondMoments: a column varies by so little, below 1e-146, that its squares are beyond float64. "
    "Rescale the data first."
)


@dataclass(frozen=True, eq=False)
class SecondMoments:
    """Number of rows, means and second moments of x and y.

    Build it with `from_arrays` or `from_batches`; add two to merge them.

    Parameters
    ----------
    n : int
        Number of rows.
    mean_x : ndarray of shape (d,)
        Mean of x.
    mean_y : ndarray of shape (p,)
        Mean of y.
    scatter_xx : ndarray of shape (d, d)
        Sum over the rows of (x - mean_x)(x - mean_x)'.
    scatter_yx : ndarray of shape (p, d)
        Sum over the rows of (y - mean_y)(x - mean_x)'.
    scatter_yy : ndarray of shape (p, p)
        Sum over the rows of (y - mean_y)(y - mean_y)'.
    center : bool, default=False
        Which sums `sxx`, `syx` and `syy` are: about zero (False: a model without intercept, the
        homework's W̄x) or about the means (True: one with an intercept, at its best). `centered` and
        `raw` switch without a second pass. PCA, CCA and the least squares classifier have an
        intercept whatever this says.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.arange(6.0).reshape(3, 2), np.ones((3, 1))
    >>> moments = SecondMoments.from_arrays(x, y)
    >>> moments.sxx
    array([[20., 26.],
           [26., 35.]])
    >>> both = SecondMoments.from_arrays(x[:1], y[:1]) + SecondMoments.from_arrays(x[1:], y[1:])
    >>> both.n, bool(np.allclose(both.sxx, x.T @ x))
    (3, True)
    >>> moments.centered().syy
    array([[0.]])
    """

    n: int
    mean_x: Float64[np.ndarray, " d"]
    mean_y: Float64[np.ndarray, " p"]
    scatter_xx: Float64[np.ndarray, "d d"]
    scatter_yx: Float64[np.ndarray, "p d"]
    scatter_yy: Float64[np.ndarray, "p p"]
    center: bool = False

    def __post_init__(self) -> None:
        d, p = len(self.mean_x), len(self.mean_y)
        shapes = (self.scatter_xx.shape, self.scatter_yx.shape, self.scatter_yy.shape)
        if shapes != ((d, d), (p, d), (p, p)):
            raise InputError(
                f"SecondMoments: sums of shapes {shapes[0]}, {shapes[1]}, {shapes[2]} do not go with "
                f"{d} features and {p} outputs. Use from_arrays or from_batches to build them."
            )
        if self.n < 1:
            raise InputError(
                f"SecondMoments: no rows (n = {self.n}). Give at least one row of data."
            )
        for name in ("mean_x", "mean_y", "scatter_xx", "scatter_yx", "scatter_yy"):
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(
                    f"SecondMoments: {name} has NaN or infinite entries. Clean or rescale the data first."
                )

    @classmethod
    def from_arrays(
        cls, x: "Array", y: "Array", *, center: bool = False, chunk_size: int | None = None
    ) -> Self:
        """Collect the moments of arrays or tensors in one pass.

        Parameters
        ----------
        x : array or tensor of shape (n, d) or (n, ...)
            Inputs of any real dtype (images as uint8 too), on any device; further axes are
            flattened.
        y : array or tensor of shape (n, p) or (n,)
            Outputs. Tables of numbers (pandas' nullable columns too) will do for both; what is
            masked, missing or sparse is refused, with the way to fill it.
        center : bool
            Whether `sxx`, `syx`, `syy` of the result are about the means.
        chunk_size : int or None
            Rows taken at a time; None picks a number that keeps 32 MiB in float64. The result
            depends on it only by rounding.

        Returns
        -------
        SecondMoments

        Raises
        ------
        InputError
            If the shapes do not match, there is no row, a value is NaN or infinite, or the squares of
            a column are beyond float64, too large or too small.
        """
        if chunk_size is not None:
            chunk_size = require_integer("SecondMoments", "chunk_size", chunk_size, 1)
        return cls._collect([(x, y)], chunk_size, center=center)

    @classmethod
    def from_batches(
        cls, batches: Iterable[tuple["Array", "Array"]], *, center: bool = False
    ) -> Self:
        """Collect the moments of a stream of (x, y) batches, each seen once.

        Parameters
        ----------
        batches : iterable of (x, y)
            As for `from_arrays`; the sizes of the batches may differ. A data loader will do.
        center : bool
            Whether `sxx`, `syx`, `syy` of the result are about the means.

        Returns
        -------
        SecondMoments
        """
        return cls._collect(batches, None, center=center)

    @classmethod
    def _collect(
        cls, batches: Iterable[tuple["Array", "Array"]], chunk_size: int | None, *, center: bool
    ) -> Self:
        sums: Sums | None = None
        shape: tuple[int, int] | None = None
        for x, y in pairs(batches):
            x, y = as_columns(x, y, shape)
            if len(x) == 0:
                continue
            if sums is None or shape is None:
                shape = (x.shape[1], y.shape[1])
                sums = Sums(*shape)
            rows = chunk_size or chunk_rows(x, sum(shape))
            for start in range(0, len(x), rows):
                first = sums.n
                if not sums.add(x[start : start + rows], y[start : start + rows]):
                    raise InputError(
                        f"SecondMoments: NaN or infinite values from row {first} on (within {rows} "
                        "rows). Clean or rescale the data first."
                    )
        if sums is None or shape is None:
            raise InputError("SecondMoments: no rows of data came. Give at least one.")
        if sums.loses_columns:
            raise InputError(LOST)
        xx, yx, yy = sums.scatter()
        return cls(sums.n, sums.mean_x, sums.mean_y, xx, yx, yy, center)

    @property
    def n_features(self) -> int:
        """Number of columns of x, d."""
        return len(self.mean_x)

    @property
    def n_outputs(self) -> int:
        """Number of columns of y, p."""
        return len(self.mean_y)

    @cached_property
    def sxx(self) -> npt.NDArray[np.float64]:
        """X'X of shape (d, d), about the mean if `center`."""
        return self._about(self.scatter_xx, self.mean_x, self.mean_x)

    @cached_property
    def syx(self) -> npt.NDArray[np.float64]:
        """Y'X of shape (p, d), about the means if `center`."""
        return self._about(self.scatter_yx, self.mean_y, self.mean_x)

    @cached_property
    def syy(self) -> npt.NDArray[np.float64]:
        """Y'Y of shape (p, p), about the mean if `center`."""
        return self._about(self.scatter_yy, self.mean_y, self.mean_y)

    @cached_property
    def lengths_x(self) -> npt.NDArray[np.float64]:
        """Root of Σx² of every column as it came, about zero, of shape (d,)."""
        return np.asarray(np.sqrt(np.diagonal(self.scatter_xx) + self.n * self.mean_x**2))

    @cached_property
    def lengths_y(self) -> npt.NDArray[np.float64]:
        """Root of Σy² of every column as it came, about zero, of shape (p,)."""
        return np.asarray(np.sqrt(np.diagonal(self.scatter_yy) + self.n * self.mean_y**2))

    @cached_property
    def syx_rounding(self) -> npt.NDArray[np.float64]:
        """Size of an entry of `syx`, shape (p, d), below which it is zero for all that is known.

        A share of the terms that it was summed from, whatever the sum came to, `zero_rounding` of
        sqrt(Σx² Σy²); about the means the same of sqrt(Σ(x - x̄)² Σ(y - ȳ)²), and `value_rounding` of
        the values that the means were taken off.
        """
        if not self.center:
            return zero_rounding(self.n) * np.outer(self.lengths_y, self.lengths_x)
        spread_x = np.sqrt(np.diagonal(self.scatter_xx))
        spread_y = np.sqrt(np.diagonal(self.scatter_yy))
        values = np.outer(spread_y, self.lengths_x) + np.outer(self.lengths_y, spread_x)
        summed = zero_rounding(self.n) * np.outer(spread_y, spread_x)
        return np.asarray(summed + value_rounding(self.n) * values)

    def _about(
        self,
        scatter: npt.NDArray[np.float64],
        left: npt.NDArray[np.float64],
        right: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64]:
        return scatter if self.center else scatter + self.n * np.outer(left, right)

    def centered(self) -> Self:
        """Return the same moments with `sxx`, `syx`, `syy` about the means."""
        return replace(self, center=True)

    def raw(self) -> Self:
        """Return the same moments with `sxx`, `syx`, `syy` about zero."""
        return replace(self, center=False)

    def rescaled(
        self, scale: npt.ArrayLike, shift: npt.ArrayLike = 0.0, *, of: Literal["x", "y"] = "x"
    ) -> Self:
        """Moments of scale * x + shift, without another pass (or of y).

        Parameters
        ----------
        scale, shift : float or array of shape (d,) or (p,)
            Factor and offset of every column: the moments of images as uint8 give those of the
            normalised images.
        of : "x" or "y"
            Which side.

        Returns
        -------
        SecondMoments

        Raises
        ------
        InputError
            If scale or shift is no number a column, or the squares of a column leave float64.
        """
        if of not in ("x", "y"):
            raise InputError(f"SecondMoments: of must be 'x' or 'y'. Got {of!r}.")
        mean = self.mean_x if of == "x" else self.mean_y
        a, b = _a_column(scale, "scale", len(mean)), _a_column(shift, "shift", len(mean))
        squares = np.diagonal(self.scatter_xx if of == "x" else self.scatter_yy)
        if ((squares >= FAINTEST) & (a != 0) & (a * squares * a < FAINTEST)).any():
            raise InputError(LOST)
        if of == "x":
            return replace(
                self,
                mean_x=a * mean + b,
                scatter_xx=a[:, None] * self.scatter_xx * a,
                scatter_yx=self.scatter_yx * a,
            )
        return replace(
            self,
            mean_y=a * mean + b,
            scatter_yx=a[:, None] * self.scatter_yx,
            scatter_yy=a[:, None] * self.scatter_yy * a,
        )

    def __radd__(self, other: object) -> Self:
        # where sum() starts
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __add__(self, other: object) -> Self:
        if not isinstance(other, SecondMoments):
            return NotImplemented
        ours, theirs = (self.n_features, self.n_outputs), (other.n_features, other.n_outputs)
        if ours != theirs or self.center != other.center:
            raise InputError(
                "SecondMoments: only moments of the same columns and centring add up. Got (d, p) = "
                f"{ours} and {theirs}, center = {self.center} and {other.center}."
            )
        n = self.n + other.n
        share = other.n / n
        dx, dy = other.mean_x - self.mean_x, other.mean_y - self.mean_y
        weight = self.n * share
        merged = replace(
            self,
            n=n,
            mean_x=self.mean_x + share * dx,
            mean_y=self.mean_y + share * dy,
            scatter_xx=self.scatter_xx + other.scatter_xx + weight * np.outer(dx, dx),
            scatter_yx=self.scatter_yx + other.scatter_yx + weight * np.outer(dy, dx),
            scatter_yy=self.scatter_yy + other.scatter_yy + weight * np.outer(dy, dy),
        )
        for scatter, step in ((merged.scatter_xx, dx), (merged.scatter_yy, dy)):
            if ((np.diagonal(scatter) < FAINTEST) & (step != 0)).any():
                raise InputError(LOST)  # columns that are constant in each part, and not in both
        return merged

    def __repr__(self) -> str:
        return (
            f"SecondMoments(n={self.n}, n_features={self.n_features}, n_outputs={self.n_outputs}, "
            f"center={self.center})"
        )


def _a_column(values: npt.ArrayLike, name: str, n: int) -> npt.NDArray[np.float64]:
    """Return one number a column, of a number or an array of shape (n,)."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape not in ((), (n,)):
        raise InputError(
            f"SecondMoments: {name} must be a number or of shape ({n},). Got shape {array.shape}."
        )
    return np.broadcast_to(array, (n,))
