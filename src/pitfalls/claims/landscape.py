"""Beyond homework 2e: the values that the loss takes at critical points."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from itertools import product as tuples
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.exact import Entry, Matrix, factor, product
from pitfalls.claims.floating import Array, LayerShapes, chain, layer_slopes
from pitfalls.claims.layers import layer_gradients
from pitfalls.claims.optimality import regauge
from pitfalls.claims.planted import PlantedProblem, plant
from pitfalls.claims.risk import library_risk, matrix_risk
from pitfalls.linear import SquaredRisk, critical_point

__all__ = ["CLAIMS"]

Layers = Sequence[Matrix]
Values = Callable[[Entry, Sequence[Entry], int], list[Entry]]


def _critical_values(total: Entry, strengths: Sequence[Entry], size: int) -> list[Entry]:
    """Return every 1/2 (total - sum over S of lambda_i) with S of the given size."""
    return [Fraction(1, 2) * (total - sum(chosen)) for chosen in combinations(strengths, size)]


def _strengths(problem: PlantedProblem) -> list[Entry]:
    """Return the eigenvalues of Sigma = Y' P Y, one for every output, zeros included."""
    p = problem.left.shape[0]
    return [s * s for s in problem.modes] + [0] * (p - len(problem.modes))


def _critical_maps(left: Array, fit: Array, size: int) -> list[Array]:
    """Return every U_S U_S' Y'P with S of the given size: what the map does to the data."""
    chosen = (left[:, list(some)] for some in combinations(range(left.shape[1]), size))
    return [u @ (u.T @ fit) for u in chosen]


class LandscapeSubject(NamedTuple):
    """The values and maps that a critical point may have, and the library's maker of critical points."""

    values: Values
    maps: Callable[[Array, Array, int], list[Array]]
    make: Callable[[SquaredRisk, Sequence[int], Sequence[int], int], Sequence[Array]]


def _library_point(
    risk: SquaredRisk, widths: Sequence[int], modes: Sequence[int], seed: int
) -> Sequence[Array]:
    return critical_point(risk, widths, modes, random_state=seed)


def _problems(search: Search) -> Iterator[tuple[PlantedProblem, list[int]]]:
    draw = search.random
    # two sets of modes with the same risk, 64 + 1 = 49 + 16
    for widths in ([4, 4, 4], [5, 4, 2, 4]):
        yield plant(draw, 6, widths[0], 4, x_rank=4, modes=[8, 7, 4, 1]), widths
    for close in (Fraction(1, 10**3), Fraction(1, 10**6)):  # nearly equal, and nothing to learn
        yield plant(draw, 5, 3, 3, modes=[2 + close, 2, 1]), [3, 3, 3]
    yield plant(draw, 5, 3, 3, modes=[0, 0, 0]), [3, 2, 3]
    for _ in range(search.pick(30, 600)):
        d, p, n = (int(v) for v in draw.integers(1, 5, 3))
        problem = plant(draw, n, d, p, x_rank=int(draw.integers(1, min(n, d) + 1)))
        yield problem, [d, *(int(w) for w in draw.integers(1, 5, draw.integers(1, 4))), p]


def _attack_values(subject: LandscapeSubject, search: Search) -> None:
    for problem, widths in _problems(search):
        total, strengths = problem.y.squared_norm(), _strengths(problem)
        alive = [i for i, s in enumerate(problem.modes) if s]
        for size in range(min(min(widths), len(alive)) + 1):
            allowed = subject.values(total, strengths, size)
            for chosen in combinations(alive, size):
                layers = regauge(search, factor(problem.solution(chosen), widths))
                slopes = layer_gradients(layers, problem.x, problem.y)
                assert all(slope.is_zero() for slope in slopes)
                described = f"widths {tuple(widths)}, modes {problem.modes}, fitting {chosen}"
                search.require(
                    matrix_risk(layers, problem.x, problem.y) in allowed,
                    f"{described}: the critical point has a risk that is not foreseen",
                )
                _require_map(subject, search, problem, layers, size, described)
                _attack_made_point(subject, search, problem, widths, chosen)
    _attack_listed(subject, search)
    for _ in range(search.pick(12, 250)):
        _search_by_descent(subject, search)


def _require_map(
    subject: LandscapeSubject,
    search: Search,
    problem: PlantedProblem,
    layers: Layers,
    size: int,
    described: str,
) -> None:
    """Compare what the map does to the data with the maps foreseen; only where those are finitely many."""
    if len({*_strengths(problem)}) < problem.left.shape[0]:
        return
    fit = (problem.solution(range(len(problem.modes))) @ problem.x.T).to_array()
    seen = (product(layers) @ problem.x.T).to_array()
    foreseen = subject.maps(problem.left.to_array(), fit, size)
    search.compare(_distance(seen, foreseen, fit), 1e-12, f"{described}: the map is not foreseen")


