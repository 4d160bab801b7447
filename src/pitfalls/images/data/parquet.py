"""Parquet files of pictures, as Hugging Face's data sets come in; needs the extra ``parquet``."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from pitfalls.errors import DataError
from pitfalls.images.data.bounds import Bound
from pitfalls.images.data.config import DataConfig
from pitfalls.images.data.content import Content, LabelledImages
from pitfalls.images.data.files import FileTree, foreign
from pitfalls.images.data.gathering import gather
from pitfalls.images.data.labels import encode_labels
from pitfalls.images.data.parts import PARTS, PartName, part_of, part_of_path
from pitfalls.images.data.pictures import PictureFile, file_of_bytes

__all__ = ["has_parquet", "read_parquet"]

FORM = "parquet files"
IMAGE_COLUMNS = ("image", "img", "picture", "jpg", "png")
LABEL_COLUMNS = ("label", "labels", "fine_label", "class", "target", "category", "y")
LARGEST_METADATA = 1 << 20
SHARD = re.compile(r"(?P<of>.*-)(?P<number>\d+)-of-(?P<count>\d+)(?P<rest>\D*)")


@dataclass(frozen=True)
class Shard:
    """One file's pictures and labels."""

    part: PartName
    pictures: list[PictureFile]
    labels: list[Any]
    names: tuple[str, ...] | None


def has_parquet(tree: FileTree) -> bool:
    """Return whether the tree holds parquet files."""
    return any(path.lower().endswith(".parquet") for path in tree.sizes)


def read_parquet(tree: FileTree, config: DataConfig) -> Content:
    """Read parquet files with a column of pictures and a column of labels.

    A file's part (training, test) is told by its name, as ``test-00000-of-00001.parquet``, or by
    its folder. Pictures are bytes, or records with ``bytes``, as Hugging Face writes; class names
    are taken from its metadata.

    Raises
    ------
    DataError
        If a file is damaged or missing, several sets lie together, pyarrow is not installed, or the
        columns cannot be told apart.
    """
    paths = [path for path in tree.sizes if path.lower().endswith(".parquet")]
    _refuse_several(tree, paths)
    _refuse_missing(tree, paths)
    bound = Bound.of(config.memory_limit)
    bound.check(sum(tree.sizes[p] for p in paths), f"{tree.root}: its parquet files")
    shards = [_read(tree, path, config, bound) for path in paths]
    blank = [s for s in shards if s.part != "train" and set(s.labels) == {-1}]  # kept from us
    shards = [shard for shard in shards if shard not in blank]
    shards.sort(key=lambda shard: PARTS.index(shard.part))
    names = {shard.names for shard in shards}
    if len(names) > 1:
        raise DataError(f"{tree.root}: its parquet files name different classes.")
    if len({isinstance(label, str) for shard in shards for label in shard.labels}) > 1:
        raise DataError(
            f"{tree.root}: labels are text in some parquet files and numbers in others."
        )
    part_at = np.array([shard.part for shard in shards for _ in shard.pictures])
    labels = np.array([label for shard in shards for label in shard.labels])
    gathered = gather([p for shard in shards for p in shard.pictures], config, tree.root, FORM)
    part_at, labels = part_at[gathered.kept], labels[gathered.kept]
    parts = [part for part in PARTS if (part_at == part).any()]
    if "train" not in parts:
        raise DataError(f"{tree.root}: its parquet files hold {parts[0]} pictures only.")
    encoded, classes, words = encode_labels(
        {part: labels[part_at == part] for part in parts}, tree.root, names.pop()
    )
    split = {part: LabelledImages(gathered.part(part_at == part), encoded[part]) for part in parts}
    reading = replace(
        gathered.reading,
        files=((".parquet", len(shards)),),
        labels=words,
    )
    if blank:
        n = sum(len(shard.labels) for shard in blank)
        reading = replace(reading, skipped=((f"pictures without a label in {blank[0].part}", n),))
    return Content.of_tree(tree, classes, reading, split)


