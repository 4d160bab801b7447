"""Which pictures are asked for: one record for the library, the experiments and the command line."""

import math
import os
from dataclasses import dataclass
from typing import Literal

from pitfalls.errors import InputError

__all__ = ["SOURCE_VARIABLE", "DataConfig", "check_config", "check_value_range", "refuse_labels"]

SOURCE_VARIABLE = "PITFALLS_DATA"


@dataclass(frozen=True)
class DataConfig:
    """Where pictures are, and which of them to take.

    Parameters
    ----------
    data : str, optional
        A folder, an archive (.zip, .tar.gz) or a file: class folders of pictures, pictures beside
        a table of file and label, CIFAR-10 or CIFAR-100, idx files (MNIST), parquet files, an .npz
        file; or the word ``digits`` for scikit-learn's bundled 8×8 digits, ``cifar10`` for the
        cache or a download and nothing else. None takes the variable ``PITFALLS_DATA`` if it is
        set, then CIFAR-10 from the cache or a download, then (offline) the digits, and says so.
    subset_train : int, optional
        Keep so many training images, drawn by ``seed``, in their original order. A larger subset
        contains a smaller one of the same seed.
    subset_val : int, optional
        Keep so many test images (the homework calls them the validation set).
    validation : float, default=0
        How much of the training set (after ``subset_train``) becomes the validation set, for any
        choice that must not see the test set: a fraction below 1, or a number of images. Each
        class gives its share.
    size : int, optional
        Resize every image to size × size pixels (the middle is cut out where it is not square).
    channels : {1, 3}, optional
        Make every image grey or coloured; a grey image has three equal colour channels.
    labels : str, optional
        Which labels, where a source has several: ``fine`` or ``coarse`` of CIFAR-100, a column of
        a table or parquet file, one of EMNIST's sets (``letters``, ``balanced``, ...). Refused where
        there is no choice.
    value_range : (float, float), optional
        The stored values that are black and white, where they cannot be told from the numbers.
    skip_damaged : bool, default=False
        Leave damaged pictures out, counted and named in a warning, instead of refusing the data.
    memory_limit : float, optional
        GiB that the images, and whatever a file unpacks to, may take. Without it 4 GiB, and never
        more than a hundred times a file's size beyond 64 MiB.
    seed : int, default=123
        Seed of the subsets and splits.
    """

    data: str | None = None
    subset_train: int | None = None
    subset_val: int | None = None
    validation: float = 0
    size: int | None = None
    channels: Literal[1, 3] | None = None
    labels: str | None = None
    value_range: tuple[float, float] | None = None
    skip_damaged: bool = False
    memory_limit: float | None = None
    seed: int = 123

    @classmethod
    def of(cls, source: "DataConfig | str | os.PathLike[str] | None") -> "DataConfig":
        """Return the record that a path or word alone stands for."""
        if isinstance(source, DataConfig):
            return source
        return cls(None if source is None else os.fspath(source))


def check_config(config: DataConfig) -> None:
    """Raise InputError unless every field is in its range."""
    for name in ("subset_train", "subset_val"):
        value = getattr(config, name)
        if value is not None and value < 1:
            raise InputError(f"load_dataset: {name} must be at least 1, got {value}.")
    share = config.validation
    if not 0 <= share < 2**63 or (share >= 1 and share != int(share)):
        raise InputError(
            "load_dataset: validation must be a fraction below 1 or a whole number of images, "
            f"got {share}."
        )
    if config.seed < 0:
        raise InputError(f"load_dataset: seed must not be negative, got {config.seed}.")
    if config.size is not None and config.size < 1:
        raise InputError(f"load_dataset: size must be at least 1 pixel, got {config.size}.")
    if config.channels not in (None, 1, 3):
        raise InputError(f"load_dataset: channels must be 1 or 3, got {config.channels}.")
    check_value_range(config.value_range, "load_dataset")
    if config.memory_limit is not None and not 0 < config.memory_limit < math.inf:
        raise InputError(
            f"load_dataset: memory_limit must be above 0 GiB, got {config.memory_limit}."
        )


def refuse_labels(config: DataConfig, where: str) -> None:
    """Raise InputError if labels are chosen in data (``where``) that leave no such choice."""
    if config.labels is not None:
        raise InputError(
            f"load_dataset: labels (--labels) must name one of several sets of labels, but {where} "
            f"has one alone. Got {config.labels!r}; leave it out."
        )


def check_value_range(value_range: tuple[float, float] | None, who: str) -> None:
    """Raise InputError unless these are two different finite numbers, or none; ``who`` asks."""
    if value_range is None:
        return
    black, white = value_range
    if not (math.isfinite(black) and math.isfinite(white)) or black == white:
        raise InputError(
            f"{who}: value_range must be two different numbers, what is black and what "
            f"is white, got {black} and {white}."
        )
