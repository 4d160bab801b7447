"""Give one point its verdict, and the risk along the direction that shows it."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import norm

from pitfalls.errors import DataError
from pitfalls.experiments.linear_classify.records import ClassifyConfig, ClassifyResult
from pitfalls.experiments.linear_risk import load_risk
from pitfalls.experiments.linear_verdict import judge
from pitfalls.images.data import read_arrays
from pitfalls.linear import EscapeDirection, SquaredRisk, classify, critical_point, risk_along
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["DIPS", "fingerprint_of", "line", "read_layers", "run"]


def run(config: ClassifyConfig, run: Run, progress: Progress) -> ClassifyResult:
    """Judge the point; a stopped run starts again."""
    with progress("second moments", unit="rows") as advance:
        risk = load_risk(config.problem, advance, run)
    weights = _weights(config, risk)
    with progress("verdict", unit="points") as advance:
        found = classify(risk, weights, tol=config.tol)
        advance(1, 1)
    reach = np.inf
    if isinstance(found.witness, EscapeDirection):
        direction, reach = list(found.witness.direction), DIPS * found.witness.step
    elif found.verdict == "not critical":
        direction = [-g for g in risk.layer_gradients(weights)]
    else:
        rng = np.random.default_rng(config.seed)
        direction = [rng.standard_normal(w.shape) for w in weights]
    size = norm(np.concatenate([v.ravel() for v in direction]))  # squares of small ones vanish
    lengths, values = line(risk, weights, [v / size for v in direction], reach)
    point = judge(found)
    return ClassifyResult(
        data=config.problem.name,
        widths=(weights[0].shape[1], *(len(w) for w in weights)),
        minimum=point.risk - point.excess,
        point=point,
        layers=tuple(np.asarray(w, dtype=np.float64) for w in weights),
        lengths=lengths,
        risk=values,
    )


DIPS = 8
"""Lengths of a witness' step to either side: the risk is lower there up to less than two of them."""


def line(
    risk: SquaredRisk, weights: tuple[Any, ...], direction: list[Any], most: float = np.inf
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Evaluate the risk along a direction, out to where it has risen by a mode's worth, or to `most`."""
    here = float(risk.value(weights))
    rise = 0.5 * float(np.sum(risk.modes.values**2)) or 1.0
    reach = 1e-6
    while (
        reach < 1e6
        and np.ptp(risk_along(risk, weights, direction, np.array([-reach, reach])) - here)
        + abs(float(risk_along(risk, weights, direction, np.array([reach]))[0]) - here)
        < rise
    ):
        reach *= 1.25
    reach = min(reach, most)
    lengths = np.linspace(-reach, reach, 201)
    return lengths, np.asarray(risk_along(risk, weights, direction, lengths), dtype=np.float64)


def fingerprint_of(layers: tuple[NDArray[np.floating[Any]], ...]) -> str:
    """Return a hash of layers' shapes, types and values."""
    digest = hashlib.sha256()
    for layer in layers:
        digest.update(
            f"{layer.shape} {layer.dtype}".encode() + np.ascontiguousarray(layer).tobytes()
        )
    return digest.hexdigest()


def read_layers(path: str | Path) -> tuple[NDArray[np.floating[Any]], ...]:
    """Read w1, w2, ... of an .npz file.

    Raises
    ------
    DataError
        If other arrays are there, or one is no matrix of real numbers.
    """
    stored = read_arrays(path)
    names = sorted(stored, key=lambda n: (len(n), n))
    if not names or names != [f"w{i}" for i in range(1, len(names) + 1)]:
        raise DataError(f"{path}: expected arrays w1, w2, ..., got {', '.join(names) or 'none'}.")
    for name in names:
        if stored[name].ndim != 2 or stored[name].dtype.kind not in "biuf":
            raise DataError(
                f"{path}: every layer must be a matrix of real numbers. Got {name} of shape "
                f"{stored[name].shape} and type {stored[name].dtype} instead."
            )
    # floats stay as they are: a verdict on float32 is one at its precision
    return tuple(
        w if w.dtype.kind == "f" else w.astype(np.float64) for w in (stored[n] for n in names)
    )


def _weights(config: ClassifyConfig, risk: SquaredRisk) -> tuple[Any, ...]:
    if config.weights is not None:
        layers = read_layers(config.weights)
        if fingerprint_of(layers) != config.fingerprint:
            raise DataError(f"{config.weights}: the weights have changed. Give them again.")
        return layers
    p = risk.n_outputs
    widths = config.widths or (risk.n_features, p, p, p)
    held = () if config.held == (0,) else config.held
    return tuple(critical_point(risk, widths, held, config.kind, config.seed))
