"""Homework 3c(i): the gradient of the network in its parameters, and how large its entries get."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import product as tuples

import numpy as np
import torch

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.parity import TwoLayerReLU, cube, exact_network, gradient_bounds

__all__ = ["CLAIMS", "make_network", "networks"]

Gradient = Callable[[TwoLayerReLU, torch.Tensor], torch.Tensor]


def make_network(d: int, k: int, flat: np.ndarray) -> TwoLayerReLU:
    """Return the float64 network with the given parameter vector."""
    network = TwoLayerReLU(d, k, seed=0, dtype=torch.float64)
    return network.load_flat(torch.as_tensor(flat, dtype=torch.float64))


def networks(search: Search, count: int, largest: int = 5) -> Iterator[TwoLayerReLU]:
    """Draw networks as an adversary would.

    PyTorch's start; small integers, so that kinks and |f| = 1 are hit exactly; dead units; single
    large weights; and networks that represent a parity, where |f| = 1 everywhere.
    """
    draw = search.random
    for case in range(count):
        d, k = int(draw.integers(1, largest + 1)), int(draw.integers(1, 8))
        size = d * k + 2 * k + 1
        kind = case % 5
        if kind == 0:
            yield TwoLayerReLU(d, 10 * d, seed=int(draw.integers(1 << 30))).double()
        elif kind == 1:
            yield make_network(d, k, draw.integers(-2, 3, size))
        elif kind == 2:
            flat = draw.normal(size=size)
            flat[d * k : d * k + k] -= 10.0 * draw.integers(0, 2, k)
            yield make_network(d, k, flat)
        elif kind == 3:
            flat = draw.normal(size=size)
            flat[draw.integers(size)] *= 1000.0
            yield make_network(d, k, flat)
        else:
            mask = [int(b) for b in draw.integers(0, 2, d)]
            yield exact_network(mask, variant="corrected").double()


def _library_gradient(network: TwoLayerReLU, x: torch.Tensor) -> torch.Tensor:
    return network.per_sample_gradient(x)


def _exact_value(flat: list[Fraction], d: int, k: int, x: tuple[int, ...]) -> Fraction:
    """Evaluate f in rational arithmetic from the parameter vector in the homework's order."""
    total = flat[-1]
    for i in range(k):
        z = flat[d * k + i] + sum(
            (w for w, bit in zip(flat[d * i : d * i + d], x, strict=True) if bit), Fraction(0)
        )
        total += flat[d * k + k + i] * max(Fraction(0), z)
    return total


def _exact_slopes(flat: list[Fraction], d: int, k: int, x: tuple[int, ...]) -> list[Fraction]:
    """Differentiate f in every parameter: exact, f being linear in each up to the next kink.

    At a kink (z = 0) the backward difference is taken for w and b where it is flat: the slope 0
    that relu has there by convention.
    """
    step = Fraction(1, 1024)  # smaller than any |z| > 0 of the half-integer networks it is used for
    here = _exact_value(flat, d, k, x)
    slopes = []
    for j in range(len(flat)):
        inner = j < d * k + k
        moved = list(flat)
        moved[j] -= step if inner else -step
        difference = (_exact_value(moved, d, k, x) - here) / step
        slopes.append(-difference if inner else difference)
    return slopes


def _attack_gradient(gradient: Gradient, search: Search) -> None:
    def attempt(flat: np.ndarray, d: int, k: int, x: tuple[int, ...]) -> None:
        network = make_network(d, k, flat)
        found = gradient(network, torch.tensor([x], dtype=torch.float64))[0].tolist()
        truth = _exact_slopes([Fraction(float(v)) for v in flat], d, k, x)
        search.require(
            [Fraction(v) for v in found] == truth,
            f"d = {d}, k = {k}, p = {flat.tolist()}, x = {x}: {found} instead of "
            f"{[float(t) for t in truth]}",
        )

    # one unit, one or two features, every sign pattern, kinks included
    for d in (1, 2):
        for signs in tuples((-1.0, 0.0, 1.0), repeat=d + 3):
            for x in tuples((0, 1), repeat=d):
                attempt(np.array(signs), d, 1, x)
    for _ in range(search.pick(60, 3000)):
        d, k = (int(v) for v in search.random.integers(1, 6, 2))
        flat = search.random.integers(-4, 5, d * k + 2 * k + 1) / 2
        x = tuple(int(b) for b in search.random.integers(0, 2, d))
        attempt(flat, d, k, x)
    for network in networks(search, search.pick(10, 100)):
        inputs = cube(network.n_features, dtype=torch.float64)
        found = gradient(network, inputs)
        for i in range(len(inputs)):
            network.zero_grad()
            parameters = list(network.parameters())
            pieces = torch.autograd.grad(network(inputs[i]), parameters)
            truth = torch.cat([piece.flatten() for piece in pieces])
            scale = max(1.0, float(truth.abs().max()))
            search.compare(
                float((found[i] - truth).abs().max()) / scale,
                1e-13,
                f"d = {network.n_features}, k = {network.n_hidden}: autograd disagrees at input {i}",
            )


def _library_bound(network: TwoLayerReLU) -> float:
    return gradient_bounds(network).element


