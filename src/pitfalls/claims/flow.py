"""Beyond homework 2e: what gradient flow conserves, and how its modes grow where it can be solved."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.exact import Matrix
from pitfalls.claims.floating import Array, LayerShapes, chain, layer_slopes
from pitfalls.claims.layers import (
    ARCHITECTURES,
    layer_gradients,
    symbolic_network,
)
from pitfalls.claims.risk import integer_problem, library_risk
from pitfalls.linear import SquaredRisk, descend, mode_strength

__all__ = ["CLAIMS"]

Layers = Sequence[Matrix]


class FlowSubject(NamedTuple):
    """The derivatives that drive the flow, and the library's flow from a start to its end."""

    formula: Callable[[Layers, Matrix, Matrix], list[Matrix]]
    flow: Callable[[Sequence[Array], SquaredRisk], Sequence[Array]]


def _library_flow(start: Sequence[Array], risk: SquaredRisk) -> Sequence[Array]:
    return descend(risk, start, method="flow", duration=2.0, records=2).weights


def _attack_balance(subject: FlowSubject, search: Search) -> None:
    gradients = subject.formula
    for widths in ARCHITECTURES[2 : search.pick(7, 8)]:
        layers, x, y = symbolic_network(search, widths)
        _require_balance(layers, gradients(layers, x, y), search, f"widths {widths}")
    for _ in range(search.pick(150, 2500)):
        layers, x, y = integer_problem(search)
        described = f"layers {list(layers)}, X = {x}, Y = {y}"
        _require_balance(layers, gradients(layers, x, y), search, described)
    for _ in range(search.pick(5, 60)):
        start, x, y = _float_problem(search)
        end = subject.flow(start, library_risk(x, y))
        for j, (before, after) in enumerate(
            zip(_differences(start), _differences(end), strict=True)
        ):
            search.compare(
                float(np.abs(before - after).max()),
                1e-6,
                f"start {[w.tolist() for w in start]}, X = {x}, Y = {y}: the library's flow changes "
                f"the balance of layers {j + 1} and {j + 2}",
            )


def _float_problem(search: Search) -> tuple[list[Array], Matrix, Matrix]:
    draw = search.random
    widths = [int(w) for w in draw.integers(1, 5, draw.integers(3, 6))]
    start = [draw.normal(size=(b, a)) / np.sqrt(a) for a, b in pairwise(widths)]
    n = int(draw.integers(2, 7))
    x, y = Matrix.random(draw, n, widths[0], 1), Matrix.random(draw, n, widths[-1], 1)
    return start, x, y


def _differences(layers: Sequence[Array]) -> list[Array]:
    return [upper.T @ upper - lower @ lower.T for lower, upper in pairwise(layers)]


def _require_balance(
    layers: Layers, slopes: Sequence[Matrix], search: Search, described: str
) -> None:
    """Along dW/dt = -slope, differentiate W_(j+1)' W_(j+1) - W_j W_j'."""
    for j in range(len(layers) - 1):
        upper, lower = layers[j + 1], layers[j]
        rate_upper = slopes[j + 1].T @ upper + upper.T @ slopes[j + 1]
        rate_lower = slopes[j] @ lower.T + lower @ slopes[j].T
        search.require(
            (rate_lower - rate_upper).is_zero(),
            f"{described}: layers {j + 1} and {j + 2} lose their balance",
        )


Strength = Callable[[Array, float, float, int], Array]


def _attack_modes(strength: Strength, search: Search) -> None:
    """Integrate the flow of all layers from an aligned start and read off the modes."""
    draw = search.random
    for _ in range(search.pick(12, 200)):
        depth = int(draw.integers(2, 6))
        widths = [int(w) for w in draw.integers(1, 5, depth + 1)]
        count = int(draw.integers(1, min(widths) + 1))
        frames = [np.linalg.qr(draw.normal(size=(w, w)))[0] for w in widths]
        scales = np.zeros((widths[-1], widths[0]))
        size = min(scales.shape)
        scales[range(size), range(size)] = draw.choice([0.5, 1.0, 2.0, 3.0], size)
        syx = frames[-1] @ scales @ frames[0].T
        first = draw.choice([0.01, 0.1, 0.5, 1.5], count)
        layers = [
            (b[:, :count] * first ** (1 / depth)) @ a[:, :count].T for a, b in pairwise(frames)
        ]
        times = np.linspace(0.0, 3.0, 7)
        seen = _integrate(layers, syx, times)
        for k in range(count):
            mode = np.einsum("p,tpd,d->t", frames[-1][:, k], seen, frames[0][:, k])
            claimed = strength(times, float(scales[k, k]), float(first[k]), depth)
            search.compare(
                float(np.abs(mode - claimed).max()),
                1e-7,
                f"widths {tuple(widths)}, s = {scales[k, k]}, u(0) = {first[k]}: the flow's mode is "
                f"{np.round(mode, 6).tolist()} at t = {times.tolist()}",
            )


