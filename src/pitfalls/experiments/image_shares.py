"""Shares of images that were counted, and when two of them differ by more than chance."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

__all__ = ["CONFIDENCE", "Share", "differ", "paired_differ"]

CONFIDENCE = 0.95
"""Of every interval, and of every comparison that a sentence states."""


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

    @property
    def value(self) -> float:
        """The share."""
        return self.count / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of 95 %: it keeps within 0 and 1, and is none too short at either end.

        References
        ----------
        Wilson. Probable inference, the law of succession, and statistical inference. Journal of the
        American Statistical Association 22, 1927.

        Examples
        --------
        >>> [round(end, 3) for end in Share(50, 50).interval]
        [0.929, 1.0]
        """
        z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
        middle = self.value + z**2 / (2 * self.n)
        half = z * math.sqrt(self.value * (1 - self.value) / self.n + (z / (2 * self.n)) ** 2)
        scale = 1 + z**2 / self.n
        return max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)


def differ(one: Share, other: Share, *, comparisons: int = 1) -> bool:
    """Tell whether two shares of different images differ by more than the choice of images explains.

    By Fisher's exact test, which says so too seldom rather than too often, for few images as for many.

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
    from scipy.stats import fisher_exact

    table = np.array([[share.count, share.n - share.count] for share in (one, other)])
    return bool(fisher_exact(table).pvalue < (1 - CONFIDENCE) / comparisons)


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