def _refuse_several(tree: FileTree, paths: Sequence[str]) -> None:
    """Refuse files in several folders: each configuration of a Hugging Face set has one of its own."""
    folders = {
        "/".join(word for word in PurePosixPath(path).parent.parts if not part_of(word)) or "."
        for path in paths
    }
    if len(folders) > 1:
        first, second = sorted(folders)[:2]
        raise DataError(
            f"{tree.root}: its parquet files lie in {len(folders)} folders, {first} and {second} for "
            "two, as those of several data sets do; name the folder of one, or put one set's files "
            "into one folder."
        )


def _refuse_missing(tree: FileTree, paths: Sequence[str]) -> None:
    """Refuse a part of which a numbered file is not there; a file that is named itself stands alone."""
    if paths == [PurePosixPath(tree.root).name]:
        return
    there = set(paths)
    for path in paths:
        found = SHARD.fullmatch(path)
        if found is None:
            continue
        width = len(found["number"])
        for number in range(int(found["count"])):
            name = f"{found['of']}{number:0{width}}-of-{found['count']}{found['rest']}"
            if name not in there:
                raise DataError(
                    f"{tree.root}: {name} is missing beside {path}. Fetch it, or rename the files to "
                    "read those that are there."
                )


def _read(tree: FileTree, path: str, config: DataConfig, bound: Bound) -> Shard:
    try:
        from pyarrow import parquet
    except ImportError:
        raise DataError(
            f"{tree.where(path)}: parquet files need pyarrow; pip install 'pitfalls[parquet]'."
        ) from None
    where, packed = tree.where(path), tree.sizes[path]
    with foreign(where, "a parquet file that can be read"):
        raw = tree.read(path, packed, "it grew while it was read")
        # the limits bound what a damaged footer can ask for
        file = parquet.ParquetFile(
            BytesIO(raw),
            thrift_string_size_limit=64 * 2**20,
            thrift_container_size_limit=1_000_000,
        )
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        bound.check(sum(g.total_byte_size for g in groups), f"{where}: its rows", packed)
        columns = list(file.schema_arrow.names)
        image, label = _columns(where, columns, config)
        pictures: list[PictureFile] = []
        labels: list[Any] = []
        taken = 0
        for batch in file.iter_batches(batch_size=1024, columns=[image, label]):
            taken += batch.nbytes
            bound.check(taken, f"{where}: its rows", packed)
            for value in batch.column(0 if batch.schema.names[0] == image else 1).to_pylist():
                pictures.append(_picture(value, f"{where}, row {len(pictures)}"))
            labels += batch.column(1 if batch.schema.names[0] == image else 0).to_pylist()
        names = _class_names(file.schema_arrow.metadata or {}, label)
    if any(value is None for value in labels):
        raise DataError(f"{where}: row {labels.index(None)} has no label.")
    if not all(isinstance(value, int | str) for value in labels):
        raise DataError(f"{where}: column {label} must hold integers or text.")
    return Shard(part_of_path(path), pictures, labels, names)


def _columns(where: str, columns: Sequence[str], config: DataConfig) -> tuple[str, str]:
    image = next((name for name in IMAGE_COLUMNS if name in columns), None)
    label = config.labels or next((name for name in LABEL_COLUMNS if name in columns), None)
    if image is None or label is None or label not in columns:
        raise DataError(
            f"{where} has columns {', '.join(columns[:8])}; expected image and label (another "
            "column of labels can be named by labels, --labels)."
        )
    return image, label


def _picture(value: object, where: str) -> PictureFile:
    raw = value.get("bytes") if isinstance(value, Mapping) else value
    if not isinstance(raw, bytes):
        raise DataError(
            f"{where}: a picture must be bytes, or a record with bytes (a path alone points "
            "elsewhere); got "
            f"{type(raw).__name__}."
        )
    return file_of_bytes(where, raw)


def _class_names(metadata: Mapping[bytes, bytes], label: str) -> tuple[str, ...] | None:
    """Return the names that Hugging Face's metadata give the labels, if they do."""
    raw = metadata.get(b"huggingface", b"")
    if not raw or len(raw) > LARGEST_METADATA:
        return None
    found: Any = json.loads(raw)
    for key in ("info", "features", label):
        found = found.get(key) if isinstance(found, dict) else None
    names = found.get("names") if isinstance(found, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(names)
