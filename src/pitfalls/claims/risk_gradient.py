"""Homework 3c(ii): the gradient of the risk as a part that knows the mask and one that does not."""

from collections.abc import Callable

import numpy as np
import torch

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.network_gradient import networks
from pitfalls.parity import HingeLoss, TwoLayerReLU, cube

__all__ = ["CLAIMS", "brute_gradients", "parities"]

Split = Callable[[TwoLayerReLU, torch.Tensor, str], tuple[torch.Tensor, torch.Tensor]]

HINGES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": torch.relu,
    "clamp": lambda gap: gap.clamp(min=0),
    "max": lambda gap: torch.maximum(gap, gap.new_zeros(())),
}
"""The three ways to write max(0, u) in torch; they differ in the slope at u = 0."""


def parities(d: int) -> torch.Tensor:
    """Return (-1)^(v.x) for all masks (rows) and inputs (columns), both in the order of cube."""
    bits = np.array([[i >> j & 1 for j in range(d)] for i in range(1 << d)])
    return torch.from_numpy(1.0 - 2.0 * ((bits @ bits.T) % 2))


def brute_gradients(network: TwoLayerReLU, boundary: str = "relu") -> torch.Tensor:
    """Return the gradient of the hinge risk for every mask, by automatic differentiation."""
    d = network.n_features
    x, signs = cube(d, dtype=torch.float64), parities(d)
    parameters = list(network.parameters())
    rows = []
    for labels in signs:
        risk = HINGES[boundary](1 - network(x) * labels).mean()
        pieces = torch.autograd.grad(risk, parameters)
        rows.append(torch.cat([piece.flatten() for piece in pieces]))
    return torch.stack(rows)


def _library_split(
    network: TwoLayerReLU, x: torch.Tensor, boundary: str
) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.no_grad():
        even, odd = HingeLoss(boundary).weights(network(x))  # type: ignore[arg-type]
        slopes = network.per_sample_gradient(x)
        return even @ slopes / len(x), odd[:, None] * slopes


def _attack_split(split: Split, search: Search) -> None:
    for network in networks(search, search.pick(30, 300), search.pick(4, 6)):
        d = network.n_features
        x, signs = cube(d, dtype=torch.float64), parities(d)
        for boundary in HINGES:
            a, g = split(network, x, boundary)
            claimed = a + signs @ g / len(x)
            truth = brute_gradients(network, boundary)
            scale = max(1.0, float(network.per_sample_gradient(x).abs().max()))
            search.cases += len(signs) - 1
            search.compare(
                float((claimed - truth).abs().max()) / scale,
                1e-13,
                f"d = {network.n_features}, k = {network.n_hidden}, hinge by {boundary}, "
                f"p = {network.flat_parameters().tolist()}",
            )


SPLIT = Claim(
    id="3c-ii",
    title="The gradient of the risk is a constant plus a correlation with the parity",
    part="3c",
    statement=r"""
Let $chi_v (x) = (-1)^(v^top x)$ and let $R_v (p) = EE_x max(0, 1 - f(x) chi_v (x))$ be the hinge
risk of the target $v$, with $x$ uniform on ${0, 1}^d$. With $ind_1 (u) = 1$ for $u < 1$, $0$ for $u
> 1$ and $ind_1 (1) = kappa$, where $-kappa$ is the slope that the code takes for $max(0, 1 - u)$ at
$u = 1$,
$ nabla R_v = a + EE_x [chi_v (x) g(x)], quad
  a = -EE_x [(ind_1 (f(x)) - ind_1 (-f(x)))/2 nabla f(x)], \
  g(x) = -(ind_1 (f(x)) + ind_1 (-f(x)))/2 nabla f(x), $
and neither $a$ nor $g$ depends on $v$.
""",
    derivation=r"""
*One sample.* The function $u |-> max(0, 1 - u)$ has slope $-1$ for $u < 1$ and $0$ for $u > 1$, so
$-ind_1 (u)$ is its slope, at $u = 1$ by the choice of $kappa in [0, 1]$. With $y = chi_v (x) in
{-1, 1}$ the chain rule gives
$ nabla max(0, 1 - f(x) y) = -y ind_1 (y f(x)) nabla f(x). $

*Separating the label.* For both values of the label
$ y ind_1 (y f) = (ind_1 (f) - ind_1 (-f))/2 + y (ind_1 (f) + ind_1 (-f))/2. $
Indeed, for $y = 1$ the right side is $ind_1 (f)$, and for $y = -1$ it is
$1/2 (ind_1 (f) - ind_1 (-f)) - 1/2 (ind_1 (f) + ind_1 (-f)) = -ind_1 (-f)$; these are the two
values of the left side.

*The mean.* The mean over $x$ is a finite sum, so it may be differentiated term by term:
$ nabla R_v = -EE_x [y ind_1 (y f) nabla f]
  = -EE_x [(ind_1 (f) - ind_1 (-f))/2 nabla f]
    - EE_x [chi_v (x) (ind_1 (f) + ind_1 (-f))/2 nabla f]. $
The first term is $a$, the second $EE_x [chi_v g]$. Only $chi_v$ depends on $v$. $square$

*What $g$ is.* If $|f(x)| < 1$, both indicators are $1$ and $g(x) = -nabla f(x)$. If $|f(x)| > 1$,
exactly one is, and $g(x) = -1/2 nabla f(x)$. If $|f(x)| = 1$, then $g(x) = -(1 + kappa)/2 nabla
f(x)$. If $|f| < 1$ for all $x$, then $a = 0$.

*Two slips in the print.* The indicator is defined twice at $u = 1$, as $0$ and as $1$. Which value
is right depends on the code: `relu(1 - u)` takes slope $0$ at its kink ($kappa = 0$), `clamp(1 - u,
min=0)` takes $kappa = 1$, and `maximum(1 - u, 0)` takes $kappa = 1\/2$. This matters for networks
that represent a parity exactly, where $|f| = 1$ everywhere. And the left side of the hint must read
$y dot ind_1 (f(x) dot y)$.
""",
    source="Homework 3(c)(ii).",
    assumptions=(
        r"$nabla$ is the chain rule with the code's slopes at kinks; where $R_v$ is differentiable it is "
        r"the gradient.",
    ),
    attack=_attack_split,
    subject=_library_split,
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "a and g from HingeLoss.weights and per_sample_gradient against autograd of the risk, for all "
        "masks, three conventions at the kink, and networks with |f| = 1 everywhere."
    ),
)

CLAIMS = (SPLIT,)
