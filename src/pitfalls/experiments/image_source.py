"""Which pictures a run is about: where they came from, and a fingerprint of what they were."""

import os
from dataclasses import dataclass, field, replace
from functools import partial

from pitfalls.downloads import find_cifar10
from pitfalls.errors import DataError
from pitfalls.images.data import SOURCE_VARIABLE, DataConfig, ImageDataset, load_dataset
from pitfalls.progress import Advance, Progress, silent
from pitfalls.runs import NOT_IDENTITY

__all__ = ["ImageSource", "find_images"]

PATIENCE_S = 60.0  # of a command that was given no data: longer than this, and it takes the digits


@dataclass(frozen=True)
class ImageSource:
    """Which pictures were asked for, and the fingerprint of what was found.

    Only the fingerprint names a run: the same pictures at another path are the same data, and
    other pictures at the same path are not.
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


def find_images(config: DataConfig, progress: Progress = silent) -> ImageSource:
    """Look the pictures up and fix which they are; ``progress`` shows a download."""
    # Named in full, so that the run finds its pictures again without the variable.
    config = replace(config, data=config.data or os.environ.get(SOURCE_VARIABLE) or None)
    with progress("downloading CIFAR-10", unit="bytes") as advance:
        dataset = _load(config, advance)
    return ImageSource(dataset.fingerprint, dataset.name, config, dataset.warnings)


KEPT = 2
_loaded: dict[DataConfig, ImageDataset] = {}


def _load(config: DataConfig, on_progress: Advance | None = None) -> ImageDataset:
    """Read pictures; the last ones are kept, as a command looks at them before its run does."""
    if config not in _loaded:
        patience = PATIENCE_S if config.data is None else None
        find = partial(find_cifar10, patience=patience, on_progress=on_progress)
        dataset = load_dataset(config, find_cifar10=find)
        if len(_loaded) == KEPT:
            del _loaded[next(iter(_loaded))]  # the one loaded first
        _loaded[config] = dataset
    return _loaded[config]
