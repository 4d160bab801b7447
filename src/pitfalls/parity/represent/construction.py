"""Networks that equal a parity at every input, with weights set by hand (homework 3a)."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from pitfalls.errors import CapacityError, InputError
from pitfalls.integers import require_integer
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.task import ParityTask

__all__ = ["Mask", "Variant", "exact_network"]

Variant = Literal["corrected", "printed", "compact"]
Mask = Sequence[int] | Tensor | ParityTask

_TYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


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
    >>> from pitfalls.parity import verify_exact
    >>> bool(verify_exact(exact_network([1, 1, 1, 1]), [1, 1, 1, 1]))
    True
    >>> exact_network([1, 1, 1, 1], "compact").n_hidden
    3
    >>> proof = verify_exact(exact_network([1, 1, 1, 1], "printed"), [1, 1, 1, 1])
    >>> proof.counterexample, proof.output
    ((1, 1, 1, 1), -1.0)

    The construction as printed fails at one input, all ones; the corrected one fails nowhere:

    .. plot::
       :include-source:

       import matplotlib.pyplot as plt
       from pitfalls.parity import ParityTask, exact_network

       task = ParityTask([1, 1, 1, 1])
       x = task.all_inputs()
       for variant, marker in ("corrected", "s-"), ("printed", "o--"):
           outputs = exact_network(task, variant)(x).detach()
           by_ones = sorted(zip(x.sum(1).tolist(), outputs.tolist()))
           plt.plot(*zip(*by_ones), marker, label=variant)
       plt.xlabel("number of ones in the input")
       plt.ylabel("output")
       plt.legend()
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
