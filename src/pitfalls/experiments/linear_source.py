"""Where the regression problems of the linear experiments come from."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError, InputError
from pitfalls.experiments.image_source import ImageSource, find_images
from pitfalls.images.data import DataConfig, read_arrays
from pitfalls.images.linear.moment_estimator import one_hot
from pitfalls.linear import SquaredRisk
from pitfalls.moments import SecondMoments
from pitfalls.progress import Advance
from pitfalls.runs import NOT_IDENTITY

__all__ = [
    "ArraySource",
    "LinearSource",
    "Planted",
    "find_source",
    "load_risk",
    "shape_of",
]


@dataclass(frozen=True)
class Planted:
    """Random regression data whose singular modes are the given ones.

    Parameters
    ----------
    modes : tuple of float
        s_1 >= s_2 >= ..., one an output; zeros and equal values are allowed.
    n_features, n_samples : int
        d and n.
    noise : float
        Standard deviation of what no linear map explains.
    seed : int
    """

    modes: tuple[float, ...] = (4.0, 3.0, 2.0, 1.0)
    n_features: int = 6
    n_samples: int = 200
    noise: float = 0.05
    seed: int = 123

    @property
    def name(self) -> str:
        """What tables call it."""
        return "planted modes " + ", ".join(f"{s:g}" for s in self.modes)


@dataclass(frozen=True)
class ArraySource:
    """An .npz file with x of shape (n, d) and y of shape (n, p)."""

    fingerprint: str
    path: str = field(metadata=NOT_IDENTITY)

    @property
    def name(self) -> str:
        """What tables call it."""
        return Path(self.path).name


LinearSource: TypeAlias = Planted | ArraySource | ImageSource


def find_source(
    data: str | None,
    *,
    subset_train: int | None = None,
    size: int | None = None,
    seed: int = 123,
) -> LinearSource:
    """Look up what `data` names: an .npz with x and y, else pictures as `load_dataset` takes them.

    Parameters
    ----------
    data : str or None
        A path, "digits", "cifar10" or None.
    subset_train, size : int, optional
        For pictures.
    seed : int
        Draws the subset.
    """
    is_archive = data is not None and data.endswith(".npz") and Path(data).exists()
    if data is not None and is_archive and {"x", "y"} <= set(read_arrays(data)):
        digest = hashlib.sha256(Path(data).read_bytes()).hexdigest()
        return ArraySource(digest, str(Path(data).resolve()))
    return find_images(DataConfig(data, subset_train=subset_train, size=size, seed=seed))


def load_risk(source: LinearSource, on_progress: Advance | None = None) -> SquaredRisk:
    """Collect the moments of a source in one pass; pictures are centred (they get an intercept).

    Parameters
    ----------
    source : LinearSource
    on_progress : callable, optional
        Called with (pictures seen, pictures in all).
    """
    if isinstance(source, Planted):
        return SquaredRisk(SecondMoments.from_arrays(*_planted(source)))
    if isinstance(source, ArraySource):
        x, y = _arrays(source)
        return SquaredRisk(SecondMoments.from_arrays(x, y))
    dataset = source.load()
    n = len(dataset.train_labels)

    def batches() -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]]:
        seen = 0
        for images, labels in dataset.flat_batches("train"):
            yield images, one_hot(labels, np.arange(dataset.n_classes))
            seen += len(labels)
            if on_progress is not None:
                on_progress(seen, n)

    return SquaredRisk(SecondMoments.from_batches(batches(), center=True))


def shape_of(source: LinearSource) -> tuple[int, int]:
    """Return the numbers of inputs and outputs of a source, without a pass over it."""
    if isinstance(source, Planted):
        return source.n_features, len(source.modes)
    if isinstance(source, ArraySource):
        x, y = _arrays(source)
        return int(x.shape[-1]), int(y.shape[-1])
    dataset = source.load()
    return dataset.n_features, dataset.n_classes


def _planted(source: Planted) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    p, d, n = len(source.modes), source.n_features, source.n_samples
    if p < 1 or d < 1 or n < d + p:
        raise InputError(
            f"planted data: n_samples must be at least n_features + outputs. Got {n}, {d}, {p}."
        )
    if any(a < b for a, b in zip(source.modes[:-1], source.modes[1:], strict=True)):
        raise InputError(f"planted data: modes must fall. Got {source.modes}.")
    rng = np.random.default_rng(source.seed)
    x = rng.standard_normal((n, d))
    basis, _ = np.linalg.qr(x)
    m = min(p, d)
    u, _ = np.linalg.qr(rng.standard_normal((p, p)))
    z, _ = np.linalg.qr(rng.standard_normal((d, d)))
    noise = source.noise * rng.standard_normal((n, p))
    planted = basis @ (z[:, :m] * np.asarray(source.modes[:m])) @ u[:, :m].T
    return x, planted + noise - basis @ (basis.T @ noise)


def _arrays(source: ArraySource) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    stored = read_arrays(source.path)
    if not {"x", "y"} <= set(stored):
        raise DataError(f"{source.path}: expected an .npz file with arrays x and y.")
    for name in ("x", "y"):
        if stored[name].ndim != 2:
            raise DataError(
                f"{source.path}: {name} must be a matrix, one row a sample. Got shape "
                f"{stored[name].shape} instead."
            )
    return stored["x"], stored["y"]
