"""What the report says of the claims as a whole; each stands in its own place with its verdict."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.verify.records import VerifyResult
from pitfalls.prose import Basis, Block, Markup, Paragraph, counted, listed, say

__all__ = ["account", "basis", "charts", "outcome"]


def account(result: VerifyResult) -> tuple[Block, ...]:
    """Return how many came out as they should."""
    return (Paragraph(outcome(result)),)


def outcome(result: VerifyResult) -> Markup:
    """Say how many claims hold, how many fail as they should, and which did neither."""
    wrong, refuted = result.wrong, result.refuted
    fine = len(result.verdicts) - len(wrong)
    said = say(
        "{fine} of {checked} came out as expected. ",
        fine=fine, checked=counted(len(result.verdicts), "checked claim"),
    )  # fmt: skip
    if refuted:
        said += say(
            "Of these, {n} a statement that should fail: it is printed in the homework or suggests "
            "itself, and the check found its counterexample. ",
            n="1 is" if len(refuted) == 1 else f"{len(refuted)} are each",
        )
    if wrong:
        said += say("Not as expected: {names}. ", names=listed([v.claim for v in wrong]))
    return said


def basis(result: VerifyResult) -> Basis:
    """Count the cases of all claims."""
    return Basis(
        n=counted(result.cases, "case"),
        spread="none: a verdict, with the largest error beside its tolerance",
    )


def charts(result: VerifyResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