def _distance(seen: Array, foreseen: list[Array], fit: Array) -> float:
    """Return how far the nearest map foreseen is, as a share of what can be fitted."""
    gaps = [float(np.abs(seen - other).max()) for other in foreseen]
    return min(gaps, default=np.inf) / max(1e-3, float(np.abs(fit).max()))


def _attack_made_point(
    subject: LandscapeSubject,
    search: Search,
    problem: PlantedProblem,
    widths: Sequence[int],
    chosen: Sequence[int],
) -> None:
    """Ask the library for a point that fits these modes; repeated modes have no numbers of their own."""
    alive = [s for s in problem.modes if s]
    if len(set(alive)) < len(alive):
        return
    risk, seed = library_risk(problem.x, problem.y), int(search.random.integers(1 << 30))
    layers = subject.make(risk, widths, [i + 1 for i in chosen], seed)
    total = float(problem.y.squared_norm())
    described = f"widths {tuple(widths)}, modes {problem.modes}, fitting {tuple(chosen)}"
    size = max(float(np.abs(layer).max()) for layer in layers)
    slope = max(float(np.abs(slope).max()) for slope in risk.layer_gradients(layers))
    search.compare(
        slope / max(1.0, total) / max(1.0, size) ** len(layers),
        1e-9,
        f"{described}: critical_point is not critical",
    )
    data = problem.x.to_array().T
    asked = problem.solution(chosen).to_array() @ data
    search.compare(
        float(np.abs(chain(layers, len(data)) @ data - asked).max()) / max(1.0, total**0.5),
        1e-8,
        f"{described}: critical_point does not have the map asked for",
    )


def _attack_listed(subject: LandscapeSubject, search: Search) -> None:
    """List every point with entries -1, 0, 1 of a network of width 2, and look at the critical ones."""
    entries = np.array(list(tuples((-1, 0, 1), repeat=4))).reshape(-1, 2, 2)
    second, first = (a.reshape(-1, 2, 2) for a in np.broadcast_arrays(entries[:, None], entries))
    for strengths in ((1, 0), (1, 1), (0, 0)):
        error = second @ first - np.diag(strengths)
        slopes = np.abs(second.swapaxes(1, 2) @ error) + np.abs(error @ first.swapaxes(1, 2))
        for i in np.flatnonzero(slopes.sum((1, 2)) == 0):
            whole = second[i] @ first[i]
            size = int(np.linalg.matrix_rank(whole))
            described = f"W1 = {first[i].tolist()}, W2 = {second[i].tolist()}, modes {strengths}"
            value = Fraction(int(np.sum(error[i] ** 2)), 2)
            allowed = subject.values(sum(strengths), [s**2 for s in strengths], size)
            search.require(value in allowed, f"{described}: the risk {value} is not foreseen")
            if strengths == (1, 0):
                fit = np.diag(strengths).astype(float)
                gap = _distance(whole, subject.maps(np.eye(2), fit, size), fit)
                search.compare(gap, 1e-12, f"{described}: the map is not foreseen")


def _search_by_descent(subject: LandscapeSubject, search: Search) -> None:
    """Drive all layer derivatives to zero from a random start, wherever that leads."""
    draw = search.random
    d, p = (int(v) for v in draw.integers(1, 4, 2))
    widths = [d, *(int(w) for w in draw.integers(1, 4, draw.integers(1, 3))), p]
    n = d + 3
    x, y = draw.normal(size=(n, d)), draw.normal(size=(n, p))
    sxx, syx, total = x.T @ x, y.T @ x, float(np.sum(y * y))
    shapes = LayerShapes(widths)

    def slopes(vector: Array) -> Array:
        return shapes.flatten(layer_slopes(shapes.unflatten(vector), sxx, syx))

    start = draw.normal(size=shapes.size) * draw.choice([0.1, 0.5, 1.0])
    found = least_squares(slopes, start, xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=300)
    if float(np.abs(slopes(found.x)).max()) > 1e-9:
        return  # it has not come to rest
    whole = chain(shapes.unflatten(found.x), d)
    spectrum = np.linalg.svd(whole, compute_uv=False)
    if bool(np.any((spectrum > 1e-6) & (spectrum < 1e-2))):
        return  # no clear rank: degenerate points are approached slowly
    size = int(np.sum(spectrum > 1e-2))
    fit = syx @ np.linalg.solve(sxx, x.T)
    strengths, left = (values[..., ::-1] for values in np.linalg.eigh(fit @ fit.T))
    value = 0.5 * float(np.sum((x @ whole.T - y) ** 2))
    allowed = subject.values(total, [float(s) for s in strengths], size)
    described = (
        f"widths {tuple(widths)}, strengths {np.round(strengths, 6).tolist()}, at rest, rank {size}"
    )
    search.compare(
        min((abs(value - float(v)) for v in allowed), default=np.inf) / max(1.0, total),
        1e-8,
        f"{described} and risk {value:.12g}",
    )
    if p <= d:  # else zero is an eigenvalue more than once
        gap = _distance(whole @ x.T, subject.maps(left, fit, size), fit)
        # it rests up to a gradient of 1e-9, over the gaps between the modes
        search.compare(gap, 1e-6, f"{described}: the map is not foreseen")


