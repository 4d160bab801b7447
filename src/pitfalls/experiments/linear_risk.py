"""From a regression problem to its risk, in one pass."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError, InputError
from pitfalls.experiments.linear_source import ArraySource, Planted, Problem, digest_of
from pitfalls.images.data import read_arrays
from pitfalls.images.linear import one_hot
from pitfalls.linear import SquaredRisk
from pitfalls.moments import SecondMoments
from pitfalls.progress import Advance

if TYPE_CHECKING:
    from pitfalls.runs import Run

__all__ = ["load_risk", "shape_of"]


def load_risk(
    problem: Problem, on_progress: Advance | None = None, run: "Run | None" = None
) -> SquaredRisk:
    """Collect the moments of a problem in one pass.

    Parameters
    ----------
    problem : Problem
    on_progress : callable, optional
        Called with (pictures seen, pictures in all).
    run : Run, optional
        Keeps what the reader of the data warns of.
    """
    if run is not None:
        for warning in problem.warnings:
            run.warn(warning)
    source, center = problem.source, problem.center
    if isinstance(source, Planted):
        return SquaredRisk(SecondMoments.from_arrays(*_planted(source), center=center))
    if isinstance(source, ArraySource):
        x, y = _arrays(source)
        return SquaredRisk(SecondMoments.from_arrays(x, y, center=center))
    dataset = source.load()
    n = len(dataset.train_labels)

    def batches() -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]]:
        seen = 0
        for images, labels in dataset.flat_batches("train"):
            yield images, one_hot(labels, np.arange(dataset.n_classes))
            seen += len(labels)
            if on_progress is not None:
                on_progress(seen, n)

    return SquaredRisk(SecondMoments.from_batches(batches(), center=center))


def shape_of(problem: Problem) -> tuple[int, int]:
    """Return the numbers of inputs and outputs of a problem, without a pass over it."""
    source = problem.source
    if isinstance(source, Planted):
        return source.n_features, len(source.modes)
    if isinstance(source, ArraySource):
        x, y = _arrays(source)
        return int(x.shape[-1]), 1 if y.ndim == 1 else int(y.shape[-1])
    dataset = source.load()
    return dataset.n_features, dataset.n_classes


LARGEST_MODE = 1e100
"""Beyond it, squares of what is computed with leave the finite numbers."""


def _planted(source: Planted) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    p, d, n = len(source.modes), source.n_features, source.n_samples
    if p < 1 or d < 1 or n < d + p + 1:
        raise InputError(
            f"planted data: n_samples must be above n_features + outputs. Got {n}, {d}, {p}."
        )
    fall = all(a >= b for a, b in zip(source.modes[:-1], source.modes[1:], strict=True))
    if not (fall and source.modes[-1] >= 0 and source.modes[0] < LARGEST_MODE):
        raise InputError(
            "planted data: modes must fall, from less than 1e100 to no less than 0, as singular values "
            f"do. Got {source.modes}."
        )
    rng = np.random.default_rng(source.seed)
    x = rng.standard_normal((n, d))
    x -= x.mean(axis=0)  # so that the modes are the planted ones with an intercept and without
    basis, _ = np.linalg.qr(x)
    m = min(p, d)
    u, _ = np.linalg.qr(rng.standard_normal((p, p)))
    z, _ = np.linalg.qr(rng.standard_normal((d, d)))
    noise = source.noise * rng.standard_normal((n, p))
    noise -= noise.mean(axis=0)
    planted = basis @ (z[:, :m] * np.asarray(source.modes[:m])) @ u[:, :m].T
    return x, planted + noise - basis @ (basis.T @ noise)


def _arrays(source: ArraySource) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    if digest_of(source.path) != source.fingerprint:
        raise DataError(
            f"{source.path}: the arrays are not those this run was asked for. Give the command again, or "
            "put the file back."
        )
    stored = read_arrays(source.path)
    if not {"x", "y"} <= set(stored):
        raise DataError(f"{source.path}: expected an .npz file with arrays x and y.")
    for name, least in (("x", 2), ("y", 1)):
        if not least <= stored[name].ndim <= 2:
            raise DataError(
                f"{source.path}: {name} must be a matrix, one row a sample. Got shape "
                f"{stored[name].shape} instead."
            )
    return stored["x"], stored["y"]
