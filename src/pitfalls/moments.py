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
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from jaxtyping import Float64
from scipy.linalg import blas

from pitfalls.errors import InputError

if TYPE_CHECKING:
    import torch

    Array: TypeAlias = npt.NDArray[Any] | torch.Tensor

__all__ = ["SecondMoments"]

_CHUNK_VALUES = 1 << 22  # values of x and y held in float64 at a time: 32 MiB
_CHUNK_VALUES_GPU = 1 << 26
_BLOCK = 256  # rows and columns of a block that stays in the cache: 512 KiB


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
    center : bool
        Which sums `sxx`, `syx` and `syy` are: about the means (True: a model with an intercept)
        or about zero (False). `centered` and `raw` switch without a second pass.

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
        y : array or tensor of shape (n, p)
            Outputs.
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
            If the shapes do not match, there is no row, or a value is NaN or infinite.
        """
        if chunk_size is not None and chunk_size < 1:
            raise InputError(f"SecondMoments: chunk_size must be at least 1. Got {chunk_size}.")
        return cls._collect([(x, y)], center, chunk_size)

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
        return cls._collect(batches, center, None)

    @classmethod
    def _collect(
        cls, batches: Iterable[tuple["Array", "Array"]], center: bool, chunk_size: int | None
    ) -> Self:
        sums: _Sums | None = None
        shape: tuple[int, int] | None = None
        for x, y in batches:
            x, y = _checked(x, y, shape)
            if len(x) == 0:
                continue
            if sums is None or shape is None:
                shape = (x.shape[1], y.shape[1])
                sums = _Sums(*shape)
            values = _CHUNK_VALUES_GPU if getattr(x, "is_cuda", False) else _CHUNK_VALUES
            rows = chunk_size or max(1, values // sum(shape))
            for start in range(0, len(x), rows):
                first = sums.n
                if not sums.add(x[start : start + rows], y[start : start + rows]):
                    raise InputError(
                        f"SecondMoments: NaN or infinite values from row {first} on (within {rows} "
                        "rows). Clean or rescale the data first."
                    )
        if sums is None or shape is None:
            raise InputError("SecondMoments: no rows of data came. Give at least one.")
        return cls(
            n=sums.n,
            mean_x=sums.mean_x,
            mean_y=sums.mean_y,
            scatter_xx=_mirrored(sums.scatter_xx),
            scatter_yx=sums.scatter_yx,
            scatter_yy=sums.scatter_yy,
            center=center,
        )

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
        """
        mean = self.mean_x if of == "x" else self.mean_y
        a = np.broadcast_to(np.asarray(scale, dtype=np.float64), mean.shape)
        b = np.asarray(shift, dtype=np.float64)
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
        return replace(
            self,
            n=n,
            mean_x=self.mean_x + share * dx,
            mean_y=self.mean_y + share * dy,
            scatter_xx=self.scatter_xx + other.scatter_xx + weight * np.outer(dx, dx),
            scatter_yx=self.scatter_yx + other.scatter_yx + weight * np.outer(dy, dx),
            scatter_yy=self.scatter_yy + other.scatter_yy + weight * np.outer(dy, dy),
        )

    def __repr__(self) -> str:
        return (
            f"SecondMoments(n={self.n}, n_features={self.n_features}, n_outputs={self.n_outputs}, "
            f"center={self.center})"
        )


def _checked(x: Any, y: Any, shape: tuple[int, int] | None) -> tuple[Any, Any]:
    """X and y as two-dimensional NumPy arrays or CUDA tensors with columns as in `shape`."""
    x, y = _as_array(x), _as_array(y)
    if x.ndim < 2 or y.ndim != 2:
        raise InputError(
            "SecondMoments: x must be of shape (n, d) and y of shape (n, p). "
            f"Got {tuple(x.shape)} and {tuple(y.shape)}. "
            "One output: y[:, None]; class labels: one column a class."
        )
    x = x.reshape(x.shape[0], int(np.prod(x.shape[1:])))
    if x.shape[0] != y.shape[0]:
        raise InputError(
            "SecondMoments: x and y must have as many rows. "
            f"Got {x.shape[0]} and {y.shape[0]} rows."
        )
    if x.shape[1] == 0 or y.shape[1] == 0:
        raise InputError(
            f"SecondMoments: x and y need columns. Got {x.shape[1]} and {y.shape[1]} of them."
        )
    if shape is not None and (x.shape[1], y.shape[1]) != shape:
        raise InputError(
            f"SecondMoments: a batch has (d, p) = {(x.shape[1], y.shape[1])}, the ones before it "
            f"{shape}. All batches must have the same columns."
        )
    return x, y


