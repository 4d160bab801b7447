"""Homework 3a: networks that represent parity exactly."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from itertools import product as tuples
from typing import Any

import numpy as np

from pitfalls.claims.claim import Claim, Evidence, Search
from pitfalls.claims.exact import Matrix, rank
from pitfalls.parity import TwoLayerReLU, exact_network

__all__ = ["CLAIMS", "ExactUnits", "units_of"]


@dataclass(frozen=True, eq=False)
class ExactUnits:
    """A two-layer ReLU network in integers: value(x) = f(x) times ``scale``, without rounding."""

    weights: np.ndarray
    biases: np.ndarray
    outputs: np.ndarray
    offset: int
    scale: int

    def values(self, x: np.ndarray) -> np.ndarray:
        """Evaluate at integer inputs of shape (n, d); divide by ``scale`` for f."""
        hidden = np.maximum(x.astype(self.weights.dtype) @ self.weights.T + self.biases, 0)
        result: np.ndarray = hidden @ self.outputs + self.offset
        return result


def _denominator(values: np.ndarray) -> int:
    """Return the least power of two that makes all values whole; scaling by it is exact."""
    scale = 1
    while not bool(np.all(values * scale == np.floor(values * scale))):
        scale *= 2
    return scale


def units_of(network: TwoLayerReLU) -> ExactUnits:
    """Take the parameters of a network over as the binary fractions that they are."""
    d, k = network.n_features, network.n_hidden
    flat = network.flat_parameters().double().numpy()
    inner, outer = flat[: d * k + k], flat[d * k + k :]
    inner_scale, outer_scale = _denominator(inner), _denominator(outer)
    whole = [int(value * inner_scale) for value in inner]
    *outputs, constant = (int(value * outer_scale) for value in outer)
    offset, scale = constant * inner_scale, inner_scale * outer_scale
    largest = sum(map(abs, whole)) * max([1, *map(abs, outputs)]) * k + abs(offset)
    # Python's integers where 64 bits could overflow
    kind: Any = np.int64 if largest < 2**62 else object
    return ExactUnits(
        np.array(whole[: d * k], dtype=kind).reshape(k, d),
        np.array(whole[d * k :], dtype=kind),
        np.array(outputs, dtype=kind),
        offset,
        scale,
    )


Build = Callable[[Sequence[int]], TwoLayerReLU]


def _cube(d: int) -> np.ndarray:
    return np.array(list(tuples((0, 1), repeat=d)))


def _wrong_inputs(
    network: TwoLayerReLU, mask: Sequence[int], x: np.ndarray
) -> Iterator[tuple[tuple[int, ...], Fraction, int]]:
    """Yield (x, f(x), label) wherever the network differs from the parity of the mask."""
    units = units_of(network)
    values = units.values(x)
    labels = 1 - 2 * ((x @ np.array(mask)) % 2)
    for i in np.flatnonzero(values != labels * units.scale):
        value = Fraction(int(values[i]), units.scale)
        yield tuple(int(b) for b in x[i]), value, int(labels[i])


def _require_exact(
    network: TwoLayerReLU, mask: Sequence[int], x: np.ndarray, search: Search
) -> None:
    fault = next(_wrong_inputs(network, mask, x), None)
    search.cases += len(x) - 1
    case = f"d = {len(mask)}, mask {tuple(mask)}"
    if fault is not None:
        case += f", x = {fault[0]}: f = {fault[1]} where the label is {fault[2]}"
    search.require(fault is None, case)


def _attack_construction(build: Build, search: Search) -> None:
    for d in range(1, search.pick(7, 10)):
        x = _cube(d)
        for mask in tuples((0, 1), repeat=d):
            _require_exact(build(mask), mask, x, search)
    for d in range(11, search.pick(40, 250), search.pick(7, 8)):
        for weight in (d, d - 1, d // 2, int(search.random.integers(0, d + 1))):
            network, mask, x = _reduced(build, d, weight, search)
            _require_exact(network, mask, x, search)


def _reduced(
    build: Build, d: int, weight: int, search: Search
) -> tuple[TwoLayerReLU, tuple[int, ...], np.ndarray]:
    """Build the network of a random mask, with one input for every value of s = v.x.

    Every unit is required to be a multiple of the mask: f then depends on x through s alone, and
    s takes the values 0..|v|.
    """
    order = search.random.permutation(d)[:weight]
    mask = tuple(int(j in order) for j in range(d))
    network = build(mask)
    rows, ones = units_of(network).weights, np.array(mask)
    search.require(
        all((row == row[ones.argmax()] * ones).all() for row in rows),
        f"d = {d}, mask {mask}: a unit is no multiple of the mask",
    )
    x = np.zeros((weight + 1, d), dtype=int)
    for s in range(weight + 1):
        x[s, order[:s]] = 1
    return network, mask, x


def _attack_fault(build: Build, search: Search) -> None:
    for d in range(1, search.pick(7, 10)):
        x = _cube(d)
        for mask in tuples((0, 1), repeat=d):
            _require_fault(build(mask), mask, x, search)
    for d in range(11, search.pick(40, 80), 7):
        for weight in range(d + 1):
            _require_fault(*_reduced(build, d, weight, search), search)


def _require_fault(
    network: TwoLayerReLU, mask: Sequence[int], x: np.ndarray, search: Search
) -> None:
    """Require that of these inputs exactly the one of ones is wrong, and for the mask of ones only."""
    d, wrong = len(mask), list(_wrong_inputs(network, mask, x))
    search.cases += len(x) - 1
    ones = (1,) * d
    value, label = (-1, 1) if d % 2 == 0 else (5, -1)
    expected = [(ones, Fraction(value), label)]
    search.require(
        wrong == (expected if tuple(mask) == ones else []),
        f"d = {d}, mask {mask}: wrong at (x, f, label) = "
        f"{[(a, str(b), c) for a, b, c in wrong] or 'no input'}",
    )


@dataclass(frozen=True)
class CompactSubject:
    """A construction, and how many units it is said to need for masks of a weight."""

    build: Build
    width: Callable[[int], int]


def _least_width(weight: int) -> int:
    return weight if weight <= 3 else weight - 1


def _attack_compact(subject: CompactSubject, search: Search) -> None:
    for weight in range(1, search.pick(30, 200)):
        network = subject.build([1] * weight)
        used = int(np.count_nonzero(units_of(network).outputs))
        search.require(
            used == subject.width(weight),
            f"weight {weight}: the construction uses {used} units",
        )
    _attack_construction(subject.build, search)


def _attack_least(width: Callable[[int], int], search: Search) -> None:
    """Look for a narrower network: all kinks on a grid of thirds, all directions, exactly."""
    for weight in range(1, search.pick(5, 7)):
        size = width(weight) - 1
        places = [(3 * s) for s in range(weight + 1)]
        columns = [
            tuple(max(sign * (place - kink), 0) for place in places)
            for kink in range(-1, 3 * weight + 2)
            for sign in (1, -1)
        ]
        ones = tuple([1] * (weight + 1))
        target = tuple((-1) ** s for s in range(weight + 1))
        for chosen in combinations(columns, max(size, 0)):
            known = Matrix([*chosen, ones])
            search.require(
                rank(Matrix([*chosen, ones, target])) > rank(known),
                f"weight {weight}: {len(chosen)} units suffice; at s = 0..{weight} three times their values "
                f"are {list(chosen)}",
            )


def _printed(mask: Sequence[int]) -> TwoLayerReLU:
    return exact_network(mask, variant="printed")


def _corrected(mask: Sequence[int]) -> TwoLayerReLU:
    return exact_network(mask, variant="corrected")


def _compact(mask: Sequence[int]) -> TwoLayerReLU:
    return exact_network(mask, variant="compact")


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
    attack=_attack_construction,
    subject=_printed,
    evidence=Evidence.BOUNDED,
    finding=(
        "All masks and all inputs for d = 1, 2, ..., in integer arithmetic, until the first failure."
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
    evidence=Evidence.BOUNDED,
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

*The width.* The printed condition $k >= 3 d\/2$ is replaced by $k >= 3 (floor(d\/2) + 1)$. With the
printed biases a little less will do for even $d$: at $s = d$ only the first unit of the last triad
is needed, as $u = 0$ there, so $3 d \/ 2 + 1$ units suffice. For odd $d$ the last triad meets $u =
1$ at $s = d$ and must be complete: $3 (d + 1)\/2$ units. Claim 3a-compact gives narrower networks.
""",
    source="Homework 3(a), corrected.",
    assumptions=(),
    attack=_attack_construction,
    subject=_corrected,
    evidence=Evidence.BOUNDED,
    finding=(
        "exact_network(variant='corrected') in integer arithmetic: all masks and inputs for d up to 6 "
        "(thorough: 9), and for some larger d up to 39 (thorough: 243) masks of four weights at all "
        "values of s, where every unit is seen to be a multiple of the mask."
    ),
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
    evidence=Evidence.BOUNDED,
    finding=(
        "exact_network(variant='compact') in exact arithmetic: all masks and inputs for d up to 6 "
        "(thorough: 9), masks of four weights at all values of s for some larger d up to 39 (thorough: "
        "243); the units with a non-zero output weight are counted for weights up to 29 (thorough: 199)."
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
    evidence=Evidence.NUMERIC,
    finding=(
        "One unit less: all choices of kinks on the grid of thirds and of directions are tried for small "
        "masks; exact ranks show that no output weights give the parity."
    ),
)

CLAIMS = (PRINTED, FAULT, CORRECTED, COMPACT, LEAST)
