"""Beyond homework 2e: the second-order test, and with it the verdict on every critical point."""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.critical_points import CriticalPoint, draw_point, dressed, pivots
from pitfalls.claims.exact import Entry, Matrix, inverse, null_space, orthogonal, rank
from pitfalls.claims.risk import arrays, library_risk
from pitfalls.claims.second_order import Layers, white_curvature
from pitfalls.linear import classify

__all__ = ["CLAIMS"]


class BoundSubject(NamedTuple):
    """Where the second derivative is bounded from below, and the share that the mixed term has."""

    condition: Callable[[CriticalPoint], bool]
    share: Callable[[CriticalPoint], Entry]


def _all_tightened(point: CriticalPoint) -> bool:
    return point.holds_strongest and all(point.tightened(i, j) for i, j in pivots(point.depth))


def _strongest_left_over(point: CriticalPoint) -> Entry:
    """Return s_(r+1) / s_r, 0 where nothing is kept."""
    return Fraction(max(point.left, default=0), min(point.kept)) if point.kept else Fraction(0)


def _attack_bound(subject: BoundSubject, search: Search) -> None:
    tried = 0
    while tried < search.pick(60, 1000):
        point = dressed(search, draw_point(search))
        if point.depth == 1 or not subject.condition(point):
            continue
        tried += 1
        for directions in _directions(search, point):
            _require_bound(point, directions, subject.share(point), search)


def _directions(search: Search, point: CriticalPoint) -> list[Layers]:
    """Random directions, and every turn of a mode kept towards one left over (2e-swap)."""
    drawn: list[Layers] = [
        [Matrix.random(search.random, *w.shape) for w in point.layers] for _ in range(3)
    ]
    u, z = point.outputs.T.rows, point.inputs.T.rows
    for k in range(point.rank):
        for l in range(point.rank, point.rank + len(point.left)):  # noqa: E741  a mode's number
            turn = [Matrix.zeros(*w.shape) for w in point.layers]
            turn[0] = point.layers[0] @ Matrix([z[k]]).T @ Matrix([z[l]])
            turn[-1] = Matrix([u[l]]).T @ Matrix([u[k]]) @ point.layers[-1]
            drawn.append(turn)
    return drawn


def _require_bound(point: CriticalPoint, along: Layers, share: Entry, search: Search) -> None:
    p, m, r = *point.target.shape, point.rank
    onto = point.outputs @ Matrix.partial_identity(p, p, r) @ point.outputs.T
    within = point.inputs @ Matrix.partial_identity(m, m, r) @ point.inputs.T
    moves = [a @ v @ b for v, (a, b) in zip(along, point.sides, strict=True)]
    first = sum(moves[1:], moves[0])
    a = ((Matrix.identity(p) - onto) @ first @ within).squared_norm()
    b = (onto @ first @ (Matrix.identity(m) - within)).squared_norm()
    curvature = white_curvature(point, along)
    described = f"layers {list(point.layers)}, K = {point.target}, direction {list(along)}"
    back = _pseudo_inverse(point)
    search.require(
        curvature == first.squared_norm() + 2 * (point.residual.T @ first @ back @ first).trace(),
        f"{described}: the second derivative {curvature} has another form",
    )
    search.require(curvature >= 0, f"{described}: the second derivative {curvature} is negative")
    room = curvature - a - b  # at least -2 share |a| |b|, decided without roots
    search.require(
        room >= 0 or room**2 <= 4 * share**2 * a * b,
        f"{described}: the second derivative {curvature} is below the bound, |a|² = {a}, |b|² = {b}",
    )


def _pseudo_inverse(point: CriticalPoint) -> Matrix:
    """Return M⁺ = Z_S diag(1/s) U_S'."""
    p, m = point.target.shape
    scales = Matrix.build(
        m, p, lambda i, j: Fraction(1, point.kept[i]) if i == j < point.rank else 0
    )
    return point.inputs @ scales @ point.outputs.T


Escape = Callable[[CriticalPoint, int, int], Layers]


