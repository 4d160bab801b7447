"""Which pictures a run is about: where they came from, and a fingerprint of what they were."""

import os
from dataclasses import dataclass, field

from pitfalls.errors import DataError
from pitfalls.experiments.registry import NOT_IDENTITY, Advance, Progress, silent
from pitfalls.images.datasets import SOURCE_VARIABLE, ImageDataset, load_dataset

__all__ = ["ImageSource", "find_images"]


@dataclass(frozen=True)
class ImageSource:
    """The arguments of `load_dataset`, and the fingerprint of what they gave.

    Only the fingerprint names a run: the same pictures at another path are the same data, and
    other pictures at the same path are not.
    """

    fingerprint: str
    name: str
    data: str | None = field(default=None, metadata=NOT_IDENTITY)
    subset_train: int | None = field(default=None, metadata=NOT_IDENTITY)
    subset_val: int | None = field(default=None, metadata=NOT_IDENTITY)
    validation: float = field(default=0, metadata=NOT_IDENTITY)
    size: int | None = field(default=None, metadata=NOT_IDENTITY)
    channels: int | None = field(default=None, metadata=NOT_IDENTITY)
    seed: int = field(default=123, metadata=NOT_IDENTITY)
    warnings: tuple[str, ...] = field(default=(), metadata=NOT_IDENTITY)

    def load(self) -> ImageDataset:
        """Read the pictures again.

        Raises
        ------
        DataError
            If they have changed since.
        """
        dataset = _load(
            (
                self.data,
                self.subset_train,
                self.subset_val,
                self.validation,
                self.size,
                self.channels,
                self.seed,
            )
        )
        if dataset.fingerprint != self.fingerprint:
            raise DataError(
                f"{dataset.source}: the pictures are not those this run was asked for "
                f"({self.name}). Give the command its --data again, or put the pictures back."
            )
        return dataset


def find_images(
    data: str | None = None,
    *,
    subset_train: int | None = None,
    subset_val: int | None = None,
    validation: float = 0,
    size: int | None = None,
    channels: int | None = None,
    seed: int = 123,
    progress: Progress = silent,
) -> ImageSource:
    """Look the pictures up and fix which they are; arguments as of `load_dataset`.

    ``progress`` shows a download.
    """
    # Named in full, so that the run finds its pictures again without the variable.
    data = data or os.environ.get(SOURCE_VARIABLE) or None
    arguments = (data, subset_train, subset_val, validation, size, channels, seed)
    with progress("downloading CIFAR-10", unit="bytes") as advance:
        dataset = _load(arguments, advance)
    return ImageSource(dataset.fingerprint, dataset.name, *arguments, tuple(dataset.warnings))


Arguments = tuple[str | None, int | None, int | None, float, int | None, int | None, int]
KEPT = 2
_loaded: dict[Arguments, ImageDataset] = {}


def _load(arguments: Arguments, on_progress: Advance | None = None) -> ImageDataset:
    """Read pictures; the last ones are kept, as a command looks at them before its run does."""
    if arguments not in _loaded:
        data, subset_train, subset_val, validation, size, channels, seed = arguments
        dataset = load_dataset(
            data,
            subset_train=subset_train,
            subset_val=subset_val,
            validation=validation,
            size=size,
            channels=channels,
            seed=seed,
            on_progress=on_progress,
        )
        if len(_loaded) == KEPT:
            del _loaded[next(iter(_loaded))]  # the one loaded first
        _loaded[arguments] = dataset
    return _loaded[arguments]
