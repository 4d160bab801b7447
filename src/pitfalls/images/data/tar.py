"""Tar archives that anybody may have made: unpacked in one pass, into memory, within bounds."""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pitfalls.errors import DataError
from pitfalls.images.data.bounds import Bound
from pitfalls.regular import open_regular

__all__ = ["TarContents", "inner_path", "read_tar"]

MOST_MEMBERS = 200_000
LONGEST_HEADER = 1 << 16  # bytes of a long name or of a member's attributes; a path has 4,096
MOST_HEADERS = 8  # such headers in a row
HEADERS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
           tarfile.GNUTYPE_LONGLINK)  # fmt: skip
COMPRESSED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open))


@dataclass(frozen=True)
class TarContents:
    """What an archive holds: regular files by their paths, and links, which are not followed."""

    files: dict[str, bytes]
    links: tuple[str, ...]


def read_tar(path: Path, bound: Bound) -> TarContents:
    """Unpack an archive in memory.

    Raises
    ------
    DataError
        If it is damaged, or unpacks to more than it may.
    """
    files: dict[str, bytes] = {}
    links: list[str] = []
    try:
        packed = path.stat().st_size
        with open_regular(path) as raw:
            stream = _Counted(_unpacker(raw), bound, path, packed)
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=_BoundedHeader) as archive:
                for count, member in enumerate(archive):
                    if count >= MOST_MEMBERS:
                        raise DataError(f"{path} holds more than {MOST_MEMBERS:,} files.")
                    name = inner_path(member.name)
                    archive.members.clear()  # type: ignore[attr-defined] # or every one would be kept
                    if not member.isreg() or member.issparse():
                        if not member.isdir():
                            links.append(name)
                        continue
                    found = archive.extractfile(member)
                    files[name] = b"" if found is None else found.read()
            stream.to_the_end()
            if not stream.saw_end:
                raise DataError(f"{path} is damaged (it ends early); delete it and get it again.")
    except DataError:
        raise
    except (tarfile.TarError, lzma.LZMAError, EOFError, zlib.error, ValueError, OverflowError,
            RecursionError) as error:  # fmt: skip
        raise DataError(f"{path} is damaged ({error}); delete it and get it again.") from None
    except OSError as error:  # the unpackers' own, which carry no number, say damage
        if error.errno is None:
            raise DataError(f"{path} is damaged ({error}); delete it and get it again.") from None
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None
    return TarContents(files, tuple(links))


def inner_path(name: str) -> str:
    """Return a member's path without anything that leads out of the archive."""
    return "/".join(
        part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")
    )


def _unpacker(raw: IO[bytes]) -> IO[bytes]:
    start = raw.read(6)
    raw.seek(0)
    for magic, unpacker in COMPRESSED:
        if start.startswith(magic):
            return unpacker(raw)  # type: ignore[return-value]
    return raw


class _Counted(io.RawIOBase):
    """Reads on until more has come out than may, skipped members included."""

    def __init__(self, stream: IO[bytes], bound: Bound, path: Path, packed: int) -> None:
        self.stream, self.bound, self.path, self.packed = stream, bound, path, packed
        self.come = 0
        self.headers = 0  # of attributes or long names, in a row
        self.saw_end = False

    def read(self, size: int = -1) -> bytes:
        most = self.bound.most(self.packed)
        got = self.stream.read(min(size, most + 1) if size >= 0 else most + 1)
        self.come += len(got)
        self.bound.check(self.come, f"{self.path}: its content", self.packed)
        return got

    def to_the_end(self) -> None:
        """Read what stands behind the last member: the checksum of a compressed stream does."""
        while self.read(1 << 20):
            pass


class _BoundedHeader(tarfile.TarInfo):
    """A member's header that is looked at before what it announces is read.

    ``tarfile`` reads a header of any length whole, searches it in quadratic time, and takes a
    damaged header behind the first for the end of the archive.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_BoundedHeader":
        try:
            return super().frombuf(buf, encoding, errors)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"no tar archive, or a damaged one: {error}") from None

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> "_BoundedHeader":
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            _source(archive).saw_end = True
            raise

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        source = _source(archive)
        if self.size < 0 or self.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.ReadError("a member of negative size, or a sparse one")
        if self.type in HEADERS:
            source.headers += 1
            if self.size > LONGEST_HEADER or source.headers > MOST_HEADERS:
                raise tarfile.ReadError(f"a header of {self.size:,} bytes, or headers without end")
        else:
            source.headers = 0
        return super()._proc_member(archive)  # type: ignore[misc, no-any-return]

    def _proc_pax(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        """Read a member's attributes: its path and size are all that is wanted."""
        blocks = -(-self.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
        fields = _pax_fields(archive.fileobj.read(blocks)[: self.size])
        member = self.fromtarfile(archive)
        if self.type == tarfile.XGLTYPE:
            return member
        if any(key.startswith("GNU.sparse") for key in fields):
            raise tarfile.ReadError("a sparse file")
        member.offset = self.offset
        member.name = fields.get("path", member.name)
        if "size" in fields:
            member.size = int(fields["size"])
            if member.size < 0:
                raise tarfile.ReadError("a member of negative size")
            blocks = -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
            archive.offset = member.offset_data + blocks
        return member


def _source(archive: tarfile.TarFile) -> _Counted:
    source = archive.fileobj.fileobj  # type: ignore[attr-defined]
    assert isinstance(source, _Counted)
    return source


def _pax_fields(raw: bytes) -> dict[str, str]:
    """Parse lines of "length key=value", where length counts the whole line."""
    fields: dict[str, str] = {}
    while raw.strip(b"\0"):
        digits, space, _ = raw[:12].partition(b" ")
        length = int(digits) if digits.isdigit() and space else 0
        record = raw[len(digits) + 1 : length]
        if not (len(digits) < length <= len(raw)) or not record.endswith(b"\n"):
            raise tarfile.ReadError("attributes that are none")
        key, _, value = record[:-1].partition(b"=")
        fields[key.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
        raw = raw[length:]
    return fields
