"""Can a linear map tell the classes apart without a mistake? Decided, with a witness that is checked.

Least squares does not answer that: it can miss what a linear map gets right. A long logistic fit does,
from either side. If a map separates the classes, the fit runs towards one. If none does and the fit
comes to rest, its gradient Σ_i Σ_j p_ij (e_{y_i} − e_j)⊗(x_i, 1) is zero, with p_ij > 0 the probability
of the wrong class j: the Farkas combination that rules every separating map out. Where the fit does
neither, as on classes that just touch, a linear programme decides.

What the fits and the programme give is only a proposal: `separability_witness` checks it.
"""

import hashlib
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.images.linear.separability_witness import (
    Combination,
    LinearMap,
    excludes_separation,
    proven_margin,
    whole_multipliers,
)
from pitfalls.moments import refuse_masked

__all__ = ["Separability", "decide_separability"]

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

SHORT = 200  # iterations of the first fit, before combinations are looked for
NEWTON_STEPS = 200
FAINT = 1e10  # inverse of the penalty that lets every fit come to rest
SMALLEST_SHARES = (0.0, 1e-9, 1e-7, 1e-5)  # what is left out as no part of a combination
SHOWN_WHOLE = 12  # multipliers that a reader can follow by hand
NEWTON_UP_TO = 4000  # parameters whose Hessian is factored
PROGRAMME_VALUES = 5_000_000  # coefficients of a linear programme that HiGHS is asked to take
ROUNDS = 12  # of adding violated constraints to the programme
CLEAR_LEAD = 1e-6  # of a map with entries up to 1 on columns of unit spread
PAIRS = 3  # of classes, the most confused first


@dataclass(frozen=True, eq=False, repr=False)
class Separability(Displayed):
    """Whether some linear map with intercept puts every sample's own class first.

    Attributes
    ----------
    separable : bool or None
        None: not decided, `reason` says why.
    classes : ndarray of shape (n_classes,)
        The labels, sorted.
    witness : LinearMap, Combination or None
        A map that separates, or a combination of samples that no map survives. Both are proven:
        `proven_margin` and `excludes_separation` check them again.
    margin : float or None
        Of the map: a proven lower bound on the least lead of the own class over the others.
    reason : str
        Why it is not decided; else empty.
    """

    separable: bool | None
    classes: npt.NDArray[np.generic]
    witness: LinearMap | Combination | None = None
    margin: float | None = None
    reason: str = ""


def decide_separability(
    X: npt.ArrayLike, y: npt.ArrayLike, *, max_iter: int = 2000, time_limit: float = 60.0
) -> Separability:
    """Decide whether a linear map with intercept can classify all samples rightly.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Samples, real and finite.
    y : array-like of shape (n,)
        Their labels, of at least two classes.
    max_iter : int, default=2000
        Iterations of each logistic fit.
    time_limit : float, default=60
        Seconds for the linear programme, where it comes to that.

    Returns
    -------
    Separability

    Notes
    -----
    The map's claim is w_y·x + b_y > w_j·x + b_j for every sample and every other class j, in exact
    arithmetic. The combination's is λ_ij ≥ 0, not all zero, with Σ λ_ij (e_{y_i} − e_j)⊗(x_i, 1) = 0:
    adding up λ_ij times the lead of y_i over j gives zero for every map, so not all leads are positive.

    References
    ----------
    Albert, Anderson. On the existence of maximum likelihood estimates in logistic regression models.
    Biometrika 71, 1984.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> decide_separability(X, [0, 1, 1, 1]).separable, decide_separability(X, [0, 1, 1, 0]).separable
    (True, False)
    >>> decide_separability(X, [0, 1, 1, 0]).witness.multipliers
    (1, 1, 1, 1)
    """
    samples, classes, at = _checked(X, y)
    problem = _Problem(samples, at, len(classes))
    if (found := problem.same_place()) is not None:
        return Separability(False, classes, found)
    for iterations in (min(SHORT, max_iter), max_iter):
        fit = problem.fit(max_iter=iterations)
        if (margin := proven_margin(fit, samples, at)) > 0:
            return Separability(True, classes, fit, margin)
        if iterations == max_iter > SHORT:
            break  # combinations have been looked for
        found = problem.combine() or problem.combine_a_pair(fit)
        if found is not None:
            return Separability(False, classes, found)
    solved = problem.programme(fit, time_limit)
    if isinstance(solved, str):
        return Separability(None, classes, reason=solved)
    if isinstance(solved, Combination):
        return Separability(False, classes, solved)
    return Separability(True, classes, solved, proven_margin(solved, samples, at))


