"""Data of the interactive parts, from run folders: plain values that the page's scripts draw."""

from collections.abc import Mapping
from typing import Any

from pitfalls.report.evidence import Evidence
from pitfalls.report.explore.curves import training_curves
from pitfalls.runs import Run

__all__ = ["explorers_of"]


def explorers_of(evidence: Mapping[str, Evidence]) -> dict[str, Any]:
    """Return the data of every interactive part whose run is finished, by the part's name."""

    def finished(name: str) -> Run | None:
        found = evidence.get(name)
        return found.run if found and found.run and found.run.complete else None

    parts: dict[str, Any] = {}
    if curves := training_curves(finished("images-compare"), finished("images-train")):
        parts["training-curves"] = curves
    return parts