def _integrate(layers: Sequence[Array], syx: Array, times: Array) -> Array:
    """Follow gradient flow with white inputs; return the end-to-end map at the given times."""
    d = syx.shape[1]
    shapes = LayerShapes([d, *(len(layer) for layer in layers)])

    def velocity(_: float, vector: Array) -> Array:
        return -shapes.flatten(layer_slopes(shapes.unflatten(vector), np.eye(d), syx))

    vector, maps = shapes.flatten(layers), [chain(layers, d)]
    for begin, end in pairwise(times):  # step by step: between its steps the solver is less exact
        path = solve_ivp(
            velocity, (float(begin), float(end)), vector, method="DOP853", rtol=1e-11, atol=1e-13
        )
        vector = path.y[:, -1]
        maps.append(chain(shapes.unflatten(vector), d))
    return np.stack(maps)


BALANCE = Claim(
    id="2e-balance",
    title="Gradient flow keeps the balance between neighbouring layers",
    part="2e",
    statement=r"""
Along gradient flow, $dif W_i \/ dif t = -partial R \/ partial W_i$ for all $i$, each matrix
$ W_(j+1)^top W_(j+1) - W_j W_j^top, quad j = 1, dots, L - 1, $
stays constant. A balanced start stays balanced.
""",
    derivation=r"""
Write $D_i = A_i^top G B_i^top$ for the derivatives. Since $A_j = A_(j+1) W_(j+1)$ and $B_(j+1) =
W_j B_j$,
$ W_(j+1)^top D_(j+1) = (A_(j+1) W_(j+1))^top G B_(j+1)^top = A_j^top G B_(j+1)^top, \
  D_j W_j^top = A_j^top G B_j^top W_j^top = A_j^top G (W_j B_j)^top = A_j^top G B_(j+1)^top, $
so $W_(j+1)^top D_(j+1) = D_j W_j^top =: M_j$. Along the flow
$ dif / (dif t) (W_(j+1)^top W_(j+1)) = -D_(j+1)^top W_(j+1) - W_(j+1)^top D_(j+1) = -(M_j^top +
M_j), \ dif / (dif t) (W_j W_j^top) = -D_j W_j^top - W_j D_j^top = -(M_j + M_j^top). $
The two rates are equal, so the difference does not change. $square$

Only the form $A_i^top G B_i^top$ was used, so the same holds for any loss of the end-to-end map.
A step of gradient descent of size $eta$ changes the difference by
$eta^2 (D_(j+1)^top D_(j+1) - D_j D_j^top)$: of second order in the step, but not zero.
""",
    source=(
        "An addition to homework 2(e); known from the study of deep linear networks (Fukumizu 1998; "
        "Arora, Cohen and Hazan 2018)."
    ),
    assumptions=(),
    attack=_attack_balance,
    subject=FlowSubject(layer_gradients, _library_flow),
    evidence=EvidenceLabel.SYMBOLIC,
    finding=(
        "The rate of change is the zero polynomial for small widths and exactly zero on integer problems; "
        "descend(method='flow') keeps every difference."
    ),
)

