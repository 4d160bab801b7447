"""Shares of images that were counted: their errors, and the one rule for when two of them differ."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

__all__ = ["CONFIDENCE", "Share", "ahead", "differ", "guesses", "paired_differ", "standard_error"]

CONFIDENCE = 0.95
"""Of every interval, and of every comparison that a sentence states."""

BEYOND_GUESSING = 3
"""Standard errors above one answer for all images that a network must reach, or it is called guessing."""


@dataclass(frozen=True)
class Share:
    """How many of some images.

    Attributes
    ----------
    count, n : int
        So many of n; n is at least 1.
    """

    count: int
    n: int

    @classmethod
    def of(cls, value: float, n: int) -> "Share":
        """Return the count that a share, or a mean of shares, of n images comes nearest to."""
        return cls(round(value * n), n)

    @property
    def value(self) -> float:
        """The share."""
        return self.count / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """The exact interval of 95 %: whatever the true share is, at least 95 of 100 hold it.

        Its ends are the shares under which so many or more, and so many or fewer, have a chance of
        2.5 %. The interval for 0 of n begins at 0, that for n of n ends at 1.

        References
        ----------
        Clopper, Pearson. The use of confidence or fiducial limits illustrated in the case of the
        binomial. Biometrika 26, 1934.

        Examples
        --------
        >>> [[round(end, 3) for end in Share(k, 8).interval] for k in (0, 4, 8)]
        [[0.0, 0.369], [0.157, 0.843], [0.631, 1.0]]
        """
        from scipy.special import betaincinv

        tail, k, n = (1 - CONFIDENCE) / 2, self.count, self.n
        low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
        high = float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0
        return low, high


def differ(one: Share, other: Share, *, comparisons: int = 1) -> bool:
    """Tell whether two shares differ by more than the choice of images explains.

    By Fisher's exact test, which says so too seldom rather than too often, for few images as for many.
    It takes the images for different ones; of the same images it says so still less often.

    Parameters
    ----------
    one, other : Share
    comparisons : int, default=1
        Among how many such pairs this one was picked; the confidence then holds for all of them.

    References
    ----------
    Fisher. On the interpretation of χ² from contingency tables, and the calculation of P. Journal of
    the Royal Statistical Society 85, 1922.

    Examples
    --------
    >>> differ(Share(2, 2), Share(0, 2)), differ(Share(90, 100), Share(60, 100))
    (False, True)
    """
    return bool(_by_chance(one, other) < (1 - CONFIDENCE) / comparisons)


def ahead(ones: Sequence[float], others: Sequence[float], n: int, *, comparisons: int = 1) -> bool:
    """Tell whether paired shares, counted on n images, are larger by more than chance.

    Of one pair by `differ`. Of several, trainings from several starts say, the spread of the difference
    over the pairs adds to the error that the test of the means amounts to; as it is known from so few,
    it counts by Student's law.

    Parameters
    ----------
    ones, others : sequence of float
    n : int
    comparisons : int, default=1
        As in `differ`.

    Examples
    --------
    >>> ahead([0.9], [0.6], 100), ahead([0.9, 0.5], [0.6, 0.6], 100), ahead([0.6], [0.9], 100)
    (True, False, False)
    """
    differences = np.subtract(ones, others, dtype=np.float64)
    difference, normal = float(differences.mean()), NormalDist()
    chance = _by_chance(Share.of(float(np.mean(ones)), n), Share.of(float(np.mean(others)), n))
    if difference <= 0 or chance >= 1:
        return False
    counting = difference / -normal.inv_cdf(max(chance, 1e-300) / 2)
    tail = (1 - CONFIDENCE) / comparisons / 2
    reach = -normal.inv_cdf(tail) * counting
    if len(ones) > 1:
        from scipy.special import stdtrit

        spread = float(differences.std(ddof=1)) / math.sqrt(len(ones))
        reach = math.hypot(reach, -float(stdtrit(len(ones) - 1, tail)) * spread)
    return difference > reach


def _by_chance(one: Share, other: Share) -> float:
    """Return how likely a difference like this or greater is if the true shares are equal."""
    from scipy.stats import fisher_exact

    table = np.array([[share.count, share.n - share.count] for share in (one, other)])
    return float(fisher_exact(table).pvalue)


def standard_error(share: float, n: int) -> float:
    """Return the standard error of a share counted on n images, to be printed after ±.

    Two more images are counted, one right and one wrong: none of one image is not certain.

    References
    ----------
    Agresti, Caffo. Simple and effective confidence intervals for proportions and differences of
    proportions result from adding two successes and two failures. The American Statistician 54, 2000.
    """
    p = (share * n + 1) / (n + 2)
    return math.sqrt(p * (1 - p) / (n + 2))


def guesses(share: float, constant: float, n: int) -> bool:
    """Whether a share of n images is within reach of one answer for all, which gets ``constant``.

    The error belongs to what is to be excluded: an answer that ignores the image. Every text and
    every verdict asks here, so that one number is never called both guessing and better than it.
    """
    return share <= constant + BEYOND_GUESSING * math.sqrt(constant * (1 - constant) / n)


def paired_differ(only_one: int, only_other: int) -> bool:
    """Tell whether two methods differ on the same images, by the exact sign test.

    Parameters
    ----------
    only_one, only_other : int
        Images that the one alone gets right, and the other alone.

    References
    ----------
    McNemar. Note on the sampling error of the difference between correlated proportions or
    percentages. Psychometrika 12, 1947.

    Examples
    --------
    >>> paired_differ(5, 0), paired_differ(6, 0), paired_differ(0, 0)
    (False, True, False)
    """
    from scipy.special import bdtr

    least = min(only_one, only_other)
    return bool(2 * bdtr(least, only_one + only_other, 0.5) < 1 - CONFIDENCE)
