"""Arrays from an ``.npz`` file that anybody may have made: read, or refused in one line."""

import os
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError

__all__ = ["read_arrays"]


def read_arrays(path: str | os.PathLike[str]) -> dict[str, npt.NDArray[Any]]:
    """Read all arrays of an ``.npz`` file; objects in it are refused, not unpickled.

    Parameters
    ----------
    path : path
        What ``numpy.savez`` or ``numpy.savez_compressed`` has written.

    Returns
    -------
    dict of ndarray
        By name.

    Raises
    ------
    DataError
        If the file is missing, damaged, encrypted or no such archive.
    """
    try:
        with Path(path).open("rb") as stream:
            if not zipfile.is_zipfile(stream):
                # NumPy would take it for a pickle, and say how to load that unsafely
                raise zipfile.BadZipFile("it is no zip archive of arrays, as numpy.savez writes")
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, KeyError, RuntimeError, OverflowError, MemoryError,
            SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error) as error:  # fmt: skip
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read as .npz: {reason}") from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise DataError(f"{path} cannot be read as .npz: {name} in it is no array.")
    return arrays
