"""What a measured curve says: how it grows, how far from the limit, and why it bends away.

Each sentence has a precondition on the recorded numbers; where they do not bear it, it is not said.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pitfalls.prose import counted, number, percent

__all__ = ["Measured", "Part", "account", "distance", "read_part", "title", "why"]

BENT = 1.5
"""A distance so many times the least one is a bend."""
LARGE = 0.3
"""A share of the time from which a piece explains it."""
FLAT = 1.25
"""Seconds that differ by less hardly depend on the size."""
COUNTED = {"images": "image", "processes": "process"}
"""Axes that count things, and one of them."""


@dataclass(frozen=True)
class Measured:
    """One size: medians of seconds, and the range of ours and of the limit."""

    size: int
    ours: float
    limit: float
    part: float | None
    ranges: Mapping[str, tuple[float, float]]
    n: int
    facts: Mapping[str, Any]

    @property
    def times(self) -> float:
        """How many limits ours takes."""
        return self.ours / self.limit

    @property
    def share(self) -> float:
        """The part's share of ours; noise may make it larger than the whole."""
        return 0.0 if self.part is None else min(self.part / self.ours, 1.0)


@dataclass(frozen=True)
class Part:
    """A curve as it was recorded, its sizes rising."""

    name: str
    axis: str
    what: str
    limit: str
    part: str
    clock: str
    fixed: Mapping[str, int]
    rows: tuple[Measured, ...]

    @property
    def near(self) -> Measured:
        """Where ours is nearest to the limit."""
        return min(self.rows, key=lambda row: row.times)

    @property
    def far(self) -> Measured:
        """Where it is farthest."""
        return max(self.rows, key=lambda row: row.times)

    @property
    def bends(self) -> bool:
        """Whether the distance changes along the axis."""
        return self.far.times >= BENT * self.near.times


def read_part(name: str, stored: Mapping[str, Any]) -> Part:
    """Return a recorded curve by the clock that counts for it."""
    clock = stored["clock"]
    raw = "wall_s" if clock == "median_s" else "cpu_s"
    kinds = ("ours", "limit", "part")
    rows = [
        Measured(
            row["size"],
            row["ours"][clock],
            row["limit"][clock],
            row["part"][clock] if "part" in row else None,
            {kind: (min(row[kind][raw]), max(row[kind][raw])) for kind in kinds if kind in row},
            row["ours"]["n"],
            {key: value for key, value in row.items() if key not in ("size", *kinds)},
        )
        for row in stored["rows"]
    ]
    words = {key: stored[key] for key in ("axis", "what", "limit", "part", "clock", "fixed")}
    return Part(name, **words, rows=tuple(rows))


