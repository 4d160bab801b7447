"""Networks that equal a parity at every input, and a proof that they do (homework 3a).

With all w_i multiples of the mask v, the network sees x only through s = v . x in {0, ..., m},
m = |v|, so it is exact on all 2^d inputs as soon as it is exact for the m + 1 values of s. That is
checked in rational arithmetic, where the parameters are the fractions that the floats stand for.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import torch
from torch import Tensor, nn

from pitfalls.errors import CapacityError, InputError, ResourceError
from pitfalls.parity.checks import require_integer
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.scalar_network import ScalarNetwork, scalar_network
from pitfalls.parity.streaming import largest_error
from pitfalls.parity.task import ParityTask

__all__ = ["ExactnessProof", "Variant", "exact_network", "verify_exact"]

Variant = Literal["corrected", "printed", "compact"]
Mask = Sequence[int] | Tensor | ParityTask

_TYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)

_MOST_ENUMERATED = 30
_MOST_BATCHED = 24
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
        ``enumeration``: every input was evaluated in float64.
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


def exact_network(
    mask: Mask,
    variant: Variant = "corrected",
    n_hidden: int | None = None,
    *,
    dtype: torch.dtype | None = None,
) -> TwoLayerReLU:
    """Set the weights of a two-layer network by hand so that it equals a parity.

    Parameters
    ----------
    mask : sequence of 0 and 1, or ParityTask
        v.
    variant : {"corrected", "printed", "compact"}
        ``printed`` is the homework's construction. It is wrong at one input for one mask, v and x
        all ones: units beyond 3d/2 have w = 0 there, but the last of them is needed.
        ``corrected`` sets w_i = v for all 3(floor(d/2) + 1) units and is right everywhere.
        ``compact`` is right with |v| units, and with |v| - 1 where |v| >= 4.
    n_hidden : int, optional
        k; what is not needed is set to zero. By default the homework's 3(floor(d/2) + 1), or for
        ``compact`` the least.
    dtype : torch.dtype, optional
        Type of the parameters. All are integers or halves that grow with d; a type that cannot
        hold one of them is refused. :func:`verify_exact` judges the parameters; evaluated in half
        precision the same network may round.

    Raises
    ------
    InputError
        If ``dtype`` is not a real floating type or rounds a parameter (bfloat16 of ``corrected``
        from d = 128 on, say).
    CapacityError
        If n_hidden is too small; the message names the least that works for this mask.

    Examples
    --------
    >>> bool(verify_exact(exact_network([1, 1, 1, 1]), [1, 1, 1, 1]))
    True
    >>> exact_network([1, 1, 1, 1], "compact").n_hidden
    3
    >>> proof = verify_exact(exact_network([1, 1, 1, 1], "printed"), [1, 1, 1, 1])
    >>> proof.counterexample, proof.output
    ((1, 1, 1, 1), -1.0)
    """
    task = mask if isinstance(mask, ParityTask) else ParityTask(mask)
    if variant == "compact":
        units, beta = _compact_units(task.weight)
        least = default = max(1, len(units))
    elif variant in ("corrected", "printed"):
        units, beta = _triads(task, printed=variant == "printed")
        default = len(units)
        # the printed text claims ceil(3d/2); of the corrected one, units past these never fire
        m = task.weight
        least = -(-3 * task.n_features // 2) if variant == "printed" else _least_triad_units(m)
    else:
        raise InputError(
            "exact_network: variant must be 'corrected', 'printed' or 'compact'. "
            f"Got {variant!r} instead."
        )
    k = default if n_hidden is None else require_integer("exact_network", "n_hidden", n_hidden, 1)
    if k < least:
        raise CapacityError(
            f"exact_network: the {variant} construction needs n_hidden >= {least} for a mask with "
            f"{task.weight} of {task.n_features} ones. Got {k} instead."
        )
    if dtype is not None and dtype not in _TYPES:
        raise InputError(
            "exact_network: dtype must be float64, float32, float16 or bfloat16. "
            f"Got {str(dtype).removeprefix('torch.')} instead."
        )
    network = TwoLayerReLU(task.n_features, k, seed=0, dtype=dtype)
    used = units[:k]
    filled = torch.zeros(k, 3, dtype=torch.float64)
    filled[: len(used)] = torch.tensor(used, dtype=torch.float64).reshape(-1, 3)
    scale, bias, alpha = filled.T
    w = torch.outer(scale, task.mask_tensor(dtype=torch.float64))
    flat = torch.cat([w.flatten(), bias, alpha, torch.tensor([beta], dtype=torch.float64)])
    network.load_flat(flat)
    rounded = (network.flat_parameters().double() != flat).nonzero()
    if len(rounded):
        raise InputError(
            f"exact_network: {str(dtype).removeprefix('torch.')} cannot hold the parameter "
            f"{flat[rounded[0, 0]]:g} that d = {task.n_features} needs. Take float32 or float64."
        )
    return network


def _least_triad_units(m: int) -> int:
    """Units of the triads that fire for some s <= m: all, or one of the last triad's for even m."""
    return 3 * m // 2 + 1 if m % 2 == 0 else 3 * (m + 1) // 2


def _triads(task: ParityTask, *, printed: bool) -> tuple[list[tuple[int, float, float]], float]:
    """Units (scale of v, bias, alpha): three make a tent of height 2 over each even s."""
    units: list[tuple[int, float, float]] = []
    for i in range(task.n_features // 2 + 1):
        for shift, alpha in ((-0.5, 4.0), (0.0, -8.0), (0.5, 4.0)):
            scale = int(not printed or len(units) < 3 * task.n_features // 2)
            units.append((scale, -(2 * i + shift), alpha))
    return units, -1.0


def _compact_units(m: int) -> tuple[list[tuple[int, float, float]], float]:
    """Units (scale of v, bias, alpha) of the narrowest networks in s.

    f must be +1, -1, +1, ... at s = 0..m, so it bends at least once between s - 1 and s + 1 for
    each s = 1..m-1: m - 1 units at least. They give the bends; the slope at the left must come
    from units that open to the left. Bends of +-4 at 1..m-2 and of 6(-1)^m at m - 2/3 give the
    values; opening the last and the bend at 2 (m even), or the last and those at 1 and 3 (m odd),
    to the left gives the slope -2 there. The last unit is scaled by 3 to have integers only.
    """
    if m == 0:
        return [], 1.0
    if m < 4:
        rest = [(1, -float(j), 4.0 * (-1) ** (j + 1)) for j in range(1, m)]
        return [(1, 0.0, -2.0), *rest], 1.0
    left = {2} if m % 2 == 0 else {1, 3}
    units = [
        (-1 if j in left else 1, float(j if j in left else -j), 4.0 * (-1) ** (j + 1))
        for j in range(1, m - 1)
    ]
    units.append((-3, 3.0 * m - 2, 2.0 * (-1) ** m))
    at_zero = sum(alpha * max(0.0, bias) for _, bias, alpha in units)
    return units, 1.0 - at_zero


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
        If d is too large to enumerate.
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
        largest_error=float(worst),
        tolerance=0.0,
        counterexample=None if worst == 0 else tuple(x),
        output=float(output),
        label=float((-1) ** worst_s),
    )


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
