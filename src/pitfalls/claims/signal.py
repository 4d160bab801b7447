"""Homework 3c(iv): how much the gradient varies with the target, exactly."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.network_gradient import make_network, networks
from pitfalls.claims.risk_gradient import brute_gradients
from pitfalls.parity import TwoLayerReLU, cube, gradient_bounds, gradient_signal

__all__ = ["CLAIMS"]


def _open_margin(f: torch.Tensor) -> torch.Tensor:
    """Return 1(f) at the convention of relu: 1 below 1, 0 from there on."""
    return (f < 1).to(f.dtype)


def _parts(network: TwoLayerReLU) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a and g by their definitions, with gradients by automatic differentiation."""
    x = cube(network.n_features, dtype=torch.float64)
    parameters = list(network.parameters())
    outputs = network(x)
    rows = []
    for value in outputs:
        pieces = torch.autograd.grad(value, parameters, retain_graph=True)
        rows.append(torch.cat([piece.flatten() for piece in pieces]))
    slopes, f = torch.stack(rows), outputs.detach()
    plus, minus = _open_margin(f), _open_margin(-f)
    a = -((plus - minus) / 2) @ slopes / len(x)
    return a, -((plus + minus) / 2)[:, None] * slopes


def _describe(network: TwoLayerReLU) -> str:
    return (
        f"d = {network.n_features}, k = {network.n_hidden}, "
        f"p = {network.flat_parameters().tolist()}"
    )


def _library_signal(network: TwoLayerReLU) -> float:
    return gradient_signal(network).signal


def _attack_equality(signal: Callable[[TwoLayerReLU], float], search: Search) -> None:
    for network in networks(search, search.pick(10, 60), search.pick(4, 6)):
        a, _ = _parts(network)
        rows = brute_gradients(network)
        truth = float((rows - a).square().sum(1).mean())
        search.cases += len(rows) - 1
        search.compare(
            abs(signal(network) - truth) / max(truth, 1e-300),
            1e-11,
            f"{_describe(network)}: the mean over all masks is {truth:.12g}",
        )


def _library_constants(network: TwoLayerReLU) -> dict[str, float]:
    bounds = gradient_bounds(network)
    return {"C_p": bounds.homework, "C'": bounds.by_unit, "C''": bounds.by_moments}


def _attack_bound(constants: Callable[[TwoLayerReLU], dict[str, float]], search: Search) -> None:
    def attempt(network: TwoLayerReLU) -> None:
        a, _ = _parts(network)
        rows = brute_gradients(network)
        mean = float((rows - a).square().sum(1).mean()) * len(rows)
        known = constants(network)
        for name, value in known.items():
            search.compare(
                max(0.0, mean / value - 1.0),
                1e-11,
                f"{_describe(network)}: 2^d times the mean is {mean:.6g}, more than {name} = {value:.6g}",
            )
        if "C_p" in known and "C'" in known:
            search.compare(
                max(0.0, known["C'"] / known["C_p"] - 1.0),
                1e-12,
                f"{_describe(network)}: C' exceeds C_p",
            )

    for network in networks(search, search.pick(10, 60), search.pick(4, 6)):
        attempt(network)
    # units that are always active and barely below the margin: where the bounds are tightest
    for d in range(1, search.pick(4, 6)):
        for k in (1, 2, 5):
            flat = np.concatenate([np.zeros(d * k), np.full(k, 0.01), np.full(k, 5.0), [0.0]])
            attempt(make_network(d, k, flat))
            flat = np.concatenate([np.full(d * k, 3.0), np.full(k, 1.0), np.zeros(k), [0.0]])
            attempt(make_network(d, k, flat))


def _library_moments(network: TwoLayerReLU) -> tuple[torch.Tensor, float]:
    found = gradient_signal(network)
    mean = torch.from_numpy(found.shared + found.at_zero * 0.5**found.n_features)
    return mean, found.variance


