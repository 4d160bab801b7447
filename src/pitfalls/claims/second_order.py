"""Beyond homework 2e: white coordinates, the second derivative, and what it says of two modes."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.critical_points import CriticalPoint, draw_point, dressed, pivots
from pitfalls.claims.exact import Entry, Matrix, factor, product, rank, unknowns
from pitfalls.claims.layers import layer_gradients, parts
from pitfalls.claims.optimality import regauge
from pitfalls.claims.planted import PlantedProblem, plant
from pitfalls.claims.risk import (
    HALF,
    arrays,
    data_risk,
    integer_problem,
    library_risk,
    matrix_risk,
)

__all__ = ["CLAIMS", "Layers", "curvature", "swap", "white_curvature"]

Layers = Sequence[Matrix]
Curvature = Callable[[Layers, Layers, Matrix, Matrix], Entry]


def curvature(layers: Layers, directions: Layers, x: Matrix, y: Matrix) -> Entry:
    """Return the second derivative of R along directions V, by the formula of 2e-curvature."""
    sides, error = parts(layers), product(layers) @ (x.T @ x) - y.T @ x
    moves = [a @ v @ b for v, (a, b) in zip(directions, sides, strict=True)]
    total = (sum(moves[1:], moves[0]) @ x.T).squared_norm()
    for i, j in pivots(len(layers)):
        v_j = directions[j - 1]
        between = v_j if i == j + 1 else product(layers[j : i - 1]) @ v_j
        crossing = sides[j - 1][1] @ error.T @ sides[i - 1][0]
        total += 2 * (directions[i - 1] @ between @ crossing).trace()
    return total


def white_curvature(point: CriticalPoint, directions: Layers) -> Entry:
    """Return the second derivative at a point in white coordinates."""
    inputs = Matrix.identity(point.target.shape[1])
    return curvature(point.layers, directions, inputs, point.target.T)


def _by_definition(layers: Layers, directions: Layers, x: Matrix, y: Matrix, t: Entry) -> Entry:
    """Differentiate the polynomial t -> R(W + tV) twice, at zero."""
    moved = [w + t * v for w, v in zip(layers, directions, strict=True)]
    return matrix_risk(moved, x, y).diff(t).diff(t).subs(t, 0)


class CurvatureSubject(NamedTuple):
    """The formula, and the library's Hessian-vector product."""

    formula: Curvature
    library: Callable[[Layers, Layers, Matrix, Matrix], float]


def _library_curvature(layers: Layers, directions: Layers, x: Matrix, y: Matrix) -> float:
    along = arrays(directions)
    image = library_risk(x, y).hessian_vector_product(arrays(layers), along)
    return float(sum(np.sum(h * v) for h, v in zip(image, along, strict=True)))


def _attack_curvature(subject: CurvatureSubject, search: Search) -> None:
    shapes = ((1, 1), (2, 1, 2), (1, 2, 1), (1, 1, 1, 1), (2, 1, 1, 2), (1, 1, 1, 1, 1))
    for widths in shapes[: search.pick(5, 6)]:
        sizes = list(pairwise(widths))
        named = {f"{n}{i}": (b, a) for n in "WV" for i, (a, b) in enumerate(sizes, start=1)}
        t, *both, x, y = unknowns(t=(1, 1), **named, X=(1, widths[0]), Y=(1, widths[-1]))
        layers, directions = both[: len(sizes)], both[len(sizes) :]
        search.require(
            subject.formula(layers, directions, x, y)
            == _by_definition(layers, directions, x, y, t[0, 0]),
            f"widths {widths}: not the second derivative",
        )
    (t,) = unknowns(t=(1, 1))
    for _ in range(search.pick(60, 1500)):
        layers, x, y = integer_problem(search)
        directions = [Matrix.random(search.random, *w.shape) for w in layers]
        exact = _by_definition(layers, directions, x, y, t[0, 0])
        described = f"layers {layers}, directions {directions}, X = {x}, Y = {y}"
        search.require(
            subject.formula(layers, directions, x, y) == exact,
            f"{described}: the second derivative is {exact}",
        )
        size = max(1.0, *(float(np.abs(w).max()) for w in arrays([*layers, *directions])))
        scale = size ** (2 * len(layers)) * float(1 + x.squared_norm()) + float(y.squared_norm())
        found = subject.library(layers, directions, x, y)
        search.compare(abs(found - float(str(exact))) / scale, 1e-12, f"{described}: {found}")


