"""The verdict on a point: not critical, global minimum, strict or non-strict saddle, with a witness.

In white coordinates M = W̄E and K = U diag(s) Z' (`DataModes`), so 2R = ‖M − K‖² + constant. At a
critical point M is K restricted to r of its singular modes, the set S; the rest of K is left over as
G = M − K. Then, for any data and any widths:

- if a mode left over is stronger than a mode kept, turning the kept one towards it goes down: a
  *strict saddle*;
- if M holds the strongest modes that fit, the narrowest width or all of K, it is a *global minimum*;
- else the point is a saddle, and the Hessian is positive semidefinite if and only if every pivot
  (i, j), L >= i > j >= 1, is tightened: W_{i−1}...W_{j+1} or W_{j−1}...W_1 K' W_L...W_{i+1} has rank
  exactly r. Tightened: a *non-strict saddle*, otherwise a *strict* one.

The published theorem assumes p <= d <= n, invertible S_xx, K of rank p and distinct modes. The second
order test itself needs none of this (the derivation is in the guide on linear networks); what is lost
without them is only that S is unique.

References
----------
E. M. Achour, F. Malgouyres, S. Gerchinovitz, The loss landscape of deep linear neural networks: a
second-order analysis, Journal of Machine Learning Research 25(242), 2024.
"""

from collections.abc import Callable

import numpy as np

from pitfalls.linear.certificate import optimality_certificate
from pitfalls.linear.curvature import curvature_along, lowest_curvature
from pitfalls.linear.escape import pivot_directions, steepest_in_span, swap_directions
from pitfalls.linear.gauge import count
from pitfalls.linear.network import Matrix, Weights, as_weights
from pitfalls.linear.pivots import Pivot, WhitePoint, measure_pivots
from pitfalls.linear.risk import SquaredRisk
from pitfalls.linear.verdict import (
    EscapeDirection,
    GlobalMinimumWitness,
    Grounds,
    LayerGradientWitness,
    PointVerdict,
    SaddleWitness,
    Verdict,
    Witness,
)

__all__ = ["classify"]


