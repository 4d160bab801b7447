"""Homework 2f: when a critical point is a global minimum."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from itertools import product as tuples
from typing import Any, NamedTuple

import numpy as np

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.exact import Matrix, null_space, product, rank, row_basis, solve
from pitfalls.claims.layers import layer_gradients, parts
from pitfalls.claims.risk import data_risk, matrix_risk

__all__ = ["CLAIMS", "SufficiencySubject", "any_cases", "one_layer_sees_all"]

Layers = Sequence[Matrix]
Condition = Callable[[Layers, Matrix], bool]


class SufficiencySubject(NamedTuple):
    """What is said to suffice: a condition when all layers rest, and which layers do so alone."""

    together: Condition
    alone: Callable[[Layers, Matrix], list[int]]


def spurious_gradient(
    layers: Layers, x: Matrix, resting: Sequence[int] | None = None
) -> Matrix | None:
    """Return a G, not zero, that some outputs Y produce and that no layer sees, if there is one.

    With ``resting``, it is enough that these layers (counted from 0) do not see it.

    For fixed layers and inputs the outputs enter only through G = W Sxx - Y'X, which can be any
    matrix whose rows lie in the row space of X. A layer is at rest when A_i' G B_i' = 0:
    linear equations in G. So exact elimination decides about all Y at once.
    """
    basis = row_basis(x)
    if basis is None:
        return None
    p = layers[-1].shape[0]
    sides = parts(layers)
    asked = range(len(layers)) if resting is None else resting
    seen = [(sides[i][0].T.rows, (sides[i][1] @ basis.T).rows) for i in asked]
    unseen = null_space(
        Matrix(
            [a * b for a in column for b in row]
            for columns, rows in seen
            for column in columns
            for row in rows
        )
    )
    if not unseen:
        return None
    mix = unseen[0]
    weights = Matrix.build(p, basis.shape[0], lambda k, b: mix[k * basis.shape[0] + b, 0])
    return weights @ basis


def _describe(layers: Layers, x: Matrix, gradient: Matrix, resting: Sequence[int]) -> str:
    """Build the outputs that put these layers at rest, and check it in full."""
    whole, sxx = product(list(layers)), x.T @ x
    y = solve(x.T, (whole @ sxx + gradient).T)
    assert y is not None
    slopes = layer_gradients(layers, x, y)
    assert all(slopes[i].is_zero() for i in resting)
    value = matrix_risk(layers, x, y)
    best = solve(sxx, x.T @ y)
    assert best is not None
    least = data_risk(best.T, x, y)
    assert least < value
    whose = "every derivative" if len(resting) == len(layers) else f"that of layer {resting[0] + 1}"
    return (
        f"layers {list(layers)} with X = {x}, Y = {y}: {whose} is zero and the risk is "
        f"{value}, but the least risk of a linear map is {least}"
    )


def _attack_condition(condition: Condition, search: Search, cases: Iterator[Any]) -> None:
    for layers, x in cases:
        if condition(layers, x):
            _require_optimal(layers, x, range(len(layers)), search)


def _attack_subject(subject: SufficiencySubject, search: Search, cases: Iterator[Any]) -> None:
    for layers, x in cases:
        if subject.together(layers, x):
            _require_optimal(layers, x, range(len(layers)), search)
        for i in subject.alone(layers, x):
            _require_optimal(layers, x, (i,), search)


def _require_optimal(layers: Layers, x: Matrix, resting: Sequence[int], search: Search) -> None:
    gradient = spurious_gradient(layers, x, resting)
    case = "" if gradient is None else _describe(layers, x, gradient, resting)
    search.require(gradient is None, case)


def _square_cases(search: Search) -> Iterator[tuple[list[Matrix], Matrix]]:
    inputs = (Matrix.identity(2), Matrix([[1, 1]]), Matrix([[1, 2], [2, 4], [0, 0]]))
    entries = (0, 1) if search.effort == "quick" else (-1, 0, 1)
    small = [Matrix([[a, b], [c, d]]) for a, b, c, d in tuples(entries, repeat=4)]
    for x in inputs:
        for first, second in tuples(small, repeat=2):
            yield [first, second], x
    for _ in range(search.pick(300, 8000)):
        draw = search.random
        size, depth = int(draw.integers(2, 5)), int(draw.integers(2, 6))
        layers = [_square(draw, size) for _ in range(depth)]
        x = Matrix.random(draw, int(draw.integers(1, 5)), size)
        yield layers, x


def _square(draw: np.random.Generator, size: int) -> Matrix:
    """Draw a square layer: generic, singular, the identity, or zero."""
    kind = draw.random()
    if kind < 0.55:
        return Matrix.random(draw, size, size)
    if kind < 0.75:
        inner = int(draw.integers(1, size))
        return Matrix.random(draw, size, inner) @ Matrix.random(draw, inner, size)
    return Matrix.partial_identity(size, size, size if kind < 0.9 else 0)


def any_cases(search: Search) -> Iterator[tuple[list[Matrix], Matrix]]:
    """Draw layers of any widths and inputs of any rank, with everything degenerate now and then."""
    yield from _square_cases(search)
    for _ in range(search.pick(400, 8000)):
        draw = search.random
        widths = [int(w) for w in draw.integers(1, 5, draw.integers(2, 6))]
        layers = []
        for a, b in pairwise(widths):
            if draw.random() < 0.3:
                layers.append(Matrix.random(draw, b, 1, 2) @ Matrix.random(draw, 1, a, 2))
            else:
                layers.append(Matrix.random(draw, b, a, 2))
        n = int(draw.integers(1, 5))
        x = Matrix.random(draw, n, widths[0])
        if draw.random() < 0.4:
            x = Matrix.random(draw, n, 1) @ Matrix.random(draw, 1, widths[0])
        yield layers, x


def _singular_factors(layers: Layers) -> int:
    return sum(rank(layer) < min(layer.shape) for layer in layers)


def _all_invertible(layers: Layers, x: Matrix) -> bool:
    return len({side for w in layers for side in w.shape}) == 1 and _singular_factors(layers) == 0


def _every_layer_if_invertible(layers: Layers, x: Matrix) -> list[int]:
    return list(range(len(layers))) if _all_invertible(layers, x) else []


def _all_but_two_invertible(layers: Layers, x: Matrix) -> bool:
    return len({side for w in layers for side in w.shape}) == 1 and _singular_factors(layers) <= 2


def layers_that_see_all(layers: Layers, x: Matrix) -> list[int]:
    """Return the layers, counted from 0, that meet the condition of 2f-weaker, by exact ranks."""
    p, x_rank = layers[-1].shape[0], rank(x)
    return [
        i
        for i, (above, below) in enumerate(parts(layers))
        if rank(above) == p and rank(below @ x.T) == x_rank
    ]


def one_layer_sees_all(layers: Layers, x: Matrix) -> bool:
    """Decide the condition of 2f-weaker by exact ranks."""
    return bool(layers_that_see_all(layers, x))


def _attack_printed(subject: SufficiencySubject, search: Search) -> None:
    _attack_subject(subject, search, _square_cases(search))


def _attack_weaker(subject: SufficiencySubject, search: Search) -> None:
    _attack_subject(subject, search, any_cases(search))


def _attack_two_singular(condition: Condition, search: Search) -> None:
    zero = Matrix.zeros(1, 1)
    cases = iter([([zero, zero], Matrix([[1]]))])
    _attack_condition(condition, search, cases)
    _attack_condition(condition, search, _square_cases(search))


PRINTED = Claim(
    id="2f-printed",
    title="With invertible layers every critical point is a global minimum",
    part="2f",
    statement=r"""