MODES = Claim(
    id="2e-modes",
    title="From an aligned start each mode of the data grows by itself",
    part="2e",
    statement=r"""
Let $L >= 2$, $Sxx = I$, and let $Syx = sum_k s_k u_k z_k^top$ be a singular value decomposition.
Start gradient flow at $W_i (0) = E_i spread(mu_1 (0)^(1\/L), dots, mu_r (0)^(1\/L)) E_(i-1)^top$,
where $E_0 = (z_1, dots, z_r)$, $E_L = (u_1, dots, u_r)$, the other $E_i$ have $r$ orthonormal
columns, and $mu_k (0) > 0$. Then $Wbar (t) = sum_(k <= r) mu_k (t) u_k z_k^top$ for all $t >= 0$,
and each mode follows its own equation
$ (dif mu_k)/(dif t) = L mu_k^(2 - 2\/L) (s_k - mu_k). $
For $L = 2$ and $s_k > 0$ its solution is
$mu_k (t) = s_k \/ (1 + (s_k \/ mu_k (0) - 1) e^(-2 s_k t))$.
""",
    derivation=r"""
*An ansatz.* Try $W_i (t) = E_i D(t) E_(i-1)^top$ with $D = spread(a_1, dots, a_r)$ and the same
$a_k (t)$ in every layer. As $E_i^top E_i = I_r$, the products telescope: $Wbar = E_L D^L E_0^top$,
$ A_i = E_L D^(L-i) E_i^top quad (i < L), quad B_i = E_(i-1) D^(i-1) E_0^top quad (i > 1). $

*The derivative.* Let $S = spread(s_1, dots, s_r)$. With $Sxx = I$ we have $G = Wbar - Syx$. Since
$Syx z_k = s_k u_k$ and $u_k^top Syx = s_k z_k^top$,
$ G E_0 = E_L (D^L - S), quad E_L^top G = (D^L - S) E_0^top, quad E_L^top G E_0 = D^L - S. $
Inserted in $A_i^top G B_i^top$ (2e-gradient), the first serves for $i = L$, where $A_L = I$, the
second for $i = 1$, where $B_1 = I$, and the third for the layers between. In all three cases
$ (partial R)/(partial W_i) = E_i D^(L-1) (D^L - S) E_(i-1)^top, $
because diagonal matrices commute. So the ansatz satisfies
$dif W_i \/ dif t = -partial R \/ partial W_i$ if
$ (dif a_k)/(dif t) = a_k^(L-1) (s_k - a_k^L), quad k = 1, dots, r, $
the same equation in every layer. It has a solution for all $t >= 0$, since $a_k$ stays between
$a_k (0)$ and $s_k^(1\/L)$. The flow's velocity is a polynomial in the layers, so the flow from a
given start is unique, and the ansatz is it.

*The modes.* Put $mu_k = a_k^L$. Then
$ (dif mu_k)/(dif t) = L a_k^(L-1) (dif a_k)/(dif t) = L a_k^(2 L - 2) (s_k - mu_k)
  = L mu_k^(2 - 2\/L) (s_k - mu_k). quad square $

*Two layers.* For $L = 2$ put $w = 1\/mu_k$. Then
$dif w \/ dif t = -mu_k^(-2) dot 2 mu_k (s_k - mu_k) = 2 - 2 s_k w$, so $w - 1\/s_k$ decays as
$e^(-2 s_k t)$: $1\/mu_k (t) = 1\/s_k + (1\/mu_k (0) - 1\/s_k) e^(-2 s_k t)$, which is the formula.

*Reading it.* From a small $mu_k (0)$ a mode first grows like $e^(2 s_k t)$ (for $L = 2$) and
saturates after a time of about $log(s_k \/ mu_k (0)) \/ (2 s_k)$. If all modes start equally
small, the stronger saturate sooner: the modes are learned one after another, and the loss goes down
in steps. From unequal starts the order may be another: with $L = 2$, $s = (2, 1)$ and $mu (0) =
(10^(-9), 10^(-3))$ the weaker mode is half learned at $t approx 3.5$, the stronger at $t approx 5.4$.
""",
    source=(
        "An addition to homework 2(e), after Saxe, McClelland and Ganguli (ICLR 2014). The derivation "
        "is ours."
    ),
    assumptions=(r"$Sxx = I$ (white inputs), $L >= 2$, an aligned balanced start.",),
    attack=_attack_modes,
    subject=mode_strength,
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "mode_strength against the flow of all layers, integrated in full from random aligned starts "
        "for two to five layers of any widths."
    ),
)

CLAIMS = (BALANCE, MODES)
