"""Image data sets in memory: read, checked, split and subset, each by its own seed stream."""

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError, InputError
from pitfalls.images.cifar10 import is_cifar10, read_cifar10
from pitfalls.images.content import Content, LabelledImages, check_images, check_labels
from pitfalls.images.download import cached_cifar10, fetch_cifar10
from pitfalls.images.npz import read_npz
from pitfalls.images.pictures import convert, read_tree
from pitfalls.images.splits import channel_statistics, draw_stratified, draw_subset

__all__ = ["ImageDataset", "Part", "load_dataset"]

Part = Literal["train", "validation", "test"]
Progress = Callable[[int, int], None]

SOURCE_VARIABLE = "PITFALLS_DATA"
TEST_FRACTION = 0.2  # of a source that comes without a test set
VALIDATION, TRAIN_SUBSET, TEST_SUBSET, TEST_SPLIT = range(4)  # one random stream each


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Labelled images in memory, split into train, validation (may be empty) and test.

    Build one with `load_dataset`, or with `ImageDataset.from_arrays` from your own arrays.

    Parameters
    ----------
    name : str
        What the data are, for titles: ``"CIFAR-10"``, ``"digits"``, a folder's or file's name.
    source : str
        Where they were read from.
    class_names : tuple of str
        One name a label.
    train_images, validation_images, test_images : ndarray of shape (n, C, H, W), uint8
        Contiguous; ``torch.from_numpy`` shares their memory.
    train_labels, validation_labels, test_labels : ndarray of shape (n,), int64
        Labels from 0 to ``n_classes - 1``.
    train_indices, validation_indices, test_indices : ndarray of shape (n,), int64
        Where each image stood in its source: train and validation in the source's training set,
        test in its test set.
    mean, std : tuple of float
        Per channel, on the scale 0..1: the homework's constants for CIFAR-10, otherwise those of
        this training set.
    warnings : tuple of str
        What a reader of any result from these data must be told.
    """

    name: str
    source: str
    class_names: tuple[str, ...]
    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.int64]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.int64]
    validation_images: npt.NDArray[np.uint8]
    validation_labels: npt.NDArray[np.int64]
    train_indices: npt.NDArray[np.int64]
    validation_indices: npt.NDArray[np.int64]
    test_indices: npt.NDArray[np.int64]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_arrays(
        cls,
        train_images: npt.NDArray[np.uint8],
        train_labels: npt.ArrayLike,
        test_images: npt.NDArray[np.uint8],
        test_labels: npt.ArrayLike,
        class_names: Sequence[str] | None = None,
        *,
        name: str = "arrays",
    ) -> "ImageDataset":
        """Make a data set of your own uint8 arrays of shape (n, C, H, W), checked.

        Examples
        --------
        >>> import numpy as np
        >>> images = np.zeros((4, 3, 8, 8), dtype=np.uint8)
        >>> ImageDataset.from_arrays(images, [0, 1, 0, 1], images[:2], [0, 1]).shape
        (3, 8, 8)
        """
        train = LabelledImages(train_images, np.asarray(train_labels, dtype=np.int64))
        test = LabelledImages(test_images, np.asarray(test_labels, dtype=np.int64))
        if class_names is None:
            highest = max(int(part.labels.max(initial=0)) for part in (train, test))
            class_names = [str(label) for label in range(highest + 1)]
        content = Content(name, "arrays in memory", tuple(class_names), train, test)
        _check(content)
        return _finish(content, seed=0, validation=0, subset_train=None, subset_val=None)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image."""
        _, channels, height, width = self.train_images.shape
        return channels, height, width

    @property
    def n_features(self) -> int:
        """Number of values of one image, C·H·W."""
        channels, height, width = self.shape
        return channels * height * width

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def images(self, part: Part) -> npt.NDArray[np.uint8]:
        """Return the images of one part, shape (n, C, H, W)."""
        return self._array(part, "images").astype(np.uint8, copy=False)

    def labels(self, part: Part) -> npt.NDArray[np.int64]:
        """Return the labels of one part, shape (n,)."""
        return self._array(part, "labels").astype(np.int64, copy=False)

    def indices(self, part: Part) -> npt.NDArray[np.int64]:
        """Return where the images of one part stood in their source, shape (n,)."""
        return self._array(part, "indices").astype(np.int64, copy=False)

    def _array(self, part: Part, kind: str) -> npt.NDArray[np.int64] | npt.NDArray[np.uint8]:
        if part not in ("train", "validation", "test"):
            raise InputError(f"part must be 'train', 'validation' or 'test', got {part!r}.")
        array: npt.NDArray[np.int64] | npt.NDArray[np.uint8] = getattr(self, f"{part}_{kind}")
        return array

    def normalization(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return scale and shift of shape (C·H·W,): a normalised value is scale·pixel + shift."""
        _, height, width = self.shape
        std = np.repeat(np.asarray(self.std), height * width)
        mean = np.repeat(np.asarray(self.mean), height * width)
        return 1 / (255 * std), -mean / std

    def normalized(
        self, part: Part, start: int = 0, stop: int | None = None
    ) -> npt.NDArray[np.float32]:
        """Return images ``start:stop`` of one part as (pixel/255 - mean)/std.

        Returns
        -------
        ndarray of shape (n, C, H, W), float32
            Flatten it with ``.reshape(len(x), -1)`` for linear methods.
        """
        scaled = self.images(part)[start:stop].astype(np.float32)
        scale, shift = self.normalization()
        scaled *= scale.reshape(self.shape).astype(np.float32)
        scaled += shift.reshape(self.shape).astype(np.float32)
        return scaled

    def flat_batches(
        self, part: Part, size: int = 2048
    ) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]]:
        """Yield normalised images as rows of shape (n, C·H·W), with their labels, in order."""
        labels = self.labels(part)
        for start in range(0, len(labels), size):
            images = self.normalized(part, start, start + size)
            yield images.reshape(len(images), -1), labels[start : start + size]

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 of everything a result can depend on: shapes, class names, images, labels."""
        digest = hashlib.sha256()
        digest.update(repr((self.class_names, self.mean, self.std)).encode())
        for part in ("train", "validation", "test"):
            images, labels = self.images(part), self.labels(part)
            digest.update(repr((part, images.shape)).encode())
            digest.update(np.ascontiguousarray(images).data)
            digest.update(np.ascontiguousarray(labels).data)
        return digest.hexdigest()

    def __repr__(self) -> str:
        channels, height, width = self.shape
        parts = ", ".join(
            f"{len(self.labels(part)):,} {part}"
            for part in ("train", "validation", "test")
            if len(self.labels(part))
        )
        return f"<ImageDataset {self.name}: {parts}, {self.n_classes} classes, {channels}×{height}×{width}>"


def load_dataset(
    source: str | os.PathLike[str] | None = None,
    *,
    subset_train: int | None = None,
    subset_val: int | None = None,
    seed: int = 123,
    validation: float = 0,
    size: int | None = None,
    channels: int | None = None,
    download: bool | Literal["auto"] = "auto",
    mirrors: Sequence[str] = (),
    on_progress: Progress | None = None,
) -> ImageDataset:
    """Read a data set from wherever it is.

    Parameters
    ----------
    source : path, "cifar10", "digits" or None
        A CIFAR-10 folder or archive (python or binary version); a tree of class folders of PNG or
        JPEG files, with ``train`` and ``test`` (or ``val``) above them or without; an ``.npz``
        file; ``"digits"`` for scikit-learn's bundled 8×8 digits; ``"cifar10"`` for the cache or a
        download, and nothing else. None takes the variable ``PITFALLS_DATA`` if it is set, then
        the cache, then a download, then (offline) the digits, and says so in ``warnings``.
    subset_train, subset_val : int, optional
        Keep so many images of the training set and of the test set (the homework calls it
        validation set), drawn by ``seed``, in their original order. A larger subset contains a
        smaller one of the same seed.
    seed : int, default=123
        Seed of the subsets and splits.
    validation : float, default=0
        How much of the training set (after ``subset_train``) becomes the validation set, for any
        choice that must not see the test set: a fraction below 1, or a number of images. Each
        class gives its share.
    size : int, optional
        Resize every image to size × size (the middle is cut out where it is not square).
    channels : 1 or 3, optional
        Make every image grey or coloured; a grey image has three equal colour channels.
    download : bool or "auto", default="auto"
        Whether CIFAR-10 may be downloaded when it is not in the cache. "auto" gives up when the
        host is out of reach or so slow that it would take minutes; what came is kept, and a later
        download goes on from there.
    mirrors : sequence of str
        Addresses to try before the official one; the same checksum holds for all.
    on_progress : callable, optional
        Called with (bytes done, bytes in all) while downloading.

    Returns
    -------
    ImageDataset
        The test set is never split or drawn from for anything but testing.

    Raises
    ------
    DataError
        If a file or folder is missing, damaged or not what it should be; the message names it.
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> data = load_dataset("digits", subset_train=500, validation=0.1)
    >>> data
    <ImageDataset digits: 450 train, 50 validation, 359 test, 10 classes, 1×8×8>
    >>> load_dataset("digits", channels=3, size=32).shape
    (3, 32, 32)
    """
    _check_arguments(subset_train, subset_val, seed, validation, size, channels)
    content = _read(source, size, channels, download, mirrors, on_progress)
    _check(content)
    content = _with_test(convert(content, size, channels), seed)
    return _finish(content, seed, validation, subset_train, subset_val)


def _check_arguments(
    subset_train: int | None,
    subset_val: int | None,
    seed: int,
    validation: float,
    size: int | None,
    channels: int | None,
) -> None:
    for name, value in (("subset_train", subset_train), ("subset_val", subset_val)):
        if value is not None and value < 1:
            raise InputError(f"load_dataset: {name} must be at least 1, got {value}.")
    if not 0 <= validation < math.inf or (validation >= 1 and validation != int(validation)):
        raise InputError(
            "load_dataset: validation must be a fraction below 1 or a whole number of images, "
            f"got {validation}."
        )
    if seed < 0:
        raise InputError(f"load_dataset: seed must not be negative, got {seed}.")
    if size is not None and size < 1:
        raise InputError(f"load_dataset: size must be at least 1 pixel, got {size}.")
    if channels not in (None, 1, 3):
        raise InputError(f"load_dataset: channels must be 1 or 3, got {channels}.")


def _read(
    source: str | os.PathLike[str] | None,
    size: int | None,
    channels: int | None,
    download: bool | Literal["auto"],
    mirrors: Sequence[str],
    on_progress: Progress | None,
) -> Content:
    """Read the source, whatever it is."""
    source = source or os.environ.get(SOURCE_VARIABLE) or None
    if source is None or source == "cifar10":
        return _cifar10_or_digits(source, download, mirrors, on_progress)
    if source == "digits":
        return _read_digits()
    try:
        path = Path(source).expanduser()
        exists = path.exists()
    except (OSError, RuntimeError) as error:  # no such user, a name too long, a folder closed to us
        raise DataError(f"{os.fspath(source)[:200]} cannot be looked up: {error}.") from None
    if not exists:
        raise DataError(
            f"{path} does not exist; give a CIFAR-10 folder or archive, a tree of class folders, "
            "an .npz file, or the word 'digits'."
        )
    if path.suffix == ".npz":
        return read_npz(path)
    if is_cifar10(path):
        return read_cifar10(path)
    if path.is_dir():
        return read_tree(path, size, channels)
    raise DataError(
        f"{path} is not a data set: expected a .tar.gz archive, an .npz file or a folder."
    )


def _check(content: Content) -> None:
    """Raise DataError unless all parts hold images of one shape with labels in range."""
    n_classes = len(content.class_names)
    shape = content.train.images.shape[1:]
    for name in ("train", "test", "validation"):
        part: LabelledImages | None = getattr(content, name)
        if part is None:
            continue
        where = f"{content.source}, {name} set"
        check_images(part.images, where)
        check_labels(part.labels, len(part.images), n_classes, where)
        if part.images.shape[1:] != shape:
            raise DataError(
                f"{where}: images are {part.images.shape[1:]} but the training set's are {shape} "
                "(channels, height, width)."
            )
    if n_classes < 2:
        raise DataError(f"{content.source} has {n_classes} class; a classifier needs at least two.")


def _cifar10_or_digits(
    source: str | os.PathLike[str] | None,
    download: bool | Literal["auto"],
    mirrors: Sequence[str],
    on_progress: Progress | None,
) -> Content:
    try:
        archive = cached_cifar10()
        if archive is None and download:
            patience = 60.0 if download == "auto" and source is None else None
            archive = fetch_cifar10(mirrors=mirrors, patience=patience, on_progress=on_progress)
        if archive is not None:
            return read_cifar10(archive)
        reason = "CIFAR-10 is not in the cache and a download was not allowed"
    except DataError as error:
        if source is not None:
            raise
        reason = str(error).rstrip(".")
    if source is not None:
        raise DataError(f"load_dataset: {reason}. Run 'pitfalls images download'.")
    digits = _read_digits()
    note = (
        f"These are scikit-learn's bundled digits (1,797 images of 8×8 pixels), not CIFAR-10: "
        f"{reason}."
    )
    return replace(digits, warnings=(note,))


def _read_digits() -> Content:
    """Read scikit-learn's digits; the last fifth, in file order, is the test set."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)[:, None]  # stored as 0..16
    labels = bunch.target.astype(np.int64)
    n_train = len(labels) - int(TEST_FRACTION * len(labels))
    return Content(
        name="digits",
        source="scikit-learn's bundled digits",
        class_names=tuple("0123456789"),
        train=LabelledImages(images[:n_train], labels[:n_train]),
        test=LabelledImages(images[n_train:], labels[n_train:]),
    )


def _with_test(content: Content, seed: int) -> Content:
    """Split a fifth of each class off as the test set where the source has none."""
    if content.test is not None:
        return content
    labels = content.train.labels
    count = max(round(TEST_FRACTION * len(labels)), 1)
    chosen = draw_stratified(labels, count, len(content.class_names), (seed, TEST_SPLIT))
    if not len(chosen):
        raise DataError(
            f"{content.source} has no test set, and {len(labels)} images of "
            f"{len(content.class_names)} classes are too few to split one off."
        )
    rest = np.setdiff1d(np.arange(len(labels)), chosen)
    note = (
        f"{content.source} has no test set: {len(chosen):,} of its {len(labels):,} images were set "
        f"aside as one (seed {seed})."
    )
    return replace(
        content,
        train=content.train[rest],
        test=content.train[chosen],
        warnings=(*content.warnings, note),
    )


def _finish(
    content: Content,
    seed: int,
    validation: float,
    subset_train: int | None,
    subset_val: int | None,
) -> ImageDataset:
    """Draw the subsets and the validation set."""
    test = content.test
    assert test is not None  # _with_test made one
    n_classes = len(content.class_names)
    train_at = draw_subset(len(content.train), subset_train, "train", (seed, TRAIN_SUBSET))
    test_at = draw_subset(len(test), subset_val, "val", (seed, TEST_SUBSET))
    train, held_out = content.train[train_at], content.validation
    held_at = np.arange(len(held_out) if held_out else 0)
    if validation:
        count = int(validation) if validation >= 1 else max(round(validation * len(train)), 1)
        chosen = draw_stratified(train.labels, count, n_classes, (seed, VALIDATION))
        if len(chosen) < count:
            raise DataError(
                f"load_dataset: a validation set of {count} does not fit a training set of "
                f"{len(train)} images; each class needs one image left to train on."
            )
        rest = np.setdiff1d(np.arange(len(train)), chosen)
        held_out, held_at = train[chosen], train_at[chosen]
        train, train_at = train[rest], train_at[rest]
    if held_out is None:
        held_out = train[np.zeros(0, dtype=np.int64)]
    tested = test[test_at]
    mean, std = content.statistics or channel_statistics(train.images)
    return ImageDataset(
        name=content.name,
        source=content.source,
        class_names=content.class_names,
        train_images=np.ascontiguousarray(train.images),
        train_labels=train.labels,
        test_images=np.ascontiguousarray(tested.images),
        test_labels=tested.labels,
        validation_images=np.ascontiguousarray(held_out.images),
        validation_labels=held_out.labels,
        train_indices=train_at,
        validation_indices=held_at,
        test_indices=test_at,
        mean=mean,
        std=std,
        warnings=content.warnings,
    )
