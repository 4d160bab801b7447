"""Homework 3a: the network that is printed, where it fails, and the correction."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import product as tuples

import numpy as np

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.units import (
    Build,
    attack_construction,
    cube_rows,
    one_input_a_sum,
    wrong_inputs,
)
from pitfalls.parity import TwoLayerReLU, exact_network

__all__ = ["CLAIMS"]


def _attack_printed(build: Build, search: Search) -> None:
    """Look for a wrong input at every d; one d without any would save the statement there."""
    first = ""
    for d in [*range(1, search.pick(7, 10)), *range(11, search.pick(40, 80), 7)]:
        fault = _first_fault(build, d, search)
        search.cases += 1
        if fault is None:
            return
        first = first or fault
    search.require(False, f"{first}; every other d that was tried, up to {d}, has one as well")


def _first_fault(build: Build, d: int, search: Search) -> str | None:
    if d < 11:
        masks = list(tuples((0, 1), repeat=d))
        cases = ((build(mask), mask, cube_rows(d)) for mask in masks)
    else:
        cases = (one_input_a_sum(build, d, weight, search) for weight in range(d, -1, -1))
    for network, mask, x in cases:
        for wrong, value, label in wrong_inputs(network, mask, x):
            return f"d = {d}, mask {mask}, x = {wrong}: f = {value} where the label is {label}"
    return None


def _attack_fault(build: Build, search: Search) -> None:
    for d in range(1, search.pick(7, 10)):
        x = cube_rows(d)
        for mask in tuples((0, 1), repeat=d):
            _require_fault(build(mask), mask, x, search)
    for d in range(11, search.pick(40, 80), 7):
        for weight in range(d + 1):
            _require_fault(*one_input_a_sum(build, d, weight, search), search)


def _require_fault(
    network: TwoLayerReLU, mask: Sequence[int], x: np.ndarray, search: Search
) -> None:
    """Require that of these inputs exactly the one of ones is wrong, and for the mask of ones only."""
    d, wrong = len(mask), list(wrong_inputs(network, mask, x))
    search.cases += len(x) - 1
    ones = (1,) * d
    value, label = (-1, 1) if d % 2 == 0 else (5, -1)
    expected = [(ones, Fraction(value), label)]
    search.require(
        wrong == (expected if tuple(mask) == ones else []),
        f"d = {d}, mask {mask}: wrong at (x, f, label) = "
        f"{[(a, str(b), c) for a, b, c in wrong] or 'no input'}",
    )


def _printed(mask: Sequence[int]) -> TwoLayerReLU:
    return exact_network(mask, variant="printed")


def _corrected(mask: Sequence[int]) -> TwoLayerReLU:
    return exact_network(mask, variant="corrected")


_PRINTED_TEXT = r"""
For a fixed mask $v_* in {0, 1}^d$, the network $f(x) = sum_i alpha_i relu(w_i^top x + b_i) + beta$
with $w_i = v_*$ for $1 <= i <= 3 d \/ 2$ and $w_i = 0$ otherwise, with
$ b_(3 i + 1) = -(2 i - 1/2), quad b_(3 i + 2) = -2 i, quad b_(3 i + 3) = -(2 i + 1/2), \
  alpha_(3 i + 1) = 4, quad alpha_(3 i + 2) = -8, quad alpha_(3 i + 3) = 4 quad (0 <= i <= d/2) $
and $beta = -1$
"""

_BEYOND = (
    r"units beyond the listed ones, of which only $w_i = 0$ is printed, have $alpha_i = 0$ or "
    r"$b_i <= 0$ and so add nothing."
)

PRINTED = Claim(
    id="3a-printed",
    title="False: the printed parameters would represent every parity",
    part="3a",
    statement=_PRINTED_TEXT
    + r"""equals $(-1)^(v_*^top x)$ for all $x in {0, 1}^d$. (This is what the homework prints. It is *false*
for every $d >= 1$, with the counterexample $v_* = x = (1, dots, 1)$.)
""",
    derivation=r"""
Let $s = v_*^top x$. A unit with $w_i = v_*$ computes $relu(s + b_i)$; a unit with $w_i = 0$
contributes the constant $alpha_i relu(b_i)$.

*Even $d$.* There are exactly $3 d \/ 2$ units with $w_i = v_*$: the triads $i = 0, dots, d\/2 - 1$.
The last triad, $i = d\/2$, has $w = 0$ and the biases $-(d - 1/2), -d, -(d + 1/2)$, all negative
for $d >= 2$, so it contributes nothing. Take $v_* = x = (1, dots, 1)$, so $s = d$. Every triad with
weights has its last kink at $2 i + 1/2 <= d - 2 + 1/2 < s$, where it is linear, with slope $4 - 8 +
4 = 0$ and value $4 (s - 2 i + 1/2) - 8 (s - 2 i) + 4 (s - 2 i - 1/2) = 0$. So $f(x) = beta = -1$.
But $d$ is even and the label is $+1$.

*Odd $d$.* The largest index with $i <= 3 d \/ 2$ is $(3 d - 1)\/2 = 3 (d - 1)\/2 + 1$: the triads
$i = 0, dots, (d - 3)\/2$ are complete, and of the triad $i = (d - 1)\/2$ only the *first* unit has
weights. The other two have $w = 0$ and biases $-(d - 1)$ and $-(d - 1/2)$, neither positive, and
contribute nothing. At $v_* = x = (1, dots, 1)$ the complete triads contribute $0$ as before, the
single unit contributes $4 (d - (d - 1) + 1/2) = 6$, and $f(x) = 6 - 1 = 5$. But $d$ is odd and the
label is $-1$. $square$