def classify(
    risk: SquaredRisk,
    weights: Weights,
    *,
    tol: float = 1e-8,
    confirm: bool = True,
    max_products: int | None = None,
) -> PointVerdict:
    """Say what kind of point of the risk's landscape the weights are, and why.

    Parameters
    ----------
    risk : SquaredRisk
    weights : network, or sequence of arrays or tensors
        W_1, ..., W_L.
    tol : float
        Layer gradients below this share of the scale of what they are made of count as zero.
    confirm : bool
        Whether to look for negative curvature at a non-strict saddle all the same (by Lanczos).
    max_products : int or None
        Bound on the Hessian-vector products spent on looking; None takes 400, and 40 for networks
        of more than 20,000 weights.

    Returns
    -------
    PointVerdict
        Its verdict is 'undecided' where a margin is within tolerance and curvature does not settle it.

    Examples
    --------
    >>> from pitfalls.moments import SecondMoments
    >>> x = np.random.default_rng(0).standard_normal((50, 3))
    >>> risk = SquaredRisk(SecondMoments.from_arrays(x, x[:, :2]))
    >>> origin = [np.zeros((4, 3)), np.zeros((2, 4))]
    >>> classify(risk, origin).verdict
    'strict saddle'
    >>> classify(risk, [np.zeros((4, 3)), np.zeros((4, 4)), np.zeros((2, 4))]).verdict
    'non-strict saddle'
    """
    layers = as_weights(weights, "classify")
    risk.check(layers, "classify")
    if max_products is None:
        max_products = 400 if sum(w.size for w in layers) <= 20_000 else 40
    point = WhitePoint.of(layers, risk)
    gradient = point.relative_gradients()
    worst = max(gradient)
    floor = point.rounding
    doubts: list[str] = []
    if point.gauge.doubtful:
        doubts.append("a layer's singular value lies between rounding and rank")
    capacity = min(risk.modes.rank_x, *(len(w) for w in layers))
    base = _Draft(risk, layers, point, capacity, worst)
    if worst > max(tol, floor):
        norms = tuple(float(np.linalg.norm(g)) for g in risk.layer_gradients(layers))
        return base.finish("not critical", "gradient", LayerGradientWitness(norms, gradient))

    # below `zero` nothing can be told from rounding and the gradient that was let pass
    zero = max(1e-9, 30 * max(worst, floor))
    nonzero = 100 * zero
    if worst > tol or zero > 1e-3:
        base.doubts = [
            *doubts,
            "the gradient, or rounding in the hidden coordinates, hides the ranks",
        ]
        return base.finish("undecided", "nothing", None)
    kept, left = point.kept, point.left
    rank, doubt = count(kept, 1.0, zero, nonzero)
    if doubt:
        doubts.append("a singular value of the map lies between rounding and rank")
    most, doubt = count(risk.modes.values / point.unit, 1.0, zero, nonzero)
    if doubt:
        doubts.append("a mode of the data lies between rounding and rank")
    most = min(most, capacity)
    weakest = float(kept[rank - 1]) if rank else np.inf
    strongest = float(left[0]) if len(left) else 0.0
    base.hold(rank, point, doubts)

    if strongest - weakest > nonzero:  # a stronger mode is left over than one that is kept
        base.add(steepest_in_span(risk, layers, swap_directions(point, layers)), "swap of modes")
        return base.strict(max_products)
    if strongest - weakest > zero:
        doubts.append("a mode left over equals a mode kept to within tolerance")
    if strongest <= zero or rank >= most:
        if doubts:
            return base.settle(max_products)
        witness = GlobalMinimumWitness(
            rank=rank,
            max_rank=most,
            weakest_kept=weakest * point.unit if rank else 0.0,
            strongest_left=strongest * point.unit,
            certificate=optimality_certificate(risk, layers),
        )
        return base.finish("global minimum", base.basis, witness)
    if strongest <= nonzero:
        doubts.append("what is left of the data's modes is small but not zero")

    base.pivots = measure_pivots(point, rank, zero, nonzero)
    if any(p.doubtful for p in base.pivots):
        doubts.append("a pivot's block has a singular value between rounding and rank")
    loose = [p for p in base.pivots if not p.tightened]
    if not loose:
        if doubts:
            return base.settle(max_products)
        return base.non_strict(confirm, max_products)
    for pivot in loose:
        for directions in pivot_directions(point, pivot):
            base.add(
                steepest_in_span(risk, layers, directions), f"pivot ({pivot.after}, {pivot.before})"
            )
    return base.strict(max_products)


