"""Homework 2a: which maps a deep linear network can represent."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations, pairwise
from itertools import product as tuples

import numpy as np

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.exact import Matrix, determinant, factor, orthogonal, product, rank
from pitfalls.claims.floating import Array, chain
from pitfalls.claims.risk import symbolic_problem
from pitfalls.errors import CapacityError
from pitfalls.linear import factorize

__all__ = ["CLAIMS"]

Construct = Callable[[Matrix, Sequence[int]], list[Matrix]]


def _all_widths(longest: int, widest: int) -> Iterator[tuple[int, ...]]:
    for depth in range(1, longest + 1):
        yield from tuples(range(1, widest + 1), repeat=depth + 1)


def _draw_widths(search: Search, least: int = 1, most: int = 7) -> tuple[int, ...]:
    size = search.random.integers(2, 7)
    return tuple(int(w) for w in search.random.integers(least, most + 1, size))


def _low_rank(search: Search, p: int, d: int, size: int) -> Matrix:
    """Draw an integer matrix of rank at most ``size``, sometimes of large or repeated entries."""
    left = Matrix.random(search.random, p, size)
    right = Matrix.random(search.random, size, d)
    scale = int(search.random.choice([1, 1, 10**6]))
    return scale * (left @ right)


def _attack_if(construct: Construct, search: Search) -> None:
    def attempt(target: Matrix, widths: Sequence[int]) -> None:
        layers = construct(target, widths)
        shapes = [layer.shape for layer in layers]
        wanted = [(b, a) for a, b in pairwise(widths)]
        search.require(
            shapes == wanted and product(layers) == target,
            f"widths {tuple(widths)}, target {target}: layers {layers}",
        )

    for widths in _all_widths(search.pick(3, 4), search.pick(3, 4)):
        for size in range(min(widths) + 1):
            attempt(Matrix.partial_identity(widths[-1], widths[0], size), widths)
    for widths in _sampled_widths(search, search.pick(150, 3000)):
        target = _low_rank(search, widths[-1], widths[0], min(widths))
        attempt(target, widths)


def _sampled_widths(search: Search, count: int) -> Iterator[tuple[int, ...]]:
    """Draw networks up to width 7, some with one wide layer, and some that are wide throughout."""
    for _ in range(count):
        yield _draw_widths(search)
    for _ in range(min(count // 15, 60)):
        widths = list(_draw_widths(search))
        widths[search.random.integers(len(widths))] = int(search.random.integers(8, 25))
        yield tuple(widths)
        yield _draw_widths(search, 8, 14)


def _attack_only_if(bound: Callable[[Sequence[int]], int], search: Search) -> None:
    # Cauchy-Binet, machine-checked: every minor above the bound is the zero polynomial
    for widths in _all_widths(search.pick(2, 3), 3):
        allowed = bound(widths)
        if len(widths) == 4 and max(widths[0], widths[-1]) * max(widths) > 6:
            continue
        whole = product(symbolic_problem(widths, 1)[0])
        size = allowed + 1
        for rows in combinations(range(widths[-1]), size):
            for columns in combinations(range(widths[0]), size):
                minor = determinant(
                    Matrix([whole[i, j] for j in columns] for i in rows),
                )
                search.require(
                    minor == 0,
                    f"widths {widths}: the minor of rows {rows} and columns {columns} is {minor}, not zero",
                )
    for widths in _sampled_widths(search, search.pick(300, 6000)):
        drawn = [
            Matrix.random(search.random, b, a, int(search.random.choice([1, 3, 1000])))
            for a, b in pairwise(widths)
        ]
        reached = rank(product(drawn))
        search.require(
            reached <= bound(widths),
            f"widths {tuple(widths)}: a product of rank {reached}",
        )


Factorize = Callable[[Array, Sequence[int]], Sequence[Array]]


RANK_CUT = 1e-10
"""Singular values below this share of the largest count as zero: `factorize`'s own default."""


def _attack_balanced(split: Factorize, search: Search) -> None:
    for case in range(search.pick(150, 2000)):
        widths = _draw_widths(search)
        p, d, narrowest = widths[-1], widths[0], min(widths)
        target = _low_rank(search, p, d, min(p, d) if case % 3 == 0 else narrowest)
        if case % 5 == 0:  # repeated singular values
            target = Matrix.partial_identity(p, d, min(p, d) if case % 3 == 0 else narrowest)
        fits = rank(target) <= narrowest
        _require_balanced(split, target, widths, 1e-12, search, fits=fits)
    for _ in range(search.pick(60, 800)):  # around the cut below which a singular value is rounding
        widths = _draw_widths(search)
        p, d = widths[-1], widths[0]
        size = min(p, d)
        powers = search.random.choice([0, 0, 3, 6, 9, 11, 13, 20], size)
        powers[0] = 0
        shares = [Fraction(3, 10 ** int(k)) if k else Fraction(1) for k in powers]
        scales = [[share * (i == j) for j in range(d)] for i, share in enumerate(shares)]
        scales += [[Fraction(0)] * d] * (p - size)
        target = orthogonal(search.random, p) @ Matrix(scales) @ orthogonal(search.random, d)
        counted = sum(share > RANK_CUT for share in shares)
        fits = counted <= min(widths)
        _require_balanced(split, target, widths, 1e-12 + size * RANK_CUT, search, fits=fits)


