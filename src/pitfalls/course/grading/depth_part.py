"""3d: what a sigmoid lets through, graded as a factor that bounds the message to the first layer."""

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np

from pitfalls.course.grading.calls import Call
from pitfalls.course.grading.properties import Check, Desk, Part, number, shown

__all__ = ["DEPTH_PART"]

SIZES: Final = ((3, 4), (4, 4, 2), (2, 5, 3, 3), (3,) * 9)
"""Units layer by layer, from the first to the last that the message passes."""


def _message(weights: Sequence[np.ndarray], z: Sequence[np.ndarray]) -> float:
    """Return the largest |dl/dz_1| over messages dl/dz_L of length 1, at given z_1, ..., z_{L-1}."""
    jacobian = np.eye(weights[0].shape[1])
    for w, before in zip(weights, z, strict=True):
        s = 1 / (1 + np.exp(-before))
        jacobian = w @ np.diag(s * (1 - s)) @ jacobian
    return float(np.linalg.norm(jacobian, 2))


def _worst(desk: Desk, weights: Sequence[np.ndarray]) -> tuple[float, str]:
    """Try sums z at random and z = 0, where every slope is 1/4: biases can bring about any of them.

    Also with every other unit saturated, so that nothing cancels that its neighbour would.
    """
    found = [(_message(weights, [np.zeros(w.shape[1]) for w in weights]), "z = 0")]
    half = [np.where(np.arange(w.shape[1]) % 2, 40.0, 0.0) for w in weights]
    found.append((_message(weights, half), "z = 0, 40, 0, ..."))
    for scale in (0.1, 1.0, 5.0):
        z = [np.multiply(scale, desk.rng.normal(size=w.shape[1])) for w in weights]
        found.append((_message(weights, z), f"z drawn at scale {scale:g}"))
    return max(found)


def _depth(desk: Desk) -> None:
    sets = [
        [scale * desk.rng.normal(size=(b, a)) for a, b in itertools.pairwise(sizes)]
        for sizes in SIZES
        for scale in (0.5, 1.0, 4.0)
    ]
    # one entry a layer: all norms agree, so that nothing but the slope is asked, at several depths
    sets += [[np.array([[w]]) for w in (3.0, -2.0, 0.5, 4.0, -1.0)[:n]] for n in (1, 2, 3, 5)]
    # ways that cancel where all slopes are equal
    sets.append([np.ones((2, 1)), np.array([[1.0, -1.0]])])
    outcomes = desk.ask(*(Call("sigmoid_factor", (weights,)) for weights in sets))

    def at(weights: Sequence[np.ndarray]) -> str:
        return f"at W_i of shapes {', '.join(str(w.shape) for w in weights)}"

    def sound() -> str:
        for weights, outcome in zip(sets, outcomes, strict=True):
            factor, (worst, where) = number(outcome, "sigmoid_factor"), _worst(desk, weights)
            if factor < worst * (1 - 1e-9):
                return (
                    f"{at(weights)} and {where} the message to the first layer is {shown(worst)} "
                    f"times the last one's, above your factor {shown(factor)}"
                )
        return ""

    def shrinking() -> str:
        for weights, outcome in zip(sets, outcomes, strict=True):
            factor = number(outcome, "sigmoid_factor")
            norms = float(np.prod([np.linalg.norm(w) for w in weights]))
            # of all norms that bound a message the most generous: each entry as large as the largest
            generous = float(np.prod([w.size * np.abs(w).max() for w in weights]))
            enough = generous / 4.0 ** len(weights)
            if factor > enough * (1 + 1e-9):
                fault = ""
                if factor <= norms * (1 + 1e-9):
                    fault = "; what is the largest slope of a sigmoid?"
                return (
                    f"{at(weights)}: the factor is {shown(factor)}, but {shown(enough)} is enough"
                    f"{fault}"
                )
        return ""

    desk.check(0, sound)
    desk.check(1, shrinking)


DEPTH_PART: Final = Part(
    "3d", "What sigmoids let through", "formulas.py", ("sigmoid_factor",),
    (
        Check("no message is longer than the factor says", 2),
        Check("no larger than a quarter of a norm for each layer", 1),
    ),
    _depth,
)  # fmt: skip