def _attack_variance(
    moments: Callable[[TwoLayerReLU], tuple[torch.Tensor, float]], search: Search
) -> None:
    for network in networks(search, search.pick(10, 60), search.pick(4, 6)):
        rows = brute_gradients(network)
        centre = rows.mean(0)
        spread = float((rows - centre).square().sum(1).mean())
        mean, variance = moments(network)
        scale = max(1.0, float(rows.abs().max()))
        search.compare(
            float((mean - centre).abs().max()) / scale,
            1e-12,
            f"{_describe(network)}: the mean over all masks",
        )
        search.compare(
            abs(variance - spread) / max(1.0, float(rows.square().sum(1).max())),
            1e-12,
            f"{_describe(network)}: the variance over all masks",
        )


BySize = Callable[[int], float]


def _library_family(network: TwoLayerReLU) -> BySize:
    return gradient_signal(network).subset_bound


def _attack_family(bound: Callable[[TwoLayerReLU], BySize], search: Search) -> None:
    for network in networks(search, search.pick(10, 60), search.pick(4, 6)):
        a, _ = _parts(network)
        distances = (brute_gradients(network) - a).square().sum(1)
        # the adversary picks the targets that the gradient tells most about
        worst = distances.sort(descending=True).values.cumsum(0)
        limit = bound(network)
        for size in range(1, len(worst) + 1):
            mean, allowed = float(worst[size - 1]) / size, limit(size)
            search.compare(
                max(0.0, mean / max(allowed, 1e-300) - 1.0),
                1e-11,
                f"{_describe(network)}: a family of {size} masks has the mean {mean:.6g}, above the "
                f"bound {allowed:.6g}",
            )


def _library_ratio(network: TwoLayerReLU) -> BySize:
    return gradient_signal(network).signal_to_noise


def _batch_ratio(network: TwoLayerReLU) -> BySize:
    return lambda batch: batch / (2**network.n_features - 1)


def _attack_ratio(ratios: Sequence[Callable[[TwoLayerReLU], BySize]], search: Search) -> None:
    for network in networks(search, search.pick(10, 60), search.pick(4, 6)):
        d = network.n_features
        outputs = network(cube(d, dtype=torch.float64)).detach()
        shrink = 0.9 / max(1.0, float(outputs.abs().max()))
        with torch.no_grad():  # |f| < 1 everywhere
            network.output.weight.mul_(shrink)
            network.output.bias.mul_(shrink)
        _, g = _parts(network)
        rows = brute_gradients(network)
        signal = float(rows.square().sum(1).mean())
        # a sample's gradient is +-g(x): its mean square is the same for every target
        noise = float(g.square().sum(1).mean()) - signal
        for ratio in ratios:
            of_batch = ratio(network)
            for batch in (1, 100):
                truth = batch * signal / noise
                search.compare(
                    abs(of_batch(batch) / truth - 1.0),
                    1e-9,
                    f"{_describe(network)}, batch {batch}: signal over noise is {truth:.9g}",
                )


