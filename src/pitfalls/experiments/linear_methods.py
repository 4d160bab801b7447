"""Linear methods on images inside run folders: embeddings, least squares, a network's diagram."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pitfalls.errors import InputError
from pitfalls.experiments.image_source import ImageSource, find_images
from pitfalls.experiments.named_networks import build_model
from pitfalls.experiments.registry import experiment
from pitfalls.images.data import DataConfig, ImageDataset, Part, make_sprite_sheet
from pitfalls.images.linear import (
    CCA,
    PCA,
    LeastSquaresClassifier,
    TrainingImages,
    embed,
    predict_labels,
    read_training_images,
)
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = [
    "DiagramConfig",
    "EmbedConfig",
    "RegressConfig",
    "draw_network",
    "embed_images",
    "homework_runs",
    "regress_images",
]

SPECTRUM = 10  # components whose variances and correlations are kept beside the two drawn
PARTS: tuple[Part, ...] = ("train", "validation", "test")
SPRITES = "arrays/thumbnails.webp"


@dataclass(frozen=True)
class EmbedConfig:
    """PCA and CCA of the training set in two dimensions, applied to every part."""

    source: ImageSource
    ridge: float = 0.0
    thumbnails: int = 10_000

    def __post_init__(self) -> None:
        if self.thumbnails < 0:
            raise InputError(
                f"EmbedConfig: thumbnails must not be negative. Got {self.thumbnails}; 0 keeps none."
            )

    @property
    def run_name(self) -> str:
        """Name the run by its data."""
        return self.source.name


@dataclass(frozen=True)
class RegressConfig:
    """Least squares with intercept onto one-hot labels."""

    source: ImageSource
    ridge: float = 0.0

    @property
    def run_name(self) -> str:
        """Name the run by its data."""
        return self.source.name


@dataclass(frozen=True)
class DiagramConfig:
    """A network's summary and diagram for images of one shape.

    ``digest`` is what `named_networks.describe_model` says of the network: it names the run.
    """

    model: str = "resnet18"
    input_shape: tuple[int, int, int] = (3, 32, 32)
    n_classes: int = 10
    digest: str = ""

    @property
    def run_name(self) -> str:
        """Name the run by its network."""
        return self.model.rpartition(":")[2]


@experiment("images-embed")
def embed_images(config: EmbedConfig, run: Run, progress: Progress) -> None:
    """Embed the images by PCA and by CCA (homework 4a), and keep thumbnails to show with them."""
    data = _load(config.source, run)
    n_train, n_classes = len(data.train_labels), len(np.unique(data.train_labels))
    most = min(n_train - 1, data.n_features)
    if most < 2:
        raise InputError(
            f"embed: {n_train} training images of {data.n_features} pixels have no two "
            "directions. Give at least three images."
        )
    training = _training(data, progress)
    pca = training.fit(PCA(min(SPECTRUM, most)))
    cca = training.fit(CCA(min(SPECTRUM, max(n_classes - 1, 1)), config.ridge))
    parts = [part for part in PARTS if len(data.labels(part))]
    points: dict[str, list[npt.NDArray[np.float64]]] = {"pca": [], "cca": []}
    with progress("embed", unit="parts") as advance:
        for done, part in enumerate(parts, start=1):
            scores = embed(pca, data, part)
            canonical = embed(cca, data, part)
            if cca.n_components_ == 1:  # two classes: the second axis shows variance instead
                canonical = np.column_stack([canonical[:, 0], scores[:, 0]])
            points["pca"].append(scores[:, :2])
            points["cca"].append(canonical[:, :2])
            advance(done, len(parts))
    labels = np.concatenate([data.labels(part) for part in parts])
    numbers = [np.full(len(data.labels(p)), PARTS.index(p), dtype=np.uint8) for p in parts]
    part_of = np.concatenate(numbers)
    tile, sheet = _save_thumbnails(data, parts, config.thumbnails, run, progress)
    embedded = {name: np.concatenate(found) for name, found in points.items()}
    run.save_arrays(
        "embedding",
        **{name: found.astype(np.float32) for name, found in embedded.items()},
        labels=labels.astype(np.int32),
        part=part_of,
        index=np.concatenate([data.indices(part) for part in parts]).astype(np.int32),
        tile=tile,
    )
    rotations = cca.x_rotations_[:, :2].T
    run.save_arrays(
        "directions",
        pca=pca.components_[:2].reshape(2, *data.shape).astype(np.float32),
        cca=rotations.reshape(len(rotations), *data.shape).astype(np.float32),
    )
    run.save_results(
        {
            **_describe(data),
            "parts": PARTS,
            "explained_variance_ratio": pca.explained_variance_ratio_,
            "canonical_correlations": cca.canonical_correlations_,
            "whitening_error": cca.whitening_error_,
            "rank": cca.rank_,
            "ridge": config.ridge,
            "axes": _axis_names(pca, cca),
            "centre_accuracy": {
                name: {
                    part: _centre_accuracy(found, labels, part_of, PARTS.index(part))
                    for part in parts
                }
                for name, found in embedded.items()
            },
            "thumbnails": sheet,
        }
    )


@experiment("images-regress")
def regress_images(config: RegressConfig, run: Run, progress: Progress) -> None:
    """Classify by least squares (homework 4b)."""
    data = _load(config.source, run)
    classifier = _training(data, progress).fit(LeastSquaresClassifier(config.ridge))
    results: dict[str, Any] = {
        **_describe(data),
        "parts": PARTS,
        "ridge": config.ridge,
        "rank": classifier.rank_,
        "projected": classifier.rank_ < data.n_features,
        "normal_residual": classifier.normal_residual_,
    }
    arrays: dict[str, Any] = {}
    parts = [part for part in PARTS if len(data.labels(part))]
    with progress("predict", unit="parts") as advance:
        for done, part in enumerate(parts, start=1):
            truth, predicted = data.labels(part), predict_labels(classifier, data, part)
            confusion = np.zeros((data.n_classes, data.n_classes), dtype=np.int64)
            np.add.at(confusion, (truth, predicted), 1)
            arrays[f"confusion_{part}"] = confusion
            arrays[f"predictions_{part}"] = predicted.astype(np.int32)
            results[f"{part}_accuracy"] = float(np.mean(truth == predicted))
            results[f"{part}_class_accuracy"] = _diagonal_share(confusion)
            advance(done, len(parts))
    run.save_arrays("regression", **arrays)
    run.save_results(results)


@experiment("images-diagram")
def draw_network(config: DiagramConfig, run: Run, progress: Progress) -> None:
    """Print a network's summary and draw its diagram (homework 4c)."""
    from pitfalls.diagram import diagram, summary

    model = build_model(config.model, config.n_classes, config.input_shape[0])
    text = summary(model, config.input_shape)
    svg = diagram(model, config.input_shape)
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    shape = "×".join(map(str, config.input_shape))
    run.save_file("summary.txt", text + "\n")
    run.save_file("figures/diagram.svg", svg)
    words = {
        "alt": svg.partition("<desc>")[2].partition("</desc>")[0],
        "caption": f"{type(model).__name__} as one image of shape {shape} runs through it: boxes "
        "are layers, arrows carry channels × height × width.",
    }
    run.save_file("figures/diagram.json", json.dumps(words, ensure_ascii=False))
    run.save_results(
        {
            "model": config.model,
            "class_name": type(model).__name__,
            "n_parameters": n_parameters,
            "input_shape": config.input_shape,
            "n_classes": config.n_classes,
            "summary": text,
        }
    )