White = Callable[[PlantedProblem], tuple[Matrix, Matrix]]


def _white(problem: PlantedProblem) -> tuple[Matrix, Matrix]:
    """Return E and K = Syx E (E'E)^-1."""
    return problem.colour, problem.y.T @ problem.x @ problem.reader.T


def _attack_white(white: White, search: Search) -> None:
    for _ in range(search.pick(60, 1200)):
        draw = search.random
        d, p, n = (int(v) for v in draw.integers(1, 4, 3))
        problem = plant(draw, n, d, p, x_rank=int(draw.integers(1, min(n, d) + 1)))
        colour, target = white(problem)
        sxx = problem.x.T @ problem.x
        search.require(colour @ colour.T == sxx, f"X = {problem.x}: E E' is not X'X")
        widths = [d, *(int(w) for w in draw.integers(1, 4, draw.integers(0, 3))), p]
        drawn = [Matrix.random(draw, b, a) for a, b in pairwise(widths)]
        alive = [k for k, s in enumerate(problem.modes) if s][: min(widths)]
        some = problem.solution([k for k in alive if draw.random() < 0.6])
        for layers in (drawn, regauge(search, factor(some, widths))):
            _require_white(layers, problem, colour, target, search)


def _require_white(
    layers: Layers, problem: PlantedProblem, colour: Matrix, target: Matrix, search: Search
) -> None:
    x, y = problem.x, problem.y
    inputs = Matrix.identity(colour.shape[1])
    inner = [layers[0] @ colour, *layers[1:]]
    described = f"layers {list(layers)}, X = {x}, Y = {y}, E = {colour}, K = {target}"
    risk = data_risk(product(inner), inputs, target.T)
    rest = HALF * (y.squared_norm() - target.squared_norm())
    search.require(matrix_risk(layers, x, y) == risk + rest, f"{described}: another risk")
    rests = [
        all(slope.is_zero() for slope in layer_gradients(*case))
        for case in ((layers, x, y), (inner, inputs, target.T))
    ]
    search.require(rests[0] == rests[1], f"{described}: critical in one of them only")
    along = [Matrix.random(search.random, *w.shape) for w in layers]
    white_along = [along[0] @ colour, *along[1:]]
    search.require(
        curvature(layers, along, x, y) == curvature(inner, white_along, inputs, target.T),
        f"{described}: another second derivative",
    )


class SwapSubject(NamedTuple):
    """The direction that turns a mode kept towards one left over, and the curvature along it."""

    direction: Callable[[CriticalPoint, int, int], list[Matrix]]
    claimed: Callable[[Entry, Entry], Entry]


def swap(point: CriticalPoint, k: int, l: int) -> list[Matrix]:  # noqa: E741  the modes' names
    """V_L = u_l u_k' W_L and V_1 = W_1 z_k z_l', nothing between."""
    u, z = point.outputs, point.inputs
    directions = [Matrix.zeros(*w.shape) for w in point.layers]
    directions[0] = point.layers[0] @ _column(z, k) @ _column(z, l).T
    directions[-1] = _column(u, l) @ _column(u, k).T @ point.layers[-1]
    return directions


def _column(matrix: Matrix, k: int) -> Matrix:
    return Matrix([row[k]] for row in matrix.rows)


def _swap_cases(search: Search) -> list[tuple[CriticalPoint, int, int]]:
    """Points with a stronger mode left over, and the pairs of modes."""
    cases: list[tuple[CriticalPoint, int, int]] = []
    while len(cases) < search.pick(60, 1000):
        modes = sorted((int(s) for s in search.random.choice([1, 2, 3, 5, 1000], 3)), reverse=True)
        drawn = draw_point(search, modes)
        if drawn.depth == 1:
            continue
        point = dressed(search, drawn)
        for k in range(point.rank):
            # a mode left over has both an output and an input of its own
            cases += [(point, k, point.rank + place) for place in range(len(point.left))]
    return cases


