"""Homework 2e: the derivative in each layer, and a critical point that is no minimum."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.exact import Entry, Matrix, factor, gradient, product
from pitfalls.claims.risk import (
    arrays,
    integer_problem,
    library_risk,
    matrix_risk,
    relative_error,
    symbolic_problem,
)

__all__ = ["ARCHITECTURES", "CLAIMS", "layer_gradients", "symbolic_network"]

Layers = Sequence[Matrix]
Gradients = Callable[[Layers, Matrix, Matrix], list[Matrix]]


def parts(layers: Layers) -> list[tuple[Matrix, Matrix]]:
    """Return A_i = W_L ... W_(i+1) and B_i = W_(i-1) ... W_1 for every layer i."""
    d, p = layers[0].shape[1], layers[-1].shape[0]
    above, below = [Matrix.identity(p)], [Matrix.identity(d)]
    for layer in layers[:0:-1]:
        above.append(above[-1] @ layer)
    for layer in layers[:-1]:
        below.append(layer @ below[-1])
    return list(zip(above[::-1], below, strict=True))


def layer_gradients(layers: Layers, x: Matrix, y: Matrix) -> list[Matrix]:
    """Return A_i' G B_i' for every layer, G = W Sxx - Syx."""
    error = product(layers) @ (x.T @ x) - y.T @ x
    return [above.T @ error @ below.T for above, below in parts(layers)]


def _library_gradients(layers: Layers, x: Matrix, y: Matrix) -> list[Matrix]:
    found = library_risk(x, y).layer_gradients(arrays(layers))
    return [Matrix.from_array(slope) for slope in found]


def _partial_derivatives(layers: Layers, x: Matrix, y: Matrix) -> list[Matrix]:
    """Differentiate the risk entry by entry: exact, because it is a quadratic in each layer."""

    def slope(i: int, k: int, m: int) -> Entry:
        shape = layers[i].shape
        step = Matrix.single(*shape, k, m)
        ahead, behind = list(layers), list(layers)
        ahead[i], behind[i] = layers[i] + step, layers[i] - step
        difference = matrix_risk(ahead, x, y) - matrix_risk(behind, x, y)
        return Fraction(1, 2) * difference

    return [Matrix.build(*layer.shape, partial(slope, i)) for i, layer in enumerate(layers)]


class LayerSubject(NamedTuple):
    """A formula over any ring, and the library function that should compute it."""

    formula: Gradients
    library: Gradients


ARCHITECTURES = (
    (1, 1),
    (2, 2),
    (1, 1, 1),
    (2, 1, 2),
    (1, 2, 1),
    (2, 2, 2),
    (1, 2, 1, 2),
    (2, 2, 2, 2),
)
"""Widths for which the derivative is taken symbolically in every entry of every layer."""


def symbolic_network(search: Search, widths: Sequence[int]) -> tuple[list[Matrix], Matrix, Matrix]:
    """Return unknown layers, with unknown data for small networks and random integers for larger ones."""
    layers, x, y = symbolic_problem(widths, 1)
    if len(widths) < 4:
        return layers, x, y
    draw = search.random
    return layers, Matrix.random(draw, 2, widths[0]), Matrix.random(draw, 2, widths[-1])


def _attack_gradients(subject: LayerSubject, search: Search) -> None:
    for widths in ARCHITECTURES[: search.pick(7, 8)]:
        layers, x, y = symbolic_network(search, widths)
        value = matrix_risk(layers, x, y)
        found = subject.formula(layers, x, y)
        for i, layer in enumerate(layers):
            search.require(
                found[i] == gradient(value, layer),
                f"widths {widths}: not the partial derivatives in layer {i + 1}",
            )
    for _ in range(search.pick(120, 2500)):
        layers, x, y = integer_problem(search)
        exact = _partial_derivatives(layers, x, y)
        formula, library = subject.formula(layers, x, y), subject.library(layers, x, y)
        scale = float(max(layer.largest() for layer in layers)) ** (2 * len(layers))
        scale = scale * float(x.squared_norm()) + float(y.squared_norm())
        for i, truth in enumerate(exact):
            described = f"layers {list(layers)}, X = {x}, Y = {y}: layer {i + 1}"
            search.require(formula[i] == truth, f"{described}: the formula is wrong")
            search.compare(relative_error(library[i], truth, scale), 1e-12, described)


Start = Callable[[Sequence[int]], list[Matrix]]


def _zero_layers(widths: Sequence[int]) -> list[Matrix]:
    return [Matrix.zeros(b, a) for a, b in pairwise(widths)]


def _attack_not_global(start: Start, search: Search) -> None:
    for _ in range(search.pick(40, 1000)):
        draw = search.random
        widths = [int(w) for w in draw.integers(1, 5, draw.integers(3, 6))]
        n = int(draw.integers(1, 6))
        x, y = Matrix.random(draw, n, widths[0]), Matrix.random(draw, n, widths[-1])
        layers = start(widths)
        described = f"widths {tuple(widths)}, X = {x}, Y = {y}"
        slopes = _partial_derivatives(layers, x, y)
        search.require(
            all(slope.is_zero() for slope in slopes),
            f"{described}: the point is not critical",
        )
        library = _library_gradients(layers, x, y)
        largest = max(float(slope.largest()) for slope in library)
        search.compare(largest, 0.0, f"{described}: layer_gradients")
        value = matrix_risk(layers, x, y)
        better = _one_entry_descent(x, y, widths)
        correlated = not (y.T @ x).is_zero()
        search.require(
            (better < value) == correlated,
            f"{described}: risk {value}, with one entry fitted {better}",
        )


def _one_entry_descent(x: Matrix, y: Matrix, widths: Sequence[int]) -> Entry:
    """Return the least risk of a map with a single non-zero entry, built from actual layers."""
    syx, sxx = y.T @ x, x.T @ x
    best = matrix_risk(_zero_layers(widths), x, y)
    p, d = syx.shape
    for k in range(p):
        for m in range(d):
            if syx[k, m] == 0:
                continue
            size = Fraction(syx[k, m]) / sxx[m, m]
            whole = Matrix.single(p, d, k, m, size)
            best = min(best, matrix_risk(factor(whole, widths), x, y))
    return best


GRADIENT = Claim(
    id="2e-gradient",
    title="The derivative of the loss in one layer",
    part="2e",
    statement=r"""
