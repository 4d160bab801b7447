"""What the report says of the ranks."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.linear_ranks.records import RanksResult
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
)

__all__ = ["account", "accuracy", "basis", "charts", "outcome", "what_the_last_adds"]


def account(result: RanksResult) -> tuple[Block, ...]:
    """Return what descent found, what the pictures make of it, and the figure."""
    return (
        Paragraph(outcome(result) + accuracy(result) + what_the_last_adds(result)),
        Picture("accuracy-by-rank"),
    )


def outcome(result: RanksResult) -> Markup:
    """Say how many descents ended at a global minimum, and where the others did."""
    if not result.rows:
        return say("The data hold no mode, so there is no rank to fit. ")
    first, last = result.rows[0].rank, result.rows[-1].rank
    ranks = say("$r = {r}$", r=first) if first == last else say(
        "$r = {first}$ to ${last}$", first=first, last=last
    )  # fmt: skip
    said = say(
        "On {data} ({n}), with networks of {layers} and hidden width {ranks}: {found} of {tried} "
        "ended at a global minimum",
        data=result.data, n=counted(result.n, "image" if result.pictures else "row"),
        layers=counted(result.n_layers, "layer"), ranks=ranks, found=result.n_found,
        tried=counted(len(result.rows), "descent"),
    )  # fmt: skip
    if result.missed:
        said += say(
            ", the others at {ends}",
            ends=listed([f"{row.point.named} (rank {row.rank})" for row in result.missed]),
        )
    return said + say(
        "; the largest distance from the least risk is {excess} of all that there is to gain. ",
        excess=number(max(0.0, *(row.relative_excess for row in result.rows)), 2),
    )


def accuracy(result: RanksResult) -> Markup:
    """Give the test accuracy of the first and the last rank; needs pictures and two ranks."""
    if len(result.rows) < 2:
        return ()
    first, last = result.rows[0], result.rows[-1]
    if first.test_accuracy is None or last.test_accuracy is None:
        return ()
    return say(
        "Test accuracy is {low} at rank {first} and {high} at rank {last}. ",
        low=percent(first.test_accuracy), first=first.rank, high=percent(last.test_accuracy),
        last=last.rank,
    )  # fmt: skip


def what_the_last_adds(result: RanksResult) -> Markup:
    """Compare the last two ranks beyond the error of their difference; needs two accuracies."""
    if result.last_gain is None or result.n_test is None:
        return ()
    gain, error = result.last_gain
    change = f"{100 * gain:+.1f} points".replace("-", "−")
    if abs(gain) > 2 * error:
        return say(
            "The last rank changes it by {change}, more than twice the standard error of such a "
            "difference on {n} ({error}). ",
            change=change, n=counted(result.n_test, "test image"),
            error=f"at most {number(100 * error, 2)}",
        )  # fmt: skip
    return say(
        "What the last rank changes, {change}, is within two standard errors of a difference on {n}. ",
        change=change, n=counted(result.n_test, "test image"),
    )  # fmt: skip


def basis(result: RanksResult) -> Basis:
    """Say that each rank is one descent."""
    return Basis(
        n=f"1 descent a rank, {counted(len(result.rows), 'rank')}",
        spread="none, one start a rank",
        data=result.data,
    )


def charts(result: RanksResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
