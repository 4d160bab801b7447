"""Extreme eigenpairs of a network's Hessian from products with vectors, with residual bounds.

Where products are cheap the iteration is ARPACK's restarted Lanczos (`scipy.sparse.linalg.eigsh`);
where only a few fit the time it is Lanczos' own with every vector kept, which serves both ends at once,
can be stopped at any product and wastes none of them. For a symmetric matrix, a number theta and a unit
vector v, some eigenvalue lies within |H v - theta v| of theta: the residual bounds the error whatever
the iteration.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from pitfalls.diagnosis.clock import Stopwatch
from pitfalls.diagnosis.hessian import Hessian
from pitfalls.diagnosis.subject import SubjectError
from pitfalls.display import Displayed

__all__ = ["Eigenpair", "Spectrum", "extreme_eigenpairs", "lanczos", "sharpness"]

Floats = NDArray[np.float64]

_DENSE = 12  # fewer parameters than this: the Hessian itself is formed
_MOST_PRODUCTS = 400
_MOST_KEPT = 40  # vectors of the iteration that keeps all of them
_MOST_NUMBERS = 1 << 28  # in these vectors and their images: two gigabytes


@dataclass(frozen=True, eq=False, repr=False)
class Eigenpair(Displayed):
    """An approximate eigenpair.

    Parameters
    ----------
    value : float
        Rayleigh quotient of ``vector``.
    vector : ndarray of shape (P,)
        Of length 1.
    residual : float
        |H v - value v|: some eigenvalue lies this near.
    products : int
        Hessian-vector products that it took.
    """

    value: float
    vector: Floats
    residual: float
    products: int


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum(Displayed):
    """What Lanczos' iteration saw of a Hessian's eigenvalues.

    Parameters
    ----------
    lowest, largest : Eigenpair
    values, residuals : ndarray of shape (k,)
        Ritz values in rising order: an eigenvalue of the Hessian lies within its residual of each. Most
        of the spectrum lies in between and is not seen.
    """

    lowest: Eigenpair
    largest: Eigenpair
    values: Floats
    residuals: Floats


def extreme_eigenpairs(
    hessian: Hessian,
    rng: np.random.Generator,
    *,
    seconds: float = float("inf"),
    tolerance: float = 1e-8,
    starts: Sequence[Floats] = (),
) -> Spectrum:
    """Find the lowest and the largest eigenpair.

    Parameters
    ----------
    hessian : Hessian
    rng : Generator
        Draws the starting vector.
    seconds : float
        For products; what was reached by then is returned with its residual.
    tolerance : float
        Residual asked for, relative to the eigenvalue.
    starts : sequence of ndarray of shape (P,)
        Where to begin, instead of a random vector: eigenvectors on fewer examples, say.

    Returns
    -------
    Spectrum
    """
    if hessian.size <= _DENSE:
        return _dense(hessian)
    watch = Stopwatch()
    most = max(4, min(_MOST_KEPT, _MOST_NUMBERS // (2 * hessian.size)))
    if starts:
        return lanczos(hessian, starts, steps=most, seconds=seconds)
    start = rng.standard_normal(hessian.size)
    hessian.times(start)
    each = watch.elapsed()
    affordable = int(min(seconds, 1e9) / max(each, 1e-6))
    if affordable >= 2 * _MOST_PRODUCTS or seconds == float("inf"):
        try:
            lowest = _arpack(hessian, start, "SA", tolerance)
            largest = _arpack(hessian, start, "LA", tolerance)
        except ArpackError:
            pass  # clustered ends: Lanczos says how near it came
        else:
            between = lanczos(hessian, [start], steps=min(_MOST_KEPT, hessian.size))
            return _with_ends(lowest, largest, between)
    return lanczos(hessian, [start], steps=most, seconds=seconds - watch.elapsed())


def lanczos(
    hessian: Hessian,
    starts: Sequence[Floats],
    *,
    steps: int,
    seconds: float = float("inf"),
    tolerance: float = 1e-8,
) -> Spectrum:
    """Both ends of the spectrum from one sequence of products, each vector kept.

    Lanczos' iteration with full reorthogonalisation (twice, because once is not enough in floating
    point), by blocks of as many vectors as there are starts. Values, vectors and residuals come from
    the kept products, so the last of them counts as much as the first.

    Parameters
    ----------
    starts : sequence of ndarray of shape (P,)
    steps : int
        Products at most.
    seconds : float
        Time at most; every start gets its product, and at least two are made.
    tolerance : float
        Residual, relative to the largest product's length, at which both ends are known.

    References
    ----------
    C. Lanczos, J. Res. Nat. Bur. Standards 45 (1950); G. H. Golub, R. Underwood, The block Lanczos
    method for computing eigenvalues, in Mathematical Software III (1977).
    """
    before, watch = hessian.products, Stopwatch()
    space = _Space(hessian, min(steps, hessian.size))
    pending = list(starts)
    multiplied = 0  # images that have been taken as the next vector
    while space.count < len(space.basis):
        if not pending:
            if space.count >= 2 and watch.elapsed() > seconds:
                break
            if space.worst() < tolerance:
                break
            if multiplied == space.count:
                break  # the space that the starts reach is exhausted
            pending.append(space.images[multiplied])
            multiplied += 1
        space.add(pending.pop(0))
    values, residuals = space.ritz()
    spent = hessian.products - before
    lowest, largest = space.end(0, spent), space.end(-1, spent)
    residuals[[0, -1]] = lowest.residual, largest.residual
    return Spectrum(lowest, largest, values, residuals)


class _Space:
    """Orthonormal vectors with their images, and the Hessian restricted to them."""

    def __init__(self, hessian: Hessian, most: int) -> None:
        self._hessian = hessian
        self.count = 0
        exact = hessian.dtype == torch.float64
        self._new = 1e-9 if exact else 1e-5  # less of a vector than this is rounding
        kind = np.float64 if exact else np.float32
        self.basis = np.empty((most, hessian.size), kind)
        self.images = np.empty((most, hessian.size), kind)
        self._small = np.zeros((most, most))  # of the Hessian, and of its square
        self._square = np.zeros((most, most))

    def add(self, vector: NDArray[np.floating]) -> None:
        """Multiply the part of a vector that is new, if there is one."""
        size = float(np.linalg.norm(vector))
        if size == 0:
            return
        known = self.basis[: self.count]
        rest = (vector / size).astype(known.dtype)
        for _ in range(2):
            rest = rest - (known @ rest) @ known
        length = float(np.linalg.norm(rest))
        if length < self._new:
            return
        at, self.count = self.count, self.count + 1
        self.basis[at] = rest / length
        self.images[at] = self._hessian.times(self.basis[at])
        if not np.isfinite(self.images[at]).all():
            raise SubjectError("the Hessian's products are not finite")
        for table, left in ((self._small, self.basis), (self._square, self.images)):
            table[at, : at + 1] = table[: at + 1, at] = left[: at + 1] @ self.images[at]

    def worst(self) -> float:
        """Larger residual of the two ends, over the Hessian's size as far as it is known."""
        _, residuals = self.ritz()
        scale = float(np.sqrt(self._square[: self.count, : self.count].diagonal().max()))
        return float(max(residuals[0], residuals[-1])) / scale if scale > 0 else 0.0

    def ritz(self) -> tuple[Floats, Floats]:
        """All Ritz values in rising order, and the norms of their residuals to half the digits."""
        values, mixed = self._solved()
        square = self._square[: self.count, : self.count]
        squares = np.einsum("ij,ik,kj->j", mixed, square, mixed) - values**2
        return values, np.sqrt(np.maximum(squares, 0.0))

    def end(self, which: int, products: int) -> Eigenpair:
        """Ritz pair at one end, its residual to all digits."""
        values, mixed = self._solved()
        value = float(values[which])
        shares = mixed[:, which].astype(self.basis.dtype)
        vector = np.asarray(shares @ self.basis[: self.count], dtype=np.float64)
        image = np.asarray(shares @ self.images[: self.count], dtype=np.float64)
        residual = float(np.linalg.norm(image - value * vector))
        return Eigenpair(value, vector / np.linalg.norm(vector), residual, products)

    def _solved(self) -> tuple[Floats, Floats]:
        if self.count == 0:
            raise SubjectError("there is no vector to start from")
        values, mixed = np.linalg.eigh(self._small[: self.count, : self.count])
        return values, mixed


