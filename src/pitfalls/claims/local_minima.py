"""Beyond homework 2e: every local minimum is a global one."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.critical_points import CriticalPoint, draw_point, dressed
from pitfalls.claims.exact import Entry, Matrix, null_space, product, rank, solve
from pitfalls.claims.layers import layer_gradients, parts
from pitfalls.claims.risk import matrix_risk
from pitfalls.claims.second_order import Layers, swap

__all__ = ["CLAIMS"]

Lower = Callable[[CriticalPoint, Entry], Layers]


def _risk(layers: Layers, target: Matrix) -> Entry:
    return matrix_risk(layers, Matrix.identity(target.shape[1]), target.T)


def _distance_squared(layers: Layers, others: Layers) -> Entry:
    return sum((w - v).squared_norm() for w, v in zip(layers, others, strict=True))


def _lower(point: CriticalPoint, radius: Entry) -> Layers:
    """Build a point of lower risk within the radius, as the derivation does."""
    start, target = point.layers, point.target
    best = _risk(start, target)
    size = Fraction(radius)
    for _ in range(60):
        size /= 2
        for moved in _candidates(point, size):
            near = _distance_squared(moved, start) <= radius**2
            if near and _risk(moved, target) < best:
                return moved
    return start


def _candidates(point: CriticalPoint, size: Fraction) -> Iterator[Layers]:
    hidden = [w.shape[0] for w in point.layers[:-1]]
    if all(point.rank < width for width in hidden):
        moved, h = _same_map(point, size)
        yield _step(moved, point.target, h, size)
        return
    for k in range(point.rank):
        for place, left in enumerate(point.left):
            if left > point.kept[k]:
                turn = swap(point, k, point.rank + place)
                yield [w + size * v for w, v in zip(point.layers, turn, strict=True)]


def _same_map(point: CriticalPoint, size: Fraction) -> tuple[list[Matrix], int]:
    """Move layers a little, not the map, to where the derivative in layer h is not zero."""
    layers = list(point.layers)
    above, _ = zip(*parts(layers), strict=True)
    h = next(h for h, a in enumerate(above, start=1) if rank(a) == a.shape[1])
    error, seen = point.residual, above[h - 1]
    if (seen.T @ error).is_zero():  # then h < L
        blind = null_space(product(layers[:h]).T)[0]
        between = point.between(len(layers), h)
        source = solve(between.T, blind)
        assert source is not None
        u = next(Matrix([[int(i == k)] for i in range(len(error.rows))]) for k in _rows(error))
        layers[-1] = layers[-1] + size * (u @ source.T)
        seen = seen + size * (u @ blind.T)
    image = seen.T @ error
    inward = Matrix.single(image.shape[1], 1, next(iter(_rows(image.T))), 0)
    for g in range(1, h):
        unseen = null_space(product(layers[g:h]))[0]
        layers[g - 1] = layers[g - 1] + size * (unseen @ inward.T)
        inward = unseen
    return layers, h


def _rows(matrix: Matrix) -> list[int]:
    """Return the rows that are not zero."""
    return [k for k, row in enumerate(matrix.rows) if any(row)]


def _step(layers: Layers, target: Matrix, h: int, size: Fraction) -> Layers:
    """Go against the derivative in layer h, to the least risk on that line or as far as allowed."""
    slope = layer_gradients(layers, Matrix.identity(target.shape[1]), target.T)[h - 1]
    if slope.is_zero():
        return layers
    above, below = parts(layers)[h - 1]
    length = slope.squared_norm()
    bend = (above @ slope @ below).squared_norm()
    rate = min(length / bend if bend else size, size / (1 + length))
    moved = list(layers)
    moved[h - 1] = moved[h - 1] - rate * slope
    return moved


def _attack_no_spurious(lower: Lower, search: Search) -> None:
    for point in _cases(search):
        risk = _risk(point.layers, point.target)
        for radius in (Fraction(1), Fraction(1, 1000)):
            found = lower(point, radius)
            described = f"layers {list(point.layers)}, K = {point.target}"
            distance = _distance_squared(found, point.layers)
            search.require(distance <= radius**2, f"{described}: no point within {radius}")
            search.require(
                _risk(found, point.target) < risk,
                f"{described}: no lower risk than {risk} within {radius}",
            )


def _cases(search: Search) -> Iterator[CriticalPoint]:
    """Points that are no global minima: the flattest, all zero; some that do not rest; critical ones."""
    one = Matrix.identity(1)
    for depth in (2, 3, 4, 5, 6):
        yield CriticalPoint((Matrix.zeros(1, 1),) * depth, one, (), (1,), one, one)
    for _ in range(search.pick(20, 300)):
        yield _not_critical(search)
    tried = 0
    while tried < search.pick(60, 1000):
        point = draw_point(search)
        if not point.is_global:
            tried += 1
            yield dressed(search, point) if search.random.random() < 0.5 else point


def _not_critical(search: Search) -> CriticalPoint:
    """Draw layers through which one direction passes, with room for more; they need not rest."""
    draw, one = search.random, Matrix.identity(1)
    while True:
        widths = [
            int(w) for w in (draw.integers(1, 4), *draw.integers(2, 4, 2), draw.integers(1, 4))
        ]
        layers = tuple(
            Matrix.random(draw, b, 1, 2) @ Matrix.random(draw, 1, a, 2) for a, b in pairwise(widths)
        )
        target = Matrix.random(draw, widths[-1], widths[0])
        passed = (1,) * rank(product(layers))
        point = CriticalPoint(layers, target, passed, (), one, one)
        if not point.residual.is_zero():
            return point


NO_SPURIOUS = Claim(
    id="2e-no-spurious",
    title="Every local minimum is a global one, for any depth, widths and data",
    part="2e",
    statement=r"""
