"""The files of a source by their paths inside it: of a folder, an archive, or one file alone."""

import io
import os
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pitfalls.errors import DataError, PitfallsError
from pitfalls.images.data.bounds import Bound
from pitfalls.images.data.reading import counted
from pitfalls.images.data.tar import inner_path, read_tar
from pitfalls.regular import open_regular

__all__ = ["PICTURE_ENDINGS", "FileTree", "foreign", "list_files", "open_tree"]

PICTURE_ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"),
    *(".ppm", ".pgm", ".pbm"),
)
MOST_FILES = 1_000_000
MOST_OTHERS = 20_000
"""Files and folders that are no pictures: more of them, and ten to each picture, are no data set."""
JUNK = ("__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir", ".DS_Store")  # not worth a word
HIDDEN = "hidden"
LINK = "broken or circular links"
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


@dataclass(frozen=True)
class FileTree:
    """Files by their paths inside a source, sorted; hidden ones are only counted.

    Parameters
    ----------
    root : str
        The source, for messages.
    sizes : mapping of str to int
        Bytes of each file.
    opener : callable
        Opens a file by its path.
    empty : tuple of str
        Folders without a file.
    left_out : mapping of str to int
        How many files are not among these, by reason.
    links : tuple of str
        Links in an archive; they are not followed.
    packed : int, optional
        Size of the archive; None for a folder.
    closer : callable, optional
        Closes the archive.
    """

    root: str
    sizes: Mapping[str, int]
    opener: Callable[[str], BinaryIO]
    empty: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    packed: int | None = None
    closer: Callable[[], None] | None = None

    @property
    def name(self) -> str:
        """The source's name without folders and without an archive's ending."""
        name = os.path.basename(os.path.abspath(self.root))
        for ending in (".npz", ".parquet", *sorted(ARCHIVES, key=len, reverse=True)):
            if name.lower().endswith(ending):
                return name[: -len(ending)]
        return name

    def where(self, path: str = "") -> str:
        """Name a file, or the whole, for a message."""
        return f"{self.root}/{path}" if path and path != self.root else self.root

    def folders(self) -> list[str]:
        """Return the names of the folders at the top, sorted."""
        paths = (*self.sizes, *(f"{folder}/" for folder in self.empty))
        return sorted({path.split("/")[0] for path in paths if "/" in path})

    def below(self, folder: str) -> "FileTree":
        """Return the part of the tree below a folder."""
        start = f"{folder}/"

        def inside(path: str) -> str:
            return path[len(start) :]

        return replace(
            self,
            root=self.where(folder),
            sizes={inside(p): n for p, n in self.sizes.items() if p.startswith(start)},
            opener=lambda path: self.opener(start + path),
            empty=tuple(inside(p) for p in self.empty if p.startswith(start)),
            links=tuple(inside(p) for p in self.links if p.startswith(start)),
        )

    def close(self) -> None:
        """Close what the tree keeps open; its files cannot be opened any more."""
        if self.closer is not None:
            self.closer()

    def open(self, path: str) -> BinaryIO:
        """Open a file; what keeps it from being opened is a DataError."""
        try:
            return self.opener(path)
        except FileNotFoundError:
            raise DataError(f"{self.where(path)} is missing.") from None
        except OSError as error:
            raise DataError(
                f"{self.where(path)} cannot be read: {error.strerror or error}."
            ) from None

    def read(self, path: str, most: int, expected: str) -> bytes:
        """Return a file's bytes; one of more than ``most`` is refused unread."""
        if self.sizes[path] > most:
            raise DataError(f"{self.where(path)} has {self.sizes[path]:,} bytes; {expected}.")
        with self.open(path) as stream, foreign(self.where(path), "a file that can be read"):
            return stream.read(most + 1)


@contextmanager
def foreign(where: str, what: str) -> Iterator[None]:
    """Turn whatever a decoder raises on bytes that anybody may have made into a DataError.

    Decoders of other houses raise almost anything on damage (struct.error, KeyError, zlib.error,
    MemoryError, RecursionError); nothing of our own belongs inside.
    """
    try:
        yield
    except PitfallsError:
        raise
    except Exception as error:
        text = " ".join(str(getattr(error, "strerror", None) or error).split())[:160]
        raise DataError(f"{where} is not {what} ({text or type(error).__name__}).") from None


def open_tree(path: Path, bound: Bound) -> FileTree:
    """List the files of a folder or archive; any other file is a tree of one.

    Raises
    ------
    DataError
        If something cannot be listed, an archive is damaged or unpacks to more than it may.
    """
    if path.is_dir():
        return _folder_tree(path)
    name = path.name.lower()
    try:
        packed = path.stat().st_size
        with open_regular(path) as stream:
            start = stream.read(4)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
    if start == b"PK\x03\x04" and not name.endswith(".npz"):
        return _zip_tree(path, packed, bound)
    if name.endswith(ARCHIVES) and not name.endswith(".zip"):
        contents = read_tar(path, bound)
        visible = {p: raw for p, raw in contents.files.items() if not _is_hidden(p)}
        hidden = sum(_is_hidden(p) and not _is_junk(p) for p in contents.files)
        return FileTree(
            root=str(path),
            sizes={p: len(visible[p]) for p in _sorted(visible)},
            opener=lambda name: io.BytesIO(visible[name]),
            left_out={HIDDEN: hidden} if hidden else {},
            links=contents.links,
            packed=packed,
        )
    if name.endswith(".zip"):
        raise DataError(f"{path} is damaged (not a zip archive); delete it and get it again.")
    return FileTree(str(path), {path.name: packed}, lambda _: path.open("rb"), packed=packed)


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") or part in JUNK for part in PurePosixPath(path).parts)


