"""Which part of the data a folder's or file's name stands for: train, validation or test."""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Literal

from pitfalls.errors import DataError

__all__ = ["PARTS", "PartName", "one_of_each", "part_of", "part_of_path"]

PartName = Literal["train", "validation", "test"]
PARTS: tuple[PartName, ...] = ("train", "validation", "test")
WORDS: Mapping[PartName, str] = {
    "train": "train|training|trn|trainval",
    "validation": "val|valid|validation|validate|dev|development",
    "test": "test|testing|tst|eval|evaluation|holdout",
}
THINGS = "set|data|dataset|dir|folder|image|img|pic|picture|photo|file|split|part"
# "training", "trainset", "testimages"; but "trains" may be a class
FORMS = {part: re.compile(f"(?:{words})(?:(?:{THINGS})s?)?") for part, words in WORDS.items()}


def part_of(name: str) -> PartName | None:
    """Return the part that a name stands for, or None.

    Examples
    --------
    >>> [part_of(n) for n in ("Training", "seg_test", "val2017", "test-00000-of-00001", "cat")]
    ['train', 'test', 'validation', 'test', None]
    """
    # letters only, and a capital inside a word begins another: trainLabels, seg_train, val2017
    words = {w.lower() for w in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}
    found = [part for part in PARTS if any(map(FORMS[part].fullmatch, words))]
    if found == ["train", "validation"]:  # train_val: what remains when a test set is set aside
        return "train"
    return found[0] if len(found) == 1 else None


def part_of_path(path: str) -> PartName:
    """Return the part that a path's last word that stands for one names; "train" without such."""
    words = PurePosixPath(path).parts
    return next((part for word in reversed(words) if (part := part_of(word))), "train")


def one_of_each(names: Iterable[str], where: str) -> dict[PartName, str]:
    """Return the name that stands for each part; two for one part are refused."""
    found: dict[PartName, str] = {}
    for name in names:
        part = part_of(name)
        if part is None:
            continue
        if part in found:
            raise DataError(
                f"{where}: both {found[part]!r} and {name!r} look like its {part} set; move one away."
            )
        found[part] = name
    return found
