"""The pass of ``streaming`` in plain torch operations, for a GPU; the same sums, the same skips."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from pitfalls.parity.loss import HingeLoss, Loss
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.signal.cube_pass import StreamedSums
from pitfalls.parity.signal.rounding import output_rounding, rounding

__all__ = ["stream_on_device"]

_LOW_BITS = 8


def _bits(
    numbers: Int64[Tensor, " n"], n_bits: int, dtype: torch.dtype
) -> Float64[Tensor, "n {n_bits}"]:
    return (numbers[:, None] >> torch.arange(n_bits, device=numbers.device) & 1).to(dtype)


def _inside(
    a: Float64[Tensor, "H k"],
    low_weights: Float64[Tensor, "k low"],
    alpha: Float64[Tensor, " k"],
    beta: Float64[Tensor, ""],
    limit: float,
) -> Bool[Tensor, " H"]:
    """Which rows of a (H, k) start a subcube on which |f| < limit: streaming's bound."""
    centre = a + low_weights.sum(1) / 2
    radius = low_weights.abs().sum(1) / 2  # (k,)
    upper = centre + radius
    slope = (upper / (2 * radius).clamp(min=torch.finfo(a.dtype).tiny)).clamp(0, 1)
    slope = torch.where(centre >= radius, 1.0, slope)
    gap = alpha * (slope * (radius - centre)).clamp(min=0)
    slope = alpha * slope
    constant = beta + (slope * a).sum(1)
    weights = slope @ low_weights  # (H, low bits)
    above = constant + gap.clamp(min=0).sum(1) + weights.clamp(min=0).sum(1)
    below = constant + gap.clamp(max=0).sum(1) + weights.clamp(max=0).sum(1)
    return (above < limit) & (below > -limit)


def _at_inputs(
    a: Tensor, high_bits: Tensor, low: Tensor, low_bits: Tensor, alpha: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the units' values and gates, (h, 2^low, k), and |grad f|^2, (h, 2^low)."""
    z = a[:, None, :] + low
    value, gate = torch.relu(z), (z > 0).to(z.dtype)
    ones = 1 + high_bits.sum(1)[:, None] + low_bits.sum(1)
    return value, gate, 1 + gate @ alpha.square() * ones + value.square().sum(-1)


@torch.no_grad()
def stream_on_device(
    network: TwoLayerReLU,
    loss: Loss,
    device: torch.device | str,
    *,
    elements: int = 1 << 24,
    on_progress: Callable[[int, int], None] | None = None,
) -> StreamedSums:
    """Add up over {0, 1}^d what the signal needs, in float64, on any device.

    Parameters
    ----------
    network : TwoLayerReLU
    loss : Loss
        With a constant G where |f| < 1 or everywhere.
    device : torch.device or str
    elements : int
        Size of the largest temporary, in numbers of 8 bytes; about six are alive at once.
    on_progress : callable, optional
        Called with (inputs done, 2^d).
    """
    w, b, alpha, beta = (p.to(device=device, dtype=torch.float64) for p in network.parameters())
    alpha, beta = alpha[0], beta[0]
    k, d = w.shape
    n_low = min(d, _LOW_BITS)
    low_bits = _bits(torch.arange(1 << n_low, device=device), n_low, torch.float64)
    low = low_bits @ w[:, :n_low].T  # (2^low, k)
    usual = loss.weights(w.new_zeros(1))[1].square()
    is_hinge = type(loss) is HingeLoss  # a subclass may have another G where |f| < 1
    given = w.cpu().numpy(), b.cpu().numpy(), alpha.cpu().numpy(), float(beta)
    limit, near = 1 - rounding(*given), output_rounding(*given) if is_hinge else 0.0

    sums = w.new_zeros(3)
    by_weight, by_bias = w.new_zeros(k, d), w.new_zeros(k)
    by_value, by_offset = w.new_zeros(k), w.new_zeros(())
    n_active = n_evaluated = 0
    n_high = 1 << (d - n_low)
    rows, many = max(1, elements // (k << n_low)), max(1, elements // k)
    for start in range(0, n_high, many):
        stop = min(n_high, start + many)
        high_bits = _bits(torch.arange(start, stop, device=device), d - n_low, torch.float64)
        a = high_bits @ w[:, n_low:].T + b  # (H, k)
        if is_hinge:
            inside = _inside(a, w[:, :n_low], alpha, beta, limit)
            n_active += int(inside.sum()) << n_low
            a, high_bits = a[~inside], high_bits[~inside]
        for first in range(0, len(a), rows):
            a_part, high_part = a[first : first + rows], high_bits[first : first + rows]
            value, gate, norm = _at_inputs(a_part, high_part, low, low_bits, alpha)
            f = value @ alpha + beta
            n_evaluated += f.numel()
            n_active += int((f.abs() < 1).sum())
            even, odd = loss.weights(f)
            sums[0] += ((1 - odd.square() / usual) * norm).sum()
            sums[1] += (even.square() * norm).sum()
            sums[2] += norm[(f.abs() - 1).abs() < near].sum()
            gated = gate * even[..., None]
            by_weight[:, :n_low] += gated.sum(0).T @ low_bits
            by_weight[:, n_low:] += gated.sum(1).T @ high_part
            by_bias += gated.sum((0, 1))
            by_value += torch.einsum("hl,hlk->k", even, value)
            by_offset += even.sum()
        if on_progress is not None:
            on_progress(stop << n_low, 1 << d)
    gradient = torch.cat(
        [(alpha[:, None] * by_weight).flatten(), alpha * by_bias, by_value, by_offset[None]]
    )
    return StreamedSums(
        odd_deficit=float(sums[0]),
        even_square=float(sums[1]),
        even_gradient=gradient.cpu().numpy(),
        n_active=n_active,
        near_square=float(sums[2]),
        n_screened=0,
        n_evaluated=n_evaluated,
    )
