"""Made-up results, for words and figures at their edges."""

import numpy as np

from pitfalls.experiments.parity_curves import CurveCase, CurvesResult, Replica

__all__ = ["case_of", "result_of"]


def case_of(d, weights, accuracies, *, risk=None, fixed=False):
    replicas = tuple(
        Replica(
            d, weight, seed, np.array([200, 400]), np.array([1.0, 0.9]), np.array([1.0, 0.9]),
            np.array([0.5, accuracy]), np.array([0.5, accuracy]),
            (1.0 if accuracy < 0.99 else 0.0) if risk is None else risk,
            0.0, accuracy, 0.0, 2**d, True, False,
        )
        for seed, (weight, accuracy) in enumerate(zip(weights, accuracies, strict=True))
    )  # fmt: skip
    return CurveCase(d, fixed, replicas)


def result_of(*cases, loss="hinge", fresh=True):
    return CurvesResult(tuple(cases), 400, 200, 0.001, loss, fresh)
