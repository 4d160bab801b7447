"""Arrays from an ``.npz`` file that anybody may have made: read within bounds, or refused in one line."""

import os
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from math import prod
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError
from pitfalls.escaping import first_line
from pitfalls.images.data.bounds import Bound
from pitfalls.regular import open_regular

__all__ = ["read_arrays"]

MOST_MEMBERS = 10_000
Header = tuple[tuple[int, ...], bool, np.dtype[Any]]
HEADERS: dict[tuple[int, int], Callable[[IO[bytes]], Header]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_arrays(
    source: str | os.PathLike[str] | IO[bytes],
    *,
    where: str | None = None,
    bound: Bound = Bound(),  # noqa: B008 (frozen)
) -> dict[str, npt.NDArray[Any]]:
    """Read all arrays of an ``.npz`` file; objects in it are refused, not unpickled.

    Parameters
    ----------
    source : path or binary file
        What ``numpy.savez`` or ``numpy.savez_compressed`` has written.
    where : str, optional
        What messages call it (default: its path).
    bound : Bound
        How much memory the arrays may take together. What a header announces is compared with it,
        and with what the archive holds, before anything is allocated.

    Returns
    -------
    dict of ndarray
        By name.

    Raises
    ------
    DataError
        If the file is missing, damaged, encrypted, too large or no such archive.
    """
    if isinstance(source, str | os.PathLike):
        try:
            with open_regular(source) as stream:
                return read_arrays(stream, where=os.fspath(source), bound=bound)
        except OSError as error:
            if isinstance(error, DataError):
                raise
            raise _refused(os.fspath(source), error.strerror or error) from None
        except ValueError as error:  # a null byte in the path
            raise _refused(os.fspath(source), error) from None
    where = where or "the archive"
    try:
        if not zipfile.is_zipfile(source):
            raise _refused(where, "it is no zip archive of arrays, as numpy.savez writes")
        packed = source.seek(0, os.SEEK_END)
        with zipfile.ZipFile(source) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) > MOST_MEMBERS:
                raise _refused(where, f"it holds more than {MOST_MEMBERS:,} arrays")
            bound.check(sum(m.file_size for m in members), f"{where}: its arrays", packed)
            names = Counter(m.filename for m in members)
            if twice := [name for name, times in names.items() if times > 1]:
                raise _refused(where, f"it holds {twice[0]} more than once")
            return {
                m.filename.removesuffix(".npy"): _read_member(archive, m, where) for m in members
            }
    except DataError:
        raise
    except Exception as error:  # zipfile and NumPy raise almost anything on damage
        raise _refused(where, error) from None


def _refused(where: str, reason: object) -> DataError:
    return DataError(f"{where} cannot be read as .npz: {first_line(reason)[:160]}")


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> npt.NDArray[Any]:
    """Read one array, once its header agrees with the bytes that there are."""
    if not member.filename.endswith(".npy"):
        raise DataError(f"{where} cannot be read as .npz: {member.filename} in it is no array.")
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in HEADERS:
            raise _refused(where, f"{member.filename} is of version {version}")
        shape, fortran, dtype = HEADERS[version](stream)
        if dtype.hasobject:
            raise _refused(where, f"{member.filename} holds objects, not numbers or text")
        count, left = prod(shape), member.file_size - stream.tell()
        if min(shape, default=0) < 0 or dtype.itemsize * count != left:
            raise _refused(
                where, f"{member.filename} of shape {shape} and type {dtype} has {left:,} bytes"
            )
        array = np.empty(count, dtype)
        _fill(stream, memoryview(array.view(np.uint8).data) if left else memoryview(b""))
        letters = array.view(dtype.str[0] + "u4") if dtype.kind == "U" and left else np.zeros(1)
        if letters.max() > sys.maxunicode:
            raise _refused(where, f"{member.filename} holds letters that there are not")
        return array.reshape(shape, order="F" if fortran else "C")


def _fill(stream: IO[bytes], target: memoryview) -> None:
    at = 0
    while at < len(target):
        raw = stream.read(min(1 << 20, len(target) - at))
        if not raw:
            raise EOFError("an array ends early")
        target[at : at + len(raw)] = raw
        at += len(raw)
    stream.read(1)  # at the end the archive's checksum is looked at
