"""idx files, as MNIST, Fashion-MNIST, KMNIST and EMNIST come in, packed by gzip or not.

References
----------
LeCun, Cortes, Burges. The MNIST database of handwritten digits. 1998 (describes the format).
Cohen, Afshar, Tapson, van Schaik. EMNIST: extending MNIST to handwritten letters. 2017.
"""

import gzip
import hashlib
import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError
from pitfalls.images.data.bounds import Bound
from pitfalls.images.data.config import DataConfig
from pitfalls.images.data.content import Content, LabelledImages
from pitfalls.images.data.files import FileTree, foreign
from pitfalls.images.data.labels import encode_labels
from pitfalls.images.data.parts import PartName
from pitfalls.images.data.reading import Reading
from pitfalls.images.data.values import infer_scales

__all__ = ["has_idx", "read_idx"]

NAME = re.compile(
    r"(?P<set>.*?)[-_.]?(?P<part>train|t10k|test)[-_.](?P<kind>images|labels)[-_.]idx[13][-_.]ubyte"
    r"(?:\.gz)?",
    re.IGNORECASE,
)
TYPES: Mapping[int, npt.DTypeLike] = {
    0x08: ">u1",
    0x09: ">i1",
    0x0B: ">i2",
    0x0C: ">i4",
    0x0D: ">f4",
    0x0E: ">f8",
}
MOST_AXES = 4
# md5 of the official train-images-idx3-ubyte.gz
KNOWN = {
    "f68b3c2dcbeaaa9fbdd348bbdeb94873": "MNIST",
    "8d4fb7e6c68d591d4c3dfef9ec88bf0d": "Fashion-MNIST",
}
FASHION = (
    *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
LARGEST_MAPPING = 1 << 16


@dataclass(frozen=True)
class Family:
    """The files of one data set: "train images" and so on -> path."""

    name: str
    paths: Mapping[tuple[str, str], str]

    @property
    def title(self) -> str:
        """The last word of its place that says something: MNIST of MNIST/raw."""
        words = [w for w in self.name.split("/") if w.lower() not in ("", "raw", "gzip")]
        return words[-1] if words else ""


def has_idx(tree: FileTree) -> bool:
    """Return whether the tree holds idx files by the usual names."""
    return any(NAME.fullmatch(path.rpartition("/")[2]) for path in tree.sizes)


def read_idx(tree: FileTree, config: DataConfig) -> Content:
    """Read idx files of images and labels.

    EMNIST stores its pictures transposed; they are set upright. Where several sets lie together
    (EMNIST's six), ``config.labels`` names one.

    Raises
    ------
    DataError
        If a file is missing or damaged, or several sets are there and none was named.
    """
    family = _choose(_families(tree), tree, config)
    bound = Bound.of(config.memory_limit)
    arrays = {key: _read(tree, path, bound) for key, path in family.paths.items()}
    parts: list[PartName] = [part for part in ("train", "test") if (part, "images") in arrays]
    for part in ("train", "test"):
        pair = [(part, kind) in arrays for kind in ("images", "labels")]
        if any(pair) != all(pair) or (part == "train" and not all(pair)):
            raise DataError(
                f"{tree.root}: idx files of images and of labels are expected in pairs, found "
                f"{', '.join(sorted(family.paths.values()))}."
            )
    for part in parts:
        if arrays[part, "images"].ndim != 3 or arrays[part, "labels"].ndim != 1:
            raise DataError(
                f"{tree.root}: images must have three axes and labels one, got "
                f"{arrays[part, 'images'].shape} and {arrays[part, 'labels'].shape} ({part})."
            )
    stored = {f"{part} images": arrays[part, "images"] for part in parts}
    scales = infer_scales(stored, tree.root, config.value_range)
    transposed = "emnist" in family.name.lower()
    names, mapping_notes = _mapping(tree, family)
    encoded, classes, words = encode_labels(
        {part: arrays[part, "labels"] for part in parts}, family.title or tree.root
    )
    if names:
        classes = tuple(names.get(name, name) for name in classes)
        words = ()
    split = {}
    for part in parts:
        images = scales[f"{part} images"].apply(arrays[part, "images"])[:, None]
        images = np.ascontiguousarray(images.swapaxes(2, 3)) if transposed else images
        split[part] = LabelledImages(images, encoded[part])
    known = _recognise(tree, family)
    if known == "Fashion-MNIST" and classes == tuple("0123456789"):
        classes = FASHION
    turned = (
        ("EMNIST's pictures are stored transposed; they were set upright.",) if transposed else ()
    )
    return Content(
        name=known or family.title or tree.name,
        source=tree.root,
        class_names=classes,
        mirror={"MNIST": False, "Fashion-MNIST": True}.get(
            known or "", False if transposed else None
        ),
        reading=Reading(
            form="idx files",
            values=tuple(dict.fromkeys(s.words for s in scales.values() if s.words)),
            labels=words,
            notes=(*mapping_notes, *turned),
            scale=scales["train images"],
        ),
        train=split["train"],
        test=split.get("test"),
    )


def _families(tree: FileTree) -> dict[str, Family]:
    """Group the files by folder and by what stands before "train" in their names."""
    found: dict[str, dict[tuple[str, str], str]] = {}
    for path in tree.sizes:
        folder, _, name = path.rpartition("/")
        match = NAME.fullmatch(name)
        if match is None:
            continue
        key = (
            "train" if match["part"].lower() == "train" else "test",
            match["kind"].lower(),
        )
        paths = found.setdefault(f"{folder}/{match['set']}".strip("/"), {})
        if key not in paths or not name.endswith(".gz"):  # unpacked ones are read faster
            paths[key] = path
    return {name: Family(name, paths) for name, paths in found.items()}


def _choose(families: Mapping[str, Family], tree: FileTree, config: DataConfig) -> Family:
    chosen = [
        family
        for name, family in families.items()
        if config.labels is None or re.split(r"[-_/]", name)[-1].lower() == config.labels.lower()
    ]
    if len(chosen) == 1:
        return chosen[0]
    raise DataError(
        f"{tree.root} holds {len(families)} sets of idx files: {', '.join(sorted(families))}; name "
        "one by the last word of its name in labels (--labels)."
    )


def _read(tree: FileTree, path: str, bound: Bound) -> npt.NDArray[Any]:
    """Read one file; its header is compared with its length before anything is allocated."""
    where = tree.where(path)
    packed = tree.sizes[path]
    packing = gzip.open if path.lower().endswith(".gz") else nullcontext
    with (
        tree.open(path) as raw,
        foreign(where, "an idx file that can be read"),
        packing(raw) as stream,
    ):
        head = stream.read(4)
        dtype = TYPES.get(head[2]) if len(head) == 4 and head[:2] == b"\0\0" else None
        axes = head[3] if len(head) == 4 else 0
        if dtype is None or not 1 <= axes <= MOST_AXES:
            raise DataError(f"{where} is not an idx file: it begins with {head.hex(' ')}.")
        lengths = stream.read(4 * axes)
        if len(lengths) != 4 * axes:
            raise DataError(f"{where} ends inside its header; get it again.")
        shape = tuple(int(n) for n in np.frombuffer(lengths, ">u4"))
        n_bytes = prod(shape) * np.dtype(dtype).itemsize
        bound.check(n_bytes, f"{where}, which announces shape {shape},", packed)
        content = stream.read(n_bytes)
        if len(content) != n_bytes or stream.read(1):
            raise DataError(
                f"{where} announces shape {shape} but does not have that many values; get it again."
            )
    array = np.frombuffer(content, dtype).reshape(shape)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _mapping(tree: FileTree, family: Family) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read EMNIST's mapping of labels to characters, if it lies beside the images."""
    path = f"{family.name}-mapping.txt"
    if path not in tree.sizes:
        return {}, ()
    text = tree.read(path, LARGEST_MAPPING, "a mapping of labels is short").decode(
        "ascii", "replace"
    )
    names: dict[str, str] = {}
    for line in text.splitlines():
        fields = line.split()
        if not (len(fields) >= 2 and all(f.isdecimal() and len(f) < 6 for f in fields)):
            raise DataError(f"{tree.where(path)}: {line[:40]!r} is no label with its characters.")
        names[fields[0]] = "/".join(chr(int(code)) for code in fields[1:])
    return names, ()


def _recognise(tree: FileTree, family: Family) -> str | None:
    """Return the name of an official set, by the checksum of its packed training images."""
    packed = family.paths["train", "images"]
    packed = packed if packed.lower().endswith(".gz") else f"{packed}.gz"
    if packed not in tree.sizes:
        return None
    raw = tree.read(packed, 64 * 2**20, "MNIST's have 10 million")
    return KNOWN.get(hashlib.md5(raw, usedforsecurity=False).hexdigest())