def _attack_swap(subject: SwapSubject, search: Search) -> None:
    for point, k, l in _swap_cases(search):  # noqa: E741
        directions = subject.direction(point, k, l)
        kept, left = point.kept[k], point.left[l - point.rank]
        found, claimed = white_curvature(point, directions), subject.claimed(kept, left)
        search.require(
            found == claimed,
            f"layers {list(point.layers)}, K = {point.target}, modes {kept} kept and {left} left over: "
            f"the second derivative is {found}, claimed {claimed}",
        )


def _attack_around(claimed: Callable[[int, int], int], search: Search) -> None:
    for _ in range(search.pick(80, 1500)):
        point = dressed(search, draw_point(search))
        for i, j in pivots(point.depth):
            around = point.sides[j - 1][1] @ point.target.T @ point.sides[i - 1][0]
            foreseen = claimed(point.rank, rank(point.crossing(i, j)))
            search.require(
                rank(around) == foreseen,
                f"layers {list(point.layers)}, K = {point.target}, pivot {(i, j)}: the block around has "
                f"rank {rank(around)}, claimed {foreseen}",
            )


WHITE = Claim(
    id="2e-white",
    title="In white coordinates the data are one matrix",
    part="2e",
    statement=r"""
Let $X eq.not 0$ have rank $m$ and let $E in RR^(d times m)$ with $E E^top = Sxx$. Then $E$ has full
column rank, and with $K = Syx E (E^top E)^(-1)$ and $M = Wbar E$
$ R = 1/2 norm(M - K)_F^2 + 1/2 (tr Syy - norm(K)_F^2). $
So $R$ is, up to a constant, the risk $1/2 norm(M - K)_F^2$ of the layers $W_1 E, W_2, dots, W_L$. A
point is critical, a local or a global minimum, or has a direction of negative curvature, exactly
when these layers are or have, for that risk.
""",
    derivation=r"""
*Full column rank.* $rank E = rank(E E^top) = rank Sxx = rank X = m$, the number of columns of $E$. So
$E^top E$ is invertible.

*The constant.* The columns of $Sxx = E E^top$ lie in the range of $E$, and both spaces have dimension
$m$, so the range of $E$ is that of $Sxx$: the row space of $X$ (end of 2d-printed). The orthogonal
projector onto it is $E (E^top E)^(-1) E^top$. The rows of $Syx = Y^top X$ lie there, so $K E^top = Syx
E (E^top E)^(-1) E^top = Syx$. By 2b-moments
$ 2 R &= tr(Wbar E E^top Wbar^top) - 2 tr(Wbar E K^top) + tr Syy \
  &= norm(M)_F^2 - 2 inner(M, K) + tr Syy \
  &= norm(M - K)_F^2 - norm(K)_F^2 + tr Syy. $

*Nothing is lost.* Let $T$ take $(W_1, W_2, dots)$ to $(W_1 E, W_2, dots)$. It is linear, and it is
*onto*: a first layer $Z in RR^(d_1 times m)$ is the image of $Z (E^top E)^(-1) E^top$. The risk is $R =
R_w compose T$ plus a constant, with $R_w = 1/2 norm(M - K)_F^2$. First and second derivatives of $R$ at
a point along $V$ are those of $R_w$ at its image along $T V$, and $T V$ takes every value: they vanish,
or take a negative value, together. A linear map onto a space sends neighbourhoods to neighbourhoods, so
local minima correspond as well, and global ones of course. $square$

*Why the columns of $E$ are counted.* A root of $Sxx$ with more columns than $m$, such as the symmetric
one where $X$ has not full rank, has $E E^top = Sxx$ too. But then $T$ is not onto: the layers $W_1 E$
miss some directions, and what is said about all directions is said about too many.

*The modes.* $K K^top = Syx E (E^top E)^(-2) E^top Sxy = Syx Sxx^+ Sxy = Y^top P Y$, so the singular
values of $K$ are the $s_i$ of 2d-bottleneck and $s_i^2 = lambda_i$ those of 2e-critical-values, except
for zeros. In what follows $K = U spread(s_1, s_2, dots) Z^top$, and $G = M - K$ is the error. $X$ and
$Sxx$ no longer occur: in the products $B_i = W_(i-1) dots.c W_1$ the first layer is $W_1 E$.
""",
    source="A step of the second-order analysis; the coordinates are standard.",
    assumptions=(r"$X eq.not 0$.",),
    attack=_attack_white,
    subject=_white,
    evidence=EvidenceLabel.SAMPLED,
    finding=(
        "Risks, being critical and second derivatives in both coordinates are compared, for X of any "
        "rank, at random layers and at critical points."
    ),
)

