"""What the report says of least squares: each sentence with the condition under which it stands."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.image_regress.records import RegressResult, RuledOut
from pitfalls.experiments.image_source import called
from pitfalls.experiments.image_words import extreme_classes, interval
from pitfalls.prose import (
    Basis,
    Block,
    Markup,
    Paragraph,
    Picture,
    counted,
    number,
    percent,
    say,
    table,
)

__all__ = [
    "account",
    "basis",
    "charts",
    "classes",
    "extent",
    "headline",
    "no_better",
    "optimism",
    "separability",
]


def account(result: RegressResult) -> tuple[Block, ...]:
    """Return the table of accuracies, what it shows, and the figure."""
    held_out = any(score.part == "validation" for score in result.scores)
    return (
        table(
            ("Images", "$n$", "Least squares", "Commonest class"),
            [
                (
                    called(score.part), score.confusion.right.n,
                    interval(score.confusion.right, 2),
                    percent(result.pictures.constant(score.part)),
                )
                for score in result.scores
            ],
            say(
                "Least squares with intercept onto one-hot labels, {data}: the largest output is the "
                "answer. In brackets the interval of 95 % for counting; last, what always naming the "
                "training images' commonest class gets right. {named}",
                data=result.pictures.name,
                named="Validation images were held out of the training images." if held_out
                else "The homework calls the test images its validation set.",
            ),
        ),
        Paragraph(extent(result) + no_better(result) + optimism(result) + classes(result)),
        Paragraph(separability(result)),
        Picture("regression"),
    )  # fmt: skip


def headline(result: RegressResult) -> Markup:
    """Say in a sentence what least squares gets right of images that it was not fitted to."""
    score = result.unseen or result.train
    return say(
        "Least squares on the pixels gets {share} of {n} right. ",
        share=percent(score.confusion.right.value),
        n=counted(score.confusion.right.n, f"{called(score.part)} image"),
    )


def extent(result: RegressResult) -> Markup:
    """Say how many directions took part; needs pixels that do not vary in every direction."""
    if result.rank >= result.pictures.n_features:
        return ()
    return say(
        "The training images vary in {rank} of {d} directions of their pixels; the map is zero along "
        "the others. ",
        rank=result.rank, d=result.pictures.n_features,
    )  # fmt: skip


def no_better(result: RegressResult) -> Markup:
    """Say that it does no better than one class, or worse; needs unseen images and no lead beyond chance."""
    if result.unseen is None or result.beats_one_class:
        return ()
    words = called(result.unseen.part)
    if result.loses_to_one_class:
        return say(
            "On the {words} images it does worse than always naming one class (95 %). ", words=words
        )
    return say(
        "On the {words} images it is not told apart from always naming one class (95 %). ",
        words=words,
    )


def optimism(result: RegressResult) -> Markup:
    """Say how much better it does where it was fitted; needs a difference beyond chance."""
    if result.unseen is None or not result.is_better_where_fitted:
        return ()
    gap = result.train.confusion.right.value - result.unseen.confusion.right.value
    return say(
        "On the images it was fitted to it gets {points} points more than on the {words} images, more "
        "than chance explains (95 %). ",
        points=number(100 * gap, 2), words=called(result.unseen.part),
    )  # fmt: skip


def classes(result: RegressResult) -> Markup:
    """Name the classes of most and least right answers on unseen images, as `extreme_classes` does."""
    if result.unseen is None:
        return ()
    found = extreme_classes(result.unseen.confusion, result.pictures.class_names)
    if not found:
        return ()
    return say("Of the {words} images: ", words=called(result.unseen.part)) + found


def separability(result: RegressResult) -> Markup:
    """Say whether any linear map classifies all training images rightly, and by which witness."""
    n = counted(result.pictures.n("train"), "training image")
    found = result.separation
    if result.all_right and (found is None or found.verdict == "undecided"):
        return say("Least squares itself, a linear map, classifies the {n} rightly. ", n=n)
    if found is None:
        return say(
            "Least squares is no test of what linear maps can do. Whether some other one classifies the "
            "{n} without a mistake was not measured. ",
            n=n,
        )
    if found.verdict == "separable":
        missed = result.train.confusion.right.n - result.train.confusion.right.count
        head = say(
            "A linear map that classifies the {n} without a mistake was found and checked", n=n
        )
        if not missed:
            return head + say(". ")
        return head + say(
            ": the {missed} that least squares gets wrong are no limit of linear maps. ",
            missed=counted(missed, "image"),
        )
    if isinstance(found.witness, RuledOut):
        return say(
            "No linear map classifies the {n} without a mistake: {m} of them rule it out, by a "
            "combination that was checked. ",
            n=n, m=found.witness.n,
        )  # fmt: skip
    return say(
        "Whether a linear map classifies the {n} without a mistake is undecided: {reason}. ",
        n=n, reason=found.reason.rstrip("."),
    )  # fmt: skip


def basis(result: RegressResult) -> Basis:
    """Say how many images there are."""
    n = sum(size.n for size in result.pictures.parts)
    return Basis(
        n=counted(n, "image"),
        spread="none, a closed form; intervals are those of counting",
        data=result.pictures.name,
    )


def charts(result: RegressResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
