"""Made-up embeddings, for words and figures at their edges."""

from dataclasses import replace

import numpy as np

from pitfalls.experiments.image_embed import EmbedResult, NearestCentres
from pitfalls.experiments.image_embed.records import PARTS, Directions, Points
from pitfalls.experiments.image_shares import Share
from pitfalls.images.data.parts import PartName
from tests.experiments.image_pictures import pictures

__all__ = ["result_of"]


def result_of(
    *,
    sizes: dict[PartName, int] | None = None,
    n_classes: int = 3,
    pca: float = 0.4,
    cca: float = 0.6,
    cca_train: float | None = None,
    rank: int = 64,
    seed: int = 0,
) -> EmbedResult:
    """Return a result in which CCA's plane gets what PCA's gets right, and more, or the other way."""
    sizes = {"train": 100, "test": 50} if sizes is None else sizes
    rng = np.random.default_rng(seed)
    n = sum(sizes.values())
    described = pictures(
        n_classes, sizes["train"], sizes.get("test", 0), sizes.get("validation", 0)
    )
    points = rng.standard_normal((n, 2)).astype(np.float32)
    part = np.repeat([PARTS.index(p) for p in PARTS if p in sizes],
                     [sizes[p] for p in PARTS if p in sizes])  # fmt: skip
    own = min(n_classes - 1, 2)
    return EmbedResult(
        pictures=replace(described),
        ridge=0.0,
        rank=rank,
        whitening_error=1e-14,
        variance=np.array([0.2, 0.1, 0.05]),
        correlations=np.array([0.9, 0.8])[:own],
        centres=tuple(
            _centres(p, sizes[p], pca, cca if p != "train" or cca_train is None else cca_train)
            for p in PARTS
            if p in sizes
        ),
        points=Points(
            points,
            points[:, ::-1].copy(),
            (np.arange(n) % n_classes).astype(np.int32),
            part.astype(np.uint8),
            np.arange(n, dtype=np.int32),
            np.full(n, -1, dtype=np.int32),
        ),
        directions=Directions(
            rng.standard_normal((2, 1, 8, 8)).astype(np.float32),
            rng.standard_normal((own, 1, 8, 8)).astype(np.float32),
        ),
        sheet=None,
    )


def _centres(part: PartName, n: int, pca: float, cca: float) -> NearestCentres:
    one, other = round(pca * n), round(cca * n)
    return NearestCentres(
        part, Share(one, n), Share(other, n), max(one - other, 0), max(other - one, 0)
    )
