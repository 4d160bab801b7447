"""Homework 2d: which layers are global minima, and what a bottleneck changes."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product as tuples

import numpy as np

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.exact import Matrix, factor, inverse, product, rank
from pitfalls.claims.planted import PlantedProblem, plant
from pitfalls.claims.risk import library_risk, matrix_risk
from pitfalls.linear import normal_equation_condition

__all__ = ["CLAIMS", "regauge"]

Layers = list[Matrix]
Verdict = Callable[[Layers, Matrix, Matrix], bool]


def _normal_equations(layers: Layers, x: Matrix, y: Matrix) -> bool:
    return (product(layers) @ (x.T @ x) - y.T @ x).is_zero()


def _wide_enough(widths: Sequence[int], x: Matrix, y: Matrix) -> bool:
    return min(widths) >= rank(y.T @ x)


def _library_wide_enough(widths: Sequence[int], x: Matrix, y: Matrix) -> bool:
    return normal_equation_condition(library_risk(x, y), widths).exact


def regauge(search: Search, layers: Layers) -> Layers:
    """Change the basis of every hidden layer at random; the end-to-end map stays."""
    changed = list(layers)
    for i in range(len(layers) - 1):
        size = layers[i].shape[0]
        while rank(move := Matrix.random(search.random, size, size, 2)) < size:
            pass
        changed[i] = move @ changed[i]
        changed[i + 1] = changed[i + 1] @ inverse(move)
    return changed


def _problem(search: Search) -> PlantedProblem:
    draw = search.random
    d, p, n = (int(v) for v in draw.integers(1, 5, 3))
    return plant(draw, n, d, p, x_rank=int(draw.integers(1, min(n, d) + 1)))


def _maps(search: Search, problem: PlantedProblem) -> list[Matrix]:
    """End-to-end maps of every kind: optimal, nearly so, critical but not optimal, arbitrary."""
    best = problem.solution(range(len(problem.modes)))
    p, d = best.shape
    maps = [best, Matrix.zeros(p, d), Matrix.random(search.random, p, d)]
    maps += [best + Matrix.random(search.random, p, 1) @ v.T for v in problem.ignored()]
    nudge = Matrix.single(p, d, 0, 0, Fraction(1, 10**6))
    maps.append(best + nudge)
    if len(problem.modes) > 1:
        maps.append(problem.solution(range(1, len(problem.modes))))
    return maps


def _attack_printed(is_global: Verdict, search: Search) -> None:
    for _ in range(search.pick(30, 800)):
        problem = _problem(search)
        d, p = problem.x.shape[1], problem.y.shape[1]
        narrowest = min(p, d)
        hidden = search.random.integers(narrowest, narrowest + 3, search.random.integers(0, 4))
        widths = [d, *(int(w) for w in hidden), p]
        least = problem.minimum(len(problem.modes))
        for whole in _maps(search, problem):
            layers = regauge(search, factor(whole, widths))
            optimal = matrix_risk(layers, problem.x, problem.y) == least
            search.require(
                is_global(layers, problem.x, problem.y) == optimal,
                f"widths {tuple(widths)}, X = {problem.x}, Y = {problem.y}, end-to-end map {whole}: it is "
                f"{'' if optimal else 'not '}a global minimum, against the condition",
            )


Condition = Callable[[Sequence[int], Matrix, Matrix], bool]


def _exact_cases(search: Search) -> Iterator[tuple[PlantedProblem, list[int]]]:
    """All ranks of X and of Y'X beside all widths, first small and complete, then at random."""
    for x_rank, p in tuples(range(1, 4), repeat=2):
        for n_modes in range(min(x_rank, p) + 1):
            modes = [2, 1, 1][3 - n_modes :] + [0] * (min(x_rank, p) - n_modes)
            for width in range(1, 5):
                d = x_rank + int(search.random.integers(0, 2))
                problem = plant(search.random, x_rank + 1, d, p, x_rank=x_rank, modes=modes)
                yield problem, [d, width, p]
    for _ in range(search.pick(60, 2000)):
        problem = _problem(search)
        hidden = search.random.integers(1, 5, search.random.integers(0, 4))
        yield problem, [problem.x.shape[1], *(int(w) for w in hidden), problem.y.shape[1]]


