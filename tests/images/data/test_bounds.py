"""What a small file asks for is looked at before it is given: bombs are refused in one line.

They are read in a process of their own whose memory is measured; without the bounds they take from
200 MB to several gigabytes, or minutes.
"""

import contextlib
import gzip
import io
import multiprocessing
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.reliability.memory import forget_most_memory, most_memory
from PIL import Image

from pitfalls.errors import DataError, InputError
from pitfalls.images import DataConfig, load_dataset, read_picture
from pitfalls.images.data import read_arrays
from pitfalls.images.data.batch_pickle import read_batch_pickle
from pitfalls.images.data.bounds import Bound
from tests.images.data.makers import class_folders, png, zipped

ALLOWED = 160 * 2**20  # bytes above what the process had; every bomb below asks for more
MIB = 2**20


def member(name, size, kind=b"0"):
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.USTAR_FORMAT)


def tar_bomb(head, fill=b"", mib=0):
    """A packed archive: a head, then many mebibytes of one byte, packed once and repeated."""
    return lambda folder: write(
        folder / "a.tar.gz", gzip.compress(head) + gzip.compress(fill * MIB) * mib
    )


def write(path, raw):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


def npz(folder, header, content=b"", size=None):
    """An archive with one array whose header says what it likes."""
    text = f"{header}\n".encode()
    raw = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content
    path = folder / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("images.npy", raw)
        archive.writestr("labels.npy", raw)
    return path


