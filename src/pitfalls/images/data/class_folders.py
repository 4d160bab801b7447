"""Class folders: one folder of pictures a class, below folders for the parts or without.

``train/cat/1.png``, ``cat/train/1.png`` and ``cat/1.png`` are told apart by what the folders hold,
not by their names alone: a class may be called "train".
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from pitfalls.errors import DataError
from pitfalls.images.data.config import DataConfig
from pitfalls.images.data.content import Content, LabelledImages
from pitfalls.images.data.files import PICTURE_ENDINGS, FileTree
from pitfalls.images.data.gathering import gather
from pitfalls.images.data.labels import composed
from pitfalls.images.data.parts import PARTS, PartName, one_of_each, part_of
from pitfalls.images.data.pictures import PictureFile

__all__ = ["has_class_folders", "read_class_folders", "skipped_files"]

FORM = "class folders"


@dataclass(frozen=True)
class Layout:
    """Which pictures belong to which part and class.

    Parameters
    ----------
    parts : mapping of part to mapping of class to paths
    folders : mapping of part to str
        The folder of each part, for messages.
    notes : tuple of str
        What may have been taken wrongly.
    """

    parts: Mapping[PartName, Mapping[str, Sequence[str]]]
    folders: Mapping[PartName, str]
    notes: tuple[str, ...] = ()


def has_class_folders(tree: FileTree) -> bool:
    """Return whether some folder of the tree holds pictures, and the top does not."""
    pictures = [path for path in tree.sizes if is_picture(path)]
    if not pictures:
        return bool(tree.empty)
    inner = descend(tree)
    parts = _part_folders(inner)
    if parts and not any(inner.below(folder).folders() for folder in parts.values()):
        return False
    return bool(inner.folders())


def is_picture(path: str) -> bool:
    """Return whether a path ends as a picture's does."""
    return PurePosixPath(path).suffix.lower() in PICTURE_ENDINGS


def read_class_folders(tree: FileTree, config: DataConfig) -> Content:
    """Read a tree of class folders.

    Either ``train/<class>/*`` with ``test/<class>/*`` (or ``val``; any usual name of the parts),
    or ``<class>/train/*``, or ``<class>/*``, which is left to be split. Classes are the folders'
    names, sorted. Pictures in folders further below count to the class above them.

    Raises
    ------
    DataError
        On a picture that cannot be read, an empty class folder, sizes that differ (unless
        ``size`` is given), or classes that differ between the parts.
    """
    inner = descend(tree)
    layout = _layout(inner)
    classes = tuple(sorted(layout.parts["train"]))
    notes = (*layout.notes, *_check_classes(layout, classes))
    listed = [
        (part, label, path)
        for part in PARTS
        for label, name in enumerate(classes)
        for path in layout.parts.get(part, {}).get(name, ())
    ]
    files = [
        PictureFile(inner.where(path), partial(inner.open, path), inner.sizes[path])
        for _, _, path in listed
    ]
    gathered = gather(files, config, tree.root, FORM)
    part_at = np.array([part for part, _, _ in listed])[gathered.kept]
    labels = np.array([label for _, label, _ in listed], dtype=np.int64)[gathered.kept]
    split = {
        part: LabelledImages(gathered.part(part_at == part), labels[part_at == part])
        for part in PARTS
        if part in layout.parts
    }
    reading = gathered.reading.noting(*notes)
    used = {inner.where(path) for _, _, path in listed}
    skipped = skipped_files(tree, {p for p in tree.sizes if tree.where(p) in used})
    reading = replace(reading, skipped=tuple(skipped.items()))
    if "test" not in split and "validation" in split:
        split["test"] = split.pop("validation")
        reading = replace(
            reading,
            split=(f"{tree.root} has no test set: its validation set is taken as the test set.",),
        )
    return Content.of_tree(tree, classes, reading, split)


def descend(tree: FileTree, classes: Collection[str] | None = None) -> FileTree:
    """Go down while there is one folder, which holds folders and beside which there are no pictures.

    Without ``classes`` a folder that stands for a part ends the way; with them, below such a
    folder, one that is called as a class.
    """
    while True:
        folders = tree.folders()
        if len(folders) != 1:
            return tree
        if part_of(folders[0]) is not None if classes is None else composed(folders[0]) in classes:
            return tree
        if any("/" not in path and is_picture(path) for path in tree.sizes):
            return tree
        below = tree.below(folders[0])
        if not below.folders():
            return tree
        tree = below


def skipped_files(tree: FileTree, used: set[str]) -> dict[str, int]:
    """Count the files that were not read, by ending; hidden ones and links by that."""
    counts = Counter(
        f"{PurePosixPath(path).suffix.lower() or 'without ending'}{_place(path)}"
        for path in tree.sizes
        if path not in used
    )
    counts.update(tree.left_out)
    if tree.links:
        counts["links in the archive"] += len(tree.links)
    return dict(counts)


def _place(path: str) -> str:
    if not is_picture(path):
        return ""
    folder, slash, _ = path.partition("/")
    return f" in {folder}" if slash else " beside the classes"


