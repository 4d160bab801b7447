"""CIFAR-10 from its official files: python or binary version, folder or archive.

References
----------
Krizhevsky. Learning multiple layers of features from tiny images. Technical report, 2009.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError
from pitfalls.images.data.batch_pickle import read_batch_pickle
from pitfalls.images.data.config import DataConfig
from pitfalls.images.data.content import Content, LabelledImages, check_labels
from pitfalls.images.data.files import FileTree
from pitfalls.images.data.reading import Reading

__all__ = [
    "CIFAR10_ARCHIVES",
    "CIFAR10_CLASSES",
    "CIFAR10_MEAN",
    "CIFAR10_STD",
    "is_cifar10",
    "read_cifar10",
]

CIFAR10_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
CIFAR10_MEAN = (0.4914, 0.4822, 0.4465)
"""Per-channel mean of the training images on the scale 0..1, as the homework's starter gives it."""
CIFAR10_STD = (0.24705882352941178, 0.24352941176470588, 0.2615686274509804)
"""Per-channel standard deviation, as the starter gives it (63/255, 62.1/255, 66.7/255)."""

CIFAR10_ARCHIVES = {
    "cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a",
    "cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530",
}
"""The official archives and their md5."""
BATCHES = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
"""The batches of the python version and their md5. The binary version's have none published."""
IMAGES_A_BATCH = 10_000
PIXELS = 3 * 32 * 32
LARGEST_FILE = 64 * 2**20  # bytes; an official batch has 31 MB

Read = Callable[[str], bytes]


def is_cifar10(tree: FileTree) -> bool:
    """Return whether the tree looks like CIFAR-10 (complete or not)."""
    return _folder(tree) is not None


def read_cifar10(tree: FileTree, config: DataConfig) -> Content:
    """Read CIFAR-10 and compare it with the official checksums.

    Python or binary version, in a folder or an archive, at the top or further down. Archives are
    read in place; nothing is unpacked to disk.

    Raises
    ------
    DataError
        If a batch is missing, damaged or not CIFAR-10; the message names the file.
    """
    folder = _folder(tree) or ""
    inside = tree.below(folder) if folder else tree

    def read(name: str) -> bytes:
        if name not in inside.sizes:
            raise DataError(
                f"{inside.root} has no file {name}; CIFAR-10 has five data batches and one test "
                "batch."
            )
        return inside.read(name, LARGEST_FILE, "a batch has 31 million")

    official = None
    if tree.packed is not None:
        official = _md5_of_file(Path(tree.root)) in CIFAR10_ARCHIVES.values()
    where = tree.root if tree.packed is not None else inside.root
    return _assemble(where, set(inside.sizes), read, official)


def _folder(tree: FileTree) -> str | None:
    """Return the folder with the batches ("" for the top), or None; the nearest to the top."""
    batches = {f"{name}{end}" for name in BATCHES for end in ("", ".bin")}
    found = [p.rpartition("/") for p in (*tree.sizes, *tree.links)]
    folders = {folder for folder, _, name in found if name in batches}
    return min(folders, key=lambda f: (f.count("/"), f.endswith("bin"), f), default=None)


def _assemble(where: str, names: set[str], read: Read, official: bool | None) -> Content:
    """Read all batches. ``official`` says what the checksum of the archive said, if it had one."""
    binary = not names & set(BATCHES)
    differing = []
    parts = []
    for name, md5 in BATCHES.items():
        file = f"{name}.bin" if binary else name
        raw = read(file)
        parts.append((_binary_batch if binary else _python_batch)(raw, f"{where}/{file}"))
        if not official and not binary and _md5(raw) != md5:
            differing.append(file)
    class_names = _class_names(read, names, where) if not binary else CIFAR10_CLASSES
    *train, test = parts
    return Content(
        name="CIFAR-10",
        source=where,
        class_names=class_names,
        train=LabelledImages(
            np.concatenate([part.images for part in train]),
            np.concatenate([part.labels for part in train]),
        ),
        test=test,
        statistics=(CIFAR10_MEAN, CIFAR10_STD),
        mirror=True,
        reading=Reading(
            form=f"CIFAR-10, {'binary' if binary else 'python'} version",
            notes=_warnings(where, official, differing, binary=binary),
        ),
    )


def _warnings(
    where: str, official: bool | None, differing: list[str], *, binary: bool
) -> tuple[str, ...]:
    if official:
        return ()
    if binary:
        reason = "its checksum differs" if official is False else "its files have no published ones"
        return (f"{where} could not be verified against the official checksums: {reason}.",)
    if differing:
        return (
            f"{where} differs from the official CIFAR-10: the checksum of {', '.join(differing)} "
            "is another. It is used as it is.",
        )
    return ()


def _python_batch(raw: bytes, file: str) -> LabelledImages:
    batch = read_batch_pickle(raw, file)
    data, labels = batch.get("data"), batch.get("labels")
    if not isinstance(data, np.ndarray) or not isinstance(labels, list):
        raise DataError(f"{file} is not a CIFAR-10 batch: it needs 'data' and 'labels'.")
    if data.shape != (IMAGES_A_BATCH, PIXELS):
        raise DataError(
            f"{file}: data must be of shape ({IMAGES_A_BATCH}, {PIXELS}), got {data.shape}."
        )
    if not all(type(label) is int for label in labels):
        raise DataError(f"{file}: a label is not an integer.")
    return _labelled(data, np.asarray(labels, dtype=np.int64), file)


def _binary_batch(raw: bytes, file: str) -> LabelledImages:
    """Read records of one label byte and 3,072 pixel bytes."""
    expected = IMAGES_A_BATCH * (PIXELS + 1)
    if len(raw) != expected:
        raise DataError(f"{file} must have {expected:,} bytes, got {len(raw):,}; get it again.")
    records = np.frombuffer(raw, dtype=np.uint8).reshape(IMAGES_A_BATCH, PIXELS + 1)
    return _labelled(records[:, 1:], records[:, 0].astype(np.int64), file)


def _labelled(
    pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], file: str
) -> LabelledImages:
    check_labels(labels, IMAGES_A_BATCH, len(CIFAR10_CLASSES), file)
    return LabelledImages(pixels.reshape(IMAGES_A_BATCH, 3, 32, 32), labels)


def _class_names(read: Read, names: set[str], where: str) -> tuple[str, ...]:
    if "batches.meta" not in names:
        return CIFAR10_CLASSES
    listed = read_batch_pickle(read("batches.meta"), f"{where}/batches.meta").get("label_names")
    if listed != list(CIFAR10_CLASSES):
        raise DataError(
            f"{where}/batches.meta does not name CIFAR-10's classes in their order; "
            "read other data as class folders or as .npz."
        )
    return CIFAR10_CLASSES


def _md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


def _md5_of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
