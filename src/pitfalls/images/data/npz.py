"""Image data sets as ``.npz`` files, in the layouts that people already have."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError
from pitfalls.images.data.arrays import read_arrays
from pitfalls.images.data.bounds import Bound
from pitfalls.images.data.config import DataConfig
from pitfalls.images.data.content import Content, LabelledImages
from pitfalls.images.data.files import FileTree
from pitfalls.images.data.labels import encode_labels
from pitfalls.images.data.parts import PARTS, PartName
from pitfalls.images.data.reading import Reading
from pitfalls.images.data.values import infer_scales

__all__ = ["is_npz", "read_npz"]

# Keras writes x_train/y_train, MedMNIST train_images/train_labels, scikit-learn data/target.
LAYOUTS: Mapping[PartName, tuple[tuple[str, str], ...]] = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels"), ("train_x", "train_y"),
              ("train_data", "train_labels"), ("images", "labels"), ("x", "y"), ("data", "target"),
              ("data", "labels"), ("images", "target"), ("image", "label"), ("arr_0", "arr_1")),
    "validation": (("x_val", "y_val"), ("val_images", "val_labels"), ("val_x", "val_y"),
                   ("x_valid", "y_valid"), ("valid_images", "valid_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels"), ("test_x", "test_y"),
             ("test_data", "test_labels"), ("arr_2", "arr_3")),
}  # fmt: skip
CHANNELS = (1, 3, 4)
NAMES = ("class_names", "target_names", "label_names", "classes")


def is_npz(tree: FileTree) -> bool:
    """Return whether the tree is, or holds nothing but, one ``.npz`` file."""
    found = [path for path in tree.sizes if path.lower().endswith(".npz")]
    return len(found) == 1 and len(tree.sizes) == 1


def read_npz(tree: FileTree, config: DataConfig) -> Content:
    """Read an ``.npz`` file of images and labels; objects in it are refused, not unpickled.

    Images are of shape (n, H, W), (n, H, W, C) or (n, C, H, W) with 1, 3 or 4 channels (the fourth
    is dropped); tiny ones that both layouts fit are refused. They are of any type of numbers; what
    is black and what is white is inferred from their range and said, or asked for. Labels are
    whole numbers, alone or one-hot, or text. The pairs of names that are known stand in
    ``LAYOUTS``, capital letters or small; ``class_names`` is optional. Without a test set one is
    split off.

    Raises
    ------
    DataError
        If the file is damaged or its arrays are not these; the message names the array.
    """
    (path,) = tree.sizes
    where = tree.where(path) if tree.root.rpartition("/")[2] != path else tree.root
    with tree.open(path) as stream:
        arrays = read_arrays(stream, where=where, bound=Bound.of(config.memory_limit))
    keys = _pairs(arrays, where)
    notes: list[str] = []
    images = {
        part: _channels_first(arrays[key], f"{where}: {key}", notes)
        for part, (key, _) in keys.items()
    }
    stored = {keys[part][0]: array for part, array in images.items()}
    scales = infer_scales(stored, where, config.value_range)
    labels, names, words = encode_labels(
        {key: arrays[key] for _, key in keys.values()}, where, _class_names(arrays, where)
    )
    parts = {
        part: LabelledImages(scales[name].apply(stored[name]), labels[key])
        for part, (name, key) in keys.items()
    }
    said = dict.fromkeys(scale.words for scale in scales.values() if scale.words)
    read = {*(name for pair in keys.values() for name in pair), _names_key(arrays)}
    if left := sorted(set(arrays) - read):
        notes.append(f"{where}: arrays that were not read: {', '.join(left[:12])}.")
    reading = Reading(
        ".npz file",
        values=tuple(said),
        labels=words,
        notes=tuple(dict.fromkeys(notes)),
        scale=scales[keys["train"][0]],
    )
    return Content.of_tree(tree, names, reading, parts)


def _pairs(arrays: Mapping[str, npt.NDArray[Any]], where: str) -> dict[PartName, tuple[str, str]]:
    """Find the names of images and labels of each part."""
    called = {name.lower(): name for name in arrays}
    found: dict[PartName, tuple[str, str]] = {}
    for part in PARTS:
        for images, labels in LAYOUTS[part]:
            if images in called and labels in called:
                found[part] = (called[images], called[labels])
                break
    if "train" in found:
        return found
    raise DataError(
        f"{where} holds {', '.join(sorted(arrays)[:12]) or 'nothing'}; expected train_images and "
        "train_labels (or x_train and y_train, images and labels, X and y, data and target)."
    )


def _channels_first(array: npt.NDArray[Any], where: str, notes: list[str]) -> npt.NDArray[Any]:
    """Bring images to shape (n, C, H, W) with 1 or 3 channels; nothing is copied."""
    shape = array.shape
    last, first = (array.ndim == 4 and shape[axis] in CHANNELS for axis in (-1, 1))
    # four channels come last where people have them: four rows of images whose channels come last
    plain = last and shape[1:] in ((4, shape[2], 1), (4, shape[2], 3))
    if first and last and not plain and shape[1:] != (1, 1, 1):
        raise DataError(
            f"{where} has shape {shape}, in which both the second and the last axis may be the "
            "channels; store grey images as (n, H, W), and coloured ones as (n, H, W, 3) with at least 4 "
            "pixels a side."
        )
    if array.ndim == 3:
        array = array[:, None]
    elif last:
        array = array.transpose(0, 3, 1, 2)
    elif not first:
        raise DataError(
            f"{where} must be of shape (n, H, W), (n, H, W, C) or (n, C, H, W) with 1, 3 or 4 "
            f"channels, got {shape}."
        )
    if array.shape[1] == 4:
        notes.append(f"{where} has a fourth channel, taken as transparency and dropped.")
        array = array[:, :3]
    return array


def _names_key(arrays: Mapping[str, npt.NDArray[Any]]) -> str | None:
    return next((key for key in NAMES if key in arrays), None)


def _class_names(arrays: Mapping[str, npt.NDArray[Any]], where: str) -> list[str] | None:
    key = _names_key(arrays)
    if key is None:
        return None
    names = arrays[key]
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise DataError(f"{where}: {key} must be strings of shape (n_classes,).")
    if names.dtype.kind == "S":
        names = np.char.decode(names, "utf-8", "replace")
    return [str(name) for name in names]
