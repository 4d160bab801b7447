"""Homework 3d: what depth and sigmoids do to the gradient."""

from collections.abc import Callable, Sequence
from math import prod, sqrt

import torch
from torch import nn

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.parity import DeepNetwork, ParityTask, cube, layer_gradients

__all__ = ["CLAIMS"]

Bound = Callable[[DeepNetwork, torch.Tensor, torch.Tensor], Sequence[float]]


def _layers(network: DeepNetwork) -> list[nn.Linear]:
    return [layer for layer in network.layers if isinstance(layer, nn.Linear)]


def _library_bound(network: DeepNetwork, x: torch.Tensor, y: torch.Tensor) -> list[float]:
    bound: list[float] = layer_gradients(network, x, y).gradient_bound.tolist()
    return bound


def _written_bound(network: DeepNetwork, x: torch.Tensor, y: torch.Tensor) -> list[float]:
    """Return sqrt(n_(l-1)) prod_(j > l) |W_j| / 4 for every layer."""
    norms = [
        float(torch.linalg.matrix_norm(layer.weight.detach(), 2)) for layer in _layers(network)
    ]
    return [
        sqrt(layer.in_features) * prod(norm / 4 for norm in norms[place + 1 :])
        for place, layer in enumerate(_layers(network))
    ]


def _norms(network: DeepNetwork, x: torch.Tensor, y: torch.Tensor) -> list[float]:
    """Return the norms of the layers' gradients of the mean hinge loss, by autograd."""
    risk = torch.relu(1 - network(x) * y).mean()
    weights = [layer.weight for layer in _layers(network)]
    return [float(slope.norm()) for slope in torch.autograd.grad(risk, weights)]


def _attack(bounds: Sequence[Bound], search: Search) -> None:
    draw = search.random
    for case in range(search.pick(60, 1500)):
        d, depth = int(draw.integers(1, 6)), int(draw.integers(1, 7))
        widths = [int(w) for w in draw.integers(1, 6, depth)]
        network = DeepNetwork(d, widths, "sigmoid", seed=int(draw.integers(1 << 30))).double()
        x = cube(d, dtype=torch.float64)
        if case % 2:
            # the adversary: a single input, every layer in the middle of the sigmoid, where it is
            # steepest, and all layers of rank one along the path of the message
            x = torch.ones(1, d, dtype=torch.float64)
            _steepen(network, x, float(draw.choice([0.01, 1.0, 4.0, 30.0])))
        y = ParityTask([1] * d).labels(x)
        found = _norms(network, x, y)
        for number, bound in enumerate(bounds):
            for place, (norm, allowed) in enumerate(zip(found, bound(network, x, y), strict=True)):
                search.compare(
                    max(0.0, norm / allowed - 1.0) if allowed > 0 else float(norm > 0),
                    1e-9,
                    f"d = {d}, widths {widths}: the gradient of layer {place + 1} has the norm {norm:.6g}, "
                    f"bound number {number + 1} is {allowed:.6g}",
                )


@torch.no_grad()
def _steepen(network: DeepNetwork, x: torch.Tensor, size: float) -> None:
    h = x
    for layer in _layers(network):
        layer.weight.fill_(size / sqrt(layer.weight.numel()))
        layer.bias.copy_(-(h @ layer.weight.T)[0])
        h = torch.sigmoid(h @ layer.weight.T + layer.bias)