BOUND = Claim(
    id="3c-iv-bound",
    title="The gradients of all targets lie exponentially close together",
    part="3c",
    statement=r"""
For every parameter vector $p$, with $a$ and $c_p$ from 3c-ii and 3c-i-bound,
$ EE_v [norm(nabla R_v - a)_2^2] <= C_p / 2^d, quad C_p = (d k + 2 k + 1) c_p^2. $
The same holds with a constant $C'_p$ that is never larger, and with $C''_p$:
$ C'_p = 1 + sum_(i=1)^k ((d + 1) alpha_i^2 ind {h_i > 0} + h_i^2) <= C_p, \
  C''_p = 1 + sum_(i=1)^k (alpha_i^2 (1 + d/2) + (b_i + 1/2 sum_j w_(i j))^2 + 1/4 sum_j w_(i j)^2).
  $
""",
    derivation=r"""
*From targets to inputs.* By 3c-ii, entry $j$ of $nabla R_v - a$ is $EE_x [chi_v (x) g_j (x)]$.
Writing the mean over $v$ as a sum over all $2^d$ masks and exchanging the sums,
$ EE_v [norm(nabla R_v - a)_2^2]
  = 1/2^d sum_j sum_v (EE_x [chi_v (x) g_j (x)])^2
  <= 1/2^d sum_j EE_x [g_j (x)^2] = 1/2^d EE_x [norm(g(x))_2^2]. $
The inequality is the property of sub-orthonormal functions (3c-iii), used once for each entry $j$.

*From $g$ to a constant.* In $g = -1/2 (ind_1 (f) + ind_1 (-f)) nabla f$ the factor before $nabla f$
has size at most $1$, so $|g_j (x)| <= |partial_j f(x)| <= c_p$. There are $d k + 2 k + 1$ entries,
hence
$ EE_x [norm(g)^2] <= EE_x [norm(nabla f)^2] <= (d k + 2 k + 1) c_p^2 = C_p. quad square $

*The other constants.* By 3c-i-gradient
$norm(nabla f(x))^2 = 1 + sum_i (alpha_i^2 ind {z_i > 0} (norm(x)_1 + 1) + relu(z_i)^2)$.

For $C'_p$ insert $norm(x)_1 <= d$, $ind {z_i > 0} <= ind {h_i > 0}$ and $relu(z_i) <= h_i$. As
$alpha_i^2 ind {h_i > 0} <= c_p^2$, $h_i^2 <= c_p^2$ and $1 <= c_p^2$,
$C'_p <= c_p^2 (1 + k (d + 1) + k) = C_p$.

For $C''_p$ drop the gates, $ind {z_i > 0} <= 1$ and $relu(z_i)^2 <= z_i^2$, and take means. The
coordinates of $x$ are independent with mean $1\/2$ and variance $1\/4$, so $EE norm(x)_1 = d\/2$
and $EE z_i^2 = (EE z_i)^2 + "Var" z_i = (b_i + 1/2 sum_j w_(i j))^2 + 1/4 sum_j w_(i j)^2$.
$square$

$C''_p$ also counts units that are never active, and there it can exceed $C_p$: one unit with $w = 0$
and $b = -10$ adds $100 + alpha^2 (1 + d\/2)$ to $C''_p$ and nothing to $c_p$.

*Polynomial in $d$.* With weights of bounded size, all three grow polynomially in $d$ and $k$, while
$2^d$ grows exponentially. Note that nothing but the size of $nabla f$ entered: the same holds, with
$EE norm(nabla f)^2$ in place of $C_p$, for every differentiable model.
""",
    source=(
        "Homework 3(c)(iv); the idea is Theorem 1 of Shalev-Shwartz, Shamir and Shammah (ICML 2017). "
        "The constants $C'_p$ and $C''_p$ are ours."
    ),
    assumptions=(r"$x$ and $v$ uniform on ${0, 1}^d$; hinge loss.",),
    attack=_attack_bound,
    subject=_library_constants,
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "The constants of gradient_bounds against the mean over all masks by autograd, for random, "
        "dead, large and integer networks and where units are always active."
    ),
)

