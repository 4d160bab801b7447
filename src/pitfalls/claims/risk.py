"""Homework 2b and 2c: the training loss as a function of the end-to-end map."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.exact import Entry, Matrix, gradient, product, unknowns
from pitfalls.linear import SquaredRisk
from pitfalls.moments import SecondMoments

__all__ = ["CLAIMS", "arrays", "data_risk", "library_risk", "matrix_risk", "symbolic_problem"]

HALF = Fraction(1, 2)
Layers = Sequence[Matrix]
Risk = Callable[[Layers, Matrix, Matrix], Entry]


def sample_risk(layers: Layers, x: Matrix, y: Matrix) -> Entry:
    """Sum the loss sample by sample, each pushed through the layers, as the homework defines it."""
    total: Entry = 0
    for inputs, outputs in zip(x.rows, y.rows, strict=True):
        signal = Matrix([a] for a in inputs)
        for layer in layers:
            signal = layer @ signal
        total = total + (signal - Matrix([b] for b in outputs)).squared_norm()
    return HALF * total


def data_risk(whole: Matrix, x: Matrix, y: Matrix) -> Entry:
    """Return Q of an end-to-end map: half the squared Frobenius norm of W X' - Y'."""
    return HALF * (whole @ x.T - y.T).squared_norm()


def matrix_risk(layers: Layers, x: Matrix, y: Matrix) -> Entry:
    """Return Q of the product of the layers."""
    return data_risk(product(layers), x, y)


def moment_risk(layers: Layers, x: Matrix, y: Matrix) -> Entry:
    """Return the risk from the second moments alone."""
    whole = product(layers)
    sxx, syx, syy = x.T @ x, y.T @ x, y.T @ y
    spread = (whole @ sxx @ whole.T).trace()
    return HALF * (spread - 2 * (whole @ syx.T).trace() + syy.trace())


def arrays(matrices: Layers) -> list[npt.NDArray[np.float64]]:
    """Round exact matrices to float64 arrays."""
    return [matrix.to_array() for matrix in matrices]


def library_risk(x: Matrix, y: Matrix) -> SquaredRisk:
    """Return the library's risk of exact data."""
    return SquaredRisk(SecondMoments.from_arrays(x.to_array(), y.to_array()))


def _library_value(layers: Layers, x: Matrix, y: Matrix) -> float:
    return float(library_risk(x, y).value(arrays(layers)))


def _library_end_to_end_gradient(whole: Matrix, x: Matrix, y: Matrix) -> Matrix:
    return Matrix.from_array(library_risk(x, y).end_to_end_gradient(arrays([whole])))


class RiskSubject(NamedTuple):
    """A formula over any ring, and the library function that should compute it."""

    formula: Risk
    library: Callable[[Layers, Matrix, Matrix], float]


class GradientSubject(NamedTuple):
    """A formula over any ring, and the library function that should compute it."""

    formula: Callable[[Matrix, Matrix, Matrix], Matrix]
    library: Callable[[Matrix, Matrix, Matrix], Matrix]


SHAPES = ((1, 1), (2, 1), (1, 2), (2, 2), (1, 1, 1), (2, 1, 2), (1, 2, 2), (2, 2, 1), (1, 1, 1, 1))
"""Widths for which the identities are proved with an unknown in every place."""


def symbolic_problem(widths: Sequence[int], n: int) -> tuple[list[Matrix], Matrix, Matrix]:
    """Return layers, X and Y with an unknown in every place."""
    shapes = {f"W{i + 1}": (b, a) for i, (a, b) in enumerate(pairwise(widths))}
    *layers, x, y = unknowns(**shapes, X=(n, widths[0]), Y=(n, widths[-1]))
    return layers, x, y