def _require_balanced(
    split: Factorize,
    target: Matrix,
    widths: Sequence[int],
    tolerance: float,
    search: Search,
    *,
    fits: bool,
) -> None:
    described = f"widths {tuple(widths)}, target {target}"
    values = target.to_array()
    try:
        layers = split(values, widths)
    except CapacityError:
        search.require(not fits, f"{described}: refused, though its rank fits")
        return
    search.require(fits, f"{described}: split, though its rank is too large")
    scale = max(1.0, float(np.linalg.norm(values, 2)))
    search.compare(
        float(np.abs(chain(layers, widths[0]) - values).max()) / scale,
        tolerance,
        f"{described}: the product of the layers",
    )
    for left, right in zip(layers[1:], layers[:-1], strict=True):
        gap = left.T @ left - right @ right.T
        search.compare(
            float(np.abs(gap).max()) / scale ** (2 / len(layers)),
            1e-12,
            f"{described}: two neighbouring layers are not balanced",
        )


CAPACITY_IF = Claim(
    id="2a-if",
    title="A map whose rank fits through the narrowest layer can be represented",
    part="2a",
    statement=r"""
Let $W_0 in RR^(p times d)$ and widths $d_0 = d, d_1, dots, d_L = p$ be given, and let
$dmin = min_(0 <= i <= L) d_i$. If $rank W_0 <= dmin$, then there are layers
$W_i in RR^(d_i times d_(i-1))$ with $W_L dots.c W_1 = W_0$.
""",
    derivation=r"""
*Partial identities.* For $r <= min(a, b)$ let $N_r^(a times b)$ be the $a times b$ matrix with ones
in its first $r$ diagonal places and zeros elsewhere. These multiply among themselves: for
$r <= min(a, b, c)$ the entry $(i, k)$ of a product is
$ (N_r^(a times b) N_r^(b times c))_(i k) = sum_(j=1)^b [i = j <= r] [j = k <= r] = [i = k <= r], $
so $N_r^(a times b) N_r^(b times c) = N_r^(a times c)$. If $r <= dmin$, every layer has room for $r$
ones, and $W_i = N_r^(d_i times d_(i-1))$ gives $W_L dots.c W_1 = N_r^(p times d)$. This settles the
special target of the hint.

*Any target.* Let $r = rank W_0 <= dmin$. Row operations bring $W_0$ into reduced echelon form and
column operations remove what is left beside the pivots, so there are invertible
$P in RR^(p times p)$ and $Q in RR^(d times d)$ with
$ W_0 = P N_r^(p times d) Q. $
(The singular value decomposition $W_0 = U Sigma V^top$ is one such splitting: take
$Q = V^top$ and $P = U spread(s_1, dots, s_r, 1, dots, 1)$.) Take the layers of the special case and
let the first absorb $Q$ and the last absorb $P$:
$ W_1 = N_r^(d_1 times d) Q, quad W_i = N_r^(d_i times d_(i-1)) quad (1 < i < L), quad
W_L = P N_r^(p times d_(L-1)). $
For $L = 1$ both are absorbed by the only layer, which is then $W_0$ itself. The product is
$P N_r^(p times d) Q = W_0$. $square$

*A misprint in the hint.* The lower right block of its matrix must have $p - d_*$ rows and $d - d_*$
columns (the second number is printed with its sign reversed), and the $d_*$ of that matrix is the
rank of the target, which need not reach the smallest width.
""",
    source="Homework 2(a), the \u201cif\u201d direction; the hint is corrected.",
    assumptions=(r"$L >= 1$ and every width is at least 1.",),
    attack=_attack_if,
    subject=factor,
    evidence=EvidenceLabel.BOUNDED,
    finding=(
        "The construction, in rational arithmetic, restores every partial identity, to which the "
        "derivation reduces every target, for all networks of up to 3 layers and widths up to 3 "
        "(thorough: 4 and 4), and random targets for random widths up to 24."
    ),
)