EQUALITY = Claim(
    id="3c-iv-equality",
    title="The bound's core is an equality",
    part="3c",
    statement=r"""
Let $a$ and $g$ be the two parts of the gradient $nabla R_v = a + EE_x [chi_v (x) g(x)]$ of 3c-ii:
neither depends on the target $v$, and for the hinge loss $g(x) = -1/2 (ind_1 (f(x)) + ind_1 (-f(x)))
nabla f(x)$. Then
$ EE_v [norm(nabla R_v - a)_2^2] = 1/2^d EE_x [norm(g(x))_2^2]. $
""",
    derivation=r"""
The only inequality on the way from the targets to $EE_x [norm(g)^2]$ in 3c-iv-bound was
$sum_v (EE_x [chi_v g_j])^2 <= EE_x [g_j^2]$. The sum runs over *all* masks $v in {0, 1}^d$, and all
parities together are an orthonormal basis (3c-iii), so it is an equality (Parseval) for every $j$.
Adding up over $j$ and dividing by $2^d$,
$ EE_v [norm(nabla R_v - a)_2^2] = 1/2^d sum_j sum_v (EE_x [chi_v g_j])^2
  = 1/2^d sum_j EE_x [g_j^2] = 1/2^d EE_x [norm(g(x))_2^2]. quad square $

*Why it matters.* A mean over $2^d$ targets, each a mean over $2^d$ inputs, becomes one mean over
inputs: what the gradient says about the target can be computed exactly, instead of being bounded.
And it cannot be improved: no choice of parameters beats the factor $2^(-d)$ except through the size
of $g$ itself.

*Other losses.* The square loss $1/2 (f - y)^2$ has slope $f - y$, so $a = EE_x [f nabla f]$ and $g
= -nabla f$. The logistic loss $log(1 + e^(-f y))$ has slope $-y \/ (1 + e^(f y))$, which is
$1 \/ (1 + e^(-f)) - 1/2 - y\/2$ for both labels, so
$a = EE_x [(1 \/ (1 + e^(-f)) - 1/2) nabla f]$ and $g = -1/2 nabla f$. The equality holds for both.
""",
    source="Sharpens homework 3(c)(iv).",
    assumptions=(r"$x$ and $v$ uniform on ${0, 1}^d$.",),
    attack=_attack_equality,
    subject=_library_signal,
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "gradient_signal(...).signal, one pass over the inputs, against the mean over all masks of "
        "gradients by autograd."
    ),
)

VARIANCE = Claim(
    id="3c-iv-variance",
    title="The constant part is almost, but not quite, the mean gradient",
    part="3c",
    statement=r"""
Over all targets, the mean gradient and the variance about it are
$ EE_v [nabla R_v] = a + 2^(-d) g(0), quad
  EE_v [norm(nabla R_v - EE_w nabla R_w)^2] = 2^(-d) EE_x [norm(g(x))^2] - 4^(-d) norm(g(0))^2. $
""",
    derivation=r"""
*The mean.* By 3c-ii, $EE_v [nabla R_v] = a + EE_x [EE_v [chi_v (x)] g(x)]$. As in 3c-iii, with the
roles of masks and inputs exchanged,
$EE_v [chi_v (x)] = product_j (1 + (-1)^(x_j))/2$, which is $1$ for $x = 0$ and $0$ otherwise. The
input $x = 0$ has probability $2^(-d)$, so $EE_v [nabla R_v] = a + 2^(-d) g(0)$. (All parities give
the label $+1$ at $x = 0$; that is the one thing that all targets agree on.)

*The variance.* For any vector $c$ the mean square splits as
$EE_v norm(nabla R_v - c)^2 = EE_v norm(nabla R_v - EE_w nabla R_w)^2 + norm(EE_w nabla R_w - c)^2$.
With $c = a$ the left side is $2^(-d) EE_x norm(g)^2$ by 3c-iv-equality, and the last term is
$norm(2^(-d) g(0))^2 = 4^(-d) norm(g(0))^2$. $square$
""",
    source="An addition to homework 3(c)(iv).",
    assumptions=(r"$x$ and $v$ uniform on ${0, 1}^d$.",),
    attack=_attack_variance,
    subject=_library_moments,
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "The mean and variance from gradient_signal against those over all masks of gradients by autograd."
    ),
)