def _minimisers(search: Search, problem: PlantedProblem, widths: Sequence[int]) -> list[Matrix]:
    """Return end-to-end maps that are global minima of such layers, of every kind that there is.

    The best fit, another choice where modes are equal, and both with the directions moved that no
    sample has a component along.
    """
    room, modes = min(widths), problem.modes
    chosen = [list(range(min(room, len(modes))))]
    if room < len(modes) and modes[room - 1] == modes[room]:
        chosen.append([*range(room - 1), room])
    maps = [problem.solution(some) for some in chosen]
    for whole in list(maps):
        for blind in problem.ignored():
            maps.append(whole + whole @ Matrix.random(search.random, whole.shape[1], 1) @ blind.T)
            free = Matrix.random(search.random, whole.shape[0], 1) @ blind.T
            if rank(whole + free) <= room:
                maps.append(whole + free)
    return maps


def _equivalence_holds(search: Search, problem: PlantedProblem, widths: Sequence[int]) -> bool:
    """Whether being a global minimum and solving the normal equations are the same for such layers."""
    x, y, room = problem.x, problem.y, min(widths)
    least = problem.minimum(room)
    solved = set()
    for whole in _minimisers(search, problem, widths):
        layers = regauge(search, factor(whole, widths))
        assert matrix_risk(layers, x, y) == least
        solved.add(_normal_equations(layers, x, y))
    for whole in _maps(search, problem):
        if rank(whole) <= room:
            layers = factor(whole, widths)
            # whoever solves the equations is a minimum, whatever the widths
            assert not _normal_equations(layers, x, y) or matrix_risk(layers, x, y) == least
    # all minima solve the equations or none does
    assert len(solved) == 1
    return solved.pop()


def _attack_exact(conditions: Sequence[Condition], search: Search) -> None:
    for problem, widths in _exact_cases(search):
        truth = _equivalence_holds(search, problem, widths)
        for condition in conditions:
            search.require(
                condition(widths, problem.x, problem.y) == truth,
                f"widths {tuple(widths)}, X = {problem.x}, Y = {problem.y}, rank of Y'X "
                f"{problem.n_modes}: the equivalence {'holds' if truth else 'fails'}, against the condition",
            )


def _library_minimum(x: Matrix, y: Matrix, max_rank: int) -> tuple[Matrix, float, bool]:
    found = library_risk(x, y).minimum(max_rank)
    return Matrix.from_array(found.map), float(found.value), bool(found.unique)


def _attack_bottleneck(
    minimum: Callable[[Matrix, Matrix, int], tuple[Matrix, float, bool]], search: Search
) -> None:
    for _ in range(search.pick(50, 500)):
        problem = _problem(search)
        x, y = problem.x, problem.y
        d, p = x.shape[1], y.shape[1]
        max_rank = int(search.random.integers(1, min(p, d) + 1))
        exact = problem.minimum(max_rank)
        # the formula is attained, exactly
        attained = problem.solution(range(max_rank))
        assert rank(attained) <= max_rank
        assert matrix_risk([attained], x, y) == exact
        found, value, unique = minimum(x, y, max_rank)
        described = f"X = {x}, Y = {y}, rank at most {max_rank}: least risk {exact}"
        scale = max(1.0, float(y.squared_norm()))
        search.compare(abs(value - float(exact)) / scale, 1e-12, described)
        reached = float(matrix_risk([found], x, y))
        search.compare(
            abs(reached - float(exact)) / scale,
            1e-10,
            f"{described}; the library's map does not attain it",
        )
        small = np.linalg.svd(found.to_array(), compute_uv=False)[max_rank:]
        search.compare(
            float(small.max(initial=0.0)) / max(1.0, float(found.largest())),
            1e-10,
            f"{described}; the library's map has a larger rank",
        )
        s = [*problem.modes, 0, 0][: max_rank + 1]
        tail = s[max_rank] if max_rank < len(s) else 0
        head = s[max_rank - 1] if max_rank - 1 < len(problem.modes) else 0
        search.require(
            unique == (head > tail or head == 0),
            f"{described}; modes {problem.modes}: uniqueness is misjudged",
        )
        # the adversary: alternating least squares, each half step a global one
        rival = _alternate(search, x, y, max_rank)
        search.compare(
            max(0.0, value - rival) / scale,
            1e-9,
            f"{described}; alternating least squares reached {rival}",
        )