def _escape(point: CriticalPoint, i: int, j: int) -> Layers:
    """Build the direction of 2e-untightened at a pivot that is not tightened."""
    between, crossing = point.between(i, j), point.crossing(i, j)
    below, above = point.sides[i - 1][1], point.sides[j - 1][0]
    e, a = _pick(crossing)
    unseen = [b for b in null_space(below.T) if not (b.T @ between).is_zero()]
    if unseen:
        b = unseen[0]
        c = Matrix.single(between.shape[1], 1, _pick(b.T @ between)[1], 0)
    else:
        c = next(c for c in null_space(above) if not (between @ c).is_zero())
        b = Matrix.single(between.shape[0], 1, _pick(between @ c)[0], 0)
    rows, columns = crossing.shape
    v_i = Matrix.single(columns, 1, a, 0) @ b.T
    v_j = c @ Matrix.single(1, rows, 0, e)
    cross = 2 * (v_i @ between @ v_j @ crossing).trace()
    # one of the two moves M to first order; made small beside the other, it costs less than cross gains
    small, large = (j, i) if unseen else (i, j)
    moved = {i: v_i, j: v_j}
    above_small, below_small = point.sides[small - 1]
    cost = (above_small @ moved[small] @ below_small).squared_norm()
    size = abs(cross) / (2 * cost) if cost else Fraction(1)
    moved[small] = size * moved[small]
    moved[large] = (-1 if cross > 0 else 1) * moved[large]
    return [moved.get(h, Matrix.zeros(*w.shape)) for h, w in enumerate(point.layers, start=1)]


def _pick(matrix: Matrix) -> tuple[int, int]:
    """Return the place of an entry that is not zero."""
    n_rows, n_columns = matrix.shape
    return next((i, j) for i in range(n_rows) for j in range(n_columns) if matrix[i, j])


def _attack_untightened(escape: Escape, search: Search) -> None:
    tried = 0
    while tried < search.pick(80, 1500):
        point = dressed(search, draw_point(search))
        for i, j in pivots(point.depth):
            if point.tightened(i, j):
                continue
            tried += 1
            found = white_curvature(point, escape(point, i, j))
            search.require(
                found < 0,
                f"layers {list(point.layers)}, K = {point.target}, pivot {(i, j)} is not tightened: the "
                f"second derivative along the direction is {found}",
            )


Verdict = Callable[[CriticalPoint], str]


class VerdictSubject(NamedTuple):
    """The rule by ranks, and the library's verdict on layers and data in floating point."""

    rule: Verdict
    library: Callable[[Layers, Matrix, Matrix], str]


def _rule(point: CriticalPoint) -> str:
    if not point.holds_strongest:
        return "strict saddle"
    if point.rank == min(point.room, rank(point.target)):
        return "global minimum"
    return "non-strict saddle" if _all_tightened(point) else "strict saddle"


def _truth(point: CriticalPoint) -> str:
    """Return the kind by its definition: the risk's value and the Hessian's spectrum, exactly."""
    if point.is_global:
        return "global minimum"
    return "non-strict saddle" if point.is_semidefinite() else "strict saddle"


def _library_verdict(layers: Layers, x: Matrix, y: Matrix) -> str:
    return str(classify(library_risk(x, y), arrays(layers)).verdict)


def _attack_verdict(subject: VerdictSubject, search: Search) -> None:
    clear = undecided = 0
    for _ in range(search.pick(150, 2500)):
        drawn = draw_point(search)
        truth = _truth(drawn)
        point = dressed(search, drawn)
        described = f"layers {list(point.layers)}, K = {point.target}: a {truth}"
        found = subject.rule(point)
        search.require(found == truth, f"{described}, by the ranks a {found}")
        layers, x, y = _as_data(search, point)
        word = subject.library(layers, x, y)
        search.require(
            word in (truth, "undecided"),
            f"{described}; in data X = {x}, Y = {y} with W_1 = {layers[0]} classify says {word}",
        )
        # modes that are equal or far apart; nearly equal ones may be left undecided
        if max((*point.kept, *point.left), default=0) <= 10:
            clear, undecided = clear + 1, undecided + (word == "undecided")
    search.require(
        undecided <= 0.05 * clear, f"classify leaves {undecided} of {clear} clear points undecided"
    )


