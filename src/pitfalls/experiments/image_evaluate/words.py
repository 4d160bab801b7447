"""What the report says of a trained network: each sentence with the condition under which it stands."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.image_evaluate.records import EvaluateResult
from pitfalls.experiments.image_source import called
from pitfalls.experiments.image_words import commonest_mistake, extreme_classes, interval
from pitfalls.prose import (
    Basis,
    Block,
    Chart,
    Markup,
    Paragraph,
    Picture,
    counted,
    number,
    percent,
    say,
    table,
)

__all__ = ["account", "averaged", "basis", "calibration", "charts", "no_better"]

VIEWS = {
    "plain": "",
    "mirror": ", averaged over each image and its mirror image",
    "six": ", averaged over six views of each image",
}


def account(result: EvaluateResult) -> tuple[Block, ...]:
    """Return the table, what it shows, the matrix and the figures of confidence."""
    names, right = result.pictures.class_names, result.confusion.right
    return (
        table(
            ("Images", "$n$", "Accuracy", "Commonest class", "Cross-entropy (nats)",
             "Mean confidence"),
            [
                (
                    called(result.part), right.n, interval(right, 2),
                    percent(result.pictures.constant(result.part)), number(result.loss),
                    percent(result.calibration.mean_confidence),
                )
            ],
            say(
                "One trained network on images of {data} that it was not fitted to{views}. In brackets "
                "the interval of 95 % for counting; beside it, what always naming the training images' "
                "commonest class gets right.",
                data=result.pictures.name, views=averaged(result),
            ),
        ),
        Paragraph(
            no_better(result)
            + extreme_classes(result.confusion, names)
            + commonest_mistake(result.confusion, names)
            + calibration(result)
        ),
        Chart("confusion", "Confusion matrix with its images", (Picture("confusion"),)),
        Picture("calibration"),
        Picture("worst-mistakes"),
    )  # fmt: skip


def averaged(result: EvaluateResult) -> str:
    """Say over which views the answers are averaged."""
    return VIEWS[result.views]


def no_better(result: EvaluateResult) -> Markup:
    """Say that it does no better than one class; needs no distance beyond chance."""
    low, _ = result.confusion.right.interval
    if low > result.pictures.constant(result.part):
        return ()
    return say("It is not told apart from always naming one class (95 %). ")


def calibration(result: EvaluateResult) -> Markup:
    """Say how far confidence lies from accuracy, and to which side if that is beyond chance."""
    found = result.calibration
    text = say(
        "Over {bins} of confidence its mean distance from the accuracy is {error} points, to which "
        "counting few images adds. ",
        bins=counted(found.n_bins, "bin"), error=number(100 * found.error, 2),
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
        n=counted(result.confusion.right.n, f"{called(result.part)} image"),
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
    n = counted(result.confusion.right.n, f"{called(result.part)} image")
    return {
        "confusion": {
            "label": f"Confusion matrix on {n} of {result.pictures.name}",
            "classes": list(result.pictures.class_names),
            "counts": result.confusion.counts.tolist(),
            "cells": cells,
            "sprite": result.sheet.to_json(),
        }
    }
