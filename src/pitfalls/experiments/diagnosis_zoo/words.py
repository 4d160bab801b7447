"""What is said of the zoo."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.diagnosis_zoo.records import ZooResult
from pitfalls.prose import Basis, Block, Markup, Paragraph, Picture, counted, say, table

__all__ = ["account", "basis", "charts", "reported"]


def account(result: ZooResult) -> tuple[Block, ...]:
    """Return the reported half's counts, its confusion, and the figure."""
    return (
        Paragraph(reported(result)),
        table(
            ("What is wrong", "Named first", "Diagnoses"),
            [(right, cause, n) for right, cause, n in result.confusion()],
            say("The half of the set-ups on which no rule was fixed."),
            words=(0, 1),
        ),
        Picture("causes-named"),
    )


def reported(result: ZooResult) -> Markup:
    """State right causes and false alarms of the half that was not used to fix rules."""
    found = result.tally("reported")
    if found.n == 0:
        return ()
    return say(
        "A right cause is named first in {correct} of {n}; {alarms} in {healthy} of healthy set-ups. ",
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