def _alternate(search: Search, x: Matrix, y: Matrix, max_rank: int) -> float:
    """Return the least risk that alternating least squares finds for maps B A of given rank."""
    data, target = x.to_array(), y.to_array()
    best = np.inf
    for _ in range(search.pick(2, 4)):
        a = search.random.normal(size=(max_rank, data.shape[1]))
        for _ in range(60):
            a = np.linalg.qr(a.T)[0].T  # the same span, and no drift to tiny or huge factors
            b = np.linalg.lstsq(data @ a.T, target, rcond=None)[0].T
            a = np.linalg.pinv(b) @ np.linalg.lstsq(data, target, rcond=None)[0].T
        best = min(best, 0.5 * float(np.sum((data @ a.T @ b.T - target) ** 2)))
    return best


PRINTED = Claim(
    id="2d-printed",
    title="Without a bottleneck the global minima are the solutions of the normal equations",
    part="2d",
    statement=r"""
If $min_(0 <= i <= L) d_i = min(p, d)$, then $(W_1, dots, W_L)$ is a global minimiser of $R$ if and
only if
$ Wbar X^top X - Y^top X = 0. $
This needs nothing of the data: $X$ may have any rank.
""",
    derivation=r"""
*Step 1: minima of $Q$ over all matrices are the solutions of $G = 0$.* Let
$G = W X^top X - Y^top X$. By 2c, for all $H in RR^(p times d)$
$ Q(W + H) = Q(W) + inner(G, H) + 1/2 norm(H X^top)_F^2. $
If $G = 0$, then $Q(W + H) >= Q(W)$ for every $H$, so $W$ is a global minimum. If $G eq.not 0$, take
$H = -t G$: the value changes by $-t norm(G)_F^2 + 1/2 t^2 norm(G X^top)_F^2$, which is negative for
small $t > 0$, so $W$ is not a minimum.

*Step 2: the layers reach every matrix.* Every $W_0 in RR^(p times d)$ has
$rank W_0 <= min(p, d) = min_i d_i$, so by 2a it is the product of some layers. Hence
$ {W_L dots.c W_1} = RR^(p times d) quad "and" quad inf_(W_1, dots, W_L) R = inf_(W in RR^(p times
d)) Q(W). $

*Step 3: both together.* By 2b, $R(W_1, dots, W_L) = Q(Wbar)$. So
$ (W_1, dots, W_L) "minimises" R
  quad &<==> quad Q(Wbar) = inf R = inf Q \
  quad &<==> quad Wbar "minimises" Q \
  quad &<==> quad Wbar X^top X - Y^top X = 0, $
the second equivalence by step 2, the last by step 1. $square$

*Minima exist.* The equation $W Sxx = Syx$ always has a solution. The rows of $Syx = Y^top X$ lie in
the row space of $X$; that space is the range of $Sxx$, because $Sxx v = 0$ implies
$norm(X v)^2 = v^top Sxx v = 0$, so $X$ and $Sxx$ have the same null space and, as $Sxx$ is
symmetric, the row space of $X$ is $range Sxx$. So $Syx Sxx^+ Sxx = Syx$, and $Syx Sxx^+$ solves it.
""",
    source="Homework 2(d).",
    assumptions=(r"$min_i d_i = min(p, d)$.",),
    attack=_attack_printed,
    subject=_normal_equations,
    evidence=EvidenceLabel.SAMPLED,
    finding=(
        "For optimal, nearly optimal, critical and "
        "arbitrary layers, the equation holds exactly when the risk equals the known minimum."
    ),
)