Let $p = d = d_0 = dots.c = d_L$. If $(W_1^*, dots, W_L^*)$ is a critical point of $R$ and every
$W_i^*$ is invertible, it is a global minimum of $R$. One layer at rest is enough: if
$partial R \/ partial W_i = 0$ for a single $i$, the conclusion follows.
""",
    derivation=r"""
Fix any $i$. The products $A_i = W_L^* dots.c W_(i+1)^*$ and $B_i = W_(i-1)^* dots.c W_1^*$ of
invertible matrices are invertible (or the identity). By 2e-gradient
$ 0 = (partial R)/(partial W_i) = A_i^top G B_i^top. $
Multiplying by $(A_i^top)^(-1)$ from the left and by $(B_i^top)^(-1)$ from the right gives $G = 0$,
that is $Wbar Sxx = Syx$. Here $min_i d_i = d = min(p, d)$, so 2d-printed applies, and the point is
a global minimum. $square$
""",
    source="Homework 2(f), the condition that suggests itself.",
    assumptions=(r"all layers are square, of size $p = d$.",),
    attack=_attack_printed,
    subject=SufficiencySubject(_all_invertible, _every_layer_if_invertible),
    evidence=EvidenceLabel.SAMPLED,
    finding=(
        "All pairs of 2 by 2 layers with entries 0 and 1 (thorough: -1, 0, 1) and random deeper ones: "
        "exact elimination over all outputs Y at once finds no critical point that is not optimal, "
        "and for no single layer a point at which it rests and that is not optimal."
    ),
)

WEAKER = Claim(
    id="2f-weaker",
    title="It is enough that one layer sees the whole error",
    part="2f",
    statement=r"""