FAMILY = Claim(
    id="3c-iv-family",
    title="No family of targets can be told apart much better",
    part="3c",
    statement=r"""
For every non-empty set $cal(V) subset.eq {0, 1}^d$ of masks,
$ 1/(|cal(V)|) sum_(v in cal(V)) norm(nabla R_v - a)_2^2 <= 1/(|cal(V)|) EE_x [norm(g(x))_2^2]. $
""",
    derivation=r"""
*Sub-orthonormal functions.* Let $f_1, dots, f_m$ satisfy $EE[f_i f_l] = 0$ for $i eq.not l$ and
$EE[f_i^2] <= 1$, let $h$ be any function and $c_i = EE[f_i h]$. Then
$ 0 <= EE[(h - sum_i c_i f_i)^2]
  = EE[h^2] - 2 sum_i c_i^2 + sum_i c_i^2 EE[f_i^2] <= EE[h^2] - sum_i c_i^2, $
so $sum_i c_i^2 <= EE[h^2]$. This is the property that the homework allows to be used without proof.

*The family.* The parities of the masks in $cal(V)$ are sub-orthonormal by 3c-iii. Apply the
property to $h = g_j$ for each entry $j$ and add up:
$ sum_(v in cal(V)) norm(nabla R_v - a)^2 = sum_j sum_(v in cal(V)) (EE_x [chi_v g_j])^2
  <= sum_j EE_x [g_j^2] = EE_x [norm(g)^2]. quad square $

*Reading it.* Targets of a small known weight $m$ form a family of only $binom(d, m)$ masks, so the
gradient may say much more about them: a parity of two or three bits can be learned where one of
fifteen cannot.
""",
    source="Extends homework 3(c)(iv), and proves the property it quotes.",
    assumptions=(r"$x$ uniform on ${0, 1}^d$.",),
    attack=_attack_family,
    subject=_library_family,
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "For every size the worst family (the masks whose gradients lie furthest from a, by autograd) "
        "against GradientSignal.subset_bound."
    ),
)

RATIO = Claim(
    id="3c-iv-noise",
    title="One target needs about 2ᵈ samples before its gradient rises above the noise",
    part="3c",
    statement=r"""
Let $|f(x)| < 1$ for all $x$. For the mean gradient of a batch of $B$ independent samples, the
signal $EE_v norm(nabla R_v - a)^2$ over the noise, the variance of the batch's gradient about
$nabla R_v$ averaged over targets, is exactly $B \/ (2^d - 1)$, whatever the parameters.
""",
    derivation=r"""
If $|f| < 1$ everywhere, then $ind_1 (f) = ind_1 (-f) = 1$, so $a = 0$ and $g = -nabla f$ by 3c-ii,
and the gradient of a single sample is $chi_v (x) g(x)$, with the mean $nabla R_v = EE_x [chi_v g]$
and the mean square $EE_x norm(chi_v g)^2 = EE_x norm(g)^2$, the same for all targets. So the
variance of one sample's gradient is $EE_x norm(g)^2 - norm(nabla R_v)^2$. Averaged over the
targets, with $EE_v norm(nabla R_v)^2 = 2^(-d) EE_x norm(g)^2$ by 3c-iv-equality,
$ "noise of a batch" = 1/B (1 - 2^(-d)) EE_x norm(g)^2, quad
  "signal" = 2^(-d) EE_x norm(g)^2. $
Here $EE_x norm(g)^2 >= 1$, since $partial f \/ partial beta = 1$, so for $d >= 1$ the ratio is
defined:
$ "signal"/"noise" = B 2^(-d)/(1 - 2^(-d)) = B/(2^d - 1). quad square $

With $d = 30$ and the homework's batch of $100$ this is about $10^(-7)$.
""",
    source="An addition to homework 3(c)(iv).",
    assumptions=(r"$|f(x)| < 1$ for all $x in {0, 1}^d$, as at the start of training; $d >= 1$.",),
    attack=_attack_ratio,
    subject=(_library_ratio, _batch_ratio),
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "The formula and GradientSignal.signal_to_noise against signal and noise over all masks and "
        "inputs by autograd, for networks scaled to |f| < 1."
    ),
)

CLAIMS = (BOUND, EQUALITY, VARIANCE, FAMILY, RATIO)