def blank_png(folder, side=20_000):
    raw = png(side, side, 1, 0, [bytes(side // 8)] * side)
    assert len(raw) < MIB
    return write(folder / "t/a/1.png", raw).parent.parent


def wide_png(folder, side=5_000):
    """Far below Pillow's own limit, but 72 MB as RGB, three times over while it is turned."""
    return write(
        folder / "t/a/1.png", png(side, side, 8, 2, [bytes(3 * side)] * side)
    ).parent.parent


def text_png(folder):
    """A picture with a compressed text of 100 MB in front of its pixels."""
    import zlib

    good = png(8, 8, 8, 2, [bytes(24)] * 8)
    body = b"Comment\0\0" + zlib.compress(bytes(100 * MIB), 1)
    chunk = (
        struct.pack(">I", len(body))
        + b"zTXt"
        + body
        + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    )
    raw = good[:33] + chunk + good[33:]
    write(folder / "t/a/1.png", raw)
    return folder / "t"


def idx_bomb(folder):
    head = b"\0\0\x08\x03" + struct.pack(">3I", 400 * 1024, 32, 32)
    packed = gzip.compress(head) + gzip.compress(bytes(MIB)) * 400
    write(folder / "train-images-idx3-ubyte.gz", packed)
    write(folder / "train-labels-idx1-ubyte.gz", gzip.compress(b"\0\0\x08\x01" + bytes(4)))
    return folder


def recalled(folder):
    """A megabyte that names one text of four kilobytes a quarter of a million times."""
    text = b"C\xff" + b"a" * 255
    raw = b"\x80\x04}\x8c\x01k](" + text + b"q\x00" + b"h\x00" * 500_000 + b"es."
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        write(folder / name, raw)
    return folder


def many_dicts(folder):
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        write(folder / name, b"\x80\x04" + b"}" * 30_000_000)
    return folder


def zip_bomb(folder):
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in "ab":
            archive.writestr(f"t/{name}/1.png", bytes(100 * MIB))
    return path


def parquet_bomb(folder):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as pq

    rows = [{"bytes": bytes(MIB), "path": "x"}] * 200
    table = arrow.table({"image": rows, "label": [0, 1] * 100})
    pq.write_table(table, folder / "a.parquet", compression="zstd", use_dictionary=False)
    return folder / "a.parquet"


def table_bomb(folder):
    class_folders(folder / "t", classes=("images",), n=2)
    write(folder / "t/labels.csv", b"file,label\n")
    with (folder / "t/labels.csv").open("r+b") as stream:
        stream.truncate(2**30)
    return folder / "t"


BOMBS = {
    "tar: digits in a header": tar_bomb(member("x", MIB, b"x"), b"1", 1),
    "tar: a header of 300 MB": tar_bomb(member("x", 300 * MIB, b"x"), b"1", 300),
    "tar: a name of 300 MB": tar_bomb(member("x", 300 * MIB, b"L"), b"a", 300),
    "tar: 3,000 names for one file": tar_bomb(
        (member("x", 512, b"L") + b"a" * 512) * 3000 + member("y", 0)
    ),
    "tar: 3,000 headers for all files": tar_bomb(
        (member("x", 512, b"g") + b"16 a=bbbbbbbbbb\n" + bytes(496)) * 3000
    ),
    "tar: a file of 400 MB of zeros": tar_bomb(member("a/1.png", 400 * MIB), b"\0", 400),
    "npz: two arrays of 100 MB of zeros": lambda folder: npz(
        folder,
        {"descr": "|u1", "fortran_order": False, "shape": (100 * MIB // 1024, 32, 32)},
        bytes(100 * MIB),
    ),
    "npz: a shape without content": lambda folder: npz(
        folder, {"descr": "<f8", "fortran_order": False, "shape": (2**40, 32, 32)}
    ),
    "npz: a type of a gigabyte": lambda folder: npz(
        folder, {"descr": "|V1073741824", "fortran_order": False, "shape": (1,)}
    ),
    "zip": zip_bomb,
    "png: blank": blank_png,
    "png: blank, as RGB": wide_png,
    "png: text": text_png,
    "idx": idx_bomb,
    "pickle: recalls": recalled,
    "pickle: many dicts": many_dicts,
    "parquet": parquet_bomb,
    "table": table_bomb,
}


def measured(paths, pipe):
    """Read one after the other; send each error and the memory that was taken."""
    with contextlib.suppress(DataError):
        load_dataset("digits")
        load_dataset(paths["png: blank"])  # imports the decoders
    found = {}
    for kind, path in paths.items():
        said = None
        forget_most_memory()
        before = most_memory()
        try:
            load_dataset(path)
        except DataError as error:
            said = str(error)
        found[kind] = said, most_memory() - before
    pipe.send(found)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("measures memory by Linux' /proc")
    paths = {kind: str(make(tmp_path_factory.mktemp("bomb"))) for kind, make in BOMBS.items()}
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(False)
    process = context.Process(target=measured, args=(paths, theirs))
    process.start()
    theirs.close()
    found = ours.recv()
    process.join()
    return found


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_in_one_line_and_in_little_memory(outcomes, kind):
    said, grown = outcomes[kind]
    assert said is not None
    assert "\n" not in said
    assert len(said) < 600
    assert grown < ALLOWED, f"{grown / MIB:.0f} MiB"


# ---- the bound itself -----------------------------------------------------------------------


def test_the_limit_is_in_the_message_and_a_user_can_raise_it(tmp_path):
    images = np.zeros((1_700, 200, 200), np.uint8)
    images[0, 0, 0] = 255
    np.savez_compressed(tmp_path / "a.npz", images=images, labels=np.arange(1_700) % 2)
    with pytest.raises(
        DataError,
        match=r"64\.9 MiB, from 0\.1 MiB, where 64\.0 MiB .*--memory-limit",
    ):
        load_dataset(tmp_path / "a.npz")
    data = load_dataset(DataConfig(str(tmp_path / "a.npz"), memory_limit=0.5))
    assert len(data.train_labels) + len(data.test_labels) == 1_700
    with pytest.raises(DataError, match=r"where 10\.2 MiB are allowed"):
        load_dataset(DataConfig(str(tmp_path / "a.npz"), memory_limit=0.01))


def test_pictures_together_are_bounded_too(tmp_path):
    class_folders(tmp_path / "t", n=3)
    with pytest.raises(DataError, match=r"6 pictures of 3×1000×1000 would take 17\.2 MiB"):
        load_dataset(DataConfig(str(tmp_path / "t"), size=1000, memory_limit=0.01))
    np.savez(tmp_path / "a.npz", images=np.zeros((10, 8, 8), np.uint8), labels=np.arange(10) % 2)
    with pytest.raises(DataError, match="would take"):
        load_dataset(DataConfig(str(tmp_path / "a.npz"), size=2000, memory_limit=0.01))


def test_headers_come_before_pixels(tmp_path, monkeypatch):
    root = class_folders(tmp_path / "t", n=3)
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(root / "dog/other.png")
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("pixels were decoded"))
    with pytest.raises(DataError, match=r"other\.png is 9×9 pixels .* --size"):
        load_dataset(root)


def test_a_single_picture_is_bounded_too(tmp_path):
    path = write(tmp_path / "a.png", png(5000, 5000, 8, 2, [bytes(15_000)] * 5000))
    with pytest.raises(DataError, match="would take 71"):
        read_picture(path)
    small = Bound(1000)
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(tmp_path / "b.png")
    with pytest.raises(DataError, match="would take"):
        read_picture(tmp_path / "b.png", bound=small)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
def test_a_memory_limit_must_be_a_number_above_0(limit):
    with pytest.raises(InputError, match="memory_limit"):
        load_dataset(DataConfig("digits", memory_limit=limit))


def test_bytes_that_are_recalled_become_one_text():
    text = b"C\x05hello"
    raw = b"\x80\x04}\x8c\x01k](" + text + b"q\x00" + b"h\x00" * 1000 + b"es."
    found = read_batch_pickle(raw, "file")["k"]
    assert found == ["hello"] * 1001
    assert len({id(item) for item in found}) == 1


def test_arrays_that_numpy_wrote_are_read_whatever_their_layout(tmp_path):
    arrays = {
        "empty": np.zeros((0, 3)),
        "scalar": np.array(3.5),
        "fortran": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        "big endian": np.arange(5, dtype=">i4"),
        "text": np.array(["a", "bcd"]),
        "record": np.zeros(3, dtype=[("a", "i4"), ("b", "f8")]),
    }
    savers: list[Any] = [np.savez, np.savez_compressed]
    for save in savers:
        save(tmp_path / "a.npz", **arrays)
        found = read_arrays(tmp_path / "a.npz")
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype


# ---- tar archives ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_and_foreign_names_in_an_archive_are_read(tmp_path, form):
    raw = Image.fromarray(np.zeros((4, 4, 3), np.uint8))
    stream = io.BytesIO()
    raw.save(stream, "PNG")
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz", format=form) as archive:
        for name in ("ä" * 60, "b" * 150):
            for i in range(3):
                info = tarfile.TarInfo(f"./t/{name}/{i}.png")
                info.size = len(stream.getvalue())
                archive.addfile(info, io.BytesIO(stream.getvalue()))
    assert load_dataset(path).class_names == ("b" * 150, "ä" * 60)


def test_a_damaged_header_in_the_middle_is_not_the_end(tmp_path):
    root = class_folders(tmp_path / "t")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(root, "t")
    raw = bytearray((tmp_path / "a.tar").read_bytes())
    with tarfile.open(tmp_path / "a.tar") as archive:
        at = next(m.offset for m in archive if m.name.endswith("2.png"))
    raw[at] ^= 0xFF
    (tmp_path / "a.tar").write_bytes(raw)
    with pytest.raises(DataError, match="damaged"):
        load_dataset(tmp_path / "a.tar")
    (tmp_path / "a.tar").write_bytes(bytes(raw[:at]))  # cut between two members
    with pytest.raises(DataError, match="ends early"):
        load_dataset(tmp_path / "a.tar")


def test_links_and_paths_that_lead_out_of_an_archive_stay_inside(tmp_path):
    root = class_folders(tmp_path / "t")
    path = zipped(root, tmp_path / "a.zip")
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("t/cat/link.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/hostname")
        archive.write(root / "cat/0.png", "../../t/cat/outside.png")
    data = load_dataset(path)
    assert any("1 links in the archive" in text for text in data.warnings)
    assert len(data.train_labels) + len(data.test_labels) == 9


def test_a_packed_pickle_is_no_data_set(tmp_path):
    write(tmp_path / "a.pkl", pickle.dumps({"a": 1}))
    with pytest.raises(DataError, match="runs code"):
        load_dataset(tmp_path / "a.pkl")
