"""What is said of the zoo."""

from collections.abc import Mapping
from typing import Any

from pitfalls.diagnosis.zoo import Tally
from pitfalls.experiments.diagnosis_zoo.records import ZooResult
from pitfalls.prose import Basis, Block, Markup, Paragraph, Picture, counted, say, table

__all__ = ["account", "basis", "blind", "charts", "reported"]


def account(result: ZooResult) -> tuple[Block, ...]:
    """Return counts of the reported and the blind part, their confusion, and the figure."""
    return (
        Paragraph(reported(result) + blind(result)),
        table(
            ("What is wrong", "Named first", "Diagnoses"),
            [(right, cause, n) for right, cause, n in result.confusion()],
            say("The set-ups on which no rule was fixed: the reported and the blind part."),
            words=(0, 1),
        ),
        Picture("causes-named"),
    )


def reported(result: ZooResult) -> Markup:
    """State right causes and false alarms of the part that was not used to fix rules at first."""
    found = result.tally("reported")
    if found.n == 0:
        return ()
    return _counted(
        "A right cause is named first in {correct} of {n}; {alarms} in {healthy} of healthy set-ups. ",
        found,
    )


def blind(result: ZooResult) -> Markup:
    """State the same of the part that was diagnosed once, after the rules were fixed."""
    found = result.tally("blind")
    if found.n == 0:
        return ()
    return _counted(
        "On the set-ups that were diagnosed once, after the rules were fixed: {correct} of {n}, "
        "{alarms} in {healthy} of healthy ones. ",
        found,
    )


def _counted(words: str, found: Tally) -> Markup:
    return say(
        words,
        correct=found.correct, n=counted(found.n, "diagnosis", "diagnoses"),
        alarms=counted(found.false_alarms, "false alarm"),
        healthy=counted(found.healthy, "diagnosis", "diagnoses"),
    )  # fmt: skip


def basis(result: ZooResult) -> Basis:
    """Say how many diagnoses there are."""
    return Basis(
        n=f"{counted(len(result.setups), 'set-up')}, {counted(result.n, 'diagnosis', 'diagnoses')}",
        spread="counts over seeds",
    )


def charts(result: ZooResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