CURVATURE = Claim(
    id="2e-curvature",
    title="The second derivative of the loss in all layers",
    part="2e",
    statement=r"""
Let $A_i$, $B_i$ and $G$ be as in 2e-gradient, and for $i > j$
$ C_(i j) = W_(i-1) dots.c W_(j+1), quad E_(i j) = B_j G^top A_i, $
with $C_(i j) = I$ for $i = j + 1$. For any directions $V = (V_1, dots, V_L)$ and $N = sum_i A_i V_i
B_i$
$ lr(dif^2/(dif t^2) R(W + t V) |)_(t = 0)
  = norm(N X^top)_F^2 + 2 sum_(i > j) tr(V_i C_(i j) V_j E_(i j)). $
""",
    derivation=r"""
Multiply out $(W_L + t V_L) dots.c (W_1 + t V_1) = Wbar + t N + t^2 N_2 + dots$. One $V_i$ in place of
$W_i$ gives $A_i V_i B_i$, so the first term is $N$. Two of them, $V_i$ above $V_j$, give
$ N_2 = sum_(i > j) A_i V_i C_(i j) V_j B_j. $
By the expansion in 2c, with $H = t N + t^2 N_2 + dots$,
$ R(W + t V) = R(W) + inner(G, H) + 1/2 norm(H X^top)_F^2, $
whose coefficient of $t^2$ is $inner(G, N_2) + 1/2 norm(N X^top)_F^2$. The second derivative is twice
that, and
$ inner(G, A_i V_i C_(i j) V_j B_j) &= tr(G^top A_i V_i C_(i j) V_j B_j) \
  &= tr(V_i C_(i j) V_j B_j G^top A_i). quad square $
In white coordinates (2e-white) $X = I$ and $norm(N X^top)_F = norm(N)_F$.
""",
    source="A step of the second-order analysis of deep linear networks.",
    assumptions=(),
    attack=_attack_curvature,
    subject=CurvatureSubject(curvature, _library_curvature),
    evidence=EvidenceLabel.SYMBOLIC,
    finding=(
        "Equal to the second derivative of t -> R(W + tV) as polynomials in all weights, directions and "
        "data for small widths and on integer problems; SquaredRisk.hessian_vector_product to rounding."
    ),
)