EXACT = Claim(
    id="2d-exact",
    title="The equivalence holds exactly when the narrowest layer has room for the rank of Y'X",
    part="2d",
    statement=r"""
For arbitrary widths and data, the equivalence "$(W_1, dots, W_L)$ is a global minimiser of $R$ if
and only if $Wbar Sxx = Syx$" holds if and only if
$ dmin = min_i d_i >= rank(Y^top X). $
If $dmin < rank(Y^top X)$, global minimisers exist, and none of them solves the normal equations.
""",
    derivation=r"""
Let $rho = rank(Y^top X)$.

*One direction is always true.* If $Wbar Sxx = Syx$, then $Wbar$ minimises $Q$ over *all* matrices
(step 1 of 2d-printed), so no layers do better: the layers are a global minimiser, whatever the
widths.

*Enough room.* Let $dmin >= rho$. The matrix $hat(W) = Syx Sxx^+$ solves the normal equations (end of
2d-printed), and $rank hat(W) <= rank Syx = rho <= dmin$. By 2a some layers multiply to $hat(W)$, so
$min R = min Q$. A global minimiser of $R$ then has $Q(Wbar) = min Q$, and by step 1
of 2d-printed $Wbar Sxx = Syx$. The equivalence holds.

*Too little room.* Let $dmin < rho$. If layers had $Wbar Sxx = Syx$, then
$ rho = rank Syx = rank(Wbar Sxx) <= rank Wbar <= dmin < rho, $
a contradiction: no layers solve the normal equations. Yet a global minimiser exists, as follows.
Let $Pi$ be the projector onto the row space of $X$. Since $X Pi = X$, we have $Q(W) = Q(W Pi)$, and
$W Pi$ has no larger rank than $W$; so it suffices to minimise over the set
$cal(M) = {M : M Pi = M, rank M <= dmin}$, which is closed, since rank is lower semicontinuous. On
it $norm(M X^top)_F >= sigma norm(M)_F$, with $sigma$ the least non-zero singular value of $X$, so
$Q(M) -> infinity$ as $norm(M)_F -> infinity$, and the continuous $Q$ attains its minimum on
$cal(M)$. (If $X = 0$ then $rho = 0$, and this case does not arise.) By 2a that minimum is the
end-to-end map of some layers. They are a global minimiser that violates the normal equations, so
the equivalence fails. $square$

*Relation to the printed condition.* $rank(Y^top X) <= min(p, d)$ always, so $dmin = min(p, d)$
implies the exact condition. It asks for too much where outputs are correlated or few directions of
$X$ matter.
""",
    source="Sharpens homework 2(d).",
    assumptions=(r"every width is at least 1.",),
    attack=_attack_exact,
    subject=(_wide_enough, _library_wide_enough),
    evidence=EvidenceLabel.SAMPLED,
    finding=(
        "The condition and normal_equation_condition on problems with known singular values, for all "
        "ranks up to 3 of X and of Y'X (zero included), up to 3 outputs and a hidden width from 1 to 4, "
        "and random ones: all minima that were built solve the equations, or none does."
    ),
)