def integer_problem(search: Search) -> tuple[list[Matrix], Matrix, Matrix]:
    """Draw layers and data: any depth, zero layers, rank-deficient X, n < d, large scales."""
    draw = search.random
    widths = [int(w) for w in draw.integers(1, 6, draw.integers(2, 6))]
    n = int(draw.integers(1, 8))
    layers = [
        Matrix.random(draw, b, a, int(draw.choice([0, 1, 3, 3, 30], p=[0.1, 0.2, 0.3, 0.3, 0.1])))
        for a, b in pairwise(widths)
    ]
    x = Matrix.random(draw, n, widths[0])
    if draw.random() < 0.3:
        x = Matrix.random(draw, n, 1) @ Matrix.random(draw, 1, widths[0])
    return layers, x, Matrix.random(draw, n, widths[-1])


def relative_error(value: Matrix, exact: Matrix, scale: Entry) -> float:
    """Return the largest deviation over the scale of what was summed up."""
    if value.shape != exact.shape:
        return float("inf")
    return float((value - exact).largest()) / max(1.0, float(scale))


def _attack_value(subject: RiskSubject, search: Search) -> None:
    for widths in SHAPES[: search.pick(8, 9)]:
        layers, x, y = symbolic_problem(widths, 2)
        search.require(
            subject.formula(layers, x, y) == sample_risk(layers, x, y),
            f"widths {widths}, two samples: the polynomials differ",
        )
    for _ in range(search.pick(150, 3000)):
        layers, x, y = integer_problem(search)
        exact = sample_risk(layers, x, y)
        described = f"layers {layers}, X = {x}, Y = {y}: risk {exact}"
        search.require(subject.formula(layers, x, y) == exact, described)
        scale = max(1.0, float((product(layers) @ x.T).squared_norm() + y.squared_norm()))
        search.compare(abs(subject.library(layers, x, y) - float(exact)) / scale, 1e-12, described)


def _attack_convex(loss: Callable[[Matrix, Matrix, Matrix], Entry], search: Search) -> None:
    def gap(u: Matrix, w: Matrix, t: Entry, x: Matrix, y: Matrix) -> Entry:
        middle = t * u + (1 - t) * w
        return t * loss(u, x, y) + (1 - t) * loss(w, x, y) - loss(middle, x, y)

    # the adversary first: a chord that runs below the function
    for _ in range(search.pick(300, 5000)):
        draw = search.random
        p = int(draw.integers(1, 4))
        d = p if draw.random() < 0.7 else int(draw.integers(1, 4))
        n = int(draw.integers(1, 5))
        u, w = Matrix.random(draw, p, d), Matrix.random(draw, p, d)
        x, y = Matrix.random(draw, n, d), Matrix.random(draw, n, p)
        t = Fraction(int(draw.integers(1, 10)), 10)
        search.require(
            gap(u, w, t, x, y) >= 0,
            f"between {u} and {w} at t = {t}, with X = {x}, Y = {y}, the chord runs "
            f"{-gap(u, w, t, x, y)} below the function",
        )
    for p, d, n in ((1, 1, 1), (1, 2, 1), (2, 1, 2), (2, 2, 1), (1, 2, 2)):
        shares, u, w, x, y = unknowns(t=(1, 1), U=(p, d), W=(p, d), X=(n, d), Y=(n, p))
        share = shares[0, 0]
        squares = HALF * share * (1 - share) * ((u - w) @ x.T).squared_norm()
        search.require(
            gap(u, w, share, x, y) == squares,
            f"p = {p}, d = {d}, n = {n}: the gap is not the sum of squares",
        )


def _attack_layers_convex(loss: Callable[[Layers, Matrix, Matrix], Entry], search: Search) -> None:
    one = Matrix([[1]])
    starts: list[tuple[Layers, Layers, Matrix, Matrix]] = [
        ([one, one], [-1 * one, -1 * one], one, one)
    ]
    for _ in range(search.pick(50, 500)):
        layers, x, y = integer_problem(search)
        other = [Matrix.random(search.random, *layer.shape) for layer in layers]
        starts.append((layers, other, x, y))
    for first, second, x, y in starts:
        middle = [HALF * (a + b) for a, b in zip(first, second, strict=True)]
        chord = HALF * (loss(first, x, y) + loss(second, x, y))
        value = loss(middle, x, y)
        search.require(
            value <= chord,
            f"X = {x}, Y = {y}: halfway between the layers {list(first)} and {list(second)} the risk is "
            f"{value}, above the chord's {chord}",
        )


