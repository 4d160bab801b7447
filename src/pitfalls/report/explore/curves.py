"""Curves to zoom into: the training logs, thinned to what a screen can show."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from pitfalls.prose import series
from pitfalls.runs import Run

__all__ = ["training_curves"]


def training_curves(compare: Run | None, train: Run | None) -> dict[str, Any] | None:
    """Return the loss, accuracy and rate of every training, by step."""
    trainings: list[tuple[str, list[dict[str, Any]]]] = []
    if compare is not None:
        trainings += _by_label(compare.metrics())
    if train is not None:
        scheme = train.config["training"]["scheme"]
        trainings.append(
            (f"{scheme}, {train.config['training']['epochs']} epochs", _steps(train.metrics()))
        )
    trainings = [(name, records) for name, records in trainings if records]
    if not trainings:
        return None
    return {
        "label": "Training loss, accuracy and learning rate by step",
        "panels": [
            {
                "title": title,
                "x": "steps",
                "y": label,
                "log": key == "rate",
                "series": [
                    series(
                        name,
                        [r["step"] for r in records],
                        _smooth([r[key] for r in records], window),
                    )
                    for name, records in trainings
                ],
            }
            for title, label, key, window in (
                ("loss", "cross-entropy (nats), mean of 9 steps", "loss", 9),
                ("accuracy", "accuracy, mean of 9 steps", "accuracy", 9),
                ("learning rate", "learning rate", "rate", 1),
            )
        ],
    }


def _steps(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record for record in records if "rate" in record and "loss" in record]


def _by_label(records: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    found: dict[tuple[str, Any], list[dict[str, Any]]] = {}
    for record in _steps(records):
        found.setdefault((record.get("scheme", "training"), record.get("seed")), []).append(record)
    several = len({seed for _, seed in found}) > 1
    return [
        (f"{scheme}, seed {seed}" if several else str(scheme), lines)
        for (scheme, seed), lines in found.items()
    ]


def _smooth(values: npt.ArrayLike, window: int) -> list[float]:
    numbers = np.asarray(values, dtype=np.float64)
    if window < 2 or len(numbers) < window:
        return list(numbers)
    padded = np.pad(numbers, window // 2, mode="edge")
    return list(np.convolve(padded, np.full(window, 1 / window), mode="valid"))