$R(W_1, dots, W_L)$ has no local minimum that is not a global one. More exactly, let $M$ and $G$ be as in
2e-white, $G eq.not 0$, and let $r = rank M$ be less than every hidden width $d_1, dots, d_(L-1)$. Then
the point is not a local minimum, whether it is critical or not: as near to it as one likes there are
points of lower risk.
""",
    derivation=r"""
*Step 1: hidden layers with room.* Let $r < d_1, dots, d_(L-1)$ and $G eq.not 0$. Let $h$ be the least
index for which $A_h$ is injective; $A_L = I$ is. We move layers as little as we like, *without changing
$M$* and so without changing $G$ or the risk, until $partial R \/ partial W_h = A_h^top G B_h^top eq.not
0$. From there a short step against this derivative lowers the risk.

_(a) Make $A_h^top G eq.not 0$._ If it is zero, then $h < L$. As $A_h$ is injective, $W_h dots.c W_1$ has
the rank $r$ of $M = A_h W_h dots.c W_1$, less than $d_h$: some $t eq.not 0$ has $t^top W_h dots.c W_1 =
0$. Also $A_h = W_L C$ with $C = W_(L-1) dots.c W_(h+1)$ (the identity if $h = L - 1$), so $C$ is
injective and $t^top = tau^top C$ for some $tau$. Choose $u$ with $u^top G eq.not 0$ and replace $W_L$ by
$W_L + epsilon u tau^top$. This changes $A_h$ by $epsilon u t^top$ and $M$ by $epsilon u t^top W_h dots.c
W_1 = 0$. For small $epsilon$, $A_h$ stays injective, and $A_h^top G = epsilon t u^top G eq.not 0$.

_(b) Make the derivative non-zero._ For $g < h$, $A_g = A_h (W_h dots.c W_(g+1))$ is not injective (it
was not before (a), which left the layers up to $h$ alone), so some $x_g eq.not 0$ has $W_h dots.c
W_(g+1) x_g = 0$. Choose $a_1$ with $A_h^top G a_1 eq.not 0$ and $a_g = x_(g-1)$ for $g >= 2$, and
replace $W_g$ by $W_g + epsilon x_g a_g^top$ for all $g < h$ at once. From the top downwards $W_h dots.c
W_(g+1) (W_g + epsilon x_g a_g^top) = W_h dots.c W_g$, so $W_h B_h$ and $M$ do not change. But $B_h$ is
now a polynomial in $epsilon$ whose highest coefficient is $x_(h-1) (a_(h-1)^top x_(h-2)) dots.c
(a_2^top x_1) a_1^top$, and that of $A_h^top G B_h^top$ is
$ norm(x_1)^2 dots.c norm(x_(h-2))^2 (A_h^top G a_1) x_(h-1)^top eq.not 0. $
So it is not zero for all but finitely many $epsilon$. (If $h = 1$, nothing is to be done: $B_1 = I$.)

*Step 2: a hidden layer without room.* $r$ exceeds no hidden width. Let $r$ be equal to one, and let the
point be a local minimum; it is critical, and $M$ holds $r$ modes of $K$. If one left over were stronger
than one kept, 2e-swap would give negative curvature, and the point would not be a local minimum. So $M$
holds the $r$ strongest, and $r$ is the largest rank possible: by 2d-bottleneck it is a global minimum.

*Together.* At a local minimum either $G = 0$, and the risk $1/2 norm(G)_F^2$ is the least of all; or
step 1 forbids room in all hidden layers, and step 2 applies. By 2e-white the same holds for $R$. (If $X
= 0$, $R$ is constant.) $square$

Step 1 uses of the loss only that it decreases along $-G$: it holds for every differentiable loss of
$Wbar$. Nothing says how far the lower point is: near a non-strict saddle the risk falls only with the
$L$th power of the distance, and descent may rest there for long.
""",
    source=(
        "The statement, for any widths: L. Zhang, Depth creates no more spurious local minima (2019); "
        "before it K. Kawaguchi (NeurIPS 2016) and Y. Zhou and Y. Liang (ICLR 2018); for other losses, "
        "without a bottleneck, T. Laurent and J. von Brecht (ICML 2018). The derivation is ours."
    ),
    assumptions=(),
    attack=_attack_no_spurious,
    subject=_lower,
    evidence=EvidenceLabel.SAMPLED,
    finding=(
        "At exact critical points that are no global minima, non-strict saddles included, and at points "
        "that are not critical, a point of lower risk is built in rational arithmetic within the distances "
        "1 and 1/1000."
    ),
)

CLAIMS = (NO_SPURIOUS,)
