"""Which pictures a run is about: where they came from, and a fingerprint of what they were."""

import os
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from pitfalls.errors import DataError
from pitfalls.frame import TerminalProgress
from pitfalls.images.data import SOURCE_VARIABLE, DataConfig, ImageDataset, Part
from pitfalls.progress import Advance, Progress, silent
from pitfalls.runs import NOT_IDENTITY

if TYPE_CHECKING:
    from pitfalls.runs import Run

__all__ = [
    "EvaluatedPart",
    "ImageSource",
    "PartSize",
    "Pictures",
    "ask_for_images",
    "called",
    "describe_pictures",
    "find_images",
    "load_images",
]

EvaluatedPart = Literal["validation", "test", "all"]
"""Which images a trained network is evaluated on; all only of other data."""

PATIENCE_S = 60.0  # of a command that was given no data: longer than this, and it takes the digits


@dataclass(frozen=True)
class ImageSource:
    """Which pictures were asked for, and the fingerprint of what was found.

    Fingerprint and name are of a run's identity: the same pictures of that name at another path are
    the same data, and other pictures at the same path are not. A config asks for one by a field of the type
    ``Annotated[ImageSource, Located(DataConfig, ask_for_images)]``, which gives its command the
    options of `DataConfig`.
    """

    fingerprint: str
    name: str
    config: DataConfig = field(default=DataConfig(), metadata=NOT_IDENTITY)
    warnings: tuple[str, ...] = field(default=(), metadata=NOT_IDENTITY)

    def load(self) -> ImageDataset:
        """Read the pictures again.

        Raises
        ------
        DataError
            If they have changed since.
        """
        dataset = _load(self.config)
        if dataset.fingerprint != self.fingerprint:
            raise DataError(
                f"{dataset.source}: the pictures are not those this run was asked for "
                f"({self.name}). Give the command its --data again, or put the pictures back."
            )
        return dataset


@dataclass(frozen=True)
class PartSize:
    """How many images a part of a data set has.

    Attributes
    ----------
    part : {"train", "validation", "test"}
    n : int
    n_commonest : int
        How many are of the training set's commonest class: always naming it gets so many right.
    """

    part: Part
    n: int
    n_commonest: int


@dataclass(frozen=True)
class Pictures:
    """What a reader of a result is told of its pictures.

    Attributes
    ----------
    name, fingerprint : str
    class_names : tuple of str
    shape : (int, int, int)
        Channels, height and width.
    parts : tuple of PartSize
        Those that have images.
    """

    name: str
    fingerprint: str
    class_names: tuple[str, ...]
    shape: tuple[int, int, int]
    parts: tuple[PartSize, ...]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def n_features(self) -> int:
        """Values of one image."""
        channels, height, width = self.shape
        return channels * height * width

    @property
    def size(self) -> str:
        """Height and width of one image, as texts write them."""
        return " × ".join(map(str, self.shape[1:]))

    @property
    def is_whole_cifar10(self) -> bool:
        """Whether they are all of CIFAR-10's images, as they are: what the homework speaks of."""
        sizes = (self.n("train"), self.n("test"))
        return (self.name, self.shape, sizes) == ("CIFAR-10", (3, 32, 32), (50_000, 10_000))

    def n(self, part: Part) -> int:
        """How many images a part has; 0 where there is none."""
        return sum(size.n for size in self.parts if size.part == part)

    def constant(self, part: Part) -> float:
        """Return the share of a part's images that always naming one class gets right: the commonest."""
        (size,) = (size for size in self.parts if size.part == part)
        return size.n_commonest / size.n


def called(part: Part) -> str:
    """Return the word for a part, the same in every sentence and table: the official test images are
    ``test``, which the homework calls its validation set; ``validation`` was held out of training.
    """
    return {"train": "training", "validation": "validation", "test": "test"}[part]


def describe_pictures(data: ImageDataset) -> Pictures:
    """Return what results say of their pictures."""
    commonest = int(np.bincount(data.train_labels).argmax())
    parts: tuple[Part, ...] = ("train", "validation", "test")
    return Pictures(
        data.name,
        data.fingerprint,
        data.class_names,
        data.shape,
        tuple(
            PartSize(part, len(labels), int(np.count_nonzero(labels == commonest)))
            for part in parts
            if len(labels := data.labels(part))
        ),
    )


def load_images(source: ImageSource, run: "Run | None") -> ImageDataset:
    """Read the pictures; what their reader warns of goes into the run."""
    data = source.load()
    if run is not None:
        for warning in data.warnings:
            run.warn(warning)
    return data


def find_images(config: DataConfig, progress: Progress = silent) -> ImageSource:
    """Look the pictures up and fix which they are; ``progress`` shows a download."""
    # Named in full, so that the run finds its pictures again without the variable, from any folder.
    data = config.data or os.environ.get(SOURCE_VARIABLE) or None
    if data not in (None, "digits", "cifar10") and (path := Path(data).expanduser()).exists():
        data = str(path.absolute())
    config = replace(config, data=data)
    with progress("downloading CIFAR-10", unit="bytes") as advance:
        dataset = _load(config, advance)
    return ImageSource(dataset.fingerprint, dataset.name, config, dataset.warnings)


def ask_for_images(config: DataConfig) -> ImageSource:
    """Look up the pictures that a command's options name; a terminal shows a download."""
    return find_images(config, TerminalProgress())


KEPT = 2
_loaded: dict[tuple[DataConfig, int], ImageDataset] = {}


def _load(config: DataConfig, on_progress: Advance | None = None) -> ImageDataset:
    """Read pictures; the last ones are kept, as a command looks at them before its run does."""
    key = config, _stamp(config.data)
    if key not in _loaded:
        patience = PATIENCE_S if config.data is None else None
        from pitfalls.downloads import find_cifar10
        from pitfalls.images.data import load_dataset

        find = partial(find_cifar10, patience=patience, on_progress=on_progress)
        dataset = load_dataset(config, find_cifar10=find)
        if len(_loaded) == KEPT:
            del _loaded[next(iter(_loaded))]  # the one loaded first
        _loaded[key] = dataset
    return _loaded[key]


def _stamp(data: str | None) -> int:
    """Tell files from those that lay there before, by their times and sizes: cheaper than to read them."""
    if data in (None, "digits", "cifar10"):
        return 0
    from pitfalls.images.data import list_files

    path = Path(data).expanduser()
    try:
        inside = list_files(path) if path.is_dir() else []
        states = [(name, (path / name).stat()) for name in ("", *inside)]
    except OSError:
        return 0  # reading says what is wrong
    return hash(frozenset((name, state.st_mtime_ns, state.st_size) for name, state in states))