def _with_ends(lowest: Eigenpair, largest: Eigenpair, between: Spectrum) -> Spectrum:
    """Put converged ends in the place of those that a short iteration reached."""
    values, residuals = between.values.copy(), between.residuals.copy()
    values[[0, -1]] = lowest.value, largest.value
    residuals[[0, -1]] = lowest.residual, largest.residual
    return Spectrum(lowest, largest, values, residuals)


def sharpness(hessian: Hessian, rng: np.random.Generator, *, seconds: float) -> Eigenpair | None:
    """Estimate the largest eigenpair by at most twelve products; None where not three fit the time."""
    watch = Stopwatch()
    start = rng.standard_normal(hessian.size)
    hessian.times(start)
    each = watch.elapsed()
    if seconds < 4 * each:
        return None
    return lanczos(hessian, [start], steps=11, seconds=seconds - watch.elapsed()).largest


def _pair(hessian: Hessian, vector: Floats, before: int) -> Eigenpair:
    """Rayleigh quotient and residual of a vector, by one product more."""
    unit = vector / np.linalg.norm(vector)
    image = hessian.times(unit)
    value = float(unit @ image)
    residual = float(np.linalg.norm(image - value * unit))
    return Eigenpair(value, unit, residual, hessian.products - before)


def _dense(hessian: Hessian) -> Spectrum:
    before = hessian.products
    matrix = np.stack([hessian.times(row) for row in np.eye(hessian.size)])
    _, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    pairs = [_pair(hessian, column, before) for column in vectors.T]
    return Spectrum(
        pairs[0],
        pairs[-1],
        np.array([pair.value for pair in pairs]),
        np.array([pair.residual for pair in pairs]),
    )


def _arpack(
    hessian: Hessian, start: Floats, which: Literal["SA", "LA"], tolerance: float
) -> Eigenpair:
    before = hessian.products
    operator = LinearOperator((hessian.size, hessian.size), matvec=hessian.times, dtype=np.float64)
    wide = min(hessian.size - 1, 20)
    _, vectors = eigsh(
        operator,
        k=1,
        which=which,
        v0=start,
        ncv=wide,
        tol=tolerance,
        maxiter=_MOST_PRODUCTS // max(wide // 2, 1),
    )
    return _pair(hessian, vectors[:, 0], before)
