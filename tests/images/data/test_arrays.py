import io
import zipfile
from typing import Any

import numpy as np
import pytest

from pitfalls.errors import DataError
from pitfalls.images.data import read_arrays


def test_what_numpy_saved_comes_back(tmp_path):
    x, y = np.arange(6.0).reshape(2, 3), np.array(["a", "b"])
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", x=x, y=y)
        found = read_arrays(tmp_path / "a.npz")
        assert list(found) == ["x", "y"]
        np.testing.assert_array_equal(found["x"], x)
        np.testing.assert_array_equal(found["y"], y)


def member(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def saved(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def twice(name: str) -> bytes:
    """Two arrays of one name, as a zip may hold them."""
    stream = io.BytesIO(member(name, saved_array(np.zeros(3))))
    with zipfile.ZipFile(stream, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(name, saved_array(np.ones(3)))
    return stream.getvalue()


def saved_array(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


BROKEN = {
    "two of one name": twice("x.npy"),
    "empty": b"",
    "text": b"hello",
    "pickle": b"\x80\x04K\x01.",
    "cut": saved(x=np.zeros(1000))[:700],
    "objects": saved(x=np.array([{}], dtype=object)),
    "no array": member("notes.txt", b"hello"),
    "header that does not close": member("x.npy", header("{'descr': '|u1', ((")),
    "shape beyond memory": member(
        "x.npy",
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999999, 3)}\n"),
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_no_archive_of_arrays_is_refused_in_one_line_that_names_it(tmp_path, broken):
    path = tmp_path / "mine.npz"
    path.write_bytes(BROKEN[broken])
    with pytest.raises(DataError, match=r"mine\.npz cannot be read as \.npz") as raised:
        read_arrays(path)
    assert "\n" not in str(raised.value)
    assert "unsafe" not in str(raised.value), "advice to unpickle"


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        read_arrays(tmp_path / "nothing.npz")
