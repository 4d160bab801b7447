"""CIFAR-100 from its official files: python or binary version, fine or coarse labels.

References
----------
Krizhevsky. Learning multiple layers of features from tiny images. Technical report, 2009.
"""

import hashlib

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError, InputError
from pitfalls.images.data.batch_pickle import read_batch_pickle
from pitfalls.images.data.config import DataConfig
from pitfalls.images.data.content import Content, LabelledImages, check_labels
from pitfalls.images.data.files import FileTree
from pitfalls.images.data.reading import Reading

__all__ = ["is_cifar100", "read_cifar100"]

KINDS = ("coarse", "fine")  # in the order of the binary version's label bytes
N_CLASSES = {"coarse": 20, "fine": 100}
IMAGES = {"train": 50_000, "test": 10_000}
MD5 = {
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "meta": "7973b15100ade9c7d40fb424638fde48",
}
PIXELS = 3 * 32 * 32
LARGEST_FILE = 256 * 2**20  # bytes; the training set has 155 MB


def is_cifar100(tree: FileTree) -> bool:
    """Return whether the tree looks like CIFAR-100."""
    return _folder(tree) is not None


def _folder(tree: FileTree) -> str | None:
    folders = {path.rpartition("/")[0] for path in tree.sizes}
    python = ("train", "test", "meta")
    binary = ("train.bin", "test.bin")
    found = [
        folder
        for folder in folders
        if any(
            all((f"{folder}/{name}" if folder else name) in tree.sizes for name in names)
            for names in (python, binary)
        )
    ]
    return min(found, key=lambda f: (f.count("/"), f), default=None)


def read_cifar100(tree: FileTree, config: DataConfig) -> Content:
    """Read CIFAR-100; ``config.labels`` is "fine" (the default, 100 classes) or "coarse" (20).

    Raises
    ------
    DataError
        If a file is damaged or not CIFAR-100; the message names it.
    InputError
        If ``config.labels`` is something else.
    """
    kind = config.labels or "fine"
    if kind not in KINDS:
        raise InputError(f"CIFAR-100: labels must be fine or coarse, got {kind!r}.")
    folder = _folder(tree) or ""
    inside = tree.below(folder) if folder else tree
    binary = "train.bin" in inside.sizes
    parts = {
        part: (_binary_part if binary else _python_part)(inside, part, kind)
        for part in ("train", "test")
    }
    notes: tuple[str, ...] = ()
    if binary:
        notes = (f"{tree.root} could not be verified: its files have no published checksums.",)
    else:
        digests = {name: _md5(_read(inside, name)) for name in MD5}
        differing = [name for name, digest in digests.items() if digest != MD5[name]]
        if differing:
            notes = (
                f"{tree.root} differs from the official CIFAR-100: the checksum of "
                f"{', '.join(differing)} is another. It is used as it is.",
            )
    return Content(
        name="CIFAR-100" if kind == "fine" else "CIFAR-100 coarse",
        source=tree.root,
        class_names=_class_names(inside, kind, binary=binary),
        mirror=True,
        reading=Reading(
            form=f"CIFAR-100, {'binary' if binary else 'python'} version, {kind} labels",
            notes=notes,
        ),
        train=parts["train"],
        test=parts["test"],
    )


def _read(tree: FileTree, name: str) -> bytes:
    return tree.read(name, LARGEST_FILE, "CIFAR-100's largest has 155 million")


def _md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


def _python_part(tree: FileTree, part: str, kind: str) -> LabelledImages:
    file = tree.where(part)
    batch = read_batch_pickle(_read(tree, part), file)
    data, labels = batch.get("data"), batch.get(f"{kind}_labels")
    if not isinstance(data, np.ndarray) or not isinstance(labels, list):
        raise DataError(f"{file} is not CIFAR-100: it needs 'data' and '{kind}_labels'.")
    if data.shape != (IMAGES[part], PIXELS):
        raise DataError(
            f"{file}: data must be of shape ({IMAGES[part]}, {PIXELS}), got {data.shape}."
        )
    if not all(type(label) is int and abs(label) < 2**62 for label in labels):
        raise DataError(f"{file}: a label is not an integer.")
    return _labelled(data, np.asarray(labels, dtype=np.int64), part, kind, file)


def _binary_part(tree: FileTree, part: str, kind: str) -> LabelledImages:
    """Read records of two label bytes, coarse and fine, and 3,072 pixel bytes."""
    file = tree.where(f"{part}.bin")
    raw = _read(tree, f"{part}.bin")
    expected = IMAGES[part] * (PIXELS + 2)
    if len(raw) != expected:
        raise DataError(f"{file} must have {expected:,} bytes, got {len(raw):,}; get it again.")
    records = np.frombuffer(raw, dtype=np.uint8).reshape(IMAGES[part], PIXELS + 2)
    labels = records[:, KINDS.index(kind)].astype(np.int64)
    return _labelled(records[:, 2:], labels, part, kind, file)


def _labelled(
    pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], part: str, kind: str, file: str
) -> LabelledImages:
    check_labels(labels, IMAGES[part], N_CLASSES[kind], file)
    return LabelledImages(pixels.reshape(IMAGES[part], 3, 32, 32), labels)


def _class_names(tree: FileTree, kind: str, *, binary: bool) -> tuple[str, ...]:
    name = f"{kind}_label_names.txt" if binary else "meta"
    listed: object
    if not binary:
        listed = read_batch_pickle(_read(tree, name), tree.where(name)).get(f"{kind}_label_names")
    elif name in tree.sizes:
        text = tree.read(name, 1 << 16, "a list of class names is short")
        listed = text.decode("utf-8", "replace").split()
    else:
        listed = [str(label) for label in range(N_CLASSES[kind])]
    if (
        not isinstance(listed, list)
        or len(listed) != N_CLASSES[kind]
        or not all(isinstance(n, str) for n in listed)
    ):
        raise DataError(f"{tree.where(name)} does not name CIFAR-100's {N_CLASSES[kind]} classes.")
    return tuple(listed)
