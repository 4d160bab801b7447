"""Deciding whether a network equals a parity at every input (homework 3a).

With all w_i multiples of the mask v, the network sees x only through s = v . x in {0, ..., m},
m = |v|, so it is exact on all 2^d inputs as soon as it is exact for the m + 1 values of s. That is
checked in rational arithmetic, where the parameters are the fractions that the floats stand for.
Any other network is evaluated at every input.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import nn

from pitfalls.errors import InputError, ResourceError
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.represent.construction import Mask
from pitfalls.parity.scalar_network import ScalarNetwork, scalar_network
from pitfalls.parity.signal.cube_pass import largest_error
from pitfalls.parity.signal.rounding import output_rounding
from pitfalls.parity.task import ParityTask

__all__ = ["ExactnessProof", "verify_exact"]

_MOST_ENUMERATED = 30
_MOST_BATCHED = 24
_MOST_EXACTLY = 1 << 22  # units evaluated in all: a few seconds
_BATCH = 1 << 14


@dataclass(frozen=True)
class ExactnessProof:
    """What :func:`verify_exact` found.

    Attributes
    ----------
    exact : bool
        Whether f(x) = (-1)^(v . x) at every one of the 2^d inputs, within ``tolerance``.
    method : str
        ``values of s``: rational arithmetic for s = 0..|v|, which proves it for every input;
        ``enumeration``: every input was evaluated in float64, or in rational arithmetic where
        float64's rounding could have decided.
    n_checked : int
        Values of s, or inputs.
    largest_error : float
        Largest |f(x) - (-1)^(v . x)|; NaN if an output is.
    tolerance : float
        0 for the rational proof.
    counterexample : tuple of int, or None
        An input with the largest error, if not exact.
    output, label : float
        f there, and what it should be (at the worst input, counterexample or not).
    """

    exact: bool
    method: str
    n_checked: int
    largest_error: float
    tolerance: float
    counterexample: tuple[int, ...] | None
    output: float
    label: float

    def __bool__(self) -> bool:
        return self.exact


def verify_exact(
    network: nn.Module,
    mask: Mask,
    *,
    tolerance: float = 1e-9,
    on_progress: Callable[[int, int], None] | None = None,
) -> ExactnessProof:
    """Decide whether a network equals a parity at every input of {0, 1}^d.

    Parameters
    ----------
    network : nn.Module
        A ``TwoLayerReLU`` whose w_i are all multiples of the mask is decided for any d by the
        values of s = v . x, in rational arithmetic and without a tolerance. Any other
        ``TwoLayerReLU`` is evaluated at all inputs up to d = 30, any other module up to d = 24,
        both in float64. An output must be a function of its input alone.
    mask : sequence of 0 and 1, or ParityTask
        v.
    tolerance : float
        Error that counts as rounding where inputs are enumerated; below 1, since 1 is the distance
        of an output of 0 from either label.
    on_progress : callable, optional
        Called with (inputs done, 2^d) while enumerating.

    Returns
    -------
    ExactnessProof
        True in a condition if exact; otherwise with an input where the error is largest.

    Raises
    ------
    InputError
        If parameters are not finite, the network takes another number of features, or it is no
        function of its input: dropout or batch norm in training mode, say.
    ResourceError
        If d is too large to enumerate, or rounding could decide and it is too large to do without.
    """
    task = mask if isinstance(mask, ParityTask) else ParityTask(mask)
    d = task.n_features
    if not 0 <= tolerance < 1:
        raise InputError(
            f"verify_exact: tolerance must be at least 0 and below 1. Got {tolerance} instead."
        )
    entered = scalar_network(network, d, "verify_exact", given_as="the mask")
    two_layer = entered.two_layer
    if two_layer is None:
        return _by_batches(entered, task, tolerance, on_progress)
    scales = _multiples_of_mask(two_layer, task)
    if scales is not None:
        return _by_values(two_layer, task, scales)
    if d > _MOST_ENUMERATED:
        raise ResourceError(
            f"verify_exact: the weights are not multiples of the mask, and 2^{d} inputs are too "
            f"many to enumerate (the limit is d = {_MOST_ENUMERATED}). Check samples instead."
        )
    w, b, alpha, beta = (p.detach().cpu().numpy() for p in two_layer.parameters())
    worst, place = largest_error(
        w, b, alpha[0], float(beta[0]), task.index, on_progress=on_progress
    )
    if abs(worst - tolerance) <= output_rounding(w, b, alpha[0], float(beta[0])):
        return _in_fractions(two_layer, task, tolerance)
    x = tuple(place >> j & 1 for j in range(d))
    row = torch.tensor([x], dtype=torch.float64)
    label, output = float(task.labels(row)), float(two_layer(row.to(entered.device)))
    return _proof(1 << d, x, worst, output, label, tolerance)


def _multiples_of_mask(network: TwoLayerReLU, task: ParityTask) -> list[float] | None:
    """Return c with w_i = c_i v, or None if there is none."""
    v = task.mask_tensor(dtype=torch.float64)
    w = network.hidden.weight.detach().double().cpu()
    on = v.bool()
    scale = w[:, on][:, 0] if task.weight else w.new_zeros(len(w))
    return scale.tolist() if torch.equal(w, torch.outer(scale, v)) else None


def _integers(values: list[float]) -> tuple[list[int], int]:
    """Write floats exactly as integers over one denominator."""
    fractions = [Fraction(value) for value in values]
    denominator = max((f.denominator for f in fractions), default=1)  # each is a power of two
    return [int(f * denominator) for f in fractions], denominator


def _by_values(network: TwoLayerReLU, task: ParityTask, scales: list[float]) -> ExactnessProof:
    k = network.n_hidden
    lines, one = _integers(scales + network.hidden.bias.tolist())
    alphas, other = _integers(network.output.weight[0].tolist())
    units = [unit for unit in zip(lines[:k], lines[k:], alphas, strict=True) if unit[2]]
    beta = Fraction(network.output.bias.item())
    worst, worst_s, output = Fraction(-1), 0, Fraction(0)
    for s in range(task.weight + 1):
        total = sum(alpha * max(0, slope * s + bias) for slope, bias, alpha in units)
        value = beta + Fraction(total, one * other)
        error = abs(value - (-1) ** s)
        if error > worst:
            worst, worst_s, output = error, s, value
    x, left = [], worst_s
    for bit in task.mask:
        x.append(int(bit and left > 0))
        left -= x[-1]
    return ExactnessProof(
        exact=worst == 0,
        method="values of s",
        n_checked=task.weight + 1,
        largest_error=_float(worst),
        tolerance=0.0,
        counterexample=None if worst == 0 else tuple(x),
        output=_float(output),
        label=float((-1) ** worst_s),
    )


def _in_fractions(network: TwoLayerReLU, task: ParityTask, tolerance: float) -> ExactnessProof:
    """Evaluate every input in rational arithmetic, one weight more or less from one to the next."""
    d, k = task.n_features, network.n_hidden
    if k << d > _MOST_EXACTLY:
        raise ResourceError(
            f"verify_exact: float64's rounding of weights this large could decide whether the largest "
            f"error is within the tolerance of {tolerance:g}, and 2^{d} inputs of {k} units are too "
            f"many for rational arithmetic (the limit is {_MOST_EXACTLY:,} units in all). Scale the "
            "units (w_i and b_i times c, alpha_i over c), or ask for another tolerance."
        )
    w = network.hidden.weight.flatten().tolist()
    lines, one = _integers([*w, *network.hidden.bias.tolist()])
    alphas, other = _integers([*network.output.weight[0].tolist()])
    slopes, sums = lines[: k * d], lines[k * d :]
    beta = Fraction(network.output.bias.item())
    worst, place, output, x = Fraction(-1), 0, Fraction(0), 0
    for step in range(1 << d):
        if step:  # Gray's order: one input changes at a time
            j = (step & -step).bit_length() - 1
            x ^= 1 << j
            sign = 1 if x >> j & 1 else -1
            sums = [z + sign * slopes[i * d + j] for i, z in enumerate(sums)]
        total = sum(alpha * z for alpha, z in zip(alphas, sums, strict=True) if z > 0)
        value = beta + Fraction(total, one * other)
        error = abs(value - (-1) ** (x & task.index).bit_count())
        if error > worst:
            worst, place, output = error, x, value
    exact = worst <= tolerance
    row = tuple(place >> j & 1 for j in range(d))
    return ExactnessProof(
        exact=exact,
        method="enumeration",
        n_checked=1 << d,
        largest_error=_float(worst),
        tolerance=tolerance,
        counterexample=None if exact else row,
        output=_float(output),
        label=float((-1) ** (place & task.index).bit_count()),
    )


def _float(value: Fraction) -> float:
    """Round to float64, to infinity where it is out of range."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


