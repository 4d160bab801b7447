"""3b's curves: what losses by iteration must show, whatever drew them."""

import json
from typing import Any, Final

import numpy as np

from pitfalls.course.grading.properties import Check, Desk, Part, Wrong, shown

__all__ = ["CURVES_PART"]

ASKED: Final = ("5", "10", "30")


def _curves(desk: Desk) -> None:
    """Read losses.json: what the plots of 3b show, as numbers. It is read, not run again."""
    checks = range(len(desk.part.checks))
    try:
        curves = _read_curves(desk.files.get("losses.json"))
    except Wrong as wrong:
        for i in checks:
            desk.judge(i, str(wrong))
        return
    missing = [name for name in ASKED if name not in curves]
    short = [f"d = {name} has {len(c)}" for name, c in curves.items() if len(c) < 200]
    desk.judge(
        0,
        f"no curve for d = {', '.join(missing)}" if missing
        else f"a loss every 200 of 50,000 iterations makes 250 points; {short[0]}" if short else "",
    )  # fmt: skip

    def tail(name: str) -> np.ndarray:
        if name not in curves:
            raise Wrong(f"no curve for d = {name}")
        return curves[name][-max(1, len(curves[name]) // 5) :]

    def learned() -> str:
        start, end = curves.get("5", np.ones(1))[0], tail("5").mean()
        return "" if end < 0.1 else (
            f"at d = 5 the loss ends at {shown(end)} (from {shown(start)}): it should be learned. "
            "A loss that stays near 1 here points to (B, 1) against (B,) in myLoss"
        )  # fmt: skip

    def failed() -> str:
        end = tail("30")
        if abs(end.mean() - 1) > 0.15:
            return f"at d = 30 the loss ends at {shown(end.mean())}: it should stay near 1"
        return "" if end.std() > 1e-4 else "at d = 30 the loss does not vary: no fresh batches?"

    desk.check(1, learned)
    desk.check(2, failed)


def _read_curves(content: bytes | None) -> dict[str, np.ndarray]:
    if content is None:
        raise Wrong("losses.json is not there (the starter script writes it)")
    try:
        held: Any = json.loads(content)
        if not isinstance(held, dict):
            raise TypeError
        # whatever else a student keeps there is not asked about
        curves = {name: np.asarray(held[name], dtype=float) for name in ASKED if name in held}
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise Wrong(
            f"losses.json is no list of losses for each d ({type(error).__name__})"
        ) from None
    for name, curve in curves.items():
        if curve.ndim != 1 or not curve.size or not np.isfinite(curve).all() or (curve < 0).any():
            raise Wrong(f"losses.json: the losses of d = {name} are no hinge losses")
    return curves


CURVES_PART: Final = Part(
    "3b-curves", "What the curves show", "pitfalls.py", (),
    (
        Check("losses for d = 5, 10 and 30 over all iterations", 1),
        Check("d = 5 is learned", 2),
        Check("d = 30 is not learned", 2),
    ),
    _curves,
)  # fmt: skip