def homework_runs(
    scale: Literal["quick", "full"], data: str | None = None, seed: int = 123
) -> list[object]:
    """Return the configs of the homework's 4a to 4c.

    The linear methods take all images at either scale, because one pass over them is enough;
    ``quick`` keeps fewer thumbnails. The diagram is the homework's network, whatever the data.
    """
    source = find_images(DataConfig(data, seed=seed))
    return [
        EmbedConfig(source, thumbnails=2_000 if scale == "quick" else 10_000),
        RegressConfig(source),
        DiagramConfig(),
    ]


def _load(source: ImageSource, run: Run) -> ImageDataset:
    data = source.load()
    for warning in data.warnings:
        run.warn(warning)
    return data


# Embedding and regression need the same pass over the same images; a report makes both.
_last_training: dict[str, TrainingImages] = {}


def _training(data: ImageDataset, progress: Progress) -> TrainingImages:
    if data.fingerprint not in _last_training:
        with progress("second moments", unit="images") as advance:
            found = read_training_images(data, on_progress=advance)
        _last_training.clear()
        _last_training[data.fingerprint] = found
    return _last_training[data.fingerprint]


def _describe(data: ImageDataset) -> dict[str, Any]:
    return {
        "data": data.name,
        "fingerprint": data.fingerprint,
        "n_train": len(data.train_labels),
        "n_validation": len(data.validation_labels),
        "n_test": len(data.test_labels),
        "n_features": data.n_features,
        "class_names": data.class_names,
        "shape": data.shape,
    }


def _save_thumbnails(
    data: ImageDataset, parts: Sequence[Part], most: int, run: Run, progress: Progress
) -> tuple[npt.NDArray[np.int32], dict[str, Any] | None]:
    """Keep thumbnails of images spread evenly over all parts; return each image's tile or -1."""
    total = sum(len(data.labels(part)) for part in parts)
    count = min(max(most, 0), total)
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
        sheet = make_sprite_sheet(np.concatenate(pictures))
    run.save_file(SPRITES, sheet.webp)
    return tile, {
        "file": SPRITES,
        "size": sheet.size,
        "columns": sheet.columns,
        "count": sheet.count,
    }


def _axis_names(pca: PCA, cca: CCA) -> dict[str, list[str]]:
    shares = [f"{100 * share:.1f} % of variance" for share in pca.explained_variance_ratio_[:2]]
    canonical = [
        f"canonical variate {i + 1} (correlation {rho:.2f})"
        for i, rho in enumerate(cca.canonical_correlations_[:2])
    ]
    if len(canonical) == 1:
        canonical.append(f"principal component 1 ({shares[0]})")
    return {
        "pca": [f"principal component {i + 1} ({share})" for i, share in enumerate(shares)],
        "cca": canonical,
    }


def _centre_accuracy(
    points: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int64],
    part_of: npt.NDArray[np.uint8],
    part: int,
) -> float:
    """Share of a part's images that lie nearest to their own class's centre of the training set."""
    train = part_of == 0
    classes = np.unique(labels[train])
    centres = np.stack([points[train & (labels == c)].mean(axis=0) for c in classes])
    spread = points[train].std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    mine = part_of == part
    apart = ((points[mine, None] - centres) / scale) ** 2
    nearest = classes[apart.sum(axis=2).argmin(axis=1)]
    return float(np.mean(nearest == labels[mine]))


def _diagonal_share(confusion: npt.NDArray[np.int64]) -> list[float | None]:
    """Share of each class that is right; None for a class without images."""
    totals = confusion.sum(axis=1)
    return [
        float(right / total) if total else None
        for right, total in zip(np.diagonal(confusion), totals, strict=True)
    ]
