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
                sums = _Sums(sum(shape))
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
        d = shape[0]
        upper = sums.scatter
        return cls(
            n=sums.n,
            mean_x=sums.mean[:d].copy(),
            mean_y=sums.mean[d:].copy(),
            scatter_xx=_symmetric(upper[:d, :d]),
            scatter_yx=upper[:d, d:].T.copy(),
            scatter_yy=_symmetric(upper[d:, d:]),
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
    """Sums about the mean of z = [x y], chunk by chunk, in float64."""

    def __init__(self, n_columns: int) -> None:
        self.n = 0
        self.mean = np.zeros(n_columns)
        # dsyrk adds to the upper triangle in place, at half of gemm's operations
        self.scatter = np.zeros((n_columns, n_columns), order="F")
        self.buffer = np.empty((0, n_columns))

    def add(self, x: Any, y: Any) -> bool:
        """Take one chunk in; False if it is not finite."""
        if getattr(x, "is_cuda", False):
            m, mean, scatter = _cuda_sums(x, y)
        else:
            m, d = x.shape
            if len(self.buffer) <= m:
                self.buffer = np.empty((m + 1, len(self.mean)))
            z = self.buffer[:m]
            z[:, :d] = x
            z[:, d:] = y
            mean, scatter = z.mean(axis=0), None
        if not np.isfinite(mean).all():
            return False
        total = self.n + m
        step = mean - self.mean
        merge = np.sqrt(self.n * m / total) * step  # Chan's rank-one term is merge merge'
        if scatter is None:
            z -= mean
            self.buffer[m] = merge  # ... which is one more row
            rows = self.buffer[: m + 1].T
            out = blas.dsyrk(1.0, rows, beta=1.0, c=self.scatter, overwrite_c=1)
            self.scatter = np.asarray(out)
        else:
            self.scatter += np.triu(scatter + np.outer(merge, merge))
        self.mean = self.mean + step * (m / total)
        self.n = total
        return True


def _symmetric(upper: Float64[np.ndarray, "m m"]) -> Float64[np.ndarray, "m m"]:
    """Mirror an upper triangle whose other half is zero."""
    full: npt.NDArray[np.float64] = upper + upper.T
    full.flat[:: len(full) + 1] *= 0.5
    return full


def _cuda_sums(
    x: "torch.Tensor", y: "torch.Tensor"
) -> tuple[int, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Rows, mean and sums about the mean of one chunk, computed on its device."""
    import torch

    y = torch.as_tensor(y, device=x.device)
    z = torch.cat([x.double(), y.double()], dim=1)
    mean = z.mean(dim=0)
    z -= mean
    return len(x), mean.cpu().numpy(), (z.T @ z).cpu().numpy()
