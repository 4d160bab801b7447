"""The one table of readers: which form was seen, and who reads it."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pitfalls.errors import DataError
from pitfalls.images.data.bounds import Bound
from pitfalls.images.data.cifar10 import is_cifar10, read_cifar10
from pitfalls.images.data.cifar100 import is_cifar100, read_cifar100
from pitfalls.images.data.class_folders import has_class_folders, read_class_folders
from pitfalls.images.data.config import DataConfig, refuse_labels
from pitfalls.images.data.content import Content
from pitfalls.images.data.files import PICTURE_ENDINGS, FileTree, open_tree
from pitfalls.images.data.idx import has_idx, read_idx
from pitfalls.images.data.npz import is_npz, read_npz
from pitfalls.images.data.parquet import has_parquet, read_parquet
from pitfalls.images.data.reading import counted
from pitfalls.images.data.tables import has_table, read_tables

__all__ = ["READERS", "Reader", "read_source"]


@dataclass(frozen=True)
class Reader:
    """One form of data.

    Parameters
    ----------
    form : str
        What people call it.
    seen : callable
        ``tree -> bool``: whether these files have the form.
    read : callable
        ``(tree, config) -> Content``.
    chooses : bool
        Whether it looks at ``config.labels``; where there is no choice, one is refused.
    """

    form: str
    seen: Callable[[FileTree], bool]
    read: Callable[[FileTree, DataConfig], Content]
    chooses: bool = False


READERS = (
    Reader("CIFAR-10", is_cifar10, read_cifar10),
    Reader("CIFAR-100", is_cifar100, read_cifar100, chooses=True),
    Reader("idx files", has_idx, read_idx, chooses=True),
    Reader("parquet files", has_parquet, read_parquet, chooses=True),
    Reader(".npz file", is_npz, read_npz),
    Reader("pictures beside a table", has_table, read_tables, chooses=True),
    Reader("class folders", has_class_folders, read_class_folders),
)
"""The first that has seen its form reads."""

EXPECTED = (
    "class folders of pictures, pictures beside a CSV of file and label, CIFAR-10 or CIFAR-100, idx "
    "files, parquet files, an .npz file, or a .zip or .tar.gz of these"
)
ELSEWHERE = {
    ".arrow": "a data set saved by save_to_disk: write it by to_parquet",
    ".mat": "MATLAB's form: save images and labels by numpy.savez",
    ".h5": "HDF5: save images and labels by numpy.savez",
    ".hdf5": "HDF5: save images and labels by numpy.savez",
    ".npy": "a single array: save images and labels together by numpy.savez",
    ".pt": "torch's form, which runs code when it is read: save images and labels by numpy.savez",
    ".pkl": "a pickle, which runs code when it is read: save images and labels by numpy.savez",
    ".pickle": "a pickle, which runs code when it is read: save images and labels by numpy.savez",
    ".tfrecord": "TensorFlow's form: write the pictures into class folders",
    ".csv": "a table without pictures: save images and labels by numpy.savez",
    ".7z": "7-Zip: unpack it, or pack it as .zip",
    ".rar": "RAR: unpack it, or pack it as .zip",
    ".heic": "HEIC pictures: save them as JPEG or PNG",
    ".avif": "AVIF pictures: save them as JPEG or PNG",
    ".svg": "drawings: save them as PNG",
    ".dcm": "DICOM: save them as PNG, or images and labels by numpy.savez",
}
"""Endings of forms that are not read, and which form would do."""


def read_source(path: Path, config: DataConfig) -> Content:
    """Read what lies at ``path``, whatever form it has.

    Raises
    ------
    DataError
        If it has none of the forms of ``READERS``: what was seen, and which form would do.
    InputError
        If ``config.labels`` chooses where the form leaves no choice.
    """
    with closing(open_tree(path, Bound.of(config.memory_limit))) as tree:
        for reader in READERS:
            if reader.seen(tree):
                if not reader.chooses:
                    refuse_labels(config, f"{path} ({reader.form})")
                return reader.read(tree, config)
        raise _unread(path, tree)


def _unread(path: Path, tree: FileTree) -> DataError:
    """Say what was seen and which form would do."""
    counts = Counter(PurePosixPath(p).suffix.lower() or "without ending" for p in tree.sizes)
    pictures = sum(counts[ending] for ending in PICTURE_ENDINGS)
    if pictures:
        return DataError(
            f"{path} holds {pictures:,} pictures but neither class folders nor a table (CSV) of "
            f"file and label; put each class into a folder of its own. Seen: {_few(counts)}."
        )
    known = next((ELSEWHERE[e] for e, _ in counts.most_common() if e in ELSEWHERE), None)
    seen = f"holds {_few(counts)}" if counts else "holds no files"
    return DataError(
        f"{path} is not a data set that can be read: it {seen}"
        + (f" ({known})" if known else "")
        + f"; expected {EXPECTED}."
    )


def _few(counts: Counter[str]) -> str:
    return counted(dict(counts.most_common(5)))