SWAP = Claim(
    id="2e-swap",
    title="Turning a mode that is kept towards a stronger one that is left over goes down",
    part="2e",
    statement=r"""
Let $L >= 2$, and in white coordinates let the layers be critical, $M = sum_(k in S) s_k u_k z_k^top$.
For $k in S$ and $l in.not S$ take
$ V_L = u_l u_k^top W_L, quad V_1 = W_1 z_k z_l^top, quad V_i = 0 "otherwise". $
The second derivative along $V$ is $2 s_k (s_k - s_l)$. If $s_l > s_k > 0$, the point is a strict saddle.
""",
    derivation=r"""
By 2e-critical-values a critical point has $M = Pi K$ with a projector $Pi$ that commutes with $K
K^top$: $M$ is $K$ restricted to a set $S$ of its modes, and $G = M - K = -sum_(l in.not S) s_l u_l
z_l^top$. (Where modes coincide, their singular vectors may be chosen so.)

*First order.* As $A_L = I$, $B_1 = I$, $W_L B_L = M$ and $A_1 W_1 = M$,
$ N = V_L B_L + A_1 V_1 &= u_l u_k^top M + M z_k z_l^top \
  &= s_k u_l z_k^top + s_k u_k z_l^top, $
so $norm(N)_F^2 = 2 s_k^2$, because $k eq.not l$.

*Second order.* The only pair is $(L, 1)$, with $W_L C_(L 1) W_1 = M$:
$ 2 inner(G, V_L C_(L 1) V_1) &= 2 inner(G, u_l u_k^top M z_k z_l^top) \
  &= 2 s_k u_l^top G z_l = -2 s_k s_l. $
By 2e-curvature the second derivative is $2 s_k^2 - 2 s_k s_l$. $square$

For $L = 1$ there is no such point: then $G = 0$, and nothing is left over.
""",
    source="The derivation is ours; Baldi and Hornik (1989) turn modes in this way for two layers.",
    assumptions=(r"$L >= 2$; white coordinates (2e-white).",),
    attack=_attack_swap,
    subject=SwapSubject(swap, lambda kept, left: 2 * kept * (kept - left)),
    evidence=EvidenceLabel.SAMPLED,
    finding=(
        "The second derivative at exact critical points, equal and zero modes and strengths of 1 beside "
        "1000 included, for every pair of a mode kept and one left over."
    ),
)

AROUND = Claim(
    id="2e-around",
    title="The block around a pivot has the rank of the map plus that of the error it sees",
    part="2e",
    statement=r"""
In white coordinates, at a critical point with $r = rank M$, for all $i > j$
$ rank(B_j K^top A_i) = r + rank E_(i j), quad E_(i j) = B_j G^top A_i. $
""",
    derivation=r"""
$K = M - G$, so $B_j K^top A_i = F - E_(i j)$ with $F := B_j M^top A_i$. At a critical point $M^top G =
0$ and $G M^top = 0$ (step 1 of 2e-critical-values).

*The rank of $F$ is $r$.* It is at most $rank M = r$. And $(A_j W_j) F (W_i B_i) = (A_j W_j B_j) M^top
(A_i W_i B_i) = M M^top M$ has rank $r$.

*The column spaces of $F$ and $E_(i j)$ meet in zero only.* Let $F alpha = E_(i j) beta$. Multiply by
$A_j W_j$ from the left: $A_j W_j B_j = M$, so
$ M M^top A_i alpha = M G^top A_i beta = (G M^top)^top A_i beta = 0. $
From $M M^top w = 0$ follows $norm(M^top w)^2 = 0$, so $M^top A_i alpha = 0$ and $F alpha = B_j M^top
A_i alpha = 0$.

*So do the row spaces.* Let $F^top alpha = E_(i j)^top beta$. Multiply by $(W_i B_i)^top$ from the left:
$(A_i W_i B_i)^top = M^top$, so $M^top M B_j^top alpha = M^top G B_j^top beta = 0$, hence $M B_j^top
alpha = 0$ and $F^top alpha = A_i^top M B_j^top alpha = 0$.

*Ranks add.* If $(F - E_(i j)) v = 0$, then $F v = E_(i j) v$ lies in both column spaces, so both are
zero: the null space of $F - E_(i j)$ is the intersection of the two null spaces, the orthogonal
complement of the sum of the two row spaces. That sum is direct, so its dimension is $rank F + rank
E_(i j)$. $square$

Therefore the second block of the pivot $(i, j)$ has rank exactly $r$ if and only if $E_(i j) = 0$.
""",
    source=(
        "The blocks are those of Achour, Malgouyres and Gerchinovitz (JMLR 25, 2024). The identity and "
        "its derivation are ours."
    ),
    assumptions=(r"White coordinates (2e-white).",),
    attack=_attack_around,
    subject=lambda r, crossing: r + crossing,
    evidence=EvidenceLabel.SAMPLED,
    finding=(
        "Exact ranks for all pivots of exact critical points with up to four layers, for equal, nearly "
        "equal and zero modes, for K = 0 and for all kinds of saddles."
    ),
)

CLAIMS = (WHITE, CURVATURE, SWAP, AROUND)
