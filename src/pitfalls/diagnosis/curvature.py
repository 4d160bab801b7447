"""Extreme eigenpairs of a network's Hessian from products with vectors, with residual bounds.

A product costs about four gradients. Where they are cheap the iteration is ARPACK's Lanczos
(`scipy.sparse.linalg.eigsh`); where only a few fit the time it is LOBPCG, which can be stopped at any
of them and keeps three vectors. For a symmetric matrix, a number theta and a unit vector v, some
eigenvalue lies within |H v - theta v| of theta: the residual bounds the error whatever the iteration.

References
----------
B. A. Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6 (1994).
A. V. Knyazev, Toward the optimal preconditioned eigensolver, SIAM J. Sci. Comput. 23 (2001).
"""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh, lobpcg
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from pitfalls.diagnosis.slopes import precise_risk
from pitfalls.diagnosis.subject import Subject, SubjectError, dense

__all__ = ["Eigenpair", "Hessian", "extreme_eigenpairs"]

Floats = NDArray[np.float64]

_DENSE = 12  # fewer parameters than this: the Hessian itself is formed
_MOST_PRODUCTS = 400


@dataclass(frozen=True, eq=False)
class Eigenpair:
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


class Hessian:
    """Hessian of the mean loss over a batch in all trainable parameters, as an operator.

    Evaluation mode, float64 where the model runs in it. Names and shapes order the flat vector.

    Parameters
    ----------
    subject : Subject
    rows : array of int
        The batch.
    precise : bool
        Whether to try float64 first; products of large networks are several times dearer in it.
    """

    def __init__(self, subject: Subject, rows: NDArray[np.int64], *, precise: bool = True) -> None:
        self._subject, self._rows = subject, rows
        self._risk, everything, self.dtype = precise_risk(subject, rows, precise=precise)
        self.names = tuple(subject.trainable())
        self._fixed = {n: p for n, p in everything.items() if n not in self.names}
        self.at = {n: everything[n].clone().requires_grad_(True) for n in self.names}
        self.size = sum(p.numel() for p in self.at.values())
        self.products = 0

    def value(self, shift: Floats | None = None) -> float:
        """Loss at the present point, or shifted by a vector of shape (P,)."""
        with torch.no_grad(), self._mode():
            parts = self.split(shift) if shift is not None else None
            moved = {n: p.detach() + (0 if parts is None else parts[n]) for n, p in self.at.items()}
            return float(self._risk({**moved, **self._fixed}))

    def gradient(self) -> Floats:
        """Gradient, of shape (P,)."""
        with torch.enable_grad(), self._mode():
            value = self._risk({**self.at, **self._fixed})
            if not value.requires_grad:
                return np.zeros(self.size)
            with self._subject.users_code("the backward pass"):
                parts = torch.autograd.grad(value, list(self.at.values()), allow_unused=True)
        self._subject.count(gradients=1, examples=len(self._rows))
        return self._flat(parts)

    def times(self, vector: Floats) -> Floats:
        """Product with a vector of shape (P,)."""
        at = list(self.at.values())
        direction = self.split(np.asarray(vector, dtype=np.float64).reshape(-1))
        with torch.enable_grad(), self._mode(), self._subject.users_code("the Hessian product"):
            value = self._risk({**self.at, **self._fixed})
            if not value.requires_grad:
                return np.zeros(self.size)
            first = torch.autograd.grad(value, at, create_graph=True, allow_unused=True)
            slope = [
                (g * direction[n]).sum()
                for n, g in zip(self.at, first, strict=True)
                if g is not None and g.requires_grad
            ]
            if not slope:
                return np.zeros(self.size)
            second = torch.autograd.grad(torch.stack(slope).sum(), at, allow_unused=True)
        self.products += 1
        self._subject.count(products=1, examples=len(self._rows))
        return self._flat(second)

    def split(self, vector: Floats) -> dict[str, Tensor]:
        """Cut a flat vector into parameters by name."""
        parts, at = {}, 0
        for name, parameter in self.at.items():
            part = torch.from_numpy(vector[at : at + parameter.numel()].copy())
            parts[name] = part.reshape(parameter.shape).to(parameter)
            at += parameter.numel()
        return parts

    def _flat(self, parts: tuple[Tensor | None, ...]) -> Floats:
        flat = [
            (torch.zeros_like(p) if g is None else dense(g)).detach().double().flatten().cpu()
            for p, g in zip(self.at.values(), parts, strict=True)
        ]
        found: Floats = torch.cat(flat).numpy()
        return found

    @contextmanager
    def _mode(self) -> Iterator[None]:
        # fused attention and cuDNN's recurrent kernels have no second derivative
        with (
            self._subject.mode("eval"),
            sdpa_kernel(SDPBackend.MATH),
            torch.backends.cudnn.flags(enabled=False),
        ):
            yield


