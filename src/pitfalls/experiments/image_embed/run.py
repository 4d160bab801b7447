"""Embed pictures by PCA and by CCA, and keep thumbnails to show with their points."""

import numpy as np
from numpy.typing import NDArray

from pitfalls.errors import InputError
from pitfalls.experiments.image_embed.records import (
    PARTS,
    Directions,
    EmbedConfig,
    EmbedResult,
    NearestCentres,
    Points,
)
from pitfalls.experiments.image_moments import read_training
from pitfalls.experiments.image_shares import Share
from pitfalls.experiments.image_sheets import Sheet, make_sheet
from pitfalls.experiments.image_source import describe_pictures, find_images, load_images
from pitfalls.frame import Homework
from pitfalls.images.data import DataConfig, ImageDataset, Part
from pitfalls.images.linear import CCA, PCA, embed
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]

NO_VARIANCE = 1e-13  # share of the variance up to which a component has none
SPECTRUM = 10  # components whose variances and correlations are kept beside the two drawn


def run(config: EmbedConfig, run: Run, progress: Progress) -> EmbedResult:
    """Embed every part; a stopped run starts again."""
    data = load_images(config.source, run)
    n_classes = len(np.unique(data.train_labels))
    most = min(len(data.train_labels) - 1, data.n_features)
    if most < 2:
        raise InputError(
            f"embed: {len(data.train_labels)} training images of {data.n_features} pixels have no two "
            "directions. Give at least three images."
        )
    training = read_training(data, progress)
    pca = training.fit(PCA(min(SPECTRUM, most)))
    cca = training.fit(CCA(min(SPECTRUM, max(n_classes - 1, 1)), config.ridge))
    parts = tuple(part for part in PARTS if len(data.labels(part)))
    varies = pca.explained_variance_ratio_ > NO_VARIANCE  # else scores are rounding of the pixels
    drawn: tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]] = ([], [])
    with progress("embed", unit="parts") as advance:
        for done, part in enumerate(parts, start=1):
            scores, canonical = embed(pca, data, part) * varies, embed(cca, data, part)
            if cca.n_components_ == 1:  # the second axis shows variance instead
                canonical = np.column_stack([canonical[:, 0], scores[:, 0]])
            drawn[0].append(scores[:, :2])
            drawn[1].append(canonical[:, :2])
            advance(done, len(parts))
    planes = np.concatenate(drawn[0]), np.concatenate(drawn[1])
    labels = np.concatenate([data.labels(part) for part in parts])
    part_of = np.repeat([PARTS.index(p) for p in parts], [len(data.labels(p)) for p in parts])
    tile, sheet = _thumbnails(data, parts, config.thumbnails, progress)
    own = [_nearest_own(plane, labels, part_of == 0) for plane in planes]
    rotations = cca.x_rotations_[:, :2].T
    return EmbedResult(
        pictures=describe_pictures(data),
        ridge=float(config.ridge),
        rank=int(cca.rank_),
        whitening_error=float(cca.whitening_error_),
        variance=np.asarray(pca.explained_variance_ratio_, dtype=np.float64),
        correlations=np.asarray(cca.canonical_correlations_, dtype=np.float64),
        centres=tuple(_count(part, own, part_of == PARTS.index(part)) for part in parts),
        points=Points(
            pca=_single(planes[0], config.ridge),
            cca=_single(planes[1], config.ridge),
            labels=labels.astype(np.int32),
            part=part_of.astype(np.uint8),
            index=np.concatenate([data.indices(part) for part in parts]).astype(np.int32),
            tile=tile,
        ),
        directions=Directions(
            pca.components_[:2].reshape(2, *data.shape).astype(np.float32),
            _single(rotations, config.ridge).reshape(len(rotations), *data.shape),
        ),
        sheet=sheet,
    )


def _single(values: NDArray[np.float64], ridge: float) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if not np.isfinite(single).all():
        raise InputError(
            f"embed: a ridge of {ridge:g} is so small that directions without any spread are "
            "stretched beyond all numbers. Take a larger one, or 0, which leaves them out."
        )
    return single


def homework(asked: Homework) -> tuple[EmbedConfig, ...]:
    """Embed all images at either scale: one pass over them is enough."""
    return (EmbedConfig(find_images(DataConfig(asked.data, seed=asked.seed))),)


def _nearest_own(
    points: NDArray[np.float64], labels: NDArray[np.int64], train: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell of each image whether its own class's centre is the nearest one.

    Centres are those of the training images; each axis is measured by their spread.
    """
    classes = np.unique(labels[train])
    centres = np.stack([points[train & (labels == c)].mean(axis=0) for c in classes])
    spread = points[train].std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    apart = ((points[:, None] - centres) / scale) ** 2
    own: NDArray[np.bool_] = classes[apart.sum(axis=2).argmin(axis=1)] == labels
    return own


def _count(part: Part, own: list[NDArray[np.bool_]], mine: NDArray[np.bool_]) -> NearestCentres:
    pca, cca = (found[mine] for found in own)
    n = len(pca)
    return NearestCentres(
        part,
        Share(int(pca.sum()), n),
        Share(int(cca.sum()), n),
        int((pca & ~cca).sum()),
        int((cca & ~pca).sum()),
    )


def _thumbnails(
    data: ImageDataset, parts: tuple[Part, ...], most: int, progress: Progress
) -> tuple[NDArray[np.int32], Sheet | None]:
    """Keep thumbnails of images spread evenly over all parts; return each image's tile or -1."""
    total = sum(len(data.labels(part)) for part in parts)
    count = min(most, total)
    tile = np.full(total, -1, dtype=np.int32)
    if count == 0:
        return tile, None
    chosen = np.linspace(0, total - 1, count).round().astype(np.int64)
    tile[chosen] = np.arange(count)
    with progress("thumbnails", unit="parts") as advance:
        pictures, start = [], 0
        for done, part in enumerate(parts, start=1):
            n = len(data.labels(part))
            inside = chosen[(chosen >= start) & (chosen < start + n)] - start
            pictures.append(data.images(part)[inside])
            start += n
            advance(done, len(parts))
        sheet = make_sheet(np.concatenate(pictures))
    return tile, sheet