class _Draft:
    """A `PointVerdict` in the making."""

    def __init__(
        self,
        risk: SquaredRisk,
        layers: tuple[Matrix, ...],
        point: WhitePoint,
        capacity: int,
        worst: float,
    ) -> None:
        self.risk, self.layers, self.worst = risk, layers, worst
        self.pivots: tuple[Pivot, ...] = ()
        self.rank = count(point.kept, 1.0, 1e-9, 1e-9)[0]
        self.modes: tuple[int, ...] = ()
        self.doubts: list[str] = []
        self.failing = failing_assumptions(risk)
        self.escape: EscapeDirection | None = None
        self.value = float(risk.value(layers))
        self.excess = risk.excess(layers, capacity)
        self.scale = point.unit**2

    def hold(self, rank: int, point: WhitePoint, doubts: list[str]) -> None:
        """Note the rank and the modes of a critical point."""
        self.rank, self.doubts = rank, doubts
        self.modes = _matching_modes(point.kept[:rank], self.risk.modes.values / point.unit)

    @property
    def basis(self) -> Grounds:
        return "value" if self.failing else "theorem"

    def add(self, direction: list[Matrix] | None, origin: str) -> None:
        """Keep the direction if it is the steepest one so far."""
        if direction is None:
            return
        curvature = curvature_along(self.risk, self.layers, direction)
        if curvature < 0 and (self.escape is None or curvature < self.escape.curvature):
            self.escape = EscapeDirection(tuple(direction), curvature, origin)

    def strict(self, max_products: int) -> PointVerdict:
        """Settle for a strict saddle if the curvature found is clearly negative."""
        if self.escape is not None and self.clearly_down(self.escape):
            return self.finish("strict saddle", self.basis, self.escape)
        return self.settle(max_products)

    def clearly_down(self, escape: EscapeDirection) -> bool:
        image = self.risk.hessian_vector_product(self.layers, list(escape.direction))
        size = float(np.sqrt(sum(float(np.sum(h * h)) for h in image)))
        return escape.curvature < -1e-9 * size

    def settle(self, max_products: int) -> PointVerdict:
        """Let the measured curvature decide, or nobody."""
        start = self.escape.direction if self.escape is not None else None
        found = lowest_curvature(self.risk, self.layers, start=start, max_products=max_products)
        # a gradient that was let pass bends the surface by as much
        margin = max(1e-6, 100 * self.worst)
        clear = found.value < -margin * found.largest and self.excess > margin * self.scale
        if clear:
            escape = EscapeDirection(found.direction, found.value, "Lanczos")
            return self.finish("strict saddle", "curvature", escape)
        return self.finish("undecided", "nothing", None)

    def non_strict(self, confirm: bool, max_products: int) -> PointVerdict:
        """Settle for a non-strict saddle unless negative curvature turns up."""
        if not confirm:
            return self.finish("non-strict saddle", self.basis, SaddleWitness(None, None, False))
        found = lowest_curvature(self.risk, self.layers, max_products=max_products)
        if found.value < -1e-6 * found.largest:
            self.doubts.append("the pivots say non-strict, a curvature below zero was measured")
            return self.finish("undecided", "nothing", None)
        witness = SaddleWitness(found.value, found.largest, found.converged)
        return self.finish("non-strict saddle", self.basis, witness)

    def finish(self, verdict: Verdict, decided_by: Grounds, witness: Witness) -> PointVerdict:
        return PointVerdict(
            verdict=verdict,
            rank=self.rank,
            modes=self.modes,
            risk=self.value,
            excess=self.excess,
            pivots=self.pivots,
            witness=witness,
            decided_by=decided_by,
            failing=self.failing,
            doubts=tuple(self.doubts),
            relative_gradient=self.worst,
        )


def failing_assumptions(risk: SquaredRisk) -> tuple[str, ...]:
    """List the assumptions of the published theorem that a problem does not meet."""
    modes, d, p = risk.modes, risk.n_features, risk.n_outputs
    unit = float(modes.values[0]) if len(modes.values) else 0.0
    checks: list[tuple[Callable[[], bool], str]] = [
        (lambda: p <= d, f"p <= d (p = {p}, d = {d})"),
        (lambda: modes.rank_x == d, f"S_xx invertible (rank {modes.rank_x} of {d})"),
        (lambda: modes.rank == p, f"Y'X of rank p (rank {modes.rank}, p = {p})"),
        (
            lambda: not np.any(-np.diff(modes.values[: modes.rank]) <= 1e-9 * unit),
            "distinct modes",
        ),
    ]
    return tuple(name for holds, name in checks if not holds())


def _matching_modes(kept: Matrix, modes: Matrix) -> tuple[int, ...]:
    """Assign every singular value of the map to the data's nearest mode not yet taken."""
    free = list(range(len(modes)))
    taken = []
    for value in kept:
        if not free:
            break
        nearest = min(free, key=lambda k: (abs(round(float(modes[k] - value), 7)), k))
        free.remove(nearest)
        taken.append(nearest + 1)
    return tuple(sorted(taken))