def _as_data(search: Search, point: CriticalPoint) -> tuple[Layers, Matrix, Matrix]:
    """Return data, with noise and inputs that no sample has, whose white coordinates are the point's."""
    draw, (p, m) = search.random, point.target.shape
    d, n = m + int(draw.integers(0, 2)), m + int(draw.integers(0, 3))
    basis = orthogonal(draw, n)
    while rank(mixing := Matrix.random(draw, m, d, 2)) < m:
        pass
    fit = Matrix(row[:m] for row in basis.rows)
    y = fit @ point.target.T
    if n > m:
        y = y + Matrix(row[m:] for row in basis.rows) @ Matrix.random(draw, n - m, p, 2)
    first = point.layers[0] @ inverse(mixing @ mixing.T) @ mixing
    for blind in null_space(mixing):
        first = first + Matrix.random(draw, first.shape[0], 1) @ blind.T
    return [first, *point.layers[1:]], fit @ mixing, y


BOUND = Claim(
    id="2e-bound",
    title="Where every pivot is tightened and the strongest modes are kept, no curvature is negative",
    part="2e",
    statement=r"""
In white coordinates let the layers be critical, $r = rank M$, and let every pivot $(i, j)$, $L >= i > j
>= 1$, be *tightened*: $C_(i j)$ or $B_j K^top A_i$ has rank exactly $r$. Let no mode left over be
stronger than one kept, and $kappa <= 1$ be the strongest left over by the weakest kept ($kappa = 0$ if
$r = 0$). With the projectors $P$ and $Q$ onto the column and row space of $M$, its pseudo-inverse $M^+$,
$a = (I - P) N Q$ and $b = P N (I - Q)$, along every $V$
$ lr(dif^2/(dif t^2) R(W + t V) |)_(t = 0) &= norm(N)_F^2 + 2 inner(G, N M^+ N) \
  &>= norm(a)_F^2 + norm(b)_F^2 - 2 kappa norm(a)_F norm(b)_F >= 0. $
""",
    derivation=r"""
By 2e-around a pivot is tightened if and only if $E_(i j) = 0$ or $rank C_(i j) = r$. In both cases its
term in 2e-curvature equals $2 inner(G, N_i M^+ N_j)$ with $N_i = A_i V_i B_i$:

*If $rank C_(i j) = r$*, then $C_(i j) = B_i M^+ A_j$. Write $C_(i j) = F H$ with $F$ of $r$ independent
columns and $H$ of $r$ independent rows. Then $M = (A_i W_i) C_(i j) (W_j B_j) = f h$ with $f = A_i W_i
F$ of $r$ columns and $h = H W_j B_j$ of $r$ rows. As $rank M = r$, both have rank $r$, so $M^+ = h^+
f^+$ with $h h^+ = I_r = f^+ f$. Also $B_i = C_(i j) W_j B_j = F h$ and $A_j = A_i W_i C_(i j) = f H$.
Hence $B_i M^+ A_j = F h h^+ f^+ f H = F H$. So $A_i V_i C_(i j) V_j B_j = N_i M^+ N_j$.

*If $E_(i j) = 0$*, the term $2 tr(V_i C_(i j) V_j E_(i j))$ is zero, and so is
$2 inner(G, N_i M^+ N_j) = 2 tr(V_i B_i M^+ A_j V_j dot E_(i j))$.

*Pairs with $i <= j$ contribute nothing either*: $inner(G, N_i M^+ N_j) = tr(V_i B_i M^+ A_j V_j dot B_j
G^top A_i)$, and $B_j G^top A_i = 0$. For $i = j$ it is the transpose of the derivative $A_i^top G
B_i^top = 0$. For $j > i$, $B_j = W_(j-1) dots.c W_i B_i$, so it contains $B_i G^top A_i = 0$.

So the sum may run over all pairs, $sum_(i, j) N_i M^+ N_j = N M^+ N$, and the second derivative is
$norm(N)_F^2 + 2 inner(G, N M^+ N)$. For $r = 0$ this says: $M^+ = 0$, and where $rank C_(i j) = 0$ the
formula $C_(i j) = B_i M^+ A_j$ reads $0 = 0$; the form is $norm(N)_F^2 >= 0$.

*The bound.* At a critical point $M^top G = 0$ and $G M^top = 0$, so $G = (I - P) G (I - Q)$, while $M^+
= Q M^+ P$. Therefore $inner(G, N M^+ N) = inner(G, a M^+ b)$. The spectral norm of $G$ is the strongest
mode left over, that of $M^+$ is one over the weakest kept, so $|inner(G, a M^+ b)| <= norm(G)
norm(M^+) norm(a)_F norm(b)_F = kappa norm(a)_F norm(b)_F$. ($|inner(G, Z)| <= norm(G) norm(Z)_*$, and
the nuclear norm of a product is at most the product of Frobenius norms.) The blocks $a$ and $b$ of $N$
are orthogonal to each other, so $norm(N)_F^2 >= norm(a)_F^2 + norm(b)_F^2$. With $kappa <= 1$ what
remains is at least $(norm(a)_F - norm(b)_F)^2 >= 0$. $square$

The bound is attained: along the turn of 2e-swap it is $2 s_k^2 - 2 kappa s_k^2 = 2 s_k (s_k - s_l)$ for
the weakest mode kept and the strongest left over.
""",
    source=(
        "One half of the theorem of Achour, Malgouyres and Gerchinovitz (JMLR 25, 2024), without their "
        "assumptions on the data. The derivation is ours."
    ),
    assumptions=(r"White coordinates (2e-white).",),
    attack=_attack_bound,
    subject=BoundSubject(_all_tightened, _strongest_left_over),
    evidence=EvidenceLabel.SAMPLED,
    finding=(
        "Form and bound of the second derivative at exact critical points, along random directions and "
        "every turn of one mode into another, where the bound is attained; K = 0 and nearly equal modes "
        "included."
    ),
)

