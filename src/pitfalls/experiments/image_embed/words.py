"""What the report says of the two embeddings: each sentence with the condition under which it stands."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pitfalls.experiments.image_embed.packing import View, pack_embedding
from pitfalls.experiments.image_embed.records import PARTS, EmbedResult
from pitfalls.experiments.image_shares import differ
from pitfalls.experiments.image_source import called
from pitfalls.experiments.image_words import interval
from pitfalls.plots import CLASS_COLOURS
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

__all__ = [
    "account",
    "axis_names",
    "basis",
    "charts",
    "comparison",
    "extent",
    "forced",
    "optimism",
    "second_axis",
    "shrunk",
    "spectra",
]


def account(result: EmbedResult) -> tuple[Block, ...]:
    """Return what the directions hold, the table of nearest centres, and both pictures."""
    return (
        Paragraph(spectra(result) + forced(result) + second_axis(result) + extent(result)),
        table(
            ("Images", "$n$", "PCA", "CCA", "Commonest class"),
            [
                (
                    called(centres.part), centres.pca.n, interval(centres.pca),
                    interval(centres.cca), percent(result.pictures.constant(centres.part)),
                )
                for centres in result.centres
            ],
            say(
                "Images that lie nearest to the centre of their own class in the plane of each method; "
                "centres are those of the training images, and each axis is measured by their spread. In "
                "brackets the interval of 95 % for counting. Last, what always naming the training "
                "images' commonest class gets right."
            ),
        ),
        Paragraph(comparison(result) + optimism(result)),
        Chart("embedding", "PCA and CCA embeddings with images", (Picture("embedding"),)),
        Picture("directions"),
    )  # fmt: skip


def spectra(result: EmbedResult) -> Markup:
    """Say what the planes hold of variance and of correlation."""
    held = say(
        "On {data} ({n}, on which both were fitted) the first two principal components hold "
        "{share} of the variance. ",
        data=result.pictures.name,
        n=counted(result.pictures.n("train"), "training image"),
        share=percent(float(result.variance[:2].sum())),
    )
    if result.n_directions == 1:
        return held + say(
            "The canonical correlation is {first}{shrunk}. ",
            first=number(result.correlations[0]), shrunk=shrunk(result),
        )  # fmt: skip
    return held + say(
        "The first two canonical correlations are {first} and {second}{shrunk}. ",
        first=number(result.correlations[0]), second=number(result.correlations[1]), shrunk=shrunk(result),
    )  # fmt: skip


def forced(result: EmbedResult) -> Markup:
    """Say that correlations of 1 say nothing; needs images that are affinely independent, no ridge."""
    n = result.pictures.n("train")
    if result.rank < n - 1 or result.ridge > 0:
        return ()
    return say(
        "So few images in so many directions have canonical correlations of 1 whatever their labels, "
        "which says nothing of the classes. "
    )


def second_axis(result: EmbedResult) -> Markup:
    """Say what CCA's second axis is where CCA found one direction only."""
    if result.n_directions > 1:
        return ()
    return say(
        "CCA finds one direction here, so the second axis of its plane is the first principal "
        "component. "
    )


def extent(result: EmbedResult) -> Markup:
    """Say how many directions took part; needs pixels that do not vary in every direction."""
    if result.rank >= result.pictures.n_features:
        return ()
    return say(
        "The training images vary in {rank} of {d} directions of their pixels; the others take no "
        "part in CCA. ",
        rank=result.rank, d=result.pictures.n_features,
    )  # fmt: skip


def comparison(result: EmbedResult) -> Markup:
    """Compare the planes on images that neither has seen; needs such images."""
    centres = result.unseen
    if centres is None:
        return ()
    words = called(centres.part)
    if not centres.differ:
        return say(
            "On these {n} the two planes do not differ by more than chance (sign test, 95 %). ",
            n=counted(centres.pca.n, f"{words} image"),
        )
    better, worse = ("CCA", "PCA") if centres.only_cca > centres.only_pca else ("PCA", "CCA")
    return say(
        "On the {words} images {better}'s plane does better than {worse}'s: {more} alone lie nearest to "
        "their own centre in the one, {fewer} in the other alone (sign test, 95 %). ",
        words=words, better=better, worse=worse,
        more=counted(max(centres.only_cca, centres.only_pca), "image"),
        fewer=number(min(centres.only_cca, centres.only_pca)),
    )  # fmt: skip


def optimism(result: EmbedResult) -> Markup:
    """Say that CCA looks better where it was fitted; needs a difference beyond chance."""
    centres, train = result.unseen, result.centres[0]
    if centres is None or not differ(train.cca, centres.cca):
        return ()
    if train.cca.value <= centres.cca.value:
        return ()
    return say(
        "On the training images, whose labels CCA has seen, it gets {points} points more than on the "
        "{words} images. ",
        points=number(100 * (train.cca.value - centres.cca.value), 2), words=called(centres.part),
    )  # fmt: skip


def shrunk(result: EmbedResult) -> str:
    """Say of correlations what a ridge does to them: the scores themselves correlate more."""
    return ", shrunk by the ridge" if result.ridge else ""


def axis_names(result: EmbedResult) -> dict[str, tuple[str, str]]:
    """Return what the axes of each plane are."""
    first, second = (
        f"principal component {i + 1} ({percent(share)} of variance)"
        for i, share in enumerate(result.variance[:2].tolist())
    )
    canonical = [
        f"canonical variate {i + 1} (correlation {rho:.2f}{shrunk(result)})"
        for i, rho in enumerate(result.correlations[:2].tolist())
    ]
    own = canonical if len(canonical) == 2 else [*canonical, first]
    return {"pca": (first, second), "cca": (own[0], own[1])}


def basis(result: EmbedResult) -> Basis:
    """Say how many images there are."""
    n = sum(size.n for size in result.pictures.parts)
    return Basis(n=counted(n, "image"), spread="none, closed forms", data=result.pictures.name)


def charts(result: EmbedResult) -> Mapping[str, Any]:
    """Return both scatter plots with the images behind their points."""
    points, axes = result.points, axis_names(result)
    # parts without images would only clutter the switch
    present = [PARTS.index(size.part) for size in result.pictures.parts]
    place = np.zeros(len(PARTS), dtype=np.uint8)
    place[present] = np.arange(len(present))
    return {
        "embedding": pack_embedding(
            classes=result.pictures.class_names,
            colours=CLASS_COLOURS,
            splits=[called(PARTS[i]) for i in present],
            labels=points.labels,
            split=place[points.part],
            index=points.index,
            tile=points.tile,
            sheet=result.sheet,
            views=[
                View("PCA", "PCA: labels unseen", axes["pca"], points.pca),
                View("CCA", "CCA: fitted to the labels", axes["cca"], points.cca),
            ],
        )
    }