Let $A_i = W_L dots.c W_(i+1)$ and $B_i = W_(i-1) dots.c W_1$ be the layers above and below layer
$i$, with $A_L = I_p$ and $B_1 = I_d$, and let $G = Wbar Sxx - Syx$. Then for $i = 1, dots, L$
$ (partial R)/(partial W_i) = A_i^top G B_i^top. $
The homework writes $hat(cal(R))(f_(W_(1:L)))$ for $R$, $Wbar_((L:i+1))$ for $A_i$ and
$Wbar_((i-1:1))$ for $B_i$.
""",
    derivation=r"""
*By backpropagation.* Extend the graph of 2c downwards: $P = W_i B_i$ and $Wbar = A_i P$. By 2c the
message at $Wbar$ is $G = (Wbar X^top - Y^top) X$. The rule for a product $F = A B$ with message $Z$
sends $Z B^top$ to $A$ and $A^top Z$ to $B$. At $Wbar = A_i P$ the second factor $P$ receives
$A_i^top G$. At $P = W_i B_i$ the first factor $W_i$ receives
$ (partial R)/(partial W_i) = (A_i^top G) B_i^top. quad square $

*Without the rule for messages.* Change layer $i$ by $H$. Then $Wbar$ changes by $A_i H B_i$,
exactly, because $Wbar$ is linear in each single layer. By the expansion in 2c
$ R(dots, W_i + H, dots) = R + inner(G, A_i H B_i) + 1/2 norm(A_i H B_i X^top)_F^2, $
and $inner(G, A_i H B_i) = tr(G^top A_i H B_i) = tr(B_i G^top A_i H) = inner(A_i^top G B_i^top, H)$.

*Cost.* All $A_i$ and all $B_i$ come from running products, so all $L$ derivatives take $O(L)$
matrix products together.
""",
    source="Homework 2(e).",
    assumptions=(),
    attack=_attack_gradients,
    subject=LayerSubject(layer_gradients, _library_gradients),
    evidence=EvidenceLabel.SYMBOLIC,
    finding=(
        "Equal to the partial derivatives as polynomials in all layers; SquaredRisk.layer_gradients "
        "equals exact central differences on integer problems to rounding."
    ),
)

NOT_GLOBAL = Claim(
    id="2e-not-global",
    title="All layers zero is a critical point, and a global minimum only without any correlation",
    part="2e",
    statement=r"""
Let $L >= 2$. The point $W_1 = 0, dots, W_L = 0$ is a critical point of $R$. It is a global minimum
if and only if $Y^top X = 0$. So a critical point need not be a global minimum.
""",
    derivation=r"""
*How a critical point can miss.* By 2e-gradient, layer $i$ is at rest when $A_i^top G B_i^top = 0$.
That says that $G$ vanishes only *as seen through* the other layers: if $A_i^top$ or $B_i$ lose
directions, $G$ may be non-zero in what they lose. With $G eq.not 0$ the end-to-end map does not
minimise $Q$ (2d).

*The zero point.* Let all layers be zero. For every $i$, at least one of the products $A_i$ and
$B_i$ has a factor among the other $L - 1 >= 1$ layers and is therefore zero. So
$(partial R)/(partial W_i) = A_i^top G B_i^top = 0$ for every $i$: the point is critical. Its loss
is $Q(0) = 1/2 norm(Y)_F^2$, and $G = -Y^top X$ there.

*If $Y^top X eq.not 0$:* choose $k, m$ with $c := (Y^top X)_(k m) eq.not 0$. Then column $m$ of $X$
is not zero, so $s := (X^top X)_(m m) > 0$. The map $t e_k e_m^top$ has rank at most 1, so by 2a it
is the product of some layers (every width is at least 1), and
$ Q(t e_k e_m^top) = 1/2 norm(Y)_F^2 - t c + 1/2 t^2 s, $
which at $t = c\/s$ is $1/2 norm(Y)_F^2 - c^2\/(2 s) < Q(0)$. Zero is not a global minimum.

*If $Y^top X = 0$:* then by 2b-moments $R = 1/2 norm(Wbar X^top)_F^2 + 1/2 norm(Y)_F^2 >= Q(0)$
everywhere, so zero is a global minimum. $square$
""",
    source="Homework 2(e), the question why a critical point is not necessarily a global minimum.",
    assumptions=(r"$L >= 2$ and every width is at least 1.",),
    attack=_attack_not_global,
    subject=_zero_layers,
    evidence=EvidenceLabel.SAMPLED,
    finding=(
        "The derivatives at zero vanish, and layers with "
        "a smaller risk exist exactly when Y'X is not zero; layer_gradients returns exact zeros."
    ),
)

CLAIMS = (GRADIENT, NOT_GLOBAL)