class _OutOfTimeError(Exception):
    """The time for products is spent."""


def extreme_eigenpairs(
    hessian: Hessian,
    rng: np.random.Generator,
    *,
    seconds: float = float("inf"),
    tolerance: float = 1e-8,
) -> tuple[Eigenpair, Eigenpair]:
    """Find the lowest and the largest eigenpair.

    Parameters
    ----------
    hessian : Hessian
    rng : Generator
        Draws the starting vectors.
    seconds : float
        For products; what was reached by then is returned with its residual.
    tolerance : float
        Residual asked for, relative to the eigenvalue.

    Returns
    -------
    lowest, largest : Eigenpair
    """
    if hessian.size <= _DENSE:
        return _dense(hessian)
    began = time.monotonic()
    start = rng.standard_normal(hessian.size)
    hessian.times(start)
    each = time.monotonic() - began
    affordable = int(min(seconds, 1e9) / max(each, 1e-6))
    if affordable >= 2 * _MOST_PRODUCTS or seconds == float("inf"):
        try:
            return (
                _arpack(hessian, start, "SA", tolerance),
                _arpack(hessian, start, "LA", tolerance),
            )
        except ArpackError:
            pass  # clustered ends: LOBPCG says how near it came
    steps = max(3, min(_MOST_PRODUCTS, affordable) // 2)
    return (
        _lobpcg(hessian, start, "lowest", steps, began + seconds / 2),
        _lobpcg(hessian, start, "largest", steps, began + seconds),
    )


def sharpness(hessian: Hessian, rng: np.random.Generator, *, seconds: float) -> Eigenpair | None:
    """Estimate the largest eigenpair by at most twelve products; None where not three fit the time."""
    began = time.monotonic()
    start = rng.standard_normal(hessian.size)
    hessian.times(start)
    each = time.monotonic() - began
    steps = min(10, int(seconds / max(each, 1e-6)) - 2)
    if steps < 2:
        return None
    return _lobpcg(hessian, start, "largest", steps, began + seconds)


def _pair(hessian: Hessian, vector: Floats, before: int) -> Eigenpair:
    """Rayleigh quotient and residual of a vector, by one product more."""
    unit = vector / np.linalg.norm(vector)
    image = hessian.times(unit)
    value = float(unit @ image)
    residual = float(np.linalg.norm(image - value * unit))
    return Eigenpair(value, unit, residual, hessian.products - before)


def _dense(hessian: Hessian) -> tuple[Eigenpair, Eigenpair]:
    before = hessian.products
    matrix = np.stack([hessian.times(row) for row in np.eye(hessian.size)])
    _, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return _pair(hessian, vectors[:, 0], before), _pair(hessian, vectors[:, -1], before)


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


def _lobpcg(
    hessian: Hessian, start: Floats, end: Literal["lowest", "largest"], steps: int, deadline: float
) -> Eigenpair:
    before = hessian.products
    best: list[tuple[float, Floats]] = []
    sign = 1.0 if end == "lowest" else -1.0

    def product(block: Floats) -> Floats:
        if time.monotonic() > deadline and len(best) >= 3:
            raise _OutOfTimeError
        columns = []
        for column in np.asarray(block).reshape(hessian.size, -1).T:
            image = hessian.times(column)
            norm = float(column @ column)
            # the iterates come by here: keep the best Rayleigh quotient seen
            if norm > 0:
                best.append((sign * float(column @ image) / norm, column.copy()))
                best.sort(key=lambda found: found[0])
                del best[3:]
            columns.append(image)
        return np.stack(columns, axis=1)

    operator = LinearOperator(
        (hessian.size, hessian.size),
        matvec=lambda v: product(v)[:, 0],
        matmat=product,
        dtype=np.float64,
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it was stopped early is in the residual
            _, vectors = lobpcg(
                operator, start[:, None], largest=end == "largest", maxiter=steps, tol=1e-8
            )
        return _pair(hessian, np.asarray(vectors, dtype=np.float64)[:, 0], before)
    except (_OutOfTimeError, np.linalg.LinAlgError, ValueError):
        if not best:
            raise SubjectError("the Hessian's products are not finite") from None
        return _pair(hessian, best[0][1], before)
