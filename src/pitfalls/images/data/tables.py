"""Pictures beside a table of file and label: Kaggle's flat folders, Hugging Face's metadata files."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from pitfalls.errors import DataError
from pitfalls.images.data.class_folders import (
    descend,
    has_class_folders,
    is_picture,
    skipped_files,
)
from pitfalls.images.data.config import DataConfig
from pitfalls.images.data.content import Content, LabelledImages
from pitfalls.images.data.file_column import LABEL_COLUMNS, find_file_column
from pitfalls.images.data.files import PICTURE_ENDINGS, FileTree, foreign
from pitfalls.images.data.gathering import gather
from pitfalls.images.data.labels import composed, encode_labels
from pitfalls.images.data.parts import PARTS, PartName, part_of, part_of_path
from pitfalls.images.data.pictures import PictureFile

__all__ = ["has_table", "read_tables"]

FORM = "pictures beside a table"
ENDINGS = (".csv", ".tsv", ".jsonl")
LARGEST = 256 * 2**20  # bytes of a table
LOOKED_AT = 200  # rows that decide which column holds the files
NUMBER = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?")
LARGEST_NUMBER = 10_000  # as large a number names a class, as a code does, and counts none
PART_COLUMNS = ("split", "set", "subset", "partition", "phase", "usage")

Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class ColumnTable:
    """A file of rows, and its columns of files and labels."""

    path: str
    rows: Rows
    files: Mapping[str, str]  # what the file column holds -> path in the tree
    file_column: str
    label_column: str
    part_column: str | None


def has_table(tree: FileTree) -> bool:
    """Return whether a table stands beside pictures that do not lie in folders named as classes."""
    if not any(is_picture(path) for path in tree.sizes) or not _table_paths(tree):
        return False
    if not has_class_folders(tree):
        return True
    folders = [f for f in descend(tree).folders() if _holds_pictures(descend(tree), f)]
    # images/, or images_001/ to images_012/: folders that only divide many files
    stems = {re.sub(r"[\d_\W]", "", folder) for folder in folders}
    return len(stems) == 1 and "" not in stems and part_of(folders[0]) is None


def _holds_pictures(tree: FileTree, folder: str) -> bool:
    return any(is_picture(path) for path in tree.below(folder).sizes)


def read_tables(tree: FileTree, config: DataConfig) -> Content:
    """Read pictures whose labels stand in CSV, TSV or JSON lines files.

    The column of files is told by `find_file_column`: its words are pictures (by path, by name, or
    without ending). The column of labels is the other one, or the one of a usual name, or
    ``config.labels``. A part (training, test) is named by a column ``split``, by the table's name,
    or by the folder that its pictures lie in.

    Raises
    ------
    DataError
        If no table names the pictures, its columns cannot be told apart, a row names a picture
        that is not there (unless damaged ones may be skipped), or one picture has two labels.
    """
    inner = descend(tree)
    index = _index(inner)
    tables = [t for p in _table_paths(inner) if (t := _open(inner, p, index, config)) is not None]
    if not tables:
        raise DataError(
            f"{tree.root}: no table there ({', '.join(_table_paths(inner)[:5])}) has a column of the "
            "pictures' names and a column of labels; expected a CSV with columns file and label."
        )
    listed, missing = _rows(inner, tables)
    if missing and not config.skip_damaged:
        raise DataError(
            f"{tree.root}: {len(missing):,} rows name pictures that are not there, {missing[0]} "
            "first; put them there, or leave the rows out by skip_damaged (--skip-damaged)."
        )
    listed = dict(sorted(listed.items(), key=lambda item: PARTS.index(item[1][0])))
    files = [PictureFile(inner.where(p), partial(inner.open, p), inner.sizes[p]) for p in listed]
    gathered = gather(files, config, tree.root, FORM)
    kept = [pair for pair, keep in zip(listed.values(), gathered.kept, strict=True) if keep]
    part_at = np.array([part for part, _ in kept])
    texts = {part: [text for p, text in kept if p == part] for part in PARTS if part in part_at}
    if "train" not in texts:
        raise DataError(f"{tree.root}: its table names pictures to test on but none to train on.")
    encoded, names, words = encode_labels(
        {part: _numbers_or_text(found, texts, tree.root) for part, found in texts.items()},
        tables[0].path,
    )
    split = {part: LabelledImages(gathered.part(part_at == part), encoded[part]) for part in texts}
    used = {inner.where(p) for p in (*listed, *(t.path for t in tables))}
    skipped = skipped_files(tree, {p for p in tree.sizes if tree.where(p) in used})
    unlabelled = sum(is_picture(p) for p in inner.sizes) - len(listed)
    skipped = {k: n for k, n in skipped.items() if not k.startswith(PICTURE_ENDINGS)}
    reading = replace(
        gathered.reading,
        skipped=tuple(
            (skipped | ({"pictures without a label": unlabelled} if unlabelled else {})).items()
        ),
        damaged=(*gathered.reading.damaged, *missing),
        labels=words,
    )
    return Content.of_tree(tree, names, reading, split)


def _table_paths(tree: FileTree) -> list[str]:
    """List the tables; what only shows how to hand in answers (sampleSubmission.csv) is none."""
    return [
        path
        for path in tree.sizes
        if PurePosixPath(path).suffix.lower() in ENDINGS and "submission" not in path.lower()
    ]


def _index(tree: FileTree) -> dict[str, str | None]:
    """Map every way to name a picture to its path, or to None where it names several."""
    index: dict[str, str | None] = {}
    for path in tree.sizes:
        if not is_picture(path):
            continue
        pure = PurePosixPath(composed(path))
        for name in {str(pure), str(pure.with_suffix("")), pure.name, pure.stem}:
            index[name] = None if name in index else path
    index.update({composed(path): path for path in tree.sizes if is_picture(path)})
    return index


def _open(
    tree: FileTree, path: str, index: Mapping[str, str | None], config: DataConfig
) -> ColumnTable | None:
    """Read a table; None if it names no pictures."""
    rows = _parse(tree, path)
    if not rows:
        return None
    folder = path.rpartition("/")[0]
    columns = list(dict.fromkeys(column for row in rows for column in row if column))
    if not columns:
        return None

    def find(name: str) -> str | None:
        name = composed(name.strip().replace("\\", "/").removeprefix("./"))
        if re.match(r"/|[A-Za-z]:/", name):  # where it lay on the machine that wrote the table
            return index.get(name.rpartition("/")[2])
        return index.get(composed(f"{folder}/{name}") if folder else name) or index.get(name)

    part_column = _part_column(tree.where(path), rows, columns, config)
    rest = [column for column in columns if column != part_column]
    best = find_file_column(tree.where(path), rest, rows[:LOOKED_AT], find, config.labels)
    if best is None:
        return None
    label = _label_column(
        tree.where(path), [c for c in columns if c not in (best, part_column)], config
    )
    if label is None:
        return None
    if torn := next((row[""] for row in rows if "" in row), ""):  # a comma in a label splits it
        raise DataError(
            f"{tree.where(path)}: line {torn} has more cells than the first line; put what holds a "
            "separator in quotes."
        )
    if find(best) and (is_picture(best) or any(row.get(label) == label for row in rows)):
        rows = [{column: column for column in columns}, *rows]  # there is no line of names
    elif (
        find(best)
        and label.strip().lower() not in LABEL_COLUMNS
        and all(row.get(best) != best for row in rows)
    ):
        raise DataError(
            f"{tree.where(path)}: its first line, with {best!r} and {label!r}, may name the columns or "
            "a picture and its label; write a line of names above it, as file and label."
        )
    names = {row.get(best, "") for row in rows}
    found = {name: find(name) for name in names}
    if several := [n for n in names if found[n] is None and composed(n.strip()) in index]:
        raise DataError(
            f"{tree.where(path)}: {min(several)!r} names several pictures; write its ending, or its folder."
        )
    return ColumnTable(
        path, rows, {k: v for k, v in found.items() if v is not None}, best, label, part_column
    )


def _part_column(where: str, rows: Rows, columns: Sequence[str], config: DataConfig) -> str | None:
    """Return the column that names a part in every row; one that does so in some rows is refused."""
    for column in columns:
        if column.lower() not in PART_COLUMNS or column == config.labels:
            continue
        words = dict.fromkeys(row.get(column, "") for row in rows)
        others = [word for word in words if part_of(word) is None]
        if not others:
            return column
        if len(others) < len(words):
            raise DataError(
                f"{where}: column {column!r} names the part of some rows, but in others it says "
                f"{others[0]!r}, which may be training or test; let each row say train, val or test, or "
                "leave those rows out."
            )
    return None


def _label_column(where: str, columns: Sequence[str], config: DataConfig) -> str | None:
    if config.labels is not None:
        if config.labels not in columns:
            raise DataError(
                f"{where} has no column {config.labels!r} of labels; its columns are "
                f"{', '.join(columns)}."
            )
        return config.labels
    if len(columns) <= 1:
        return columns[0] if columns else None
    usual = [column for column in columns if column.strip().lower() in LABEL_COLUMNS]
    if len(usual) != 1 and part_of(PurePosixPath(where).stem) == "test":
        return None  # Kaggle's pictures to hand in answers for
    if len(usual) != 1:
        raise DataError(
            f"{where} has columns {', '.join(columns[:8])}: which holds the labels? Name it by "
            "labels (--labels)."
        )
    return usual[0]


def _parse(tree: FileTree, path: str) -> Rows:
    raw = tree.read(path, LARGEST, f"a table may have {LARGEST:,}")
    with foreign(tree.where(path), "a table in UTF-8 that can be read"):
        text = raw.decode("utf-8-sig")
        if path.lower().endswith(".jsonl"):
            lines = [json.loads(line) for line in text.split("\n") if line.strip()]
            if not all(isinstance(line, dict) for line in lines):
                raise ValueError("a line is no record")
            return [{str(k): _word(v) for k, v in line.items() if k} for line in lines]
        first = text[: text.find("\n")] if "\n" in text else text
        mark = max(",;\t", key=first.count)
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
        return [_cells(row, reader.line_num) for row in reader]


def _cells(row: Mapping[Any, Any], line: int) -> dict[str, str]:
    """Return a row by column; under no name the number of a line that has more cells than columns."""
    cells = {str(k): v if isinstance(v, str) else "" for k, v in row.items() if k}
    return cells | ({"": str(line)} if any(cell.strip() for cell in row.get(None, ())) else {})


def _word(value: object) -> str:
    """Return a value of JSON as a table's cell; null and NaN are empty ones."""
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else str(value)


