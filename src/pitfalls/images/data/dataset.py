"""A labelled image data set in memory."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from pitfalls.errors import InputError
from pitfalls.escaping import shown
from pitfalls.images.data.config import DataConfig
from pitfalls.images.data.content import Content, LabelledImages, check_content
from pitfalls.images.data.labels import encode_labels
from pitfalls.images.data.reading import Reading
from pitfalls.images.data.splits import channel_statistics, divide

__all__ = ["ImageDataset", "Part"]

Part = Literal["train", "validation", "test"]


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
        test in its test set, or in the training set if it was split off from it.
    mean, std : tuple of float
        Per channel, on the scale 0..1: the homework's constants for CIFAR-10, otherwise those of
        this training set.
    reading : Reading
        What was read, skipped, inferred and assumed.
    mirror : bool, optional
        Whether a mirrored image keeps its class, where the form of the data says that.
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
    reading: Reading
    mirror: bool | None = None

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
        """Make a data set of your own uint8 arrays of shape (n, C, H, W), checked and copied.

        Labels are whole numbers or text; without ``class_names`` the labels that occur are the
        classes.

        Examples
        --------
        >>> import numpy as np
        >>> images = np.zeros((4, 3, 8, 8), dtype=np.uint8)
        >>> ImageDataset.from_arrays(images, [0, 1, 0, 1], images[:2], [0, 1]).shape
        (3, 8, 8)
        """
        source = "arrays in memory"
        labels, names, words = encode_labels(
            {"train labels": train_labels, "test labels": test_labels}, source, class_names
        )
        content = Content(
            name,
            source,
            names,
            Reading("arrays", labels=words),
            LabelledImages(np.array(train_images), labels["train labels"]),
            LabelledImages(np.array(test_images), labels["test labels"]),
        )
        check_content(content)
        return cls.from_content(content, DataConfig())

    @classmethod
    def from_content(cls, content: Content, config: DataConfig) -> "ImageDataset":
        """Draw the subsets and the validation set of a source that has been read."""
        parts = divide(content, config)
        mean, std = content.statistics or channel_statistics(parts.train.images)
        return cls(
            # names of folders and files may hold anything; from here on they are seen by readers
            name=shown(content.name),
            source=content.source,
            class_names=tuple(map(shown, content.class_names)),
            train_images=_writable(parts.train.images),
            train_labels=parts.train.labels,
            test_images=_writable(parts.test.images),
            test_labels=parts.test.labels,
            validation_images=_writable(parts.validation.images),
            validation_labels=parts.validation.labels,
            train_indices=parts.train_indices,
            validation_indices=parts.validation_indices,
            test_indices=parts.test_indices,
            mean=mean,
            std=std,
            reading=parts.reading,
            mirror=content.mirror,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of any result from these data must be told."""
        return self.reading.warnings

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


def _writable(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the images contiguous and writable, as ``torch.from_numpy`` wants them."""
    return np.require(images, requirements=("C", "W"))
