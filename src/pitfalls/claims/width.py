"""Homework 3a: how many units a network needs to represent a parity."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.exact import Matrix, rank
from pitfalls.claims.units import Build, attack_construction, units_of
from pitfalls.parity import TwoLayerReLU, exact_network

__all__ = ["CLAIMS", "CompactSubject"]


@dataclass(frozen=True)
class CompactSubject:
    """A construction, and how many units it is said to need for masks of a weight."""

    build: Build
    width: Callable[[int], int]


def _compact(mask: Sequence[int]) -> TwoLayerReLU:
    return exact_network(mask, variant="compact")


def _least_width(weight: int) -> int:
    return weight if weight <= 3 else weight - 1


def _attack_compact(subject: CompactSubject, search: Search) -> None:
    for weight in range(1, search.pick(30, 200)):
        used = _units_used(subject.build([1] * weight))
        search.require(
            used == subject.width(weight),
            f"weight {weight}: the construction uses {used} units",
        )
    attack_construction(subject.build, search)


def _units_used(network: TwoLayerReLU) -> int:
    return int(np.count_nonzero(units_of(network).outputs))


Sized = Callable[[Sequence[int], int], TwoLayerReLU]


def _compact_of_size(mask: Sequence[int], n_hidden: int) -> TwoLayerReLU:
    return exact_network(mask, variant="compact", n_hidden=n_hidden)


def _attack_width(build: Sized, search: Search) -> None:
    def build_least(mask: Sequence[int]) -> TwoLayerReLU:
        size = -(-3 * len(mask) // 2)
        network = build(mask, size)
        search.require(network.n_hidden == size, f"mask {tuple(mask)}: not {size} units")
        return network

    attack_construction(build_least, search)


def _attack_least(width: Callable[[int], int], search: Search) -> None:
    """Look for a narrower network, and for one of this width."""
    for weight in range(1, search.pick(30, 60)):
        used = _units_used(_compact([1] * weight))
        search.require(used >= width(weight), f"weight {weight}: {used} units suffice")
        search.require(
            used <= width(weight), f"weight {weight}: {width(weight)} units were not enough"
        )
    for weight in range(1, search.pick(5, 7)):  # all kinks on a grid of thirds, all directions
        columns = [
            _unit(weight, 3, kink, sign) for kink in range(-1, 3 * weight + 2) for sign in (1, -1)
        ]
        for chosen in combinations(columns, max(width(weight) - 1, 0)):
            _require_too_few(chosen, weight, search)
    for weight in range(5, search.pick(13, 25)):  # kinks on a grid of sixths, drawn
        for _ in range(search.pick(15, 150)):
            kinks = (
                search.random.choice(6 * weight + 13, max(width(weight) - 1, 0), replace=False) - 6
            )
            signs = search.random.choice([1, -1], len(kinks))
            drawn = [_unit(weight, 6, int(k), int(s)) for k, s in zip(kinks, signs, strict=True)]
            _require_too_few(drawn, weight, search)


def _unit(weight: int, grid: int, kink: int, sign: int) -> tuple[int, ...]:
    """Return a unit's values at s = 0..weight, times the grid."""
    return tuple(max(sign * (grid * s - kink), 0) for s in range(weight + 1))


def _require_too_few(units: Sequence[tuple[int, ...]], weight: int, search: Search) -> None:
    """Require that no output weights turn these units and a constant into the parity."""
    ones, target = (1,) * (weight + 1), tuple((-1) ** s for s in range(weight + 1))
    search.require(
        rank(Matrix([*units, ones, target])) > rank(Matrix([*units, ones])),
        f"weight {weight}: {len(units)} units suffice; multiples of their values at s = 0..{weight} are "
        f"{list(units)}",
    )