def _attack_gradient(subject: GradientSubject, search: Search) -> None:
    for p, d, n in ((1, 1, 1), (2, 2, 2), (1, 3, 2), (3, 1, 2), (2, 3, 2))[: search.pick(4, 5)]:
        w, x, y = unknowns(W=(p, d), X=(n, d), Y=(n, p))
        search.require(
            subject.formula(w, x, y) == gradient(data_risk(w, x, y), w),
            f"p = {p}, d = {d}, n = {n}: not the partial derivatives of Q",
        )
    for _ in range(search.pick(150, 3000)):
        layers, x, y = integer_problem(search)
        whole = product(layers)
        exact = _difference_gradient(whole, x, y)
        described = f"W = {whole}, X = {x}, Y = {y}"
        search.require(subject.formula(whole, x, y) == exact, f"{described}: the formula is wrong")
        scale = whole.squared_norm() + x.squared_norm() + y.squared_norm()
        search.compare(
            relative_error(subject.library(whole, x, y), exact, scale),
            1e-12,
            f"{described}: the library's gradient",
        )


def _difference_gradient(whole: Matrix, x: Matrix, y: Matrix) -> Matrix:
    """Differentiate Q by central differences: exact for a quadratic, in rational arithmetic."""
    p, d = whole.shape

    def slope(k: int, m: int) -> Entry:
        step = Matrix.single(p, d, k, m)
        return HALF * (data_risk(whole + step, x, y) - data_risk(whole - step, x, y))

    return Matrix.build(p, d, slope)


IDENTITY = Claim(
    id="2b-identity",
    title="The training loss is a Frobenius norm of the end-to-end map's residual",
    part="2b",
    statement=r"""
Let $X in RR^(n times d)$ and $Y in RR^(n times p)$ hold the samples $x_j$ and $y_j$ as rows, and
let $Wbar = W_L dots.c W_1$. Then
$ R(W_1, dots, W_L) := 1/2 sum_(j=1)^n norm(Wbar x_j - y_j)_2^2 = Q(Wbar), quad
  Q(W) := 1/2 norm(W X^top - Y^top)_F^2. $
""",
    derivation=r"""
The network computes $x |-> W_L (dots.c (W_1 x)) = Wbar x$, because matrix multiplication is
associative. The columns of $X^top$ are the samples $x_j$, so column $j$ of $Wbar X^top$ is
$Wbar x_j$, and column $j$ of $E := Wbar X^top - Y^top$ is $Wbar x_j - y_j$. The squared Frobenius
norm is the sum of all squared entries; summed column by column,
$ norm(E)_F^2 = sum_(j=1)^n sum_(k=1)^p E_(k j)^2 = sum_(j=1)^n norm(Wbar x_j - y_j)_2^2. $
Half of this is both $Q(Wbar)$ and $R$. $square$
""",
    source="Homework 2(b), first part.",
    assumptions=(),
    attack=_attack_value,
    subject=RiskSubject(matrix_risk, _library_value),
    evidence=EvidenceLabel.SYMBOLIC,
    finding=(
        "Equal as polynomials in all weights and data for small widths; the formula exactly and "
        "SquaredRisk.value to rounding equal the sum over samples on integer problems."
    ),
)