CAPACITY_ONLY_IF = Claim(
    id="2a-only-if",
    title="No choice of layers exceeds the rank of the narrowest width",
    part="2a",
    statement=r"""
For all layers $W_i in RR^(d_i times d_(i-1))$, $i = 1, dots, L$, the end-to-end map satisfies
$rank(W_L dots.c W_1) <= min_(0 <= i <= L) d_i$. A target of larger rank cannot be represented.
""",
    derivation=r"""
*The rank of a product.* Every column of $A B$ is a combination of the columns of $A$, so the column
space of $A B$ lies in that of $A$ and $rank(A B) <= rank A$. Transposing,
$rank(A B) = rank(B^top A^top) <= rank B^top = rank B$. Together
$ rank(A B) <= min(rank A, rank B). $

*A chain of layers.* Apply this repeatedly: for every $i$ the product
$Wbar = (W_L dots.c W_(i+1)) W_i (W_(i-1) dots.c W_1)$ has
$ rank Wbar <= rank W_i <= min(d_i, d_(i-1)), $
because the rank of a matrix exceeds neither its number of rows nor its number of columns. As $i$
runs from $1$ to $L$, each of $d_0, dots, d_L$ appears on the right, so $rank Wbar <= dmin$. Hence
$Wbar = W_0$ is possible only if $rank W_0 <= dmin$. $square$

*The same by determinants*, which is how the claim is checked by machine: a matrix has rank at most
$r$ exactly when all its $(r+1) times (r+1)$ minors vanish, and with unknowns in all places of the
layers those minors of $W_L dots.c W_1$ are zero polynomials as soon as $r >= dmin$.
""",
    source="Homework 2(a), the \u201conly if\u201d direction.",
    assumptions=(r"$L >= 1$ and every width is at least 1.",),
    attack=_attack_only_if,
    subject=min,
    evidence=EvidenceLabel.SYMBOLIC,
    finding=(
        "All minors above the bound are zero polynomials in the layers' entries, for small widths; "
        "exact ranks of random integer products never exceed the bound."
    ),
)

BALANCED = Claim(
    id="2a-balanced",
    title="The layers can be chosen balanced, and factorize does so when the numerical rank fits",
    part="2a",
    statement=r"""
If $rank W_0 <= dmin$, the layers with $W_L dots.c W_1 = W_0$ can be chosen *balanced*:
$W_(i+1)^top W_(i+1) = W_i W_i^top$ for $i = 1, dots, L - 1$. The library's `factorize` works in
floating point and, in double precision, goes by the numerical rank, the number of singular values
above $10^(-10)$ times the largest: it refuses the targets whose numerical rank exceeds $dmin$, and for
all others returns balanced layers whose product is $W_0$ without its smaller singular values, up to
rounding.
""",
    derivation=r"""
Let $W_0 = U_r Sigma_r V_r^top$ be the thin singular value decomposition with
$Sigma_r = spread(s_1, dots, s_r)$, $s_i > 0$, where $r = rank W_0 <= dmin$. Let
$E_i in RR^(d_i times r)$ be the first $r$ columns of the identity, so that $E_i^top E_i = I_r$, and
give each layer the same share of the singular values:
$ W_1 = E_1 Sigma_r^(1\/L) V_r^top, quad
W_i = E_i Sigma_r^(1\/L) E_(i-1)^top quad (1 < i < L), quad
W_L = U_r Sigma_r^(1\/L) E_(L-1)^top. $
(For $L = 1$: $W_1 = W_0$, and there is nothing to balance.) In the product the inner factors
$E_i^top E_i$ drop out and leave $U_r (Sigma_r^(1\/L))^L V_r^top = W_0$.

*Balance.* Write $U_r = E_L$ and $V_r = E_0$ for a moment: these too have orthonormal columns, so
every layer is $W_i = E_i Sigma_r^(1\/L) E_(i-1)^top$. Then
$ W_(i+1)^top W_(i+1)
  &= E_i Sigma_r^(1\/L) E_(i+1)^top E_(i+1) Sigma_r^(1\/L) E_i^top
  = E_i Sigma_r^(2\/L) E_i^top, \
  W_i W_i^top
  &= E_i Sigma_r^(1\/L) E_(i-1)^top E_(i-1) Sigma_r^(1\/L) E_i^top
  = E_i Sigma_r^(2\/L) E_i^top. quad square $
In particular all layers share the singular values $s_1^(1\/L), dots, s_r^(1\/L)$. Gradient flow
keeps a balanced start balanced (claim 2e-balance).

*Numerical rank.* Rounding turns a matrix of rank $r$ into one of full rank, whose further singular
values are rounding. `factorize` therefore counts the singular values above $10^(-10) s_1$ and drops
the rest: $W_0 = spread(1, 10^(-11))$ has rank $2$ and numerical rank $1$, and for width $1$ it
returns layers of rank $1$, whose product differs from $W_0$ by $10^(-11)$. With $r$ the numerical
rank, the construction above is what it does.
""",
    source="The constructive form of homework 2(a).",
    assumptions=(r"$rank W_0 <= min_i d_i$.",),
    attack=_attack_balanced,
    subject=factorize,
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "factorize against exact ranks, and around the cut against planted singular values from 1 down "
        "to 3e-20: it refuses exactly the targets whose numerical rank is too large, and otherwise its "
        "layers multiply to the target and are balanced."
    ),
)

CLAIMS = (CAPACITY_IF, CAPACITY_ONLY_IF, BALANCED)