UNTIGHTENED = Claim(
    id="2e-untightened",
    title="A pivot that is not tightened gives a direction of negative curvature",
    part="2e",
    statement=r"""
In white coordinates, at a critical point, let the pivot $(i, j)$ not be tightened: $rank C_(i j) > r$
and $rank(B_j K^top A_i) > r = rank M$. Then there are vectors $a, b, c, e$ with
- $e^top E_(i j) a eq.not 0$ and $b^top C_(i j) c eq.not 0$,
- $b^top B_i = 0$ or $A_j c = 0$,
and with $V_i = plus.minus sigma a b^top$, $V_j = tau c e^top$, $V_h = 0$ otherwise the second derivative
is negative for a suitable sign and $sigma, tau > 0$: the point is a strict saddle.
""",
    derivation=r"""
*The vectors.* By 2e-around $E_(i j) eq.not 0$, which gives $a$ and $e$. For $b$ and $c$ note that $B_i =
C_(i j) W_j B_j$ and $A_j = A_i W_i C_(i j)$ have ranks at most $q := rank C_(i j) > r$. They cannot both
have rank $q$. For then the column space of $B_i$ would be that of $C_(i j)$, and $A_i W_i$ would be
injective on it, because $rank(A_i W_i C_(i j)) = q$; so $M = (A_i W_i) B_i$ would have rank $q > r$.
- If $rank B_i < q$, the column space of $B_i$ is a proper part of that of $C_(i j)$, so some $b$ is
  orthogonal to the first and not to the second: $b^top B_i = 0$, $b^top C_(i j) eq.not 0$. Take any $c$
  with $b^top C_(i j) c eq.not 0$.
- If $rank A_j < q$, the null space of $C_(i j)$ is a proper part of that of $A_j$, so some $c$ has $A_j
  c = 0$ and $C_(i j) c eq.not 0$. Take any $b$ with $b^top C_(i j) c eq.not 0$.

*The second derivative.* Only the pair $(i, j)$ has a mixed term. By 2e-curvature it is
$ 2 tr(V_i C_(i j) V_j E_(i j)) = plus.minus 2 sigma tau (b^top C_(i j) c) (e^top E_(i j) a), $
not zero, and its sign is ours to choose: negative. In the first case $A_i V_i B_i = plus.minus sigma A_i
a b^top B_i = 0$, so $N = tau A_j c e^top B_j$ and $norm(N)_F^2$ is of order $tau^2$: with $sigma = 1$
and small $tau$ the mixed term, of order $tau$, wins. In the second case $A_j V_j B_j = 0$, and $sigma$
is made small instead. $square$
""",
    source=(
        "The other half of the theorem of Achour, Malgouyres and Gerchinovitz (JMLR 25, 2024), without "
        "their assumptions on the data. The derivation is ours."
    ),
    assumptions=(r"White coordinates (2e-white).",),
    attack=_attack_untightened,
    subject=_escape,
    evidence=EvidenceLabel.SAMPLED,
    finding=(
        "The direction is built at every pivot that is not tightened of exact critical points with up to "
        "four layers, and its second derivative is negative."
    ),
)

