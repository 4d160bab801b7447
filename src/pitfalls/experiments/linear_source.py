"""Where the regression problems of the linear experiments come from."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from pitfalls.errors import DataError, InputError
from pitfalls.experiments.image_source import ImageSource, find_images
from pitfalls.images.data import DataConfig, read_arrays
from pitfalls.prose import number
from pitfalls.regular import read_regular
from pitfalls.runs import NOT_IDENTITY

__all__ = [
    "ArraySource",
    "LinearSource",
    "Planted",
    "Problem",
    "ProblemConfig",
    "digest_of",
    "find_problem",
    "find_source",
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
        return "planted modes " + ", ".join(number(s, 6) for s in self.modes)


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


@dataclass(frozen=True)
class Problem:
    """A regression problem: its data, and whether the model has an intercept.

    Attributes
    ----------
    source : Planted, ArraySource or ImageSource
    center : bool
        Whether inputs and outputs are centred, which is what an intercept at its best does.
    """

    source: LinearSource = field(default_factory=Planted)
    center: bool = True

    @property
    def name(self) -> str:
        """What tables call it, the intercept included."""
        return f"{self.source.name}, {'with' if self.center else 'without'} intercept"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What readers of the numbers must know of the data."""
        return getattr(self.source, "warnings", ())


@dataclass(frozen=True)
class ProblemConfig:
    """Which regression problem.

    Parameters
    ----------
    data : str
        An .npz file with x and y, a data set of pictures, "digits" or "cifar10"; by default a small
        problem with planted modes.
    modes : tuple of float
        The planted problem's modes, strongest first.
    subset_train : int
        Take so many pictures of the training set.
    center : bool
        Centre inputs and outputs, as an intercept does.
    seed : int
        Draws the planted problem, or the subset.
    """

    data: str | None = None
    modes: tuple[float, ...] = (4.0, 3.0, 2.0, 1.0)
    subset_train: int | None = None
    center: bool = True
    seed: int = 123


def find_problem(asked: ProblemConfig) -> Problem:
    """Look up what is asked for: an .npz with x and y, pictures, or a planted problem.

    Raises
    ------
    InputError
        If modes are given for data that have their own, or a subset of what are no pictures.
    """
    if asked.data is not None:
        if asked.modes != ProblemConfig.modes:
            raise InputError("modes are the planted problem's, and data have their own. Drop one.")
        source = find_source(asked.data, subset_train=asked.subset_train, seed=asked.seed)
        if asked.subset_train is not None and not isinstance(source, ImageSource):
            raise InputError(
                f"subset_train takes pictures of a training set, and {asked.data} holds x and y. "
                "Drop it, or cut the arrays."
            )
        return Problem(source, asked.center)
    if asked.subset_train is not None:
        raise InputError(
            "subset_train takes pictures of a training set, and the planted problem has none. "
            "Give data as well."
        )
    p = len(asked.modes)
    planted = Planted(asked.modes, n_features=p + 2, n_samples=max(200, 10 * p), seed=asked.seed)
    return Problem(planted, asked.center)


def find_source(
    data: str | None, *, subset_train: int | None = None, seed: int = 123
) -> LinearSource:
    """Look up what `data` names: an .npz with x and y, else pictures as `load_dataset` takes them.

    Parameters
    ----------
    data : str or None
        A path, "digits", "cifar10" or None.
    subset_train : int, optional
        For pictures.
    seed : int
        Draws the subset.
    """
    is_archive = data is not None and data.endswith(".npz") and Path(data).exists()
    if data is not None and is_archive and {"x", "y"} <= set(read_arrays(data)):
        return ArraySource(digest_of(data), str(Path(data).resolve()))
    return find_images(DataConfig(data, subset_train=subset_train, seed=seed))


def digest_of(path: str) -> str:
    """Return the sha256 of a file."""
    try:
        return hashlib.sha256(read_regular(Path(path))).hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
