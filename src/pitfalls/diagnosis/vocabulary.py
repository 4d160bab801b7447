"""The words of a diagnosis: seven questions, and what may come out as the cause."""

from typing import Literal, TypeAlias, get_args

__all__ = ["ALL", "CAUSES", "Cause", "Question"]

Question: TypeAlias = Literal["wiring", "data", "signal", "units", "capacity", "saddle", "schedule"]
Cause: TypeAlias = Literal[
    "healthy",
    "unclear",
    "loss-mixes-samples",
    "outputs-mix-samples",
    "cut-from-loss",
    "not-in-optimizer",
    "frozen",
    "gradient-wrong",
    "loss-unbounded-below",
    "no-signal",
    "no-signal-in-gradient",
    "data-degenerate",
    "dead-units",
    "saturated-units",
    "vanishing-gradient",
    "exploding-gradient",
    "cannot-memorise",
    "saddle-at-init",
    "saddle",
    "rate-too-high",
    "rate-too-low",
    "numbers-not-finite",
]
ALL: tuple[Question, ...] = get_args(Question)
CAUSES: tuple[Cause, ...] = get_args(Cause)