def _checked(X: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Matrix, npt.NDArray[np.generic], Labels]:
    for name, values in (("X", X), ("y", y)):
        refuse_masked(values, name, "decide_separability")
    samples, labels = np.asarray(X), np.asarray(y)
    if samples.ndim != 2 or labels.shape != samples.shape[:1] or samples.dtype.kind not in "biuf":
        raise InputError(
            "decide_separability: X must be real numbers of shape (n, d) and y labels of shape (n,). Got "
            f"{samples.dtype} of shape {samples.shape} and {labels.shape} instead."
        )
    exact = samples.astype(np.float64, order="C")  # rows are hashed as they lie
    if not np.isfinite(exact).all() or (exact.astype(samples.dtype) != samples).any():
        raise InputError(
            "decide_separability: X must be finite and exact in float64. Got NaN, infinite or "
            "longer numbers; clean or round them first."
        )
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise InputError("decide_separability: y has NaN for labels. Leave those samples out.")
    classes, at = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"decide_separability: y needs at least two classes. Got {len(classes)}.")
    return exact, classes, at


class _Problem:
    """The data in coordinates of zero mean and unit spread, in which the fits are made."""

    def __init__(self, samples: Matrix, at: Labels, n_classes: int) -> None:
        self.samples, self.at, self.n_classes = samples, at, n_classes
        self.varying = np.flatnonzero((samples != samples[0]).any(axis=0))
        # by powers of two first, which cost no digit: squares of the data's own may leave float64's range
        powers = np.frexp(np.abs(samples).max(axis=0, initial=0.0))[1]
        even = np.ldexp(samples, -powers)
        mean = even.mean(axis=0)
        self.mean = np.ldexp(mean, powers)
        spread = even[:, self.varying].std(axis=0)
        spread[spread == 0] = 1.0  # a spread that is lost in rounding
        self.scale = np.ldexp(spread, powers[self.varying])
        self.white = (even[:, self.varying] - mean[self.varying]) / spread

    def same_place(self) -> Combination | None:
        """Find two equal samples of different classes."""
        first: dict[bytes, int] = {}
        for row, sample in enumerate(self.samples + 0.0):  # no sample is told from another by −0
            twin = first.setdefault(hashlib.blake2b(sample).digest(), row)
            if self.at[twin] != self.at[row] and (self.samples[twin] == sample).all():
                pair = np.array([twin, row])
                return Combination(pair, self.at[pair[::-1]], (1, 1))
        return None

    def fit(
        self,
        rows: npt.NDArray[np.intp] | None = None,
        *,
        newton: bool = False,
        max_iter: int = NEWTON_STEPS,
    ) -> LinearMap:
        """Fit a logistic regression to all rows or to some: without penalty, or by Newton's method."""
        z, at = (self.white, self.at) if rows is None else (self.white[rows], self.at[rows])
        model = LogisticRegression(
            C=FAINT if newton else np.inf,
            solver="newton-cholesky" if newton else "lbfgs",
            max_iter=max_iter,
            tol=1e-12,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the fit has come to is looked at, not believed
            model.fit(z, at)
        weights, offset = model.coef_, model.intercept_
        if len(model.classes_) == 2:  # scikit-learn keeps the lead of the second over the first
            weights, offset = np.vstack([0 * weights, weights]), np.append(0 * offset, offset)
        whole = np.zeros((self.n_classes, len(self.varying)))
        shift = np.zeros(self.n_classes)
        whole[model.classes_], shift[model.classes_] = weights, offset
        return self._in_data_units(whole, shift)

    def _in_data_units(self, weights: Matrix, offset: Matrix) -> LinearMap:
        whole = np.zeros((self.n_classes, self.samples.shape[1]))
        with np.errstate(over="ignore"):
            whole[:, self.varying] = np.nan_to_num(
                weights / self.scale
            )  # such a map proves nothing
        return LinearMap(whole, offset - whole @ self.mean)

    def combine(self, rows: npt.NDArray[np.intp] | None = None) -> Combination | None:
        """Take a fit's probabilities of wrong classes for the multipliers.

        Where some leads grow without bound their shares take part in no combination. A faint penalty
        lets the fit come to rest all the same, and the smallest shares are left out.
        """
        rows = np.arange(len(self.at)) if rows is None else rows
        present = np.unique(self.at[rows])
        if (len(present) - 1) * (len(self.varying) + 1) > NEWTON_UP_TO:
            return None
        fit = self.fit(rows, newton=True)
        share = _wrong_shares(fit, self.samples[rows], self.at[rows], present)
        for least in SMALLEST_SHARES:
            i, j = np.nonzero(share > least)
            if len(i) == 0:
                break
            near = share[i, j]
            tried = Combination(rows[i], present[j], tuple(near.tolist()))
            if excludes_separation(tried, self.samples, self.at):
                if len(i) > SHOWN_WHOLE:
                    return tried
                return whole_multipliers(self.samples, self.at, rows[i], present[j], near) or tried
        return None

    def combine_a_pair(self, fit: LinearMap) -> Combination | None:
        """Look for two classes of several that no map tells apart, the most confused first."""
        if self.n_classes == 2:
            return None
        leads = self.samples @ fit.weights.T + fit.intercept
        confused = np.zeros((self.n_classes, self.n_classes), dtype=np.intp)
        np.add.at(confused, (self.at, leads.argmax(axis=1)), 1)
        confused += confused.T
        pairs = np.column_stack(np.triu_indices(self.n_classes, 1))
        for first, second in pairs[np.argsort(-confused[pairs[:, 0], pairs[:, 1]])][:PAIRS]:
            rows = np.flatnonzero((self.at == first) | (self.at == second))
            if (found := self.combine(rows)) is not None:
                return found
        return None

    def programme(self, fit: LinearMap, time_limit: float) -> LinearMap | Combination | str:
        """Maximise the least lead of bounded maps, over constraints added as they are violated.

        Returns the map, the combination that the dual solution is, or why there is neither.
        """
        d, k = len(self.varying) + 1, self.n_classes
        n_leads = len(self.at) * (k - 1)
        start = min(n_leads, 4 * k * d)
        if start * 2 * d > PROGRAMME_VALUES:
            return (
                "a logistic fit neither separates the classes nor comes to rest where none can be "
                f"separated, and a linear programme of {k * d:,} unknowns is too large"
            )
        leads = _leads(fit, self.samples, self.at)
        active = np.argsort(leads, axis=None)[:start]
        active = active[np.isfinite(leads.ravel()[active])]
        z = np.column_stack([self.white, np.ones(len(self.at))])
        end = time.monotonic() + time_limit
        for _ in range(ROUNDS):
            i, j = np.divmod(active, k)
            answer = linprog(
                c=np.append(np.zeros(k * d), -1.0),
                A_ub=_constraints(z, self.at, i, j, k),
                b_ub=np.zeros(len(active)),
                bounds=(-1, 1),
                method="highs",
                options={"time_limit": max(end - time.monotonic(), 0.0)},
            )
            if answer.x is None or answer.status != 0:
                return f"the linear programme ended without an answer in {time_limit:g} s"
            weights = answer.x[:-1].reshape(k, d)
            found = self._in_data_units(weights[:, :-1], weights[:, -1])
            if proven_margin(found, self.samples, self.at) > 0:
                return found
            share = -answer.ineqlin.marginals
            used = share > 1e-9
            for multipliers in (share[used], None):
                tried = whole_multipliers(self.samples, self.at, i[used], j[used], multipliers)
                if tried is not None and excludes_separation(tried, self.samples, self.at):
                    return tried
            leads = _leads(found, self.samples, self.at)
            more = np.setdiff1d(np.argsort(leads, axis=None)[:start], active)
            more = more[leads.ravel()[more] < answer.x[-1] - 1e-12]
            if not len(more):
                lead = float(answer.x[-1])
                if lead > CLEAR_LEAD:
                    return (
                        f"a map leads by {lead:.1g}, but in the data's own units float64 loses it"
                    )
                return (
                    f"the classes touch: the best lead of any map with bounded entries is "
                    f"{lead:.1g}, too near zero to tell in float64"
                )
            active = np.concatenate([active, more])
        return f"the linear programme was not finished after {ROUNDS} rounds of added constraints"


def _wrong_shares(fit: LinearMap, samples: Matrix, at: Labels, present: Labels) -> Matrix:
    """Return the probabilities of the classes present, zero for the own class."""
    scores = samples @ fit.weights[present].T + fit.intercept[present]
    scores -= scores.max(axis=1, keepdims=True)
    share = np.exp(scores)
    share /= share.sum(axis=1, keepdims=True)
    share[np.arange(len(at)), np.searchsorted(present, at)] = 0.0
    return np.asarray(share)


def _leads(fit: LinearMap, samples: Matrix, at: Labels) -> Matrix:
    """Return the lead of the own class over each: shape (n, n_classes), infinite over itself."""
    scores = samples @ fit.weights.T + fit.intercept
    every = np.arange(len(at))
    leads = scores[every, at][:, None] - scores
    leads[every, at] = np.inf
    return np.asarray(leads)


def _constraints(z: Matrix, at: Labels, i: Labels, j: Labels, n_classes: int) -> Any:
    """Return the rows t − (w_y − w_j)·z ≤ 0 of the programme's unknowns (w, t), a sparse matrix."""
    d, m = z.shape[1], len(i)
    columns = np.hstack(
        [
            at[i][:, None] * d + np.arange(d),
            j[:, None] * d + np.arange(d),
            np.full((m, 1), n_classes * d),
        ]
    )
    values = np.hstack([-z[i], z[i], np.ones((m, 1))])
    rows = np.repeat(np.arange(m), 2 * d + 1)
    return csr_array((values.ravel(), (rows, columns.ravel())), shape=(m, n_classes * d + 1))