MOMENTS = Claim(
    id="2b-moments",
    title="The loss sees the data only through its second moments",
    part="2b",
    statement=r"""
With $Sxx = X^top X$, $Syx = Y^top X$ and $Syy = Y^top Y$,
$ R(W_1, dots, W_L) = 1/2 (tr(Wbar Sxx Wbar^top) - 2 tr(Wbar Syx^top) + tr Syy), $
so the loss and all its derivatives depend on the data through $Sxx$, $Syx$ and $tr Syy$ only: after
one pass over the samples, no computation depends on $n$.
""",
    derivation=r"""
By 2b-identity $2 R = norm(E)_F^2 = tr(E E^top)$ with $E = Wbar X^top - Y^top$. Multiplying out,
$ E E^top = Wbar X^top X Wbar^top - Wbar X^top Y - Y^top X Wbar^top + Y^top Y. $
The two middle terms are transposes of each other, so they have the same trace, and
$X^top Y = (Y^top X)^top = Syx^top$. Hence
$ 2 R = tr(Wbar Sxx Wbar^top) - 2 tr(Wbar Syx^top) + tr Syy. quad square $
The right side is a polynomial in the weights whose coefficients are entries of the moments, so
every derivative is as well.
""",
    source="An extension of homework 2(b).",
    assumptions=(),
    attack=_attack_value,
    subject=RiskSubject(moment_risk, _library_value),
    evidence=EvidenceLabel.SYMBOLIC,
    finding=(
        "Equal as polynomials in all weights and data for small widths; the formula exactly and "
        "SquaredRisk.value to rounding equal the sum over samples on integer problems."
    ),
)

CONVEX = Claim(
    id="2b-convex",
    title="The loss is convex in the end-to-end map",
    part="2b",
    statement=r"""
$Q(W) = 1/2 norm(W X^top - Y^top)_F^2$ is a convex function of $W in RR^(p times d)$. More exactly,
for all $U, W$ and $t in [0, 1]$
$ t Q(U) + (1 - t) Q(W) - Q(t U + (1 - t) W) = (t (1 - t))/2 norm((U - W) X^top)_F^2 >= 0. $
""",
    derivation=r"""
*By rows, as the hint suggests.* Let $w_k in RR^d$ be row $k$ of $W$ and $y^((k)) in RR^n$ column
$k$ of $Y$, both as columns. Row $k$ of $W X^top - Y^top$ is $(X w_k - y^((k)))^top$, so
$ Q(W) = sum_(k=1)^p F_k (w_k), quad F_k (w) = 1/2 norm(X w - y^((k)))_2^2. $
Each $F_k$ is convex. Write $a = X u - y^((k))$ and $b = X w - y^((k))$. The map $w |-> X w -
y^((k))$ is affine, so at $t u + (1 - t) w$ its value is $t a + (1 - t) b$, and
$ t norm(a)^2 + (1 - t) norm(b)^2 - norm(t a + (1 - t) b)^2
  &= t (1 - t) norm(a)^2 + t (1 - t) norm(b)^2 - 2 t (1 - t) inner(a, b) \
  &= t (1 - t) norm(a - b)^2 >= 0, $
where $t - t^2 = t (1 - t)$ and $(1 - t) - (1 - t)^2 = t (1 - t)$ were used. Since
$a - b = X (u - w)$, the chord lies above $F_k$ by $1/2 t (1 - t) norm(X (u - w))^2$. A sum of
convex functions of separate rows is convex; adding the gaps of all rows gives the identity, for the
sum of $norm(X (u_k - w_k))^2$ over $k$ is $norm((U - W) X^top)_F^2$. $square$

*When it is strict.* For $0 < t < 1$ the gap is zero exactly when $(U - W) X^top = 0$, that is, when
both maps agree on all samples. If $X$ has rank $d$, then $Q$ is strictly convex.
""",
    source="Homework 2(b), second part.",
    assumptions=(),
    attack=_attack_convex,
    subject=data_risk,
    evidence=EvidenceLabel.SYMBOLIC,
    finding=(
        "The gap between chord and function equals the sum of squares as a polynomial in everything; "
        "no exact rational segment has a chord below the function."
    ),
)

