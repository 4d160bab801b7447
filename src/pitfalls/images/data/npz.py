"""Image data sets as ``.npz`` files, in the layouts that people already have."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError
from pitfalls.images.data.arrays import read_arrays
from pitfalls.images.data.content import Content, LabelledImages

__all__ = ["read_npz"]

# Keras writes x_train/y_train, MedMNIST train_images/train_labels, many people images/labels.
LAYOUTS = {
    "train": (("train_images", "train_labels"), ("x_train", "y_train"), ("images", "labels"),
              ("x", "y"), ("X", "y")),
    "validation": (("val_images", "val_labels"), ("x_val", "y_val")),
    "test": (("test_images", "test_labels"), ("x_test", "y_test")),
}  # fmt: skip


def read_npz(path: Path) -> Content:
    """Read an ``.npz`` file of images and labels; objects in it are refused, not unpickled.

    Images are uint8 (n, H, W), (n, H, W, C) or (n, C, H, W), or numbers from 0 to 1, which are
    scaled and rounded. Labels are integers, alone or one-hot. ``class_names`` is optional. The
    first pair of ``train_images, train_labels``; ``x_train, y_train``; ``images, labels``;
    ``x, y`` is read, with ``test_images`` or ``x_test`` (and ``val_images`` or ``x_val``) beside
    it; without a test set one is split off.

    Raises
    ------
    DataError
        If the file is damaged or its arrays are not these; the message names the array.
    """
    arrays = read_arrays(path)
    parts: dict[str, LabelledImages] = {}
    warnings: list[str] = []
    for part, pairs in LAYOUTS.items():
        for pair in pairs:
            if pair[0] in arrays and pair[1] in arrays:
                images = _images(arrays[pair[0]], f"{path}: {pair[0]}", warnings)
                labels = _labels(arrays[pair[1]], f"{path}: {pair[1]}")
                parts[part] = LabelledImages(images, labels)
                break
    if "train" not in parts:
        raise DataError(
            f"{path} holds {', '.join(sorted(arrays)) or 'nothing'}; expected train_images and "
            "train_labels (or x_train and y_train, or images and labels)."
        )
    return Content(
        name=path.stem,
        source=str(path),
        class_names=_class_names(arrays, parts, path),
        train=parts["train"],
        test=parts.get("test"),
        validation=parts.get("validation"),
        warnings=tuple(warnings),
    )


def _images(array: npt.NDArray[Any], where: str, warnings: list[str]) -> npt.NDArray[np.uint8]:
    """Bring images to uint8 of shape (n, C, H, W)."""
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[-1] in (1, 3):
        array = array.transpose(0, 3, 1, 2)
    elif array.ndim != 4 or array.shape[1] not in (1, 3):
        raise DataError(
            f"{where} must be of shape (n, H, W), (n, H, W, C) or (n, C, H, W) with 1 or 3 "
            f"channels, got {array.shape}."
        )
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind not in "uif" or not array.size:
        raise DataError(f"{where} must hold numbers, got {array.dtype} of shape {array.shape}.")
    low, high = array.min(), array.max()
    unit = array.dtype.kind == "f" and high <= 1
    if not (low >= 0 and high <= 255):  # also refuses NaN
        raise DataError(f"{where} must be from 0 to 255 or from 0 to 1, got {low} to {high}.")
    warnings.append(f"{where} is {array.dtype} and was rounded to 8 bits.")
    return np.round(array * (255 if unit else 1)).astype(np.uint8)


def _labels(array: npt.NDArray[Any], where: str) -> npt.NDArray[np.int64]:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "iufb":
        if not (np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all()):
            raise DataError(f"{where} has shape {array.shape} but is not one-hot.")
        array = array.argmax(axis=1)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DataError(
            f"{where} must be integers of shape (n,), got {array.dtype} of shape {array.shape}."
        )
    return array.astype(np.int64)


def _class_names(
    arrays: dict[str, npt.NDArray[Any]], parts: dict[str, LabelledImages], path: Path
) -> tuple[str, ...]:
    if "class_names" in arrays:
        names = arrays["class_names"]
        if names.ndim != 1 or names.dtype.kind not in "US":
            raise DataError(f"{path}: class_names must be strings of shape (n_classes,).")
        return tuple(
            n.decode("utf-8", "replace") if isinstance(n, bytes) else n for n in names.tolist()
        )
    highest = max(int(part.labels.max(initial=0)) for part in parts.values())
    if highest >= 10_000:
        raise DataError(f"{path}: the largest label is {highest}; labels must count from 0.")
    return tuple(str(label) for label in range(highest + 1))