def _rows(
    tree: FileTree, tables: Sequence[ColumnTable]
) -> tuple[dict[str, tuple[PartName, str]], list[str]]:
    """Return part and label of each picture, and the names of those that are not there."""
    listed: dict[str, tuple[PartName, str]] = {}
    missing: list[str] = []
    for table in tables:
        of_table = part_of(PurePosixPath(table.path).stem) if len(tables) > 1 else None
        for row in table.rows:
            name = row.get(table.file_column, "")
            path = table.files.get(name)
            if path is None:
                missing.append(name or "one without a name")
                continue
            part = part_of(row.get(table.part_column, "")) if table.part_column else of_table
            part = part or part_of_path(path.rpartition("/")[0])
            found = (part, row.get(table.label_column, "").strip())
            if not found[1]:
                continue
            if (before := listed.setdefault(path, found)) != found:
                what = "labels" if before[1] != found[1] else "parts"
                one, other = (pair[what == "labels"] for pair in (before, found))
                raise DataError(
                    f"{tree.where(table.path)}: {name} has two {what}, {one!r} and {other!r}; one is "
                    "expected."
                )
    return listed, missing


def _numbers_or_text(
    found: Sequence[str], parts: Mapping[PartName, Sequence[str]], where: str
) -> list[str] | list[int]:
    """Labels are numbers if all of all parts are: 10 comes after 9 then; larger ones are names.

    Raises
    ------
    DataError
        If all are numbers and one has a fraction: a quantity is no class.
    """
    every = {text for part in parts.values() for text in part}
    if not all(map(NUMBER.fullmatch, every)):
        return list(found)
    values = {text: float(text) for text in every}
    if fractions := [text for text, value in values.items() if not value.is_integer()]:
        raise DataError(
            f"{where}: the labels are numbers of which {min(fractions)} has a fraction; classes are whole "
            "numbers or text. Name another column by labels (--labels), or write words."
        )
    if all(abs(value) < LARGEST_NUMBER for value in values.values()):
        return [int(values[text]) for text in found]
    return list(found)
