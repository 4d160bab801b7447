"""Data of the interactive parts, from run folders: plain values that the page's scripts draw."""

from collections.abc import Mapping
from typing import Any

from pitfalls.report.evidence import Evidence

__all__ = ["explorers_of"]


def explorers_of(evidence: Mapping[str, Evidence], thumbnails: int | None) -> dict[str, Any]:
    """Return the data of every interactive part whose run is there, by the part's name."""
    return {}
