"""The two witnesses of linear separability, and proofs that they are what they claim.

A map is proven by its leads: float64 with a bound on rounding, rational arithmetic where the bound does
not settle it. A combination is proven either in whole numbers, or by showing that an exact one exists
next to it: if λ leaves the residual r = Σ λ_ij a_ij and the vectors λ_ij a_ij span their space with
smallest singular value σ > ‖r‖, then some δ with ‖δ‖ < 1 gives Σ λ_ij (1 + δ_ij) a_ij = 0 exactly, and
all λ_ij (1 + δ_ij) are positive. The bound on σ is a Cholesky factorisation that runs to its end.

References
----------
Rump. Verification of positive definiteness. BIT Numerical Mathematics 46, 2006.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pitfalls.display import Displayed
from pitfalls.errors import InputError

__all__ = [
    "Combination",
    "LinearMap",
    "excludes_separation",
    "proven_margin",
    "whole_multipliers",
]

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

UNIT = 2.0**-53
EXACT_ROWS = 2000  # leads that rational arithmetic is asked for
EXACT_SUPPORT = 80  # multipliers that are solved for in rational arithmetic
LARGEST = 6000  # equations whose Gram matrix is factored


@dataclass(frozen=True, eq=False, repr=False)
class LinearMap(Displayed):
    """x ↦ Wx + b; the largest entry names the class.

    Attributes
    ----------
    weights : ndarray of shape (n_classes, d)
    intercept : ndarray of shape (n_classes,)
    """

    weights: Matrix
    intercept: Matrix


@dataclass(frozen=True, eq=False, repr=False)
class Combination(Displayed):
    """Samples i, wrong classes j and multipliers λ_ij that rule a separating map out.

    Attributes
    ----------
    samples : ndarray of shape (m,), int
        Which rows of X.
    rivals : ndarray of shape (m,), int
        Which other class each is led against, as its place in the sorted labels.
    multipliers : tuple of m numbers
        Positive. Whole numbers: the combination is zero exactly. Floats: an exact one is near.
    """

    samples: Labels
    rivals: Labels
    multipliers: tuple[float, ...]


def proven_margin(found: LinearMap, X: Matrix, at: Labels) -> float:
    """Bound from below the least lead of the own class over the others, rounding included.

    Parameters
    ----------
    found : LinearMap
    X : ndarray of shape (n, d), float64
    at : ndarray of shape (n,), int
        Place of each sample's label among the classes.

    Returns
    -------
    float
        Positive only if the map separates the samples in exact arithmetic; not positive says nothing.
    """
    if not (np.isfinite(found.weights).all() and np.isfinite(found.intercept).all()):
        return -np.inf
    # what overflows gives NaN, which proves nothing
    with np.errstate(over="ignore", invalid="ignore"):
        bounds, slack = _lead_bounds(found, X, at)
    open_rows = np.flatnonzero(~(bounds > 0).all(axis=1))
    if len(open_rows) == 0:
        return float(bounds.min())
    if len(open_rows) > EXACT_ROWS or not (bounds + 2 * slack > 0).all():
        return float(np.nan_to_num(bounds, nan=-np.inf).min())
    least = bounds[(bounds > 0).all(axis=1)].min(initial=np.inf)
    weights = [[Fraction(w) for w in row] for row in found.weights.tolist()]
    offset = [Fraction(b) for b in found.intercept.tolist()]
    for row in open_rows:
        x = [Fraction(v) for v in X[row].tolist()]
        exact = [
            sum((a * b for a, b in zip(w, x, strict=True)), start=b0)
            for w, b0 in zip(weights, offset, strict=True)
        ]
        lead = min(exact[at[row]] - s for j, s in enumerate(exact) if j != at[row])
        if lead <= 0:
            return float(min(lead, 0))
        least = min(least, max(float(lead) * (1 - 1e-15), 5e-324))
    return float(least)


def _lead_bounds(found: LinearMap, X: Matrix, at: Labels) -> tuple[Matrix, Matrix]:
    """Return lower bounds on the leads, and by how much rounding may have moved them."""
    every = np.arange(len(X))
    scores = X @ found.weights.T + found.intercept
    # each score is a sum of d + 1 products, each lead a difference of two of them
    sizes = np.abs(X) @ np.abs(found.weights).T + np.abs(found.intercept)
    slack = 1.01 * (X.shape[1] + 4) * UNIT * (sizes + sizes[every, at][:, None])
    slack += X.shape[1] * np.finfo(float).tiny  # products below the smallest normal float
    leads = scores[every, at][:, None] - scores
    leads[every, at] = np.inf
    return leads - slack, slack


def excludes_separation(found: Combination, X: Matrix, at: Labels) -> bool:
    """Tell whether a combination is proven to be zero, or next to one that is.

    Parameters
    ----------
    found : Combination
    X : ndarray of shape (n, d), float64
    at : ndarray of shape (n,), int
        Place of each sample's label among the classes.

    Returns
    -------
    bool
        True only if no linear map separates the samples; False says nothing.

    Raises
    ------
    InputError
        If a multiplier is not positive or a rival is the sample's own class.
    """
    rows, rivals, multipliers = found.samples, found.rivals, found.multipliers
    if not len(rows) == len(rivals) == len(multipliers) > 0:
        raise InputError("excludes_separation: needs as many samples as rivals and multipliers.")
    if not all(0 < m < np.inf for m in multipliers) or (rivals == at[rows]).any():
        raise InputError(
            "excludes_separation: multipliers must be positive and finite, rivals other classes."
        )
    varying = np.flatnonzero((X[rows] != X[rows[0]]).any(axis=0))
    if all(isinstance(m, int) for m in multipliers):
        return _is_zero(found, X[:, varying], at)
    return _is_near_zero(found, X[:, varying], at)


def _is_zero(found: Combination, X: Matrix, at: Labels) -> bool:
    """Add up whole multiples of (x, 1) class by class, in rational arithmetic."""
    sums: dict[int, list[Fraction]] = {}
    for row, rival, multiplier in zip(
        found.samples.tolist(), found.rivals.tolist(), found.multipliers, strict=True
    ):
        values = [Fraction(v) * Fraction(multiplier) for v in [*X[row].tolist(), 1.0]]
        for place, sign in ((int(at[row]), 1), (int(rival), -1)):
            so_far = sums.setdefault(place, [Fraction(0)] * len(values))
            sums[place] = [s + sign * v for s, v in zip(so_far, values, strict=True)]
    return not any(any(total) for total in sums.values())


def _is_near_zero(found: Combination, X: Matrix, at: Labels) -> bool:
    """Compare the residual with the smallest singular value of the weighted vectors."""
    rows, rivals = found.samples, found.rivals
    own, weight = at[rows], np.array(found.multipliers, dtype=np.float64)
    present = np.unique(np.concatenate([own, rivals]))
    own, rivals = np.searchsorted(present, own), np.searchsorted(present, rivals)
    used, place = np.unique(rows, return_inverse=True)
    d, k = X.shape[1] + 1, len(present)
    if (k - 1) * d > LARGEST:
        return False
    # an invertible change of coordinates, whose rounding is in `slack`; sparse columns stay sparse
    centre = np.median(X[used], axis=0)
    centred = X[used] - centre
    spread = np.maximum(np.abs(centred).max(axis=0, initial=0.0), np.finfo(float).tiny)
    z = np.column_stack([centred / spread, np.ones(len(used))])
    there = np.column_stack([X[used] != centre, np.ones(len(used), dtype=bool)])
    weight /= weight.max()
    gram, residual, size = np.zeros((k, k, d, d)), np.zeros((k, d)), np.zeros((k, d))
    pairs = sorted({*zip(own.tolist(), rivals.tolist(), strict=True)})
    active = np.zeros((len(pairs), d), dtype=bool)
    for index, (y, j) in enumerate(pairs):
        inside = (own == y) & (rivals == j)
        part = z[place[inside]] * weight[inside][:, None]
        square, total, sizes = part.T @ part, part.sum(axis=0), np.abs(part).sum(axis=0)
        gram[[y, j], [y, j]] += square
        gram[[y, j], [j, y]] -= square
        residual[y] += total
        residual[j] -= total
        size[[y, j]] += sizes
        active[index] = there[place[inside]].any(axis=0)
    kept = np.flatnonzero(_independent_equations(np.array(pairs), active, k))
    m = len(kept)
    whole = gram.transpose(0, 2, 1, 3).reshape(k * d, k * d)[np.ix_(kept, kept)]
    length = np.sqrt(whole.diagonal())
    if not (length > 1e-140).all():  # squares lose digits near the smallest float
        return False
    # every equation by its own length: a feature that few samples have counts as much as any other
    whole /= length[:, None] * length
    slack = 4 * (len(rows) + m + 20) * UNIT
    off = (np.abs(residual) + slack * size).ravel()[kept] / length
    whole[np.diag_indices(m)] -= float(off @ off) * (1 + slack) + slack * m
    _, failed = lapack.dpotrf(np.asfortranarray(whole), lower=1, overwrite_a=1)
    return bool(failed == 0)


def _independent_equations(
    pairs: Labels, active: npt.NDArray[np.bool_], n_classes: int
) -> npt.NDArray[np.bool_]:
    """Mark the equations (class, feature) that do not follow from others by their pattern alone.

    Parameters
    ----------
    pairs : ndarray of shape (n_pairs, 2), int
        Which class is led against which.
    active : ndarray of shape (n_pairs, d), bool
        Which features are not zero there.

    Returns
    -------
    ndarray of shape (n_classes * d,), bool
        For one feature, the equations of the classes that it links add up to zero, so one of each
        group follows; the equation of a class where it is zero throughout holds already.
    """
    marked = np.zeros((n_classes, active.shape[1]), dtype=bool)
    patterns, which = np.unique(active, axis=1, return_inverse=True)
    for pattern in range(patterns.shape[1]):
        own, rivals = pairs[patterns[:, pattern]].T
        links = coo_array((np.ones(len(own)), (own, rivals)), shape=(n_classes, n_classes))
        _, component = connected_components(links, directed=False)
        _, first = np.unique(component, return_index=True)
        marked[np.setdiff1d(np.arange(n_classes), first)[:, None], which == pattern] = True
    return marked.ravel()


def whole_multipliers(
    X: Matrix, at: Labels, rows: Labels, rivals: Labels, near: Matrix | None = None
) -> Combination | None:
    """Find whole multipliers for these samples and rivals, near the given ones.

    Parameters
    ----------
    X, at
        As of `excludes_separation`.
    rows, rivals : ndarray of shape (m,), int
    near : ndarray of shape (m,), optional
        Approximate multipliers. Without them, they are the solution of the equations if it is unique
        up to a factor.

    Returns
    -------
    Combination or None
        None where there are no positive ones there, or too many to solve for exactly.
    """
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix

    if not 0 < len(rows) <= EXACT_SUPPORT:
        return None
    varying = np.flatnonzero((X[rows] != X[rows[0]]).any(axis=0))
    present = np.unique(np.concatenate([at[rows], rivals]))
    d, m = len(varying) + 1, len(rows)
    equations = [[QQ(0)] * m for _ in range(len(present) * d)]
    for column, (row, rival) in enumerate(zip(rows.tolist(), rivals.tolist(), strict=True)):
        values = [QQ(*v.as_integer_ratio()) for v in [*X[row, varying].tolist(), 1.0]]
        for place, sign in ((at[row], 1), (rival, -1)):
            start = int(np.searchsorted(present, place)) * d
            for k, value in enumerate(values):
                equations[start + k][column] += sign * value
    distinct = [list(row) for row in dict.fromkeys(map(tuple, equations)) if any(row)]
    null = DomainMatrix(distinct, (len(distinct), m), QQ).nullspace().to_list()
    if not null or (near is None and len(null) > 1):
        return None
    basis = np.array([[float(v) for v in row] for row in null])
    if near is None:
        factors = [Fraction(1 if basis[0].sum() > 0 else -1)]
    else:
        solved, *_ = np.linalg.lstsq(basis.T, near, rcond=None)
        factors = [Fraction(f).limit_denominator(10**9) for f in solved.tolist()]
    exact = [
        sum(
            (
                f * Fraction(int(row[k].numerator), int(row[k].denominator))
                for f, row in zip(factors, null, strict=True)
            ),
            start=Fraction(0),
        )
        for k in range(m)
    ]
    if any(v < 0 for v in exact) or not any(exact):
        return None
    common = lcm(*(v.denominator for v in exact))
    used = [k for k, v in enumerate(exact) if v]
    return Combination(rows[used], rivals[used], tuple(int(exact[k] * common) for k in used))