Let the widths be arbitrary and let $(W_1, dots, W_L)$ be a critical point of $R$. If for some $i$
$ rank A_i = p quad "and" quad rank(B_i X^top) = rank X, $
it is a global minimum. Of the derivatives only $partial R \/ partial W_i = 0$ is needed. For square
layers it is enough that all but one are invertible.
""",
    derivation=r"""
Write $E = Wbar X^top - Y^top$, so that $G = E X$. Layer $i$ is at rest: $A_i^top G B_i^top = 0$.

*Above.* $A_i$ has $p$ rows and rank $p$, so the columns of $A_i^top$ are linearly independent and
$A_i^top Z = 0$ implies $Z = 0$. Hence $G B_i^top = E X B_i^top = 0$.

*Below.* The rows of $B_i X^top$ are combinations of the rows of $X^top$, so its row space lies in
that of $X^top$; the ranks agree, so the two spaces are equal. Transposed: $X B_i^top$ and $X$ have
the same column space. So each column of $X$ is a combination of columns of $X B_i^top$: there is a
matrix $C$ with $X = X B_i^top C$. Therefore
$ G = E X = (E X B_i^top) C = 0. $
By the direction of 2d-exact that holds for all widths, $G = 0$ makes the point a global minimum.

*Square layers.* If all but layer $i$ are invertible, then $A_i$ and $B_i$ are, so $rank A_i = p$
and $rank(B_i X^top) = rank X$. If all are invertible, any $i$ will do: the condition of 2f-printed
is a special case. $square$

*What it costs.* For two layers the condition reads: $rank W_2 = p$, or $rank(W_1 X^top) = rank X$.
In general it needs no layer above $i$ narrower than $p$ and none below $i$ narrower than $rank X$.
""",
    source="Weakens the condition of homework 2(f).",
    assumptions=(),
    attack=_attack_weaker,
    subject=SufficiencySubject(one_layer_sees_all, layers_that_see_all),
    evidence=EvidenceLabel.SAMPLED,
    finding=(
        "All pairs of 2 by 2 layers with entries 0 and 1 (thorough: -1, 0, 1) and random ones of any "
        "widths, X of any rank: exact elimination over all outputs Y at once finds no critical point "
        "that is not optimal, and none at which only the layer i of the condition need rest."
    ),
)

TWO_SINGULAR = Claim(
    id="2f-two-singular",
    title="False: two singular layers would do no harm",
    part="2f",
    statement=r"""
For square layers, a critical point at which at most two layers are singular is a global minimum.
(This is
*false*: it shows that "all but one" in 2f-weaker cannot be relaxed to "all but two".)
""",
    derivation=r"""
Take $L = 2$, all widths $1$ and the sample $x = y = 1$. At $w_1 = w_2 = 0$ both derivatives,
$w_2 (w_2 w_1 - 1)$ and $(w_2 w_1 - 1) w_1$, are zero, so the point is critical. Its loss is $1/2$,
while $w_1 = w_2 = 1$ has loss $0$. Both layers are singular, and the point is not a global minimum.
$square$

In general two singular factors suffice to hide an error: a layer above $i$ may be blind to the
outputs that matter and a layer below to the inputs that matter, for every $i$ at once.
""",
    source="Shows that the condition of 2f-weaker is sharp.",
    assumptions=(r"all layers are square, of size $p = d$.",),
    attack=_attack_two_singular,
    subject=_all_but_two_invertible,
    evidence=EvidenceLabel.SAMPLED,
    finding="One critical point that is no minimum settles it.",
    expected=False,
)

CLAIMS = (PRINTED, WEAKER, TWO_SINGULAR)
