"""The verdict at the head of each chapter: can it be represented, and does descent find it?"""

from collections.abc import Mapping
from typing import Any

from pitfalls.prose import Markup
from pitfalls.report.verdicts.images import images_verdict, planes_and_space
from pitfalls.report.verdicts.linear import linear_verdict
from pitfalls.report.verdicts.parity import later_than_swept, parity_verdict
from pitfalls.report.verdicts.records import Answer, ChapterVerdict, VerdictRow

__all__ = ["Answer", "ChapterVerdict", "VerdictRow", "sentences_of", "verdicts_of"]


def verdicts_of(results: Mapping[str, Any]) -> dict[str, ChapterVerdict]:
    """Return the verdict of each lab that has one.

    Parameters
    ----------
    results : mapping of str to result
        What was found, by the experiment's name; experiments without a run to believe are absent.
    """
    found = {
        "linear": linear_verdict(
            results.get("linear-descend"),
            results.get("linear-ranks"),
            results.get("linear-landscape"),
        ),
        "parity": parity_verdict(
            results.get("parity-exact"), results.get("parity-curves"), results.get("parity-signal")
        ),
        "images": images_verdict(
            results.get("images-regress"),
            results.get("images-compare"),
            results.get("images-train"),
        ),
    }
    return {lab: verdict for lab, verdict in found.items() if verdict is not None}


def sentences_of(results: Mapping[str, Any]) -> dict[str, Markup]:
    """Return the sentences that join several experiments, by the place that shows them."""
    return {
        "parity-later": later_than_swept(results.get("parity-sweep"), results.get("parity-curves")),
        "images-planes": planes_and_space(
            results.get("images-embed"), results.get("images-regress")
        ),
    }
