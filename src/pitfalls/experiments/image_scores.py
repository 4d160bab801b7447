"""When a share of right answers says something: its error, guessing, and differences beyond error."""

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["difference_error", "guesses", "standard_error"]

BEYOND_GUESSING = 3
"""Standard errors above always naming one class that a network must reach not to be called guessing."""


def standard_error(share: float, n: int) -> float:
    """Return the standard error of a share counted on n images."""
    return math.sqrt(max(share * (1 - share), 0.0) / n) if n else 0.0


def guesses(share: float, constant: float, n: int) -> bool:
    """Whether a share of n images is within reach of always naming one class, which gets ``constant``.

    The error belongs to what is to be excluded: an answer that ignores the image. Every text and
    every verdict asks here, so that one number is never called both guessing and better than it.
    """
    return share <= constant + BEYOND_GUESSING * standard_error(constant, n)


def difference_error(ones: Sequence[float], others: Sequence[float], n: int) -> float:
    """Return the standard error of the mean difference of paired shares, counted on n images.

    Counting on these images is one part of it, taken as if both had been asked about other images,
    which is more than it can be; the spread of the difference over the pairs is the other, where
    there are several.
    """
    counting = math.hypot(
        standard_error(float(np.mean(ones)), n), standard_error(float(np.mean(others)), n)
    )
    if len(ones) < 2:
        return counting
    differences = np.subtract(ones, others)
    return math.hypot(counting, float(differences.std(ddof=1)) / math.sqrt(len(ones)))