def title(part: Part) -> str:
    """Say how the seconds grow along the upper half of the axis."""
    if len(part.rows) < 2:
        return f"{at(part, part.rows[-1])}: {number(part.far.times, 2)} times the limit"
    first, last = part.rows[(len(part.rows) - 1) // 2], part.rows[-1]
    growth = last.ours / first.ours
    if part.axis == "processes":
        gain = part.rows[0].ours / last.ours
        return f"{last.size} processes do {number(gain, 3)} times the work of one"
    if max(growth, 1 / growth) < FLAT:
        said = f"The seconds hardly depend on {named(part)}"
    elif part.axis == "d":
        factor = growth ** (1 / (last.size - first.size))
        said = f"Each feature multiplies the seconds by {number(factor, 3)}"
    else:
        said = f"Seconds grow as {named(part)} to the power {exponent(first, last, 'ours'):.2f}"
    return f"{said} from {at(part, first)} on"


def named(part: Part) -> str:
    """Name what grows."""
    return f"the number of {part.axis}" if part.axis in COUNTED else part.axis


def exponent(first: Measured, last: Measured, kind: str) -> float:
    """Return the power of the size by which seconds grow from one size to another."""
    growth = getattr(last, kind) / getattr(first, kind)
    return math.log(growth) / math.log(last.size / first.size)


def at(part: Part, row: Measured) -> str:
    """Name a size."""
    if part.axis in COUNTED:
        return counted(row.size, COUNTED[part.axis], part.axis)
    return f"{part.axis} = {row.size:,}"


def distance(part: Part) -> str:
    """Say how far from the limit it is, and whether that changes."""
    near, far = part.near, part.far
    if len(part.rows) < 2:
        return f"At {at(part, near)} it takes {number(near.times, 2)} times the limit."
    if not part.bends:
        return (
            f"It keeps its distance from the limit: {number(near.times, 2)} to "
            f"{number(far.times, 2)} times it."
        )
    return (
        f"It is nearest to the limit at {at(part, near)}, {number(near.times, 2)} times it, and "
        f"farthest at {at(part, far)}, {number(far.times, 2)} times."
    )


def why(part: Part) -> str:
    """Say why it bends away from the limit, as far as the numbers do; nothing where it does not."""
    if not part.bends:
        return ""
    own = OWN.get(part.name, lambda part: "")(part)
    said = own or piece(part) or floor(part)
    return said or "What bends it there was not measured."


def piece(part: Part) -> str:
    """Name the piece that the time goes into where the limit is farthest."""
    far = part.far
    if far.share < LARGE:
        return ""
    pieces = [row.part for row in part.rows if row.part is not None]
    still = f", which does not grow with {named(part)}" * (max(pieces) < BENT * min(pieces))
    return f"There {percent(far.share, 0)} of the time is what {part.part} takes{still}."


def floor(part: Part) -> str:
    """Say that a call costs something whatever the size: at the small end ours stands still."""
    if part.far != part.rows[0]:
        return ""
    first, second = part.rows[:2]
    if (
        second.ours >= BENT * first.ours
        or second.limit < BENT * second.ours / first.ours * first.limit
    ):
        return ""
    return (
        f"From {at(part, first)} to {at(part, second)} the limit takes "
        f"{number(second.limit / first.limit, 2)} times as long and ours "
        f"{number(second.ours / first.ours, 2)} times: there a call's own cost, about "
        f"{seconds(first.ours)}, is what is paid."
    )


def of_walsh(part: Part) -> str:
    """Hold the rate at which memory is passed over where it is near against where it is far."""
    near, far = part.near, part.far
    fast, slow = (row.facts["bytes_moved"] / row.limit / 1e9 for row in (far, near))
    if far.size < near.size and fast >= BENT * slow:
        return (
            f"Small arrays stay in a cache: the two passes move {number(fast, 2)} GB a second there and "
            f"{number(slow, 2)} at {at(part, near)}, so that the {far.size} steps of additions are what "
            "is paid."
        )
    if far.size > near.size and fast * BENT <= slow:
        return (
            f"The arrays have left the caches there: the passes themselves fall from {number(slow, 2)} to "
            f"{number(fast, 2)} GB a second, and the transform falls further."
        )
    return ""


def of_training(part: Part) -> str:
    """Where wide networks are far: what each step reads and writes."""
    near, far = part.near, part.far
    if far.size <= near.size:
        return ""
    kept, more = (number(row.facts["bytes_of_state"] / 1024, 2) for row in (near, far))
    return (
        f"Each step reads and writes weights and momentum, {more} KiB there and {kept} KiB where it is "
        "nearest."
    )


def of_depth(part: Part) -> str:
    """Hold the power by which the verdict grows against that of the product."""
    first, last = part.rows[0], part.rows[-1]
    ours, limit = (exponent(first, last, kind) for kind in ("ours", "limit"))
    if part.far != last or ours < limit + 0.1:
        return ""
    return (
        f"The verdict's seconds grow as L to the power {ours:.2f}, the product's as L to the power "
        f"{limit:.2f}."
    )


def of_processes(part: Part) -> str:
    """Hold the gain against what bare products gain from as many processes."""
    first, last = part.rows[0], part.rows[-1]
    ours, limit = first.ours / last.ours, first.limit / last.limit
    return (
        f"Bare products gain {number(limit, 3)} times from {last.size} processes, cells "
        f"{number(ours, 3)} times."
    )


OWN: dict[str, Callable[[Part], str]] = {
    "walsh": of_walsh,
    "training": of_training,
    "depth": of_depth,
    "processes": of_processes,
}


def seconds(value: float) -> str:
    """Write seconds in a unit that leaves no zeros to count."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1 or unit == "µs":
            break
    return f"{number(value * factor, 2)} {unit}"


def account(part: Part) -> str:
    """Return what stands beside the curve."""
    last = part.rows[-1]
    shares = ""
    if part.bends and part.far != last and last.share >= LARGE:
        shares = (
            f"At {at(part, last)} {percent(last.share, 0)} of the time is what {part.part} takes."
        )
    looked = last.facts.get("evaluated", 0.0)
    alone = (
        f"At {at(part, last)} {percent(looked)} of the inputs were looked at one by one."
        if looked
        else ""
    )
    gain = (
        of_processes(part)
        if part.name == "processes" and not part.bends and len(part.rows) > 1
        else ""
    )
    return " ".join(filter(None, (distance(part), why(part), gain, shares, alone)))
