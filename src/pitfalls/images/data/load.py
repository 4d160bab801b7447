"""From a place to a data set: find the reader, read, check, divide."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pitfalls.errors import DataError
from pitfalls.images.data.config import SOURCE_VARIABLE, DataConfig, check_config, refuse_labels
from pitfalls.images.data.content import Content, check_content
from pitfalls.images.data.dataset import ImageDataset
from pitfalls.images.data.digits import read_digits
from pitfalls.images.data.duplicates import count_duplicates
from pitfalls.images.data.gathering import convert
from pitfalls.images.data.readers import read_source
from pitfalls.images.data.values import BYTES

__all__ = ["load_dataset"]


def load_dataset(
    source: DataConfig | str | os.PathLike[str] | None = None,
    *,
    find_cifar10: Callable[[], Path] | None = None,
) -> ImageDataset:
    """Read a data set from wherever it is.

    Parameters
    ----------
    source : DataConfig or path, optional
        What to read, and which part of it; a path or word alone stands for ``DataConfig(path)``.
    find_cifar10 : callable, optional
        Returns the folder or archive of CIFAR-10, or raises DataError to say why there is none:
        asked when ``source`` names no data, or "cifar10". `pitfalls.downloads.find_cifar10` looks
        into the cache and downloads what is not there.

    Returns
    -------
    ImageDataset
        The test set is never split or drawn from for anything but testing.

    Raises
    ------
    DataError
        If a file or folder is missing, damaged or not what it should be; the message names it.
    InputError
        If a field of the config is out of range.

    Examples
    --------
    >>> data = load_dataset(DataConfig("digits", subset_train=500, validation=0.1))
    >>> data
    <ImageDataset digits: 450 train, 50 validation, 359 test, 10 classes, 1×8×8>
    >>> load_dataset(DataConfig("digits", channels=3, size=32)).shape
    (3, 32, 32)
    """
    config = DataConfig.of(source)
    check_config(config)
    content = _read(config, find_cifar10)
    check_content(content)
    if config.value_range is not None and content.reading.scale == BYTES:
        reading = content.reading.noting(
            f"{content.source}: the value_range was not used: its pictures have 8 bits a channel, of "
            "which 0 is black and 255 white."
        )
        content = replace(content, reading=reading)
    data = ImageDataset.from_content(convert(content, config), config)
    duplicates = count_duplicates(data.train_images, data.test_images)
    return replace(data, reading=replace(data.reading, duplicates=duplicates))


def _read(config: DataConfig, find_cifar10: Callable[[], Path] | None) -> Content:
    """Read the source, whatever it is."""
    source = config.data or os.environ.get(SOURCE_VARIABLE) or None
    if source is None or source == "cifar10":
        return _cifar10_or_digits(source, config, find_cifar10)
    if source == "digits":
        refuse_labels(config, "digits")
        return read_digits()
    try:
        path = Path(source).expanduser()
        exists = path.exists()
    except (OSError, RuntimeError) as error:  # no such user, a name too long, a folder closed to us
        raise DataError(f"{source[:200]} cannot be looked up: {error}.") from None
    if not exists:
        raise DataError(
            f"{path} does not exist; give a CIFAR-10 folder or archive, a tree of class folders, "
            "an .npz file, or the word 'digits'."
        )
    return read_source(path, config)


def _cifar10_or_digits(
    source: str | None, config: DataConfig, find_cifar10: Callable[[], Path] | None
) -> Content:
    try:
        if find_cifar10 is None:
            raise DataError("no CIFAR-10 was given and none was looked for.")
        return read_source(find_cifar10(), config)
    except DataError as error:
        reason = str(error).rstrip(".")
    if source is not None:
        raise DataError(f"load_dataset: {reason}. Run 'pitfalls images download'.")
    note = (
        f"These are scikit-learn's bundled digits (1,797 images of 8×8 pixels), not CIFAR-10: "
        f"{reason}."
    )
    refuse_labels(config, "digits, which stand in for CIFAR-10,")
    digits = read_digits()
    return replace(digits, reading=digits.reading.noting(note))
