"""Every threshold of this lab, once, with its reason. All are free of units and of hidden scales.

A number that was computed is never zero; it is zero *to within* something. Three sizes are told apart:
noise, what nobody can see; ROOM times it, below which a number counts as zero; CLEAR times that, above
which it counts as not zero. In between the honest word is 'undecided'.
"""

import numpy as np

__all__ = [
    "APART",
    "CLEAR",
    "DEAD",
    "EPS",
    "EXHAUSTED",
    "FAINT",
    "HOPELESS",
    "NOTHING",
    "ROOM",
    "SINGULAR",
    "SMALL_RANK",
    "STATIONARY",
    "TOLERANCE",
    "WEAK",
    "product_rounding",
]

EPS = float(np.finfo(np.float64).eps)

TOLERANCE = 1e-8
"""A layer's gradient below this share of its terms counts as zero, unless the caller says otherwise:
the root of EPS, as far as a descent that watches the risk's value can go."""

ROOM = 30.0
"""Noise is estimated by its root mean square or by one sample; a singular value of a matrix of noise
is several times that. Among 3,120 points (26 variants, `benchmarks.linear.variants`) no block of a pivot
that was zero came out above 8 times the noise, and none that was not below 3,900 times."""

CLEAR = 100.0
"""How far above what counts as zero a number must lie to count: two more digits than are in doubt."""

APART = 1e-7
"""Modes of the data closer than this share of the strongest are neither equal nor apart, unless
rounding cannot tell them apart at all: the curvature between them, twice their gap, is too small to
build a verdict on."""

WEAK = 1e-6
"""Where ranks are in doubt, a curvature above minus this share of the largest decides nothing: what is
in doubt, modes that are nearly equal say, makes curvatures of that size."""

HOPELESS = 1e-3
"""Where what counts as zero exceeds this share of the size of things, no rank means anything."""

FAINT = 1e-5
"""Layers in hidden coordinates whose singular values spread further than this may hold links so weak
that two in a row fall below rounding; what is not seen there is not 'zero'."""

SINGULAR = 1e-11
"""A singular value below this share of the largest, or of what the matrix was multiplied from, is
zero: products of a few hundred roundings, 1e-13, with ROOM."""

SMALL_RANK = 1e-10
"""Singular values of a map below this share of the largest do not count for its rank: maps come with
ten digits or more."""

NOTHING = 1e-13
"""A Hessian's image below this share of what it was summed from is zero: a few hundred roundings."""

EXHAUSTED = 1e-12
"""A Krylov space ends where the next vector is this share of the largest coefficient: what is left is
rounding of a few thousand operations."""

DEAD = 1e-14
"""A mode that starts below this share of the strongest is not there: only rounding."""

STATIONARY = 1e-10
"""Descent stops where gradients are this share of their terms: two digits below TOLERANCE, so that
`classify` takes where it stopped for critical."""


def product_rounding(n_layers: int, width: int) -> float:
    """Share of the sum of its absolute terms by which a product of matrices may be off.

    Each of `n_layers` products sums up to `width` terms, whose roundings add up like a random walk;
    4 for the walk's tail.
    """
    return 4.0 * EPS * n_layers * float(np.sqrt(width))