@torch.no_grad()
def _by_batches(
    network: ScalarNetwork,
    task: ParityTask,
    tolerance: float,
    on_progress: Callable[[int, int], None] | None,
) -> ExactnessProof:
    d = task.n_features
    if d > _MOST_BATCHED:
        raise ResourceError(
            f"verify_exact: 2^{d} inputs are too many for a {network.kind} (the limit is "
            f"d = {_MOST_BATCHED}; a TwoLayerReLU goes to {_MOST_ENUMERATED}). Check samples instead."
        )
    worst, place, output, label = -1.0, 0, 0.0, 0.0
    for start in range(0, 1 << d, _BATCH):
        stop = min(1 << d, start + _BATCH)
        x = network.inputs(start, stop)
        values, labels = network.outputs(x), task.labels(x)
        errors = (values - labels).abs()
        at = int(errors.argmax())  # of a NaN, if there is one
        if not math.isnan(worst) and not float(errors[at]) <= worst:
            worst, place = float(errors[at]), start + at
            output, label = float(values[at]), float(labels[at])
        if on_progress is not None:
            on_progress(stop, 1 << d)
    x_worst = tuple(place >> j & 1 for j in range(d))
    return _proof(1 << d, x_worst, worst, output, label, tolerance)


def _proof(
    n: int, x: tuple[int, ...], worst: float, output: float, label: float, tolerance: float
) -> ExactnessProof:
    # not "worst > tolerance": a NaN output is no proof
    exact = worst <= tolerance and abs(output - label) <= tolerance
    return ExactnessProof(
        exact, "enumeration", n, worst, tolerance, None if exact else x, output, label
    )