VERDICT = Claim(
    id="2e-verdict",
    title="The verdict: what kind of point a critical point is, by ranks and modes alone",
    part="2e",
    statement=r"""
In white coordinates let the layers be critical, $M$ hold the modes $S$ of $K$, $r = |S| = rank M$, and
let $delta$ be the least of $m = rank X$ and the widths $d_1, dots, d_L$.
- If a mode left over is stronger than one kept, the point is a *strict saddle*.
- Otherwise, if $r = min(delta, rank K)$, it is a *global minimum*.
- Otherwise it is a saddle, and its Hessian is positive semidefinite *if and only if every pivot is
  tightened*: a *non-strict saddle* if so, a *strict saddle* if not.

This holds for any data and widths, $K = 0$ and equal modes included.
""",
    derivation=r"""
*First case.* 2e-swap gives a direction with the second derivative $2 s_k (s_k - s_l) < 0$. (For $L = 1$
nothing is left over.)

*Second case.* $M$ holds $r$ strongest modes. Its risk is $1/2 sum_(l in.not S) s_l^2$ in white
coordinates. If $r = delta$, no map of such layers has larger rank, and by 2d-bottleneck (with $X = I$
and $Y^top = K$) this is the least possible. If $r = rank K$, nothing is left over.

*Third case.* Now $r < delta$, the strongest modes are kept and some mode $s_l > 0$ is left over. By step
1 of 2e-no-spurious there are points of the same risk as near as one likes at which a derivative is not
zero, and beside these lower and higher risks: the point is neither a local minimum nor a local maximum.
If all pivots are tightened, no second derivative is negative by 2e-bound. If one is not, 2e-untightened
gives a negative one. $square$

*Two layers.* The only pivot is $(2, 1)$, with $C_(2 1) = I$ of rank $d_1 >= delta > r$ and $E_(2 1) =
G^top eq.not 0$: never tightened. So two-layer networks have no non-strict saddles.

*The published theorem* has the same cases under the assumptions $p <= d <= n$, $Sxx$ invertible, $Sxy$
of full rank $p$, and distinct singular values. None of them is used above. What is lost without them is
only that $S$ is unique: where modes coincide it is a choice, and the singular values of $M$ and of $G$
say all that matters. If $K = 0$, every critical point has $M = 0$ and is a global minimum.

*In floating point* the ranks and the comparison of modes need margins, and the library says `undecided`
where one is too small.
""",
    source=(
        "Achour, Malgouyres and Gerchinovitz (JMLR 25, 2024), under their assumptions; the extension to "
        "all data and the derivation are ours."
    ),
    assumptions=(r"White coordinates (2e-white).",),
    attack=_attack_verdict,
    subject=VerdictSubject(_rule, _library_verdict),
    evidence=EvidenceLabel.SAMPLED,
    finding=(
        "The rule against the exact risk and the exact sign of the Hessian's spectrum, at integer critical "
        "points with equal, nearly equal and zero modes and with K = 0; classify, on data of any rank with "
        "noise and weights that no sample sees, never says another definite word, and is definite on 95 % "
        "of those with modes from 1 to 5 or none."
    ),
)

CLAIMS = (BOUND, UNTIGHTENED, VERDICT)
