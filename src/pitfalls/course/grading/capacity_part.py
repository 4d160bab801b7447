"""2a: which maps layers of given widths can represent, graded by what a factorization must be."""

from typing import Final

import numpy as np

from pitfalls.course.grading import oracles
from pitfalls.course.grading.calls import Call
from pitfalls.course.grading.properties import Check, Desk, Part, layers, shown

__all__ = ["CAPACITY_PART"]


def _capacity(desk: Desk) -> None:
    widths = desk.sheet.widths
    # of a map of rank 3, whatever the sheet's widths, that two units cannot pass
    narrow = (widths[0] + 2, 2, max(widths[1], 2), widths[-1] + 2)
    deep = (widths[0], max(widths) + 1, max(widths), widths[-1])
    # the last whatever the sheet's widths, as of rank 1 little shows
    full = [(w, min(w)) for w in (widths, (3, 3), widths[::-1], deep, (3, 5, 4, 3))]
    low = [(narrow, 2), (widths, 1), (narrow, 0)]
    split = [*full, *low]
    targets = [
        desk.rng.normal(size=(w[-1], max(r, 1))) @ desk.rng.normal(size=(max(r, 1), w[0])) * bool(r)
        for w, r in split
    ]
    outcomes = desk.ask(
        *(Call("factorize", (t, tuple(w))) for t, (w, _) in zip(targets, split, strict=True))
    )

    def verify(which: range, *, exact: bool) -> str:
        for i in which:
            found = layers(outcomes[i], split[i][0], "factorize")
            off = float(np.abs(oracles.product(found) - targets[i]).max())
            if exact and off > 1e-8 * max(1.0, float(np.abs(targets[i]).max())):
                at = f"rank(W_0) = {split[i][1]} and widths {tuple(split[i][0])}"
                return f"at {at}: an entry of the product is off by {shown(off)}"
        return ""

    desk.check(0, lambda: verify(range(len(split)), exact=False))
    desk.check(1, lambda: verify(range(len(full)), exact=True))
    desk.check(2, lambda: verify(range(len(full), len(split)), exact=True))
    target = desk.rng.normal(size=(narrow[-1], 3)) @ desk.rng.normal(size=(3, narrow[0]))
    refusal = desk.ask(Call("factorize", (target, narrow)))[0]
    reason = ""
    if "ValueError" not in refusal.kinds:  # LinAlgError is one too
        reason = (
            f"at rank(W_0) = 3 and widths {narrow}: no ValueError comes, yet no such layers exist"
        )
    elif "ValueError" in outcomes[len(full)].kinds:
        reason = f"at widths {narrow} a ValueError comes at rank(W_0) = 2 too, where there are such layers"
    desk.judge(3, reason)


CAPACITY_PART: Final = Part(
    "2a", "Capacity: a map split into layers", "formulas.py", ("factorize",),
    (
        Check("as many layers as asked, each of its shape", 1),
        Check("the product is W_0 at full rank", 3),
        Check("the product is W_0 at low rank, through a narrow layer too", 2, hidden=True),
        Check("ValueError where the rank is above the narrowest width", 2, hidden=True),
    ),
    _capacity,
)  # fmt: skip
