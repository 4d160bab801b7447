"""What the report says of a trained network: each sentence with the condition under which it stands."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.image_evaluate.records import EvaluateResult
from pitfalls.experiments.image_shares import Share
from pitfalls.experiments.image_words import commonest_mistake, extreme_classes, interval
from pitfalls.prose import (
    Basis,
    Block,
    Chart,
    Markup,
    Paragraph,
    Picture,
    Span,
    counted,
    number,
    percent,
    say,
    table,
)

__all__ = [
    "account",
    "asked",
    "averaged",
    "basis",
    "by_class",
    "calibration",
    "called_part",
    "charts",
    "has_looks",
    "no_better",
    "temperature",
    "told",
    "which",
]

MOST_CLASSES = 20
"""Whose numbers a table shows."""

VIEWS = {
    "plain": "",
    "mirror": ", averaged over each image and its mirror image",
    "six": ", averaged over six views of each image",
}


def account(result: EvaluateResult) -> tuple[Block, ...]:
    """Return the table, what it shows, the matrix and the figures of confidence."""
    names, right = result.pictures.class_names, result.confusion.right
    top = () if result.top5 is None else (("Among the first five", interval(result.top5, 2)),)
    columns = (
        ("Images", called_part(result)),
        ("$n$", right.n),
        ("Accuracy", interval(right, 2)),
        *top,
        ("Balanced accuracy", percent(result.confusion.balanced, 2)),
        ("Commonest class", percent(result.constant)),
    )
    return (
        table(
            tuple(name for name, _ in columns),
            [tuple(value for _, value in columns)],
            say(
                "One trained network on images of {data}, {which}{views}. In brackets the exact interval "
                "of 95 % for counting; balanced: the mean over the classes; commonest class: what always "
                "naming {whose} commonest class gets right.",
                data=result.pictures.name, which=which(result), views=averaged(result),
                whose="their own" if result.is_other else "the training images'",
            ),
        ),
        Paragraph(
            asked(result)
            + no_better(result)
            + extreme_classes(result.confusion, names)
            + commonest_mistake(result.confusion, names)
        ),
        *by_class(result),
        Chart("confusion", "Confusion matrix with its images", (Picture("confusion"),)),
        table(
            ("Logits divided by", "Cross-entropy (nats)", "Mean confidence", "Calibration error (points)"),
            [
                (
                    number(one.temperature), number(one.loss),
                    percent(one.calibration.mean_confidence), number(100 * one.calibration.error, 2),
                )
                for one in (result.as_trained, result.calibrated)
                if one is not None
            ],
            temperature(result),
        ),
        Paragraph(calibration(result)),
        Picture("calibration"),
        Picture("worst-mistakes"),
        *((Picture("looks"),) if has_looks(result) else ()),
    )  # fmt: skip


def asked(result: EvaluateResult) -> Markup:
    """Say whose answers these are: a report may tell of several trained networks."""
    return say(
        "The answers are those of the network that {run} trained. ",
        run=(Span("code", result.trained_run),),
    )


def called_part(result: EvaluateResult) -> str:
    """Return the word for the part."""
    return result.noun.removesuffix("image").strip() or "all"


def which(result: EvaluateResult) -> str:
    """Say what the images are to the network."""
    if result.is_other:
        return "other data than it was trained on"
    return "which it was not fitted to"


def by_class(result: EvaluateResult) -> tuple[Block, ...]:
    """Return a table of the classes; needs at most 20."""
    if result.pictures.n_classes > MOST_CLASSES:
        return ()
    both = zip(result.confusion.classes, result.confusion.precisions, strict=True)
    return (
        table(
            ("Class", "$n$", "Recall", "Precision"),
            [
                (name, 0 if recall is None else recall.n, told(recall), told(precision))
                for name, (recall, precision) in zip(result.pictures.class_names, both, strict=True)
            ],
            say(
                "Recall: how many images of a class were taken for it; precision: how many of those taken "
                "for it are of it. In brackets exact intervals of 95 %."
            ),
        ),
    )


def told(share: Share | None) -> str:
    """Write a share with its interval; a dash where there are no images."""
    return "–" if share is None else interval(share)


def temperature(result: EvaluateResult) -> Markup:
    """Say where the temperature comes from; needs one for these views."""
    if result.calibrated is None:
        return say("As trained: the logits are not divided by a temperature.")
    fitted = say(
        "As trained, and divided by the temperature that makes the labels of the validation images "
        "likeliest. "
    )
    if result.part == "validation" and not result.is_other:
        return fitted + say("These are those very images.")
    return fitted


def has_looks(result: EvaluateResult) -> bool:
    """Whether it is shown what the network looks at."""
    return result.looks is not None and len(result.looks.maps) > 0


def averaged(result: EvaluateResult) -> str:
    """Say over which views the answers are averaged."""
    return VIEWS[result.views]


def no_better(result: EvaluateResult) -> Markup:
    """Say that it does no better than one class, or worse; needs no lead beyond chance."""
    low, high = result.confusion.right.interval
    if low > result.constant:
        return ()
    if high < result.constant:
        return say("It does worse than always naming one class (95 %). ")
    return say("It is not told apart from always naming one class (95 %). ")


def calibration(result: EvaluateResult) -> Markup:
    """Say how far confidence lies from accuracy, and to which side if that is beyond chance."""
    found = result.calibration
    text = say(
        "Over {bins} of confidence{after} its mean distance from the accuracy is {error} points, to which "
        "counting few images adds. ",
        bins=counted(found.n_bins, "bin"),
        after="" if result.calibrated is None else ", after division,", error=number(100 * found.error, 2),
    )  # fmt: skip
    if found.leaning == "neither":
        return text
    return text + say(
        "On the mean the network is {leaning}, by {excess} points (more than two standard errors). ",
        leaning=found.leaning, excess=number(100 * abs(found.excess), 2),
    )  # fmt: skip


def basis(result: EvaluateResult) -> Basis:
    """Say how many images there are, and that they were asked of one network."""
    return Basis(
        n=counted(result.confusion.right.n, result.noun),
        spread="none, one trained network; intervals are those of counting",
        data=result.pictures.name,
    )


def charts(result: EvaluateResult) -> Mapping[str, Any]:
    """Return the confusion matrix with images of each cell, the surest first."""
    answers = result.answers
    cells: dict[str, list[dict[str, Any]]] = {}
    for tile, place in enumerate(result.shown.tolist()):
        cell = f"{answers.labels[place]}-{answers.predictions[place]}"
        cells.setdefault(cell, []).append(
            {
                "tile": tile,
                "index": int(answers.indices[place]),
                "confidence": round(float(answers.confidences[place]), 4),
            }
        )
    n = counted(result.confusion.right.n, result.noun)
    return {
        "confusion": {
            "label": f"Confusion matrix on {n} of {result.pictures.name}",
            "classes": list(result.pictures.class_names),
            "counts": result.confusion.counts.tolist(),
            "cells": cells,
            "sprite": result.sheet.to_json(),
        }
    }
