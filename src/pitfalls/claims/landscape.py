"""Beyond homework 2e: the values that the loss takes at critical points."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from pitfalls.claims.claim import Claim, Evidence, Search
from pitfalls.claims.exact import Entry, factor
from pitfalls.claims.floating import Array, LayerShapes, chain, layer_slopes
from pitfalls.claims.layers import layer_gradients
from pitfalls.claims.optimality import regauge
from pitfalls.claims.planted import PlantedProblem, plant
from pitfalls.claims.risk import library_risk, matrix_risk
from pitfalls.linear import SquaredRisk, critical_point

__all__ = ["CLAIMS"]

Values = Callable[[Entry, Sequence[Entry], int], list[Entry]]


def _critical_values(total: Entry, strengths: Sequence[Entry], size: int) -> list[Entry]:
    """Return every 1/2 (total - sum over S of lambda_i) with S of the given size."""
    return [Fraction(1, 2) * (total - sum(chosen)) for chosen in combinations(strengths, size)]


def _strengths(problem: PlantedProblem) -> list[Entry]:
    """Return the eigenvalues of Sigma = Y' P Y, one for every output, zeros included."""
    p = problem.left.shape[0]
    return [s * s for s in problem.modes] + [0] * (p - len(problem.modes))


class LandscapeSubject(NamedTuple):
    """The values that a critical point may have, and the library's maker of critical points."""

    values: Values
    make: Callable[[SquaredRisk, Sequence[int], Sequence[int], int], Sequence[Array]]


def _library_point(
    risk: SquaredRisk, widths: Sequence[int], modes: Sequence[int], seed: int
) -> Sequence[Array]:
    return critical_point(risk, widths, modes, random_state=seed)


def _attack_values(subject: LandscapeSubject, search: Search) -> None:
    values = subject.values
    for _ in range(search.pick(30, 600)):
        draw = search.random
        d, p, n = (int(v) for v in draw.integers(1, 5, 3))
        problem = plant(draw, n, d, p, x_rank=int(draw.integers(1, min(n, d) + 1)))
        total, strengths = problem.y.squared_norm(), _strengths(problem)
        widths = [d, *(int(w) for w in draw.integers(1, 5, draw.integers(1, 4))), p]
        alive = [i for i, s in enumerate(problem.modes) if s]
        for size in range(min(min(widths), len(alive)) + 1):
            allowed = values(total, strengths, size)
            for chosen in combinations(alive, size):
                layers = regauge(search, factor(problem.solution(chosen), widths))
                slopes = layer_gradients(layers, problem.x, problem.y)
                assert all(slope.is_zero() for slope in slopes)
                value = matrix_risk(layers, problem.x, problem.y)
                _attack_made_point(subject, search, problem, widths, chosen)
                search.require(
                    value in allowed,
                    f"widths {tuple(widths)}, modes {problem.modes}: the critical point that fits modes "
                    f"{chosen} has the risk {value}",
                )
    for _ in range(search.pick(12, 250)):
        _search_by_descent(values, search)


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
    predicted = 0.5 * (total - float(sum(problem.modes[i] ** 2 for i in chosen)))
    described = f"widths {tuple(widths)}, modes {problem.modes}, fitting {tuple(chosen)}"
    size = max(float(np.abs(layer).max()) for layer in layers)
    slope = max(float(np.abs(slope).max()) for slope in risk.layer_gradients(layers))
    search.compare(
        slope / max(1.0, total) / max(1.0, size) ** len(layers),
        1e-9,
        f"{described}: critical_point is not critical",
    )
    whole = chain(layers, problem.x.shape[1])
    residual = problem.x.to_array() @ whole.T - problem.y.to_array()
    search.compare(
        abs(0.5 * float(np.sum(residual**2)) - predicted) / max(1.0, total),
        1e-9,
        f"{described}: critical_point does not have the risk {predicted:.6g}",
    )


def _search_by_descent(values: Values, search: Search) -> None:
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
    strengths = np.linalg.eigvalsh(syx @ np.linalg.solve(sxx, syx.T))[::-1]
    value = 0.5 * float(np.sum((x @ whole.T - y) ** 2))
    allowed = values(total, [float(s) for s in strengths], size)
    search.compare(
        min((abs(value - float(v)) for v in allowed), default=np.inf) / max(1.0, total),
        1e-8,
        f"widths {tuple(widths)}, strengths {np.round(strengths, 6).tolist()}: at rest with rank "
        f"{size} and risk {value:.12g}",
    )


CRITICAL_VALUES = Claim(
    id="2e-critical-values",
    title="At every critical point the loss is fixed by which modes are fitted",
    part="2e",
    statement=r"""
Let $P$ be the projector onto the column space of $X$ and let $lambda_1 >= dots >= lambda_p >= 0$ be
the eigenvalues of $Sigma = Y^top P Y$ (which is $Syx Sxx^(-1) Sxy$ if $Sxx$ is invertible). At
every critical point of $R$, of any depth and widths, there is a set $S subset.eq {1, dots, p}$ of
size $r = rank Wbar$ such that
$ R = 1/2 (tr Syy - sum_(i in S) lambda_i). $
If $Sxx$ is invertible and the $lambda_i$ are distinct, $S$ is unique and
$Wbar = U_S U_S^top Syx Sxx^(-1)$, $U_S$ holding the eigenvectors of $S$.
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

*Distinct eigenvalues.* Then the eigenvectors are unique up to sign, so $Pi = U_S U_S^top$ for one
$S$ only, and step 2 reads $Wbar Sxx = U_S U_S^top Syx$.

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
    subject=LandscapeSubject(_critical_values, _library_point),
    evidence=Evidence.NUMERIC,
    finding=(
        "Exact critical points for every subset of the modes (repeated ones and X of any rank "
        "included), those of critical_point, and points where a root search comes to rest."
    ),
)

CLAIMS = (CRITICAL_VALUES,)
