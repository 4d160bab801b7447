"""What a reader of image files found, before subsets and splits."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError

__all__ = ["Content", "LabelledImages", "check_images", "check_labels"]


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images as uint8 of shape (n, C, H, W) and their labels as int64 of shape (n,)."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, indices: npt.NDArray[np.int64]) -> "LabelledImages":
        return LabelledImages(self.images[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Content:
    """One data source, read and checked. Without ``test`` it is still to be split."""

    name: str
    source: str
    class_names: tuple[str, ...]
    train: LabelledImages
    test: LabelledImages | None = None
    validation: LabelledImages | None = None
    statistics: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    warnings: tuple[str, ...] = ()


def check_images(images: npt.NDArray[np.uint8], where: str) -> None:
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