COMPACT = Claim(
    id="3a-compact",
    title="As many units as the mask has ones are enough, and from four ones on one unit less",
    part="3a",
    statement=r"""
Let $m = |v_*|$ be the number of ones of the mask and $s = v_*^top x$. The parity is represented
exactly by $m$ units,
$ f(x) = 1 - 2 relu(s) + 4 sum_(j=1)^(m-1) (-1)^(j+1) relu(s - j) quad (m >= 1), $
and for $m >= 4$ by $m - 1$ units. With $J = {2}$ if $m$ is even and $J = {1, 3}$ if $m$ is odd,
$ f(x) = c + 4 sum_(j=1)^(m-2) (-1)^(j+1) cases(relu(j - s) & "if" j in J, relu(s - j) &
"otherwise") + 2 (-1)^m relu(3 m - 2 - 3 s), $
where $c$ is chosen so that $f = 1$ at $s = 0$. For $m = 4$ this is
$-11 + 4 relu(s - 1) - 4 relu(2 - s) + 2 relu(10 - 3 s)$.
""",
    derivation=r"""
*$m$ units.* Let $h$ be the printed function of a real $s$. It is continuous and piecewise linear
with kinks at the integers $1, dots, m - 1$. At $s = 0$ it is $1$. On $[0, 1]$ its slope is $-2$. At
each kink $j$ the slope changes by $4 (-1)^(j+1)$, so on $[j, j + 1]$ it is
$ -2 + 4 sum_(i=1)^j (-1)^(i+1) = cases(2 & "if" j "is odd", -2 & "if" j "is even") = -2 (-1)^j. $
If $h(j) = (-1)^j$, then $h(j + 1) = (-1)^j - 2 (-1)^j = (-1)^(j+1)$. By induction $h(s) = (-1)^s$
for $s = 0, dots, m$. The units are one for $relu(s)$ and $m - 1$ for the kinks: $m$ in all.

*$m - 1$ units.* The first construction spends one unit, $relu(s)$, on the slope $-2$ at the left.
It can be saved by letting some units look to the left. A unit $relu(j - s)$ with output weight
$delta$ changes the slope by $delta$ at $j$, as $relu(s - j)$ does, but it adds $-delta$ to the
slope at the far left. The same holds for $2 (-1)^m relu(3 m - 2 - 3 s)$: it changes the slope by $6
(-1)^m$ at $m - 2\/3$ and adds $-6 (-1)^m$ at the far left.

_The slope at the far left_ is minus the sum of the changes of the units that look left:
$ m "even:" quad -(-4 + 6) = -2, wide m "odd:" quad -(4 + 4 - 6) = -2, $
since the change at $j$ is $4 (-1)^(j+1)$, that is $-4$ at $2$ and $4$ at $1$ and $3$. (For odd $m
>= 5$ the kinks $1$ and $3$ are among $1, dots, m - 2$, and for even $m >= 4$ so is $2$.)

_The values up to $m - 1$._ The slope is $-2$ on $[0, 1]$ and changes by $4 (-1)^(j+1)$ at $j = 1,
dots, m - 2$, exactly as in the first construction, and $f = 1$ at $s = 0$. So $f = (-1)^s$ for $s =
0, dots, m - 1$, and the slope just to the right of $m - 2$ is $-2 (-1)^(m-2) = -2 (-1)^m$.

_The last value._ From $f = -(-1)^m$ at $s = m - 1$ this slope leads to $-(-1)^m (1 + 2\/3)$ at $m -
2\/3$. There it becomes $-2 (-1)^m + 6 (-1)^m = 4 (-1)^m$, and at $s = m$
$ f = (-1)^m (-5/3 + 4 dot 2/3) = (-1)^m. $
There are $m - 2$ units in the sum and one more: $m - 1$ in all. $square$
""",
    source="An addition to homework 3(a).",
    assumptions=(r"$m >= 1$; for $m = 0$ the constant $f = 1$ needs no unit.",),
    attack=_attack_compact,
    subject=CompactSubject(_compact, _least_width),
    evidence=EvidenceLabel.BOUNDED,
    finding=(
        "exact_network(variant='compact') in exact arithmetic: all masks and inputs for d up to 6 "
        "(thorough: 9), masks of four weights at all values of s for some larger d up to 39 (thorough: "
        "243); the units with a non-zero output weight are counted for weights up to 29 (thorough: 199)."
    ),
)

