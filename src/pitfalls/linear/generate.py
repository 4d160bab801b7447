"""Critical points made to order, for tests and for teaching.

In white coordinates a critical point of rank r holds the modes S; what is left is a chain of layers
Z_L, ..., Z_1 of the widths less r, closed to a ring by the modes left over, N = K' on them. It is
critical iff Z_L...Z_1 = 0 and Z_{h-1}...Z_1 N Z_L...Z_{h+1} = 0 for every h. Here the input side of the
chain is alive up to node `reach`, the output side from node `source` on, and the nodes between are
filled with products that start and end inside. The ring is cut iff source >= reach + 2; all pivots are
tightened iff source >= reach + 3 and nothing passes from node reach + 1 to node source - 1.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from pitfalls.errors import CapacityError, InputError
from pitfalls.integers import require_integer
from pitfalls.linear.margins import product_rounding
from pitfalls.linear.modes import DataModes
from pitfalls.linear.network import Layer, Matrix, check_widths
from pitfalls.linear.risk import SquaredRisk

__all__ = ["CriticalKind", "critical_point"]

CriticalKind: TypeAlias = Literal["global minimum", "strict saddle", "non-strict saddle"]


def critical_point(
    risk: SquaredRisk,
    widths: Sequence[int],
    modes: Sequence[int] | None = None,
    kind: CriticalKind | None = None,
    random_state: int = 0,
    *,
    spread: float = 2.0,
) -> tuple[Layer, ...]:
    """Make a critical point of any kind.

    Parameters
    ----------
    risk : SquaredRisk
    widths : sequence of int
        d_0, ..., d_L, from the data's number of features to its number of outputs.
    modes : sequence of int or None
        S, the modes that the map holds, counted from 1, strongest first. None picks some that go
        with the kind: the strongest that fit, the second strongest alone, or all but the weakest.
    kind : str or None
        'global minimum', 'strict saddle' or 'non-strict saddle'; None takes what the modes allow,
        at random where they allow both kinds of saddle.
    random_state : int
        Seeds everything that is free.
    spread : float
        Bound on the condition numbers of the changes of basis in the hidden nodes.

    Returns
    -------
    tuple of ndarray
        W_1, ..., W_L.

    Raises
    ------
    CapacityError
        If there are more modes than the narrowest width or the rank of X allows.
    InputError
        If no point of that kind holds those modes.

    Examples
    --------
    >>> from pitfalls.linear import classify
    >>> from pitfalls.moments import SecondMoments
    >>> rng = np.random.default_rng(0)
    >>> risk = SquaredRisk(
    ...     SecondMoments.from_arrays(rng.standard_normal((50, 4)), rng.standard_normal((50, 3)))
    ... )
    >>> point = critical_point(risk, [4, 3, 3, 3], modes=[1], kind="non-strict saddle")
    >>> classify(risk, point).modes
    (1,)
    """
    widths = check_widths(widths, "critical_point")
    if (widths[0], widths[-1]) != (risk.n_features, risk.n_outputs):
        raise InputError(
            f"critical_point: widths must go from {risk.n_features} to {risk.n_outputs}, as the "
            f"data do. Got {widths}."
        )
    data, n_layers = risk.modes, len(widths) - 1
    capacity = min(data.rank_x, *widths)
    top = min(capacity, data.rank)
    if not 1 <= spread < np.inf:
        raise InputError(f"critical_point: spread must be finite and at least 1. Got {spread}.")
    asked = _pick(kind, top, data.rank) if modes is None else modes
    chosen = sorted({require_integer("critical_point", "a mode", mode) for mode in asked})
    if n_layers == 1 and (len(chosen) < data.rank or kind not in (None, "global minimum")):
        raise InputError(
            "critical_point: one layer is a convex problem, critical at its global minima only, which "
            f"hold all modes, 1 to {data.rank}. Got modes {tuple(chosen)} and kind {kind!r}. Ask for "
            "those, or for two layers."
        )
    _check(chosen, capacity, data.rank, widths, risk)
    rank = len(chosen)
    kept = [m - 1 for m in chosen]
    tie = product_rounding(4, max(widths)) * float(data.values.max(initial=0.0))
    strongest = bool(np.all(data.values[kept] >= data.values[:rank] - tie))
    allowed: tuple[CriticalKind, ...]
    if not strongest:
        allowed = ("strict saddle",)
    elif rank == top:
        allowed = ("global minimum",)
    elif n_layers == 2:
        allowed = ("strict saddle",)
    else:
        allowed = ("strict saddle", "non-strict saddle")
    rng = np.random.default_rng(random_state)
    if kind is None:
        kind = allowed[rng.integers(len(allowed))]
    if kind not in allowed:
        raise InputError(
            f"critical_point: a point of widths {widths} that holds modes {tuple(chosen)} is never a "
            f"{kind}, only a {' or a '.join(allowed)}. Choose other modes or another kind."
        )
    nodes = [data.rank_x - rank, *(w - rank for w in widths[1:-1]), widths[-1] - rank]
    free = not strongest or rank == top
    chain = _chain(nodes, "any" if free else kind, rng, nothing_left=rank == data.rank)
    return _assemble(risk, chain, kept, widths, spread, rng)


def _pick(kind: CriticalKind | None, top: int, n_modes: int) -> list[int]:
    if kind == "non-strict saddle":
        return list(range(1, top))
    if kind == "strict saddle":
        return [2] if n_modes > 1 and top > 0 else list(range(1, top))
    return list(range(1, top + 1))


def _check(
    chosen: list[int], capacity: int, n_modes: int, widths: tuple[int, ...], risk: SquaredRisk
) -> None:
    if chosen and not (chosen[0] >= 1 and chosen[-1] <= n_modes):
        raise InputError(
            f"critical_point: modes count from 1 to {n_modes} (the rank of Y'X). Got {tuple(chosen)}."
        )
    if len(chosen) > capacity:
        raise CapacityError(
            f"critical_point: {len(chosen)} modes do not fit: the narrowest width is {min(widths)} and "
            f"the rank of X is {risk.modes.rank_x}. Widen the network or ask for fewer modes."
        )


def _chain(
    nodes: list[int], kind: str, rng: np.random.Generator, *, nothing_left: bool
) -> list[Matrix]:
    """Draw Z_1, ..., Z_L between nodes of these sizes.

    Every hidden node is split into three parts: fed from the input, feeding the output, inner.
    """
    n_layers = len(nodes) - 1
    plans = [
        (reach, source)
        for reach in range(n_layers - 1)
        for source in range(reach + 2, n_layers + 1)
        if kind != "non-strict saddle" or source >= reach + 3
    ]
    if n_layers == 1:
        return [np.zeros((nodes[1], nodes[0]))]
    cut_inner = False
    if kind == "any" or nothing_left:
        reach, source = plans[rng.integers(len(plans))]
    elif kind == "non-strict saddle":
        reach, source = plans[rng.integers(len(plans))]
        cut_inner = True
    else:
        # a strict one needs an open pivot: neighbours, or inner nodes that pass something on
        near = [plan for plan in plans if plan[1] == plan[0] + 2]
        reach, source = near[rng.integers(len(near))]
        far = [plan for plan in plans if plan[1] >= plan[0] + 3]
        if far and rng.random() < 0.5:
            reach, source = far[rng.integers(len(far))]
    fed, feeding, inner = [], [], []
    for h, size in enumerate(nodes):
        hidden = 0 < h < n_layers
        # a node up to `reach` is fed, one from `source` on feeds; never both
        fed.append(size if h == 0 else int(rng.integers(1, size + 1)) if h <= reach and size else 0)
        feeding.append(
            size if h == n_layers else int(rng.integers(1, size + 1)) if h >= source and size else 0
        )
        inner.append(size - fed[-1] - feeding[-1] if hidden else 0)
    barrier = int(rng.integers(reach + 2, source)) if cut_inner and source > reach + 2 else None
    open_inner = kind == "strict saddle" and source >= reach + 3
    chain = []
    for h in range(1, n_layers + 1):
        z = np.zeros((nodes[h], nodes[h - 1]))
        if h <= reach:
            z[: fed[h], : fed[h - 1]] = _wide(fed[h], fed[h - 1], rng)
        if h >= source + 1:
            z[nodes[h] - feeding[h] :, nodes[h - 1] - feeding[h - 1] :] = _wide(
                feeding[h], feeding[h - 1], rng
            )
        rows = slice(fed[h], fed[h] + inner[h])
        columns = slice(fed[h - 1], fed[h - 1] + inner[h - 1])
        if 1 < h < n_layers and inner[h] and inner[h - 1]:
            most = min(inner[h], inner[h - 1])
            passing = reach + 2 <= h <= source - 1
            rank = most if open_inner and passing else int(rng.integers(0, most + 1))
            rank = 0 if h == barrier else rank
            z[rows, columns] = _wide(inner[h], rank, rng) @ _wide(rank, inner[h - 1], rng)
        chain.append(z)
    return chain


def _assemble(
    risk: SquaredRisk,
    chain: list[Matrix],
    kept: list[int],
    widths: tuple[int, ...],
    spread: float,
    rng: np.random.Generator,
) -> tuple[Matrix, ...]:
    """Put the modes and the chain side by side, mix the hidden nodes, undo the whitening."""
    data, rank, n_layers = risk.modes, len(kept), len(chain)
    u = _completed(data.left[:, kept])
    z = _completed(data.right[:, kept])
    share = data.values[kept] ** (1.0 / n_layers)
    layers = []
    for h, block in enumerate(chain, start=1):
        layer = np.zeros((rank + block.shape[0], rank + block.shape[1]))
        layer[range(rank), range(rank)] = share
        layer[rank:, rank:] = block
        if h == 1:
            layer = layer @ z.T
        if h == n_layers:
            layer = u @ layer
        layers.append(layer)
    for h in range(n_layers - 1):
        mix, back = _mixing(widths[h + 1], spread, rng)
        layers[h] = mix @ layers[h]
        layers[h + 1] = layers[h + 1] @ back
    first = layers[0] @ data.whiten.T
    if data.rank_x < widths[0] and n_layers > 1:  # what the data cannot see may have any weights
        first = first + _unseen(data, first, rng)
    return (first, *layers[1:])


def _unseen(data: DataModes, first: Matrix, rng: np.random.Generator) -> Matrix:
    """Draw weights of the first layer's shape that the data cannot see, about as large as it.

    A column that depends on others, x_dropped = M x_kept, gets any weights, and those of M take them
    back: a constant column has no share in the others, so that there nothing is left to round.
    """
    inputs, lengths = data.inputs, np.linalg.norm(data.colour, axis=1)
    size = float(np.linalg.norm(first @ data.colour, axis=1).max(initial=0.0)) or 1.0
    apart = float(np.abs(first).max()) or 1.0
    own = lengths[inputs.dropped]
    sizes = np.where(own > 0, size / np.where(own > 0, own, 1.0), apart)
    drawn = sizes * rng.standard_normal((len(first), len(sizes)))
    unseen = np.zeros_like(first)
    unseen[:, inputs.dropped] = drawn
    unseen[:, inputs.kept] = -drawn @ inputs.dependence
    return unseen


def _wide(rows: int, columns: int, rng: np.random.Generator) -> Matrix:
    """Draw a matrix of full rank with singular values between 1/2 and 3/2."""
    u, _, v = np.linalg.svd(rng.standard_normal((rows, columns)), full_matrices=False)
    drawn: Matrix = (u * rng.uniform(0.5, 1.5, min(rows, columns))) @ v
    return drawn


def _mixing(size: int, spread: float, rng: np.random.Generator) -> tuple[Matrix, Matrix]:
    """Draw an invertible matrix of bounded condition number, and its inverse."""
    left, _ = np.linalg.qr(rng.standard_normal((size, size)))
    right, _ = np.linalg.qr(rng.standard_normal((size, size)))
    values = spread ** rng.uniform(-0.5, 0.5, size)
    return (left * values) @ right, (right.T / values) @ left.T


def _completed(columns: Matrix) -> Matrix:
    """Complete orthonormal columns to a square orthogonal matrix."""
    size, rank = columns.shape
    if rank == 0:
        return np.eye(size)
    full, _, _ = np.linalg.svd(columns, full_matrices=True)
    return np.hstack([columns, full[:, rank:]])