def _attack_bound(bound: Callable[[TwoLayerReLU], float], search: Search) -> None:
    def attempt(network: TwoLayerReLU) -> None:
        d, k = network.n_features, network.n_hidden
        entries = network.per_sample_gradient(cube(d, dtype=torch.float64)).abs()
        largest, claimed = float(entries.max()), bound(network)
        search.compare(
            abs(largest - claimed) / max(1.0, largest),
            1e-13,
            f"d = {d}, k = {k}, p = {network.flat_parameters().tolist()}: the largest entry of "
            f"the gradient is {largest:.6g}, the constant is {claimed:.6g}",
        )

    for values in tuples((-2.0, 0.0, 2.0), repeat=5):
        attempt(make_network(2, 1, np.array(values)))
    for network in networks(search, search.pick(60, 2000), search.pick(6, 9)):
        attempt(network)


GRADIENT = Claim(
    id="3c-i-gradient",
    title="The gradient of the network in its parameters",
    part="3c",
    statement=r"""
Let $f(x) = sum_(i=1)^k alpha_i relu(z_i) + beta$ with $z_i = w_i^top x + b_i$. Then
$ (partial f)/(partial w_i) = alpha_i ind {z_i > 0} x, quad
  (partial f)/(partial b_i) = alpha_i ind {z_i > 0}, quad
  (partial f)/(partial alpha_i) = relu(z_i), quad
  (partial f)/(partial beta) = 1, $
with the convention of automatic differentiation that $relu$ has slope $0$ at $0$.
""",
    derivation=r"""
$relu(z) = max(0, z)$ has slope $1$ for $z > 0$ and $0$ for $z < 0$; at $z = 0$ any number in $[0,
1]$ is a subgradient, and the code takes $0$. So $relu'(z) = ind {z > 0}$ throughout. Of all terms
of $f$ only the $i$-th contains $w_i$, $b_i$ and $alpha_i$. By the chain rule, with $partial z_i \/
partial w_i = x$ and $partial z_i \/ partial b_i = 1$,
$ (partial f)/(partial w_i) = alpha_i relu'(z_i) x = alpha_i ind {z_i > 0} x, quad
  (partial f)/(partial b_i) = alpha_i relu'(z_i) = alpha_i ind {z_i > 0}. $
In $alpha_i$ and $beta$ the network is linear, with the coefficients $relu(z_i)$ and $1$. $square$

The whole gradient stacks these in the order of the parameter vector
$p = (w_1, dots, w_k, b_1, dots, b_k, alpha_1, dots, alpha_k, beta) in RR^(d k + 2 k + 1)$. For
$x in {0, 1}^d$ its squared norm is
$ norm(nabla f(x))^2 = 1 + sum_(i=1)^k (alpha_i^2 ind {z_i > 0} (norm(x)_1 + 1) + relu(z_i)^2), $
because $norm(x)_2^2 = norm(x)_1$ for such $x$.
""",
    source="Homework 3(c)(i), first part.",
    assumptions=(),
    attack=_attack_gradient,
    subject=_library_gradient,
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "TwoLayerReLU.per_sample_gradient equals exact rational difference quotients for all sign "
        "patterns of small networks and random ones, kinks included, and autograd elsewhere."
    ),
)

BOUND = Claim(
    id="3c-i-bound",
    title="The largest entry of the gradient over all inputs, exactly",
    part="3c",
    statement=r"""
Let $h_i = relu(b_i + sum_j relu(w_(i j)))$ and
$ c_p = max(1, max_i |alpha_i| ind {h_i > 0}, max_i h_i). $
Then $|(nabla f(x))_j| <= c_p$ for all $x in {0, 1}^d$ and all $j$, and equality holds for some $x$
and $j$: no smaller constant will do.
""",
    derivation=r"""
*The largest activation.* Over $x in {0, 1}^d$ the sum $w_i^top x = sum_j w_(i j) x_j$ is largest
when exactly the positive weights are picked, that is at $x^((i))$ with $x_j^((i)) = ind {w_(i j) >
0}$. So $max_x z_i = b_i + sum_j relu(w_(i j))$, and $max_x relu(z_i) = h_i$, reached at $x^((i))$.
Some input has $z_i > 0$ if and only if $h_i > 0$.

*The bound.* By 3c-i-gradient, entry by entry,
- $|partial f \/ partial w_(i j)| = |alpha_i| ind {z_i > 0} x_j <= |alpha_i| ind {h_i > 0}$,
- $|partial f \/ partial b_i| = |alpha_i| ind {z_i > 0} <= |alpha_i| ind {h_i > 0}$,
- $|partial f \/ partial alpha_i| = relu(z_i) <= h_i$,
- $|partial f \/ partial beta| = 1$,
and each right side is at most $c_p$.

*It is tight.* The value $1$ is attained by $partial f \/ partial beta$ at every $x$. At $x^((i))$,
$partial f \/ partial alpha_i = h_i$, and if $h_i > 0$ then $z_i > 0$ there and
$|partial f \/ partial b_i| = |alpha_i|$. So each of the numbers whose maximum is $c_p$ is the size
of some entry at some $x$. $square$
""",
    source="Homework 3(c)(i), second part, with the least constant.",
    assumptions=(r"$x in {0, 1}^d$.",),
    attack=_attack_bound,
    subject=_library_bound,
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "gradient_bounds(...).element against the largest entry over all inputs, for all sign patterns "
        "of a small network, dead units, large weights and random networks."
    ),
)

CLAIMS = (GRADIENT, BOUND)