def _is_junk(path: str) -> bool:
    """Return whether a system left it behind: macOS' ._1.png beside each 1.png, say."""
    return any(part.startswith("._") or part in JUNK for part in PurePosixPath(path).parts)


def list_files(folder: Path) -> list[str]:
    """Return the paths of the files inside a folder, sorted, but for hidden ones.

    Raises
    ------
    DataError
        If something cannot be listed, or so much of it is no picture that it is no folder of data.
    """
    return list(_folder_tree(folder).sizes)


def _folder_tree(root: Path) -> FileTree:
    """Walk a folder, through links too, but into no folder twice on one path."""
    sizes: dict[str, int] = {}
    empty: list[str] = []
    left_out: dict[str, int] = {}
    seen: Counter[str] = Counter()

    def skip(reason: str) -> None:
        left_out[reason] = left_out.get(reason, 0) + 1

    def walk(folder: str, above: frozenset[tuple[int, int]]) -> None:
        entries = _scan(root, folder)
        if not entries and folder:
            empty.append(folder)
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if _is_hidden(entry.name):
                if not _is_junk(entry.name):
                    skip(HIDDEN)
                continue
            try:
                found = entry.stat()
            except OSError:
                skip(LINK)
                continue
            place = (found.st_dev, found.st_ino)
            if stat.S_ISDIR(found.st_mode):
                if place in above:
                    skip(LINK)
                else:
                    seen["folders"] += 1
                    walk(path, above | {place})
            elif stat.S_ISREG(found.st_mode):
                sizes[path] = found.st_size
                seen[PurePosixPath(path).suffix.lower() or "without ending"] += 1
            else:
                skip("devices or pipes")
        _refuse_strange(root, seen)
        if len(sizes) > MOST_FILES:
            raise DataError(f"{root} holds more than {MOST_FILES:,} files; name a folder inside.")

    try:
        walk("", frozenset())
    except RecursionError:
        raise DataError(f"{root} nests too deep; name a folder inside.") from None
    return FileTree(
        root=str(root),
        sizes={p: sizes[p] for p in _sorted(sizes)},
        opener=lambda path: (root / path).open("rb"),
        empty=tuple(sorted(empty)),
        left_out=left_out,
    )


def _refuse_strange(root: Path, seen: Counter[str]) -> None:
    """Refuse a disk or a home in whose place a data set was meant, long before its end."""
    pictures = sum(seen[ending] for ending in PICTURE_ENDINGS)
    others = seen.total() - pictures
    if others > max(MOST_OTHERS, 10 * pictures):
        raise DataError(
            f"{root} is not a data set: of the first {seen.total():,} files and folders in it "
            f"{pictures:,} are pictures (seen: {counted(dict(seen.most_common(5)))}). Name the folder of "
            "the data alone: class folders of pictures, pictures beside a CSV, CIFAR, idx, parquet or .npz "
            "files."
        )


def _scan(root: Path, folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / folder) as found:
            return list(found)
    except OSError as error:
        raise DataError(f"{root / folder} cannot be read: {error.strerror or error}.") from None


def _zip_tree(path: Path, packed: int, bound: Bound) -> FileTree:
    """List a zip archive; its members are unpacked one at a time, when they are read."""
    with ExitStack() as opened:
        with foreign(f"{path} is damaged: it", "a zip archive"):
            archive = opened.enter_context(zipfile.ZipFile(path))
            members = [m for m in archive.infolist() if not m.is_dir()]
        if len(members) > MOST_FILES:
            raise DataError(f"{path} holds more than {MOST_FILES:,} files.")
        bound.check(sum(m.file_size for m in members), f"{path}: its content", packed)
        opened.pop_all()  # from here on whoever has the tree closes it
    links = [m.filename for m in members if _is_link(m)]
    files = {inner_path(m.filename): m for m in members if not _is_link(m)}
    visible = {name: m for name, m in files.items() if not _is_hidden(name)}
    hidden = sum(_is_hidden(p) and not _is_junk(p) for p in files)

    def unpack(name: str) -> BinaryIO:
        with foreign(f"{path}/{name}", "a file that can be unpacked"):
            return archive.open(visible[name])  # type: ignore[return-value]

    return FileTree(
        root=str(path),
        sizes={name: visible[name].file_size for name in _sorted(visible)},
        opener=unpack,
        left_out={HIDDEN: hidden} if hidden else {},
        links=tuple(links),
        packed=packed,
        closer=archive.close,
    )


def _is_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)


def _sorted(paths: Iterable[str]) -> list[str]:
    """Sort by folder and then by name, so that the order is the same anywhere."""
    return sorted(paths, key=lambda path: path.split("/"))