BOTTLENECK = Claim(
    id="2d-bottleneck",
    title="The least risk under a bottleneck is that of reduced-rank regression",
    part="2d",
    statement=r"""
Let $P$ be the orthogonal projector onto the column space of $X$ and let
$Y^top P = sum_(i <= p) s_i u_i v_i^top$ be a full singular value decomposition: $u_1, dots, u_p$ an
orthonormal basis of $RR^p$, $s_1 >= s_2 >= dots >= s_p >= 0$, and no $v_i$ where $i > n$, $s_i = 0$
there. Let $r = dmin <= p$. Then, for $X$ of any rank,
$ min_(W_1, dots, W_L) R = 1/2 (norm(Y)_F^2 - sum_(i <= r) s_i^2), $
attained by every factorisation of $W^* = U_r U_r^top Syx Sxx^+$, $U_r = (u_1, dots, u_r)$. The
minimising map is unique on the data (that is, $W X^top$ is) if and only if $s_r > s_(r+1)$ or $s_r
= 0$, where $s_(p+1) = 0$.
""",
    derivation=r"""
*Step 1: to the best approximation of one matrix.* By 2a the end-to-end maps are exactly the
matrices of rank at most $r$. The rows of $W X^top$ lie in the column space of $X$, so $W X^top = W
X^top P$, and $Y^top = Y^top P + Y^top (I - P)$ splits the residual into two orthogonal parts:
$ 2 Q(W) = norm(W X^top - Y^top P)_F^2 + norm(Y^top (I - P))_F^2. $
As $W$ runs over the matrices of rank at most $r$, $M = W X^top$ runs over all matrices of rank at
most $r$ with $M P = M$: it has no larger rank than $W$, and conversely such an $M$ comes from
$W = M (X^top)^+$, because $(X^top)^+ X^top = P$. So we must approximate $B := Y^top P$.

*Step 2: a lower bound.* Let $rank M <= r$, and let $Pi$ be an orthogonal projector of rank $r$ whose
range contains that of $M$ (there is one, as $r <= p$). Then $(I - Pi)(B - M) = (I - Pi) B$, and a
projector shortens, so
$ norm(B - M)_F^2 >= norm((I - Pi) B)_F^2 = norm(B)_F^2 - norm(Pi B)_F^2
  = sum_i s_i^2 - sum_i s_i^2 omega_i, quad omega_i := u_i^top Pi u_i. $
Here $0 <= omega_i <= 1$, and $sum_i omega_i = tr Pi = r$, because the $u_i$ are a basis of all of
$RR^p$ (with fewer of them, as for $n < r$ in a thin decomposition, the sum could be less). What the
weights lack for $i <= r$ they have for $i > r$: $sum_(i > r) omega_i = sum_(i <= r) (1 - omega_i)$.
So, with the $s_i^2$ in descending order,
$ sum_i s_i^2 omega_i - sum_(i <= r) s_i^2
  &= sum_(i > r) s_i^2 omega_i - sum_(i <= r) s_i^2 (1 - omega_i) \
  &<= -(s_r^2 - s_(r+1)^2) sum_(i <= r) (1 - omega_i) <= 0. $
Hence $norm(B - M)_F^2 >= sum_(i > r) s_i^2$.

*Step 3: it is attained.* $M = U_r U_r^top B = sum_(i <= r) s_i u_i v_i^top$ has rank at most $r$,
satisfies $M P = M$, and leaves $norm(B - M)_F^2 = sum_(i > r) s_i^2$. Its weights are
$W^* = U_r U_r^top Y^top P (X^top)^+ = U_r U_r^top Y^top (X^top)^+ = U_r U_r^top Syx Sxx^+$, using
$P (X^top)^+ = (X^top)^+$ and $(X^top)^+ = X (X^top X)^+$. The least value is
$ 1/2 (sum_(i > r) s_i^2 + norm(Y^top (I - P))_F^2) = 1/2 (norm(Y)_F^2 - sum_(i <= r) s_i^2), $
since $norm(Y)_F^2 = norm(Y^top P)_F^2 + norm(Y^top (I - P))_F^2$ and $norm(Y^top P)_F^2 = sum_i
s_i^2$.

*Step 4: uniqueness.* If $s_r = 0$, then $B$ itself has rank below $r$ and $M = B$ is the only
matrix at distance zero. If $s_r > s_(r+1)$ and $M$ attains the bound, both inequalities of step 2
are equalities. The second says $(s_r^2 - s_(r+1)^2) sum_(i <= r) (1 - omega_i) <= 0$, so
$omega_i = 1$ for $i <= r$: $Pi u_i = u_i$, and $Pi = U_r U_r^top$ because both have rank $r$. The
first then forces $Pi (B - M) = 0$, so $M = Pi M = Pi B$ is determined. If $s_r = s_(r+1) > 0$, replacing the
term of $(u_r, v_r)$ by that of $(u_(r+1), v_(r+1))$ gives another minimiser. $square$
""",
    source=(
        "Completes homework 2(d). Reduced-rank regression goes back to Eckart and Young (1936) and "
        "Izenman (1975); Baldi and Hornik (1989) for linear networks."
    ),
    assumptions=(r"every width is at least 1.",),
    attack=_attack_bottleneck,
    subject=_library_minimum,
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "SquaredRisk.minimum against exact values on problems with known singular values (repeated "
        "and zero ones, X of any rank); alternating least squares never gets below."
    ),
)

CLAIMS = (PRINTED, EXACT, BOTTLENECK)