*Why it goes unnoticed.* A mask drawn at random is $(1, dots, 1)$ with probability $2^(-d)$, and
this is the only faulty mask (claim 3a-fault).
""",
    source="Homework 3(a), as printed.",
    assumptions=(
        r"$k >= 3 (floor(d\/2) + 1)$, so that all listed units exist (the homework takes $k = 10 d$).",
        _BEYOND,
    ),
    attack=_attack_printed,
    subject=_printed,
    evidence=EvidenceLabel.BOUNDED,
    finding=(
        "All masks and all inputs for d up to 6 (thorough: 9), and for some d up to 39 (thorough: 74) "
        "masks of all weights, in integers: a wrong input is found at every one of these d."
    ),
    expected=False,
)

FAULT = Claim(
    id="3a-fault",
    title="The printed construction fails at exactly one input of one mask",
    part="3a",
    statement=r"""
For every $d >= 1$, the printed construction of 3a-printed is right for every mask and every input
except $v_* = x = (1, dots, 1)$. There its value is $-1$ instead of $+1$ if $d$ is even, and $5$
instead of $-1$ if $d$ is odd.
""",
    derivation=r"""
The values at $v_* = x = (1, dots, 1)$ were computed in 3a-printed. There $s = v_*^top x = d$, and
$s = d$ is possible at no other pair of mask and input. So it remains to show that $f = (-1)^s$ for
$0 <= s <= d - 1$.

The complete triad $i$ computes the tent
$ T_i (s) = 4 relu(s - 2 i + 1/2) - 8 relu(s - 2 i) + 4 relu(s - 2 i - 1/2), $
which is $0$ for $s <= 2 i - 1/2$, is $2$ at $s = 2 i$, and is $0$ for $s >= 2 i + 1/2$. At integers
therefore $T_i (s) = 2 [s = 2 i]$.

*Even $d$.* The triads $0, dots, d\/2 - 1$ are complete and the rest contributes nothing:
$f = -1 + 2 sum_(i < d\/2) [s = 2 i]$. Every even $s <= d - 1$ is at most $d - 2$ and so equals some
$2 i$ with $i <= d\/2 - 1$. So $f = +1$ for even $s$ and $-1$ for odd $s$.

*Odd $d$.* The triads $0, dots, (d - 3)\/2$ are complete and cover the even $s <= d - 3$. The single
unit $4 relu(s - (d - 1) + 1/2)$ is $0$ at integers $s <= d - 2$ and $4 dot 1/2 = 2$ at $s = d - 1$,
the one even value that is left. So again $f = (-1)^s$ for $s <= d - 1$. $square$
""",
    source="An examination of homework 3(a).",
    assumptions=(r"$k >= 3 (floor(d\/2) + 1)$.", _BEYOND),
    attack=_attack_fault,
    subject=_printed,
    evidence=EvidenceLabel.BOUNDED,
    finding=(
        "exact_network(variant='printed') in integer arithmetic: all masks and inputs for d up to 6 "
        "(thorough: 9), and for some larger d up to 39 (thorough: 74) a mask of every weight at all "
        "values of s, where every unit is seen to be a multiple of the mask."
    ),
)

CORRECTED = Claim(
    id="3a-corrected",
    title="With weights on all triads the network represents every parity",
    part="3a",
    statement=r"""
Let $k >= 3 (floor(d\/2) + 1)$. With $w_i = v_*$ for $1 <= i <= 3 (floor(d\/2) + 1)$ and $w_i = 0$,
$b_i = 0$, $alpha_i = 0$ beyond, and with $b$, $alpha$ and $beta$ as printed, $f(x) = (-1)^(v_*^top
x)$ for every mask $v_* in {0, 1}^d$ and every $x in {0, 1}^d$.
""",
    derivation=r"""
Let $s = v_*^top x$, an integer from $0$ to $d$. Triad $i$ computes
$ T_i (s) = 4 relu(u + 1/2) - 8 relu(u) + 4 relu(u - 1/2), quad u = s - 2 i. $
- For $u <= -1/2$ all three terms are zero.
- At $u = 0$ only the first is not: $T_i = 4 dot 1/2 = 2$.
- For $u >= 1/2$ all three are linear: $T_i = 4 u + 2 - 8 u + 4 u - 2 = 0$.
As $u$ is an integer, no other case occurs, and $T_i (s) = 2 [s = 2 i]$. Summing over all triads,
$ f(x) = -1 + 2 sum_(i = 0)^(floor(d\/2)) [s = 2 i]. $
If $s$ is odd, the sum is empty and $f = -1$. If $s$ is even, then $s = 2 i$ for exactly one $i$,
and $i = s\/2 <= d\/2$ gives $i <= floor(d\/2)$, so that triad is there, and $f = +1$. In both cases
$f(x) = (-1)^s$. $square$

*The width.* This construction needs $k >= 3 (floor(d\/2) + 1)$ where the homework prints
$k >= 3 d\/2$. With the printed biases a little less will do for even $d$: at $s = d$ only the first
unit of the last triad is needed, as $u = 0$ there, so $3 d \/ 2 + 1$ units suffice. For odd $d$ the
last triad meets $u = 1$ at $s = d$ and must be complete: $3 (d + 1)\/2$ units. That is a matter of
these parameters: other networks represent every parity with $3 d\/2$ units (3a-width).
""",
    source="Homework 3(a), corrected.",
    assumptions=(),
    attack=attack_construction,
    subject=_corrected,
    evidence=EvidenceLabel.BOUNDED,
    finding=(
        "exact_network(variant='corrected') in integer arithmetic: all masks and inputs for d up to 6 "
        "(thorough: 9), and for some larger d up to 39 (thorough: 243) masks of four weights at all "
        "values of s, where every unit is seen to be a multiple of the mask."
    ),
)

CLAIMS = (PRINTED, FAULT, CORRECTED)