CRITICAL_VALUES = Claim(
    id="2e-critical-values",
    title="At every critical point map and loss are fixed by which modes are fitted",
    part="2e",
    statement=r"""
Let $P$ be the projector onto the column space of $X$ and let $lambda_1 >= dots >= lambda_p >= 0$ be
the eigenvalues of $Sigma = Y^top P Y$ (which is $Syx Sxx^(-1) Sxy$ if $Sxx$ is invertible). At
every critical point of $R$, of any depth and widths, there is a set $S subset.eq {1, dots, p}$ of
size $r = rank Wbar$ such that
$ R = 1/2 (tr Syy - sum_(i in S) lambda_i). $
On the data the map is $Wbar X^top = U_S U_S^top Y^top P$, with orthonormal eigenvectors $U_S$ of
$Sigma$ for the $lambda_i$, $i in S$. If the $lambda_i$ are distinct, $S$ is unique: it can be read
off the map. It cannot always be read off the value of $R$.
""",
    derivation=r"""
Only the first and the last layer are needed.

*Step 1.* The derivative in $W_1$ is $A_1^top G = 0$ (as $B_1 = I$). Multiplying from the left by
$W_1^top$ gives $Wbar^top G = 0$, since $Wbar = A_1 W_1$. The derivative in $W_L$ is $G B_L^top =
0$; multiplying from the right by $W_L^top$ gives $G Wbar^top = 0$, since $Wbar = W_L B_L$. For $L =
1$ both follow from $G = 0$.

*Step 2: the map.* Let $Pi$ be the projector onto the column space of $Wbar$; its trace is
$r = rank Wbar$. From $Wbar^top G = 0$ we get $Pi G = 0$, and since $Pi Wbar = Wbar$,
$ Wbar X^top X = Pi Y^top X, quad "that is" quad (Wbar X^top - Pi Y^top) X = 0. $
So $(Wbar X^top - Pi Y^top) P = 0$, and because $X^top P = X^top$,
$ Wbar X^top = Pi Y^top P. $

*Step 3: $Pi$ commutes with $Sigma$.* From $G Wbar^top = 0$ we get
$Wbar X^top (Wbar X^top)^top = Y^top (Wbar X^top)^top$. Inserting step 2 and $P^2 = P = P^top$,
$ Pi Y^top P Y Pi = Y^top P Y Pi, quad "that is" quad Pi Sigma Pi = Sigma Pi. $
The left side is symmetric, so $Sigma Pi = (Sigma Pi)^top = Pi Sigma$.

*Step 4: the value.* Using step 2 in $2 R = norm(Wbar X^top - Y^top)_F^2$ and then step 3,
$ 2 R &= tr(Pi Y^top P Y Pi) - 2 tr(Pi Y^top P Y) + tr(Y^top Y) \
      &= tr Syy - tr(Pi Sigma). $
Since $Pi$ and the symmetric $Sigma$ commute, $Sigma$ maps the range of $Pi$ to itself, and that
range has an orthonormal basis of $r$ eigenvectors of $Sigma$, which the rest of $RR^p$ completes.
With $S$ the indices of those eigenvectors, $tr(Pi Sigma) = sum_(i in S) lambda_i$. $square$

With these eigenvectors $Pi = U_S U_S^top$, and step 2 reads $Wbar X^top = U_S U_S^top Y^top P$.

*Distinct eigenvalues.* Then the eigenvectors are unique up to sign, so $Pi$, and with it the map,
belongs to one $S$ only. If $Sxx$ is invertible, multiplying step 2 by $X Sxx^(-1)$ gives
$Wbar = U_S U_S^top Syx Sxx^(-1)$.

*Equal values.* Different sets may give the same $R$. With the modes $sqrt(lambda_i) = 8, 7, 4, 1$
the sets ${1, 4}$ and ${2, 3}$ both explain $64 + 1 = 49 + 16 = 65$, by different maps.

*Reading it.* The least of these values for $r = dmin$ takes the largest $lambda_i$: it is the minimum of
2d-bottleneck. Any larger value belongs to a critical point that is no global minimum, and near which
descent may rest for long.
""",
    source=(
        "Beyond homework 2(e). Baldi and Hornik (1989) for two layers; Achour, Malgouyres and "
        "Gerchinovitz (JMLR 25, 2024) for the order of the saddles. The derivation is ours."
    ),
    assumptions=(),
    attack=_attack_values,
    subject=LandscapeSubject(_critical_values, _critical_maps, _library_point),
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "Values and maps of exact critical points for every subset of the modes (repeated, nearly equal "
        "and zero ones and X of any rank included), of those of critical_point, of all critical points "
        "with entries -1, 0, 1 of a network of width 2, and of points where a root search comes to rest."
    ),
)

CLAIMS = (CRITICAL_VALUES,)
