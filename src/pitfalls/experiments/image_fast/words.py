"""What is said of the fast recipe: each sentence with the condition under which it stands."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.image_fast.records import FastResult
from pitfalls.images.training import FAST_RECIPES
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

__all__ = [
    "account",
    "against_target",
    "basis",
    "charts",
    "headline",
    "reached",
]


def account(result: FastResult) -> tuple[Block, ...]:
    """Return what was reached, and the figure."""
    return (Paragraph(reached(result) + against_target(result)), Picture("fast-accuracy"))


def headline(result: FastResult) -> Markup:
    """Say in a sentence what the fast network reached, and on how much."""
    return say(
        "FastNet gets {share} of {n} right after {epochs} of {images}. ",
        share=percent(result.accuracy), n=counted(result.pictures.n("test"), "test image"),
        epochs=counted(result.training.epochs, "epoch"),
        images=counted(result.pictures.n("train"), "training image"),
    )  # fmt: skip


def reached(result: FastResult) -> Markup:
    """State the accuracies and the time; a spread only over several seeds."""
    spread = (
        say(
            "the mean of {n} (standard deviation {deviation} points)",
            n=counted(result.n, "seed"), deviation=number(100 * result.deviation, 2),
        )
        if result.deviation is not None
        else say("with one seed")
    )  # fmt: skip
    return say(
        "A smaller network by the fast recipe{short} gets {plain} of {images} of {data} right, "
        "{spread}{six}, in {seconds} s of training steps on {threads}. ",
        short=_altered(result), plain=percent(result.accuracy, 2),
        images=counted(result.pictures.n("test"), "test image"),
        data=result.pictures.name, spread=spread, six=_six_views(result),
        seconds=number(result.seconds), threads=counted(result.threads, "thread"),
    )  # fmt: skip


def against_target(result: FastResult) -> Markup:
    """Hold the accuracy that counts against the target; needs all of CIFAR-10 and the whole recipe."""
    if not result.has_target or result.is_altered:
        return ()
    rule = " over six views" if result.views == "six" else ""
    if result.reached is None:
        return say(
            "That is its target of {target} %{rule}, within two standard errors ({error} points). ",
            target=result.target, rule=rule, error=number(200 * result.error, 2),
        )  # fmt: skip
    return say(
        "Its target of {target} %{rule} is {word}. ",
        target=result.target, rule=rule, word="reached" if result.reached else "missed",
    )  # fmt: skip


def _six_views(result: FastResult) -> Markup:
    if result.six_views is None:
        return ()
    return say(
        ", and {six} by the mean answer over six views", six=percent(result.six_views, 2)
    )  # fmt: skip


def _altered(result: FastResult) -> Markup:
    """Say what was trained in place of the whole recipe."""
    if not result.is_altered:
        return ()
    sizes = result.training.image_sizes
    fewer = len(sizes) < len(FAST_RECIPES[result.target, result.views].image_sizes)
    return say(
        ", {changed} to {epochs} at {sides} pixels a side,", changed="cut" if fewer else "changed",
        epochs=counted(len(sizes), "epoch"), sides=listed(sizes),
    )  # fmt: skip


def basis(result: FastResult) -> Basis:
    """Say how many seeds there are."""
    return Basis(
        n=counted(result.n, "seed"),
        spread="standard deviation over the seeds" if result.n > 1 else "none, one seed",
        data=result.pictures.name,
    )


def charts(result: FastResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