def _as_array(values: Any) -> Any:
    if type(values).__module__.partition(".")[0] == "torch":
        import torch

        values = values.detach()
        if values.is_complex():
            raise InputError(f"SecondMoments: values must be real. Got dtype {values.dtype}.")
        if values.is_cuda:
            return values
        if values.dtype in (torch.bfloat16, torch.float16):
            values = values.float()  # exact; NumPy has no bfloat16
        return values.cpu().numpy()
    values = np.asanyarray(values)
    if values.dtype.kind not in "biuf":
        raise InputError(f"SecondMoments: values must be real numbers. Got dtype {values.dtype}.")
    return values


class _Sums:
    """Sums about the mean, chunk by chunk, in float64."""

    def __init__(self, d: int, p: int) -> None:
        self.n = 0
        self.mean_x, self.mean_y = np.zeros(d), np.zeros(p)
        # dsyrk adds to the upper triangle in place, at half of gemm's operations
        self.scatter_xx = np.zeros((d, d), order="F")
        self.scatter_yx, self.scatter_yy = np.zeros((p, d)), np.zeros((p, p))
        self.buffer_x, self.buffer_y = np.empty((0, d)), np.empty((0, p))

    def add(self, x: Any, y: Any) -> bool:
        """Take one chunk in; False if it is not finite."""
        m = len(x)
        on_gpu = getattr(x, "is_cuda", False)
        if on_gpu:
            mean_x, mean_y, xx, yx, yy = _cuda_sums(x, y)
        else:
            if len(self.buffer_x) <= m:
                self.buffer_x = np.empty((m + 1, len(self.mean_x)))
                self.buffer_y = np.empty((m + 1, len(self.mean_y)))
            xs, ys = self.buffer_x[: m + 1], self.buffer_y[: m + 1]
            xs[:m], ys[:m] = x, y
            mean_x, mean_y = xs[:m].mean(axis=0), ys[:m].mean(axis=0)
        if not (np.isfinite(mean_x).all() and np.isfinite(mean_y).all()):
            return False
        total = self.n + m
        step_x, step_y = mean_x - self.mean_x, mean_y - self.mean_y
        weight = np.sqrt(self.n * m / total)
        # Chan's rank-one terms are the products of these
        merge_x, merge_y = weight * step_x, weight * step_y
        if on_gpu:
            self.scatter_xx += np.triu(xx + np.outer(merge_x, merge_x))
            self.scatter_yx += yx + np.outer(merge_y, merge_x)
            self.scatter_yy += yy + np.outer(merge_y, merge_y)
        else:
            xs[:m] -= mean_x
            ys[:m] -= mean_y
            xs[m], ys[m] = merge_x, merge_y  # ... which is one more row
            # SciPy's BLAS for the larger products: a second library's threads would contend
            out = blas.dsyrk(1.0, xs.T, beta=1.0, c=self.scatter_xx, overwrite_c=1)
            self.scatter_xx = np.asarray(out)
            out = blas.dgemm(1.0, xs.T, ys.T, 1.0, self.scatter_yx.T, trans_b=1, overwrite_c=1)
            self.scatter_yx = np.asarray(out).T
            self.scatter_yy += ys.T @ ys
        self.mean_x += step_x * (m / total)
        self.mean_y += step_y * (m / total)
        self.n = total
        return True


def _mirrored(upper: Float64[np.ndarray, "m m"]) -> Float64[np.ndarray, "m m"]:
    """Mirror the upper triangle of a matrix in Fortran order, in place, and return it in C order.

    Block by block, because a whole transpose reads memory against the grain; in place, because fresh
    memory can cost more than the work.
    """
    full = upper.T  # in C order, with the values in the lower triangle
    for i in range(0, len(full), _BLOCK):
        for j in range(0, i, _BLOCK):
            full[j : j + _BLOCK, i : i + _BLOCK] = full[i : i + _BLOCK, j : j + _BLOCK].T
        corner = full[i : i + _BLOCK, i : i + _BLOCK]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
    return full


def _cuda_sums(x: "torch.Tensor", y: "torch.Tensor") -> tuple[npt.NDArray[np.float64], ...]:
    """Means and sums about them of one chunk (x, y, xx, yx, yy), computed on its device."""
    import torch

    xs, ys = x.double(), torch.as_tensor(y, device=x.device).double()
    means = xs.mean(dim=0), ys.mean(dim=0)
    xs, ys = xs - means[0], ys - means[1]
    return tuple(t.cpu().numpy() for t in (*means, xs.T @ xs, ys.T @ xs, ys.T @ ys))
