"""When a share of right answers says something: its error, guessing, and differences beyond error."""

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["difference_error", "guesses", "is_ahead", "standard_error"]

BEYOND_GUESSING = 3
"""Standard errors above one answer for all images that a network must reach, or it is called guessing."""


def standard_error(share: float, n: int) -> float:
    """Return the standard error of a share counted on n images.

    Two more images are counted, one right and one wrong: none of one image is not certain.

    References
    ----------
    Agresti, Caffo. Simple and effective confidence intervals for proportions and differences of
    proportions result from adding two successes and two failures. The American Statistician 54, 2000.
    """
    p = (share * n + 1) / (n + 2)
    return math.sqrt(p * (1 - p) / (n + 2))


def is_ahead(ones: Sequence[float], others: Sequence[float], n: int) -> bool:
    """Whether paired shares, counted on n images, are larger by more than two standard errors."""
    difference = float(np.mean(ones) - np.mean(others)) * n / (n + 2)
    return difference > 2 * difference_error(ones, others, n)


def guesses(share: float, constant: float, n: int) -> bool:
    """Whether a share of n images is within reach of one answer for all, which gets ``constant``.

    The error belongs to what is to be excluded: an answer that ignores the image. Every text and
    every verdict asks here, so that one number is never called both guessing and better than it.
    """
    return share <= constant + BEYOND_GUESSING * math.sqrt(constant * (1 - constant) / n)


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
