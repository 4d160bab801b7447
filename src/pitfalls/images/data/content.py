"""What a reader of image files found, before subsets and splits."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError
from pitfalls.images.data.files import FileTree
from pitfalls.images.data.parts import PartName
from pitfalls.images.data.reading import Reading

__all__ = ["Content", "LabelledImages", "check_content", "check_labels"]


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images as uint8 of shape (n, C, H, W) and their labels as int64 of shape (n,)."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, at: npt.NDArray[np.int64] | slice) -> "LabelledImages":
        if isinstance(at, np.ndarray) and np.array_equal(at, np.arange(len(self))):
            return self  # all of them: picking would copy the whole set
        return LabelledImages(self.images[at], self.labels[at])


@dataclass(frozen=True, eq=False)
class Content:
    """One data source, read and checked. Without ``test`` it is still to be split.

    ``mirror`` says whether a mirrored image keeps its class, where the form of the data says that.
    """

    name: str
    source: str
    class_names: tuple[str, ...]
    reading: Reading
    train: LabelledImages
    test: LabelledImages | None = None
    validation: LabelledImages | None = None
    statistics: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    mirror: bool | None = None

    @classmethod
    def of_tree(
        cls,
        tree: FileTree,
        class_names: tuple[str, ...],
        reading: Reading,
        parts: Mapping[PartName, LabelledImages],
    ) -> "Content":
        """Name what was found in a tree after it; of the parts the training set must be there."""
        return cls(
            name=tree.name,
            source=tree.root,
            class_names=class_names,
            reading=reading,
            train=parts["train"],
            test=parts.get("test"),
            validation=parts.get("validation"),
        )


def check_content(content: Content) -> None:
    """Raise DataError unless all parts hold images of one shape with labels in range."""
    n_classes = len(content.class_names)
    shape = content.train.images.shape[1:]
    for name in ("train", "test", "validation"):
        part: LabelledImages | None = getattr(content, name)
        if part is None:
            continue
        where = f"{content.source}, {name} set"
        _check_images(part.images, where)
        check_labels(part.labels, len(part.images), n_classes, where)
        if part.images.shape[1:] != shape:
            raise DataError(
                f"{where}: images are {part.images.shape[1:]} but the training set's are {shape} "
                "(channels, height, width)."
            )
    if n_classes < 2:
        raise DataError(f"{content.source} has {n_classes} class; a classifier needs at least two.")


def _check_images(images: npt.NDArray[np.uint8], where: str) -> None:
    """Raise DataError unless this is uint8 of shape (n, C, H, W) with n, H, W > 0 and C = 1 or 3."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        raise DataError(
            f"{where}: images must be uint8 of shape (n, C, H, W) with 1 or 3 channels, "
            f"got {images.dtype} of shape {images.shape}."
        )
    if 0 in images.shape:
        raise DataError(f"{where}: there is no image (shape {images.shape}).")


def check_labels(labels: npt.NDArray[np.int64], n_images: int, n_classes: int, where: str) -> None:
    """Raise DataError unless there is one label in 0..n_classes-1 for each image."""
    if labels.shape != (n_images,):
        raise DataError(f"{where}: {n_images} images but labels of shape {labels.shape}.")
    wrong = (labels < 0) | (labels >= n_classes)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise DataError(
            f"{where}: label {labels[at]} at index {at} is out of range; "
            f"expected 0 to {n_classes - 1}."
        )
