"""Proves on which side of 1 a two-layer ReLU network is at single inputs, in 16-bit integers.

Over the 2^n inputs of a subcube a unit is z_i = a_i + b_i(x), with b_i from a table that all
subcubes share. With B_i = |alpha_i| b_i, whose extremes are lo_i and hi_i, T_i = -|alpha_i| a_i and
t_i = min(max(T_i, lo_i), hi_i),

    |alpha_i| max(0, z_i) = max(B_i, t_i) - t_i + max(0, lo_i - T_i)

for units that are off on all of the subcube (t = hi), on on all of it (t = lo), or neither. Only the
first term depends on x. In steps of q it is a maximum and a sum of integers of 16 bits, 32 of which
fit a register, and a maximum moves by no more than its arguments: with both rounded to the nearest
multiple of q, the sum over k units is off by at most k q / 2. Integers that overflow wrap around,
which does no harm as long as the sum itself lies where 16 bits tell it: its bounds are known from
the t_i, and a subcube where they are too far apart is not screened.

``screen`` takes a subcube by its a_i and says of each block of 2^6 inputs whether every output in
it is proved to be as expected: s(x) f(x) > limit with a sign s of its own for each input, or
|f(x)| < limit.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["BLOCK_BITS", "SCREEN_BITS", "Screen", "empty_screen", "make_screen", "screen"]

# Larger subcubes share the work by unit among more inputs, until the table leaves the cache.
SCREEN_BITS = 8
BLOCK_BITS = 6
_LANE = 4
_WIDEST = 65_000

_FAST = {"reassoc", "contract", "nsz"}

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Shorts = NDArray[np.int16]


class Screen(NamedTuple):
    """What all subcubes share. Units with alpha > 0 come first, both kinds padded to fours.

    Attributes
    ----------
    table : array of int16 of shape (n, 2^SCREEN_BITS)
        B_i in steps of q.
    units : array of int64 of shape (n,)
        Which unit a row belongs to.
    scale, least, most : array of shape (n,)
        |alpha_i|, lo_i and hi_i; 0 in rows that are padding.
    n_positive : int
        Rows with alpha > 0.
    most_positive, most_negative : int
        Sums of the rows' largest entries, by sign of alpha.
    step : float
        q.
    error : float
        How far an output may be off.
    """

    table: Shorts
    units: Integers
    scale: Floats
    least: Floats
    most: Floats
    n_positive: int
    most_positive: int
    most_negative: int
    step: float
    error: float


def empty_screen() -> Screen:
    """Return what stands for no screen."""
    nothing = np.empty(0)
    table, units = np.empty((0, 1 << SCREEN_BITS), np.int16), np.empty(0, np.int64)
    return Screen(table, units, nothing, nothing, nothing, 0, 0, 0, 1.0, 0.0)


@np.errstate(over="ignore", invalid="ignore")  # the step says it
def make_screen(low: Floats, alpha: Floats, typical: Floats, guard: float) -> Screen | None:
    """Tabulate the units' low parts; None where a number is not finite.

    Parameters
    ----------
    low : array of shape (k, 2^SCREEN_BITS)
        b_i(x).
    alpha : array of shape (k,)
    typical : array of shape (n, k)
        a_i of some subcubes. They decide the step, and so how many inputs are settled.
    guard : float
        What rounding can do to f in float64.
    """
    rows = [np.flatnonzero(alpha > 0), np.flatnonzero(alpha < 0)]
    padded = [np.pad(part, (0, -len(part) % _LANE)) for part in rows]
    units = np.concatenate(padded)
    real = np.concatenate([np.arange(len(p)) < len(r) for p, r in zip(padded, rows, strict=True)])
    scale = np.where(real, np.abs(alpha[units]), 0.0)
    values = scale[:, None] * low[units]
    least, most = values.min(1), values.max(1)
    clipped = np.clip(-scale * typical[:, units], least, most)
    widest = max(np.abs(values).max(initial=0.0) / np.iinfo(np.int16).max, 1e-300)
    step = max(widest, 1.1 * float((most - clipped).sum(1).max(initial=0.0)) / _WIDEST)
    if not np.isfinite(step + guard):
        return None
    table = np.rint(values * (1 / step)).astype(np.int16)
    largest = table.max(1).astype(np.int64)
    n_positive = len(padded[0])
    return Screen(
        table=table,
        units=units.astype(np.int64),
        scale=scale,
        least=least,
        most=most,
        n_positive=n_positive,
        most_positive=int(largest[:n_positive].sum()),
        most_negative=int(largest[n_positive:].sum()),
        step=step,
        # the relative error of 1 / step and its product is far below the last factor
        error=step / 2 * int(real.sum()) * (1 + 1e-9) + 2 * guard,
    )


@njit(cache=True, fastmath=_FAST)
def _thresholds(
    a: Floats, tables: Screen, first: int, last: int, thresholds: Shorts
) -> tuple[float, np.int64]:
    """Write t_i in steps; return the sums of max(0, lo - T) - t and of the steps."""
    inverse = 1 / tables.step
    constant, steps = 0.0, np.int64(0)
    for row in range(first, last):
        exact = -tables.scale[row] * a[tables.units[row]]
        least, most = tables.least[row], tables.most[row]
        clipped = exact if exact > least else least
        clipped = clipped if clipped < most else most
        jump = least - exact
        constant += (jump if jump > 0 else 0.0) - clipped
        whole = np.int64(np.rint(clipped * inverse))
        thresholds[row] = whole
        steps += whole
    return constant, steps


@njit(cache=True)
def _add_rows(table: Shorts, thresholds: Shorts, first: int, last: int, sums: Shorts) -> None:
    """Add max(B_i, t_i) over rows first..last, four at a time, modulo 2^16."""
    for row in range(first, last, 4):
        t0, t1 = thresholds[row], thresholds[row + 1]
        t2, t3 = thresholds[row + 2], thresholds[row + 3]
        b0, b1, b2, b3 = table[row], table[row + 1], table[row + 2], table[row + 3]
        for x in range(sums.size):
            one = np.int16(max(b0[x], t0) + max(b1[x], t1))
            two = np.int16(max(b2[x], t2) + max(b3[x], t3))
            sums[x] = np.int16(sums[x] + np.int16(one + two))


@njit(cache=True, fastmath=_FAST)
def screen(
    a: Floats, beta: float, tables: Screen, signs: Floats, side: float, limit: float,
    thresholds: Shorts, sums: Shorts, negative_sums: Shorts, settled: NDArray[np.bool_],
) -> int:  # fmt: skip
    """Say which blocks of a subcube are proved to be as expected; return how many.

    Expected is ``side * signs[x] * f(x) > limit``, or |f| < limit where ``side`` is 0.
    """
    n_rows, n_positive = tables.units.size, tables.n_positive
    plus, plus_steps = _thresholds(a, tables, 0, n_positive, thresholds)
    minus, minus_steps = _thresholds(a, tables, n_positive, n_rows, thresholds)
    low, high = plus_steps - tables.most_negative, tables.most_positive - minus_steps
    settled[:] = False
    if high - low > 65_530:
        return 0
    middle = (low + high) // 2
    sums[:] = np.int16(-middle)
    negative_sums[:] = 0
    _add_rows(tables.table, thresholds, 0, n_positive, sums)
    _add_rows(tables.table, thresholds, n_positive, n_rows, negative_sums)
    constant = beta + (plus - minus) + tables.step * middle
    n_settled = 0
    size = sums.size // settled.size
    for block in range(settled.size):
        n_other = 0
        for x in range(block * size, (block + 1) * size):
            f = constant + tables.step * np.int16(sums[x] - negative_sums[x])
            if side == 0:
                n_other += 0 if abs(f) < limit - tables.error else 1
            else:
                n_other += 0 if side * signs[x] * f > limit + tables.error else 1
        settled[block] = n_other == 0
        n_settled += n_other == 0
    return n_settled