VANISHING = Claim(
    id="3d-bound",
    title="A sigmoid layer multiplies the gradient by at most a quarter of its weight's norm",
    part="3d",
    statement=r"""
Let $h_0 = x in {0, 1}^d$, $h_l = sigma(z_l)$ and $z_l = W_l h_(l-1) + b_l$ for $l = 1, dots, D$
hidden layers with the sigmoid $sigma$, and $f = z_(D+1) = W_(D+1) h_D + b_(D+1)$. Let $n_l$ be the
width of layer $l$ and $norm(dot)$ the spectral norm of a matrix. For the hinge risk $R$ of any
labels and $l = 1, dots, D + 1$
$ norm((partial R)/(partial W_l))_F <= sqrt(n_(l-1)) product_(j=l+1)^(D+1) norm(W_j)/4, $
and the root mean square $rho_(l-1)$ of $norm(h_(l-1))$ may stand in place of $sqrt(n_(l-1))$,
multiplied by the root mean square of the slope of the loss.
""",
    derivation=r"""
*The sigmoid is flat.* $sigma(z) = 1\/(1 + e^(-z))$ has the slope $sigma' = sigma (1 - sigma)$. For
$0 < sigma < 1$ the product $sigma (1 - sigma) = 1/4 - (sigma - 1/2)^2$ is at most $1/4$, attained
only at $z = 0$.

*One layer back.* Let $delta_l = partial ell \/ partial z_l$ for the loss $ell$ of one sample. By
the chain rule
$ delta_l = spread(sigma'(z_l)) W_(l+1)^top delta_(l+1), $
so $norm(delta_l) <= 1/4 norm(W_(l+1)) norm(delta_(l+1))$: multiplying by a diagonal matrix with
entries of size at most $1/4$ gives at most a quarter of the norm, and $norm(W^top) = norm(W)$. (For
$norm(W_(l+1)) > 4$ the bound grows, and so may the gradient.)

*All layers.* At the output, $delta_(D+1) = partial ell \/ partial f$ is $-y$ or $0$ for the hinge
loss, so $|delta_(D+1)| <= 1$. By induction
$ norm(delta_l) <= |delta_(D+1)| product_(j=l+1)^(D+1) norm(W_j)/4. $

*The weights.* $partial ell \/ partial W_l = delta_l h_(l-1)^top$ has the Frobenius norm
$norm(delta_l) norm(h_(l-1))$. All entries of $h_(l-1)$ lie in $[0, 1]$ (for $l = 1$ they are the
inputs), so $norm(h_(l-1)) <= sqrt(n_(l-1))$. The gradient of $R$ is the mean over samples, and the
norm of a mean is at most the mean of the norms, which gives the bound. Keeping $norm(h_(l-1))$ and
$|delta_(D+1)|$, the inequality of Cauchy and Schwarz, $EE[abs(delta_(D+1)) norm(h_(l-1))] <=
sqrt(EE[delta_(D+1)^2]) sqrt(EE[norm(h_(l-1))^2])$, gives the second form. $square$

*Why the friend's advice is bad.* At PyTorch's start a square layer of width $n$ has entries uniform
on $plus.minus 1\/sqrt(n)$, of variance $1\/(3 n)$, and for large $n$ a spectral norm of about
$2\/sqrt(3) approx 1.15$. So each layer multiplies the gradient by at most about $0.29$: after five
layers by about $0.002$ at most, and the first layers, which alone see the input, hardly move. This
does not need a large $d$: it happens where the $2^(-d)$ of 3c is harmless. Nor does depth repair
3c: its argument used nothing of the network but the size of $nabla f$, so for every architecture
$EE_v norm(nabla R_v - a)^2 <= 2^(-d) EE_x norm(nabla f)^2$, and a deep sigmoid network makes $nabla
f$ itself small.

*What this does not say.* A small gradient is not yet a target that cannot be learned: a larger rate,
or a method that divides by the gradient's own size, as Adam does, undoes a factor that all entries
share. What is proved is that plain descent at a given rate moves the first layers hardly at all, and
that layers at both ends of a deep network call for very different rates. What carries the rest at
large $d$ is 3c, at every depth: while $|f| < 1$ a batch's signal is $B\/(2^d - 1)$ times its noise
(3c-iv-noise), a ratio that no rescaling changes. At small $d$ whether a deep sigmoid network learns a
parity is measured in the report, not proved here.
""",
    source="Homework 3(d).",
    assumptions=(r"Hinge loss; inputs in $[0, 1]^d$; one linear output.",),
    attack=_attack,
    subject=(_library_bound, _written_bound),
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "Both bounds, one from layer_gradients, against norms by autograd, for random networks and for "
        "networks tuned so that every unit sits where the sigmoid is steepest."
    ),
)

CLAIMS = (VANISHING,)