WIDTH = Claim(
    id="3a-width",
    title="With at least 3d/2 units some network represents every parity",
    part="3a",
    statement=r"""
Let $k >= 3 d\/2$. For every mask $v_* in {0, 1}^d$ there are parameters $w_i$, $b_i$, $alpha_i$ and
$beta$ of a network with $k$ units for which $f(x) = (-1)^(v_*^top x)$ for all $x in {0, 1}^d$. So the
first sentence of the homework's claim is right; only the parameters that it then gives are not
(3a-printed).
""",
    derivation=r"""
Let $m = |v_*| <= d$. If $m = 0$, take $f = beta = 1$ with all $alpha_i = 0$. If $m >= 1$, the network
of 3a-compact has at most $m$ units, and $m <= d <= 3 d\/2 <= k$. Give the other $k - m$ units
$alpha_i = 0$: they add nothing. $square$

So $k >= d$ is enough, for $d >= 4$ even $k >= d - 1$.
""",
    source="Homework 3(a), the first sentence of its claim.",
    assumptions=(),
    attack=_attack_width,
    subject=_compact_of_size,
    evidence=EvidenceLabel.BOUNDED,
    finding=(
        "exact_network(variant='compact') with exactly 3d/2 units, rounded up, in exact arithmetic: all "
        "masks and inputs for d up to 6 (thorough: 9), masks of four weights at all values of s for some "
        "larger d up to 39 (thorough: 243)."
    ),
)

LEAST = Claim(
    id="3a-least",
    title="Networks that see only the count of ones cannot be narrower than that",
    part="3a",
    statement=r"""
Let $m = |v_*| >= 1$ and let every weight vector be a multiple of the mask, $w_i = c_i v_*$, so that
$f$ is a function of $s = v_*^top x$. If $f = (-1)^s$ for $s = 0, dots, m$, the network has at least
$m - 1$ units, and at least $m$ if $m <= 3$. So the widths of 3a-compact are the least possible for
such networks. (For weights in arbitrary directions the least width is not known to us.)
""",
    derivation=r"""
As a function of a real $s$, $h(s) = beta + sum_i alpha_i relu(c_i s + b_i)$ is continuous and
piecewise linear. A unit with $c_i eq.not 0$ has one kink, at $-b_i \/ c_i$; a unit with $c_i = 0$
is a constant.

*At least $m - 1$ units.* On $[j, j + 1]$ the mean slope of $h$ is $(-1)^(j+1) - (-1)^j = -2
(-1)^j$: the mean slopes of the $m$ intervals alternate in sign. So there are points in the $m$
intervals at which the slope alternates in sign, and between two neighbouring ones a kink must lie.
These $m - 1$ kinks are different and lie inside $(0, m)$. Each unit has at most one.

*$m = 1$.* A network without units is constant, and $h(0) eq.not h(1)$. So one unit is needed.

*$m = 2$.* With one unit, the required kink $t$ lies in $(0, 2)$, and on one side of it $h$ is
constant. If $t <= 1$, then $h$ is linear on $[1, 2]$ with slope $2$, so the constant side is the
left one and $h(0) = h(t)$. But $h(t) = -1 - 2 (1 - t) <= -1$ on the line of slope $2$ through $(1,
-1)$, while $h(0) = 1$. If $t >= 1$, the mirror image $s |-> 2 - s$ leads to the same contradiction.

*$m = 3$.* With two units, both kinks $t_1 < t_2$ lie inside $(0, 3)$, and the three slopes must be
$sigma_0 < 0 < sigma_1$ and $sigma_2 < 0$: by the first argument, slopes of signs $-, +, -$ occur in
this order, and there are only three pieces. The slope changes are
$delta_1 = sigma_1 - sigma_0 > 0$ and $delta_2 = sigma_2 - sigma_1 < 0$. To the left of all kinks
only the units with $c_i < 0$ are active, and each contributes minus its slope change, so $sigma_0 =
-sum_(c_i < 0) delta_i$. The four possibilities are
- none looks left: $sigma_0 = 0$;
- the unit at $t_1$ only: $sigma_0 = -delta_1$, so $sigma_1 = 0$;
- the unit at $t_2$ only: $sigma_0 = -delta_2 > 0$;
- both: $sigma_0 = -delta_1 - delta_2$, so $sigma_2 = 0$.
Each contradicts the signs. So three units are needed. $square$
""",
    source="An addition to homework 3(a).",
    assumptions=(r"Every $w_i$ is a multiple of $v_*$.",),
    attack=_attack_least,
    subject=_least_width,
    evidence=EvidenceLabel.SAMPLED,
    finding=(
        "One unit less: all choices of kinks on the grid of thirds and of directions for masks of up to 4 "
        "ones (thorough: 6), drawn ones on the grid of sixths for up to 12 (thorough: 24); exact ranks "
        "show that no output weights give the parity. As many units: exact_network, up to 29 ones (59)."
    ),
)

CLAIMS = (COMPACT, WIDTH, LEAST)
