"""Untrained networks in run folders as if they had been trained, and made-up evaluations."""

from dataclasses import dataclass

import numpy as np

from pitfalls.experiments.image_confusion import Confusion
from pitfalls.experiments.image_evaluate import (
    Answers,
    Calibration,
    Confidence,
    EvaluateResult,
    Looks,
)
from pitfalls.experiments.image_evaluate.records import Views
from pitfalls.experiments.image_networks import NetworkConfig, build_network
from pitfalls.experiments.image_shares import Share
from pitfalls.experiments.image_sheets import make_sheet
from pitfalls.experiments.image_source import EvaluatedPart, ImageSource
from pitfalls.experiments.image_trained import keep_network
from pitfalls.runs import Run, RunStore
from tests.experiments.image_pictures import pictures

__all__ = ["SMALL", "MadeConfig", "keep_some", "result_of"]

SMALL = NetworkConfig("fastnet", (4, 4, 4))


@dataclass(frozen=True)
class MadeConfig:
    """Which pictures a network was made for."""

    source: ImageSource
    seed: int = 0

    @property
    def run_name(self) -> str:
        """Name the run by its data."""
        return self.source.name


def keep_some(
    store: RunStore, source: ImageSource, *, n: int = 1, nan: bool = False, alike: bool = False
) -> Run:
    """Keep n networks in a finished run: ``nan`` have no finite outputs, ``alike`` are one."""
    data = source.load()
    with store.open("images-train", MadeConfig(source)) as run:
        for member in range(n):
            network = build_network(SMALL, data, seed=0 if alike else member)
            if nan:
                for weights in network.parameters():
                    weights.data.fill_(float("nan"))
            keep_network(run, member, network, SMALL, source, data, "")
    return run


def result_of(
    counts: list[list[int]],
    *,
    part: EvaluatedPart = "test",
    views: Views = "plain",
    confidence: float = 0.7,
    name: str = "digits",
    other: bool = False,
    calibrated: bool = False,
    looks: bool = False,
) -> EvaluateResult:
    """Return an evaluation with this confusion matrix; every answer is equally confident."""
    confusion = Confusion(np.array(counts, dtype=np.int64))
    k, n = len(counts), confusion.right.n
    cells = [(i, j) for i in range(k) for j in range(k) for _ in range(counts[i][j])]
    labels, predictions = np.array(cells, dtype=np.int64).T.copy()
    excess = confidence - (labels == predictions)
    wrong = np.flatnonzero(labels != predictions)
    images = np.zeros((n, 1, 8, 8), dtype=np.uint8)
    bins = np.zeros(15, dtype=np.int64)
    place = min(int(confidence * 15), 14)
    bins[place] = n
    filled = np.full(15, np.nan)
    accuracy = filled.copy()
    filled[place], accuracy[place] = confidence, confusion.right.value
    calibration = Calibration(
        error=abs(float(excess.mean())),
        mean_confidence=confidence,
        excess=float(excess.mean()),
        excess_error=float(excess.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan"),
        bin_confidence=filled,
        bin_accuracy=accuracy,
        bin_count=bins,
    )
    maps = np.linspace(-1, 1, 64 * min(len(wrong), 8), dtype=np.float32).reshape(-1, 8, 8)
    return EvaluateResult(
        pictures=pictures(
            k, 800, 1 if part == "validation" else n, n if part == "validation" else 0, name
        ),
        is_other=other,
        part=part,
        views=views,
        trained_run="images-train/digits-0123",
        member=0,
        weights_sha256="0" * 64,
        confusion=confusion,
        top5=Share(n, n) if k > 5 else None,
        as_trained=Confidence(1.0, 1.25, calibration),
        calibrated=Confidence(1.5, 1.125, calibration) if calibrated else None,
        answers=Answers(labels, predictions, np.full(n, confidence), np.arange(n), wrong),
        worst=images[wrong[:24]],
        looks=Looks(maps, np.ones(len(maps)), np.full(len(maps), 0.01)) if looks else None,
        shown=np.arange(min(n, 5)),
        sheet=make_sheet(images[:5]),
    )