LAYERS_CONVEX = Claim(
    id="2b-layers-convex",
    title="False: the loss would also be convex in the layers",
    part="2b",
    statement=r"""
For $L >= 2$ and $X eq.not 0$ the loss $(W_1, dots, W_L) |-> R(W_1, dots, W_L)$ is a convex function
of the layers. (This is
*false*; it is listed because 2b-convex is easily misread so.)
""",
    derivation=r"""
Take $L = 2$, all widths $1$, and the one sample $x = y = 1$, so that $R(w_1, w_2) = 1/2 (w_2 w_1 -
1)^2$. Both $(1, 1)$ and $(-1, -1)$ have loss $0$; their midpoint $(0, 0)$ has loss $1/2 > 0$, above
the chord. So $R$ is not convex.

*For every $X eq.not 0$ and all widths.* Choose $u$ with $X u eq.not 0$ and any unit vector $v in
RR^p$. For $t > 0$ the map $t v u^top$ has rank $1$, so by 2a it is the product of some layers $W_1,
dots, W_L$. Move from $(2 W_1, 0, W_3, dots, W_L)$ to $(0, 2 W_2, W_3, dots, W_L)$. At both ends the
end-to-end map is $0$ and the loss $1/2 norm(Y)_F^2$; halfway it is
$Q(t v u^top) = 1/2 norm(Y)_F^2 - t v^top Syx u + 1/2 t^2 norm(X u)^2$, which is larger for large
$t$. $square$ (If $X = 0$, the loss is the constant $1/2 norm(Y)_F^2$, which is convex.)

What survives from convexity is the subject of 2d: if no layer restricts the rank, every point with
the right end-to-end map is a global minimum, however the layers share the work.
""",
    source="A remark on homework 2(b).",
    assumptions=(r"$L >= 2$ and $X eq.not 0$.",),
    attack=_attack_layers_convex,
    subject=matrix_risk,
    evidence=EvidenceLabel.SAMPLED,
    finding="One segment with its chord below the function settles it.",
    expected=False,
)

END_TO_END_GRADIENT = Claim(
    id="2c",
    title="The derivative of the loss in the end-to-end map",
    part="2c",
    statement=r"""
$ (partial Q)/(partial Wbar) = (Wbar X^top - Y^top) X = Wbar Sxx - Syx. $
""",
    derivation=r"""
*By backpropagation.* The computation graph is $F = Wbar X^top$, $E = F - Y^top$,
$Q = 1/2 sum_(i,j) E_(i j)^2$. The message at $E$ is $(partial Q)/(partial E_(i j)) = E_(i j)$, so
it is the matrix $E$. Subtracting the constant $Y^top$ passes it on unchanged: the message at $F$ is
$Z = E$. At the product $F = A B$ with $A = Wbar$ and $B = X^top$ the message sent back to $A$ is
$Z B^top = E X$. Therefore
$ (partial Q)/(partial Wbar) = E X = (Wbar X^top - Y^top) X = Wbar X^top X - Y^top X. quad square $

*Without the rule for messages.* For any $H in RR^(p times d)$, expanding the square gives
$ Q(Wbar + H) = 1/2 norm(E + H X^top)_F^2
  = Q(Wbar) + inner(E, H X^top) + 1/2 norm(H X^top)_F^2, $
with $inner(A, B) = tr(A^top B)$. The middle term is
$inner(E, H X^top) = tr(E^top H X^top) = tr(X^top E^top H) = inner(E X, H)$, linear in $H$, and the
last is of second order. So the gradient is $E X$, and with $G := E X$ the expansion is exact:
$ Q(Wbar + H) = Q(Wbar) + inner(G, H) + 1/2 norm(H X^top)_F^2. $
This line is used again in 2d.
""",
    source="Homework 2(c).",
    assumptions=(),
    attack=_attack_gradient,
    subject=GradientSubject(lambda w, x, y: w @ (x.T @ x) - y.T @ x, _library_end_to_end_gradient),
    evidence=EvidenceLabel.SYMBOLIC,
    finding=(
        "Equal to the partial derivatives of Q as polynomials; SquaredRisk.end_to_end_gradient equals "
        "exact central differences on integer problems to rounding."
    ),
)

CLAIMS = (IDENTITY, MOMENTS, CONVEX, LAYERS_CONVEX, END_TO_END_GRADIENT)