def _part_folders(tree: FileTree) -> dict[PartName, str]:
    """Return the folders that stand for parts of the data, if they do.

    A folder called "train" among classes is a class: it holds pictures as the others do.
    """
    folders = tree.folders()
    named = [folder for folder in folders if part_of(folder) is not None]
    others = [folder for folder in folders if part_of(folder) is None]
    if not any(part_of(folder) == "train" for folder in named):
        split = not others or any(_holds_classes(tree.below(folder)) for folder in named)
        return one_of_each(named, tree.root) if named and split else {}
    if others and not any(_holds_classes(tree.below(folder)) for folder in named):
        return {}
    return one_of_each(named, tree.root)


def _holds_classes(tree: FileTree) -> bool:
    return any(is_picture(path) and "/" in path for path in tree.sizes)


def _layout(tree: FileTree) -> Layout:
    folders = _part_folders(tree)
    if folders:
        if "train" not in folders:
            raise DataError(
                f"{tree.root} has a folder {next(iter(folders.values()))!r} but none to train on; "
                "put its classes below a folder 'train'."
            )
        parts: dict[PartName, dict[str, list[str]]] = {}
        for part, folder in sorted(folders.items(), key=lambda item: PARTS.index(item[0])):
            below = descend(tree.below(folder), parts.get("train", ()))
            if part != "train" and _without_classes(below, part):
                continue  # to hand in answers for: counted as skipped
            start = below.root[len(tree.root) + 1 :]
            parts[part] = {
                name: [f"{start}/{path}" for path in paths]
                for name, paths in _classes(below).items()
            }
        return Layout(parts, {part: tree.where(folder) for part, folder in folders.items()})
    inside = {name: _part_folders(tree.below(name)) for name in tree.folders()}
    _refuse_alike(tree, inside)
    if inside and all("train" in found for found in inside.values()):
        return _parts_below_classes(tree, inside)
    classes = _classes(tree)
    return Layout({"train": classes}, {"train": tree.root}, _may_be_parts(tree.root, classes))


def _without_classes(tree: FileTree, part: PartName) -> bool:
    """Return whether a part's pictures lie side by side, as test/1.png or test/test/1.png."""
    pictures = any(is_picture(path) for path in tree.sizes)
    return pictures and all(part_of(folder) == part for folder in tree.folders())


def _may_be_parts(root: str, classes: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Warn where each folder holds the same folders, as training and test set would."""
    inner = [{p.split("/")[1] for p in paths if p.count("/") > 1} for paths in classes.values()]
    direct = any(path.count("/") == 1 for paths in classes.values() for path in paths)
    shared = sorted(set.intersection(*inner))
    if direct or len(inner) < 2 or len(shared) < 2:
        return ()
    return (
        f"{root}: {', '.join(sorted(classes)[:5])} are taken as classes, though each holds folders "
        f"called {', '.join(shared[:5])} ({sum(map(len, classes.values())):,} pictures in all): if "
        "they are the parts of the data, call them train and test.",
    )


def _parts_below_classes(tree: FileTree, inside: Mapping[str, Mapping[PartName, str]]) -> Layout:
    parts: dict[PartName, dict[str, list[str]]] = {}
    for name, found in inside.items():
        for part, folder in found.items():
            start = f"{name}/{folder}/"
            paths = [p for p in tree.sizes if p.startswith(start) and is_picture(p)]
            if not paths:
                raise DataError(
                    f"{tree.where(start.rstrip('/'))} holds no picture; remove or fill it."
                )
            parts.setdefault(part, {})[composed(name)] = paths
    return Layout(parts, {part: f"{tree.root}/*/{part}" for part in parts})


def _classes(tree: FileTree) -> dict[str, list[str]]:
    """Return the pictures of each class folder."""
    folders = tree.folders()
    if not folders:
        raise DataError(
            f"{tree.root} has no class folders; expected one folder of pictures a class."
        )
    found: dict[str, list[str]] = {folder: [] for folder in folders}
    for path in tree.sizes:
        folder, slash, _ = path.partition("/")
        if slash and is_picture(path):
            found[folder].append(path)
    for folder, paths in found.items():
        if not paths:
            raise DataError(
                f"{tree.where(folder)} holds no PNG or JPEG picture (or WebP, BMP, TIFF, GIF, "
                "PNM); remove it or fill it."
            )
    _refuse_alike(tree, found)
    return {composed(folder): paths for folder, paths in found.items()}


def _refuse_alike(tree: FileTree, folders: Collection[str]) -> None:
    """Refuse two class folders whose names are one text in two ways to write it."""
    for name, n in Counter(map(composed, folders)).items():
        if n > 1:
            raise DataError(
                f"{tree.root} has {n} folders called {name!r}, whose accents are written in different "
                "ways; put their pictures into one."
            )


def _check_classes(layout: Layout, classes: tuple[str, ...]) -> list[str]:
    """Refuse classes that are not trained on; say which a part lacks."""
    notes = []
    for part, found in layout.parts.items():
        strangers = sorted(set(found) - set(classes))
        if strangers:
            raise DataError(
                f"{layout.folders[part]}/{strangers[0]} is a class that "
                f"{layout.folders['train']} does not have."
            )
        missing = sorted(set(classes) - set(found))
        if missing:
            notes.append(f"{layout.folders[part]} has no folder for {', '.join(missing)}.")
    return notes
