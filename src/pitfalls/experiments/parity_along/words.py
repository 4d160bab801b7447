"""What the report says of the signal along training."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.parity_along.records import AlongResult, Passage
from pitfalls.prose import (
    Basis,
    Block,
    Markup,
    Paragraph,
    Picture,
    counted,
    listed,
    number,
    percent,
    say,
    table,
)

__all__ = ["account", "basis", "charts", "comparison"]


def account(result: AlongResult) -> tuple[Block, ...]:
    """Return the table, what it separates, and the figure."""
    return (
        table(
            ("$d$", "$m$", "Accuracy at the end", "Own signal over the mean, at the start",
             "at most", "Iterations to 99 %"),
            [
                (
                    passage.replica.n_features, passage.replica.weight,
                    percent(passage.replica.test_accuracy), number(passage.ratio_at_start, 2),
                    number(passage.ratio_at_most, 2), passage.replica.reached,
                )
                for passage in result.passages
            ],
            "The signal of the mask that is trained, over the mean of all masks, along one training "
            "each.",
            words=(),
        ),
        Paragraph(comparison(result)),
        Picture("signal-along-training"),
    )  # fmt: skip


def comparison(result: AlongResult) -> Markup:
    """Compare trainings that learned with those that did not; needs one of each.

    With one training a case no error can be given, so a difference is named from tenfold on only.
    """
    if not result.learned or not result.failed:
        return ()
    learned, failed = _ratios(result.learned), _ratios(result.failed)
    if result.separates:
        return say(
            "The signal of its own mask reaches {learned} times the mean of all masks in the "
            "training that learned and {failed} times in the one that did not: {n}, not a proof. "
            if len(result.passages) == 2
            else "The signal of its own mask reaches {learned} times the mean of all masks in the "
            "trainings that learned and {failed} times in those that did not: {n}, not a proof. ",
            learned=learned, failed=failed, n=counted(len(result.passages), "training"),
        )  # fmt: skip
    return say(
        "The largest signal of its own mask, {learned} times the mean where it was learned and "
        "{failed} times where it was not, does not part the two tenfold. ",
        learned=learned,
        failed=failed,
    )


def basis(result: AlongResult) -> Basis:
    """Say that each case is one training."""
    return Basis(
        n=f"{counted(len(result.passages), 'training')}, one a case, the signal over all inputs at "
        "each probe",
        spread="none, one training a case",
    )


def charts(result: AlongResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}


def _ratios(passages: tuple[Passage, ...]) -> Markup:
    return listed([number(passage.ratio_at_most, 2) for passage in passages])
