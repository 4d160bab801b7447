"""Networks that tell bounds apart: at each, one factor of a bound decides, and to forget it shows."""

import numpy as np

from pitfalls.course.grading.oracles import Network

__all__ = ["telling_networks"]


def telling_networks(rng: np.random.Generator) -> list[tuple[str, Network]]:
    """Draw a network for each factor of 3c's bounds, with words that say what it is like.

    Random networks of a few units pass many a wrong bound, as a bound is generous elsewhere: here one
    kind of entry is most of the gradient, and there are many of it, or it stands alone.

    Examples
    --------
    >>> len(telling_networks(np.random.default_rng(0)))
    11
    """
    alternating = np.resize([100.0, -100.0], 12)
    one_bias, one_alpha = np.full(200, 0.01), np.full(200, 0.01)
    one_bias[0] = one_alpha[0] = 200.0
    scale = rng.uniform(1, 1.2)
    loud, faint = 100 * scale, 1e-3 * scale
    small, still = np.full((4, 4), 1e-4), np.full(4, 1e-4)
    return [
        # the case where the number of parameters is nearly all of the bound
        ("many small α", _twins(np.full((200, 5), 0.1 * scale), 0.5, 0.001)),
        ("all entries 1 or 0", _twins(np.zeros((20, 2)), scale, 1.0)),
        ("many features, α large", _twins(np.full((1, 12), faint), faint, loud)),
        ("many units, α large", _twins(np.full((50, 8), faint), faint, loud)),
        ("α negative", (small, still, np.full(4, -50 * scale), 0.0)),
        ("one large α in many", _twins(np.full((200, 5), 1e-4), 1e-4, scale * one_alpha)),
        ("w large, all positive", _twins(np.full((1, 12), loud), 0.01, 0.01)),
        ("w large, of both signs", _twins(scale * alternating[None], 0.01, 0.01)),
        ("one large b in many", _twins(np.full((200, 5), faint), scale * one_bias, 0.01)),
        ("no unit ever active", _twins(np.full((1, 3), -faint), -faint, faint)),
        # all sensible bounds are near each other here, and 2^d is far above them
        ("many inputs", _twins(np.full((1, 14), 1e-3), 50 * scale, 0.01)),
    ]


def _twins(w: np.ndarray, b: float | np.ndarray, alpha: float | np.ndarray) -> Network:
    """Give each unit a twin of the opposite α: f is zero, so that the hinge is active everywhere."""
    k = len(w)
    signs = np.resize([1.0, -1.0], 2 * k)
    biases, outputs = (np.broadcast_to(values, k).repeat(2) for values in (b, alpha))
    return w.repeat(2, axis=0), biases, signs * outputs, 0.0
