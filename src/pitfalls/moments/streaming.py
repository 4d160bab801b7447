"""The pass: sums about the mean, chunk by chunk, in float64, for any number of rows."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from jaxtyping import Float64
from scipy.linalg import blas

if TYPE_CHECKING:
    import torch

__all__ = ["FAINTEST", "Sums", "chunk_rows", "torch_sums"]

_CHUNK_VALUES = 1 << 22  # values of x and y held in float64 at a time: 32 MiB
_CHUNK_VALUES_GPU = 1 << 26
FAINTEST = float(np.finfo(np.float64).tiny / np.finfo(np.float64).eps)
"""Of a sum of squares; beyond, squares leave float64's range and columns that vary look constant."""
_BLOCK = 256  # rows and columns of a block that stays in the cache: 512 KiB


def chunk_rows(x: Any, columns: int) -> int:
    """Rows of so many columns to take at a time."""
    values = _CHUNK_VALUES_GPU if getattr(x, "is_cuda", False) else _CHUNK_VALUES
    return max(1, values // columns)


class Sums:
    """Sums about the mean, chunk by chunk, in float64."""

    def __init__(self, d: int, p: int) -> None:
        self.n = 0
        self.mean_x, self.mean_y = np.zeros(d), np.zeros(p)
        # dsyrk adds to the upper triangle in place, at half of gemm's operations
        self.scatter_xx = np.zeros((d, d), order="F")
        self.scatter_yx, self.scatter_yy = np.zeros((p, d)), np.zeros((p, p))
        self.buffer_x, self.buffer_y = np.empty((0, d)), np.empty((0, p))
        self.moved_x, self.moved_y = np.zeros(d, dtype=bool), np.zeros(p, dtype=bool)

    def add(self, x: Any, y: Any) -> bool:
        """Take one chunk in; False if it is not finite."""
        m = len(x)
        on_gpu = getattr(x, "is_cuda", False)
        if on_gpu:
            mean_x, mean_y, xx, yx, yy = torch_sums(x, y)
        else:
            if len(self.buffer_x) <= m:
                self.buffer_x = np.empty((m + 1, len(self.mean_x)))
                self.buffer_y = np.empty((m + 1, len(self.mean_y)))
            xs, ys = self.buffer_x[: m + 1], self.buffer_y[: m + 1]
            mean_x, mean_y = _centre(xs[:m], x), _centre(ys[:m], y)
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
            _note_faint_there(self.moved_x, self.scatter_xx, x, merge_x)
            _note_faint_there(self.moved_y, self.scatter_yy, y, merge_y)
        else:
            xs[m], ys[m] = merge_x, merge_y  # ... which is one more row
            # SciPy's BLAS for the larger products: a second library's threads would contend
            out = blas.dsyrk(1.0, xs.T, beta=1.0, c=self.scatter_xx, overwrite_c=1)
            self.scatter_xx = np.asarray(out)
            out = blas.dgemm(1.0, xs.T, ys.T, 1.0, self.scatter_yx.T, trans_b=1, overwrite_c=1)
            self.scatter_yx = np.asarray(out).T
            self.scatter_yy += ys.T @ ys
            _note_faint(self.moved_x, self.scatter_xx, xs)
            _note_faint(self.moved_y, self.scatter_yy, ys)
        self.mean_x += step_x * (m / total)
        self.mean_y += step_y * (m / total)
        self.n = total
        return True

    @property
    def loses_columns(self) -> bool:
        """Whether a column varies and its squares are too small for float64."""
        lost_x = self.moved_x & _faint(self.scatter_xx)
        return bool(lost_x.any() or (self.moved_y & _faint(self.scatter_yy)).any())

    def scatter(
        self,
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return the three sums of products; takes no more rows after it."""
        return _mirrored(self.scatter_xx), self.scatter_yx, self.scatter_yy


def _faint(scatter: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which columns have sums of squares so small that float64 keeps few digits of them, or none."""
    return np.asarray(np.diagonal(scatter) < FAINTEST)


def _note_faint(
    moved: npt.NDArray[np.bool_],
    scatter: npt.NDArray[np.float64],
    rows: npt.NDArray[np.float64],
) -> None:
    """Note which columns vary of those whose squares are that small."""
    faint = _faint(scatter)
    if faint.any():
        moved[faint] |= rows[:, faint].any(axis=0)


def _note_faint_there(
    moved: npt.NDArray[np.bool_],
    scatter: npt.NDArray[np.float64],
    values: Any,
    merge: npt.NDArray[np.float64],
) -> None:
    """Do so for values on a GPU, or beside those that are."""
    faint = np.flatnonzero(_faint(scatter))
    if faint.size:
        own = values[:, faint]
        varies = (own != own[:1]).any(0)
        varies = varies.cpu().numpy() if hasattr(varies, "cpu") else varies
        moved[faint] |= varies | (merge[faint] != 0)


def _centre(rows: npt.NDArray[np.float64], values: Any) -> npt.NDArray[np.float64]:
    """Write the values less their mean into the rows, and return it.

    About the first row first: the mean of what is left is exact to its own size, so that a constant
    column, of 0.1 say, leaves nothing, however many rows there are.
    """
    rows[:] = values
    first = rows[0].copy()
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is told by the caller
        rows -= first
        step = rows.mean(axis=0)
        rows -= step
    return np.asarray(first + step)


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


def torch_sums(x: "torch.Tensor", y: "torch.Tensor") -> tuple[npt.NDArray[np.float64], ...]:
    """Means and sums about them of one chunk (x, y, xx, yx, yy), computed on its device."""
    import torch

    xs, ys = x.double(), torch.as_tensor(y, device=x.device).double()
    first = xs[0], ys[0]  # as in _centre
    xs, ys = xs - first[0], ys - first[1]
    steps = xs.mean(dim=0), ys.mean(dim=0)
    xs, ys = xs - steps[0], ys - steps[1]
    means = first[0] + steps[0], first[1] + steps[1]
    return tuple(t.cpu().numpy() for t in (*means, xs.T @ xs, ys.T @ xs, ys.T @ ys))
