"""Small data sets in every form that is read, and damage done to their bytes, or beneath the packing."""

import bz2
import gzip
import io
import lzma
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tests.images.data.makers import (
    class_folders,
    idx,
    mnist,
    parquet,
    parts,
    pixels,
    png_bytes,
    tarred,
    zipped,
)

Rng = np.random.Generator

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1)
N_CIFAR = 20  # images a batch, instead of 10,000
PIXELS = 3072


@dataclass(frozen=True)
class Target:
    """One reader, the files that it reads, and those of them that are damaged.

    Parameters
    ----------
    path : str
        What `load_dataset` is given, below the folder that the files are written to.
    files : mapping of str to bytes
    damaged : tuple of str
        The files of which one is damaged, each time another way.
    beneath : callable, optional
        ``(raw, rng) -> bytes``: damage beneath a file's packing, its checksums set right.
    """

    path: str
    files: Mapping[str, bytes]
    damaged: tuple[str, ...]
    beneath: Callable[[bytes, Rng], bytes] | None = None


def mutate(raw: bytes, rng: Rng) -> bytes:
    """Damage bytes in one to four ways: flips, extremes, cuts, copies, other bytes in between."""
    data = bytearray(raw)
    for _ in range(int(rng.integers(1, 5))):
        if not data:
            return bytes(rng.integers(0, 256, 20, dtype=np.uint8))
        # headers stand in front, and what they announce decides more than what comes after
        near = rng.random() < 0.5
        at = int(rng.integers(min(len(data), 96 if near else len(data))))
        n = int(rng.integers(1, 9))
        match rng.integers(8):
            case 0:
                data[at] ^= 1 << int(rng.integers(8))
            case 1:
                data[at] = int(rng.integers(256))
            case 2:
                value = int(rng.choice(np.array(EXTREMES, dtype=np.uint64)))
                order, size = ("little", "big")[int(rng.integers(2))], int(rng.choice([1, 2, 4, 8]))
                piece = (value % 256**size).to_bytes(size, order)
                data[at : at + size] = piece
            case 3:
                del data[at:]
            case 4:
                del data[at : at + n]
            case 5:
                data[at:at] = bytes(rng.integers(0, 256, n, dtype=np.uint8))
            case 6:
                other = int(rng.integers(len(data)))
                data[at : at + n * 8] = data[other : other + n * 8]
            case _:
                data[at:at] = data[at : at + n * 16] * int(rng.integers(1, 20))
    return bytes(data)


def targets(folder: Path) -> dict[str, Target]:
    """Make one small data set a reader; ``folder`` is only used while they are made."""
    return {
        "pickle": _cifar10(_pickled),
        "binary": _cifar10(_binary),
        "CIFAR-100 pickle": _cifar100(_pickled_cifar100),
        "CIFAR-100 binary": _cifar100(_binary_cifar100),
        "tar": _packed_tree(folder, ".tar.gz", _beneath_gzip),
        "tar.bz2": _packed_tree(folder, ".tar.bz2", _beneath_bz2),
        "tar.xz": _packed_tree(folder, ".tar.xz", _beneath_xz),
        "zip": _packed_tree(folder, ".zip", _beneath_zip),
        "npz": _npz(),
        "idx": _idx(folder),
        "parquet": _parquet(folder),
        "pictures": _pictures(),
        "table": _table(),
    }


def _pickled(data: np.ndarray, labels: np.ndarray) -> bytes:
    return pickle.dumps({"data": data, "labels": labels.tolist(), "n": 3}, protocol=2)


def _binary(data: np.ndarray, labels: np.ndarray) -> bytes:
    return np.hstack([labels[:, None].astype(np.uint8), data]).tobytes()


def _cifar10(pack: Callable[..., bytes]) -> Target:
    ending = ".bin" if pack is _binary else ""
    files = {}
    for at, name in enumerate((*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")):
        rows = pixels(at, (N_CIFAR, PIXELS))
        files[f"c/{name}{ending}"] = pack(rows, np.arange(N_CIFAR) % 10)
    damaged = [f"c/data_batch_1{ending}"]
    if not ending:
        names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship"]
        files["c/batches.meta"] = pickle.dumps({"label_names": [*names, "truck"]}, protocol=2)
        damaged.append("c/batches.meta")
    return Target("c", files, tuple(damaged))


def _pickled_cifar100(data: np.ndarray, coarse: np.ndarray, fine: np.ndarray) -> bytes:
    batch = {"data": data, "coarse_labels": coarse.tolist(), "fine_labels": fine.tolist()}
    return pickle.dumps(batch, protocol=2)


def _binary_cifar100(data: np.ndarray, coarse: np.ndarray, fine: np.ndarray) -> bytes:
    return np.hstack([np.stack([coarse, fine], 1).astype(np.uint8), data]).tobytes()


def _cifar100(pack: Callable[..., bytes]) -> Target:
    ending = ".bin" if pack is _binary_cifar100 else ""
    fine = np.arange(N_CIFAR) * 5
    files = {
        f"c/{part}{ending}": pack(pixels(at, (N_CIFAR, PIXELS)), fine // 5, fine)
        for at, part in enumerate(("train", "test"))
    }
    names = {"fine": [f"f{i}" for i in range(100)], "coarse": [f"c{i}" for i in range(20)]}
    if ending:
        lists = {f"c/{kind}_label_names.txt": "\n".join(of) for kind, of in names.items()}
        files |= {name: text.encode() for name, text in lists.items()}
    else:
        meta = {f"{kind}_label_names": of for kind, of in names.items()}
        files["c/meta"] = pickle.dumps(meta, protocol=2)
    return Target("c", files, tuple(files))


def _packed_tree(folder: Path, ending: str, beneath: Callable[[bytes, Rng], bytes]) -> Target:
    root = parts(folder / f"tree{ending}" / "pets", ("train", "test"), n=2)
    path = folder / f"pets{ending}"
    if ending == ".zip":
        zipped(root, path)
    else:
        tarred(root, path, mode=f"w:{ending.rpartition('.')[2]}")
    name, raw = f"pets{ending}", path.read_bytes()
    if ending == ".tar.gz":
        raw = gzip.compress(gzip.decompress(raw), mtime=0)
    return Target(name, {name: raw}, (name,), beneath)


def _beneath_gzip(raw: bytes, rng: Rng) -> bytes:
    return gzip.compress(mutate(gzip.decompress(raw), rng), 1, mtime=0)


def _beneath_bz2(raw: bytes, rng: Rng) -> bytes:
    return bz2.compress(mutate(bz2.decompress(raw), rng), 1)


def _beneath_xz(raw: bytes, rng: Rng) -> bytes:
    return lzma.compress(mutate(lzma.decompress(raw), rng), preset=0)


def _beneath_zip(raw: bytes, rng: Rng) -> bytes:
    """Damage one member, or the name of one, and pack them again."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    chosen = str(rng.choice(sorted(members)))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            if name != chosen:
                archive.writestr(zipfile.ZipInfo(name), content)
            elif rng.random() < 0.2:
                other = mutate(name.encode(), rng).decode("latin1").split("\0")[0]
                archive.writestr(zipfile.ZipInfo(other or "x"), content)
            else:
                archive.writestr(zipfile.ZipInfo(name), mutate(content, rng))
    return stream.getvalue()


def _npz() -> Target:
    stream = io.BytesIO()
    images, labels = pixels(0, (20, 6, 6, 3)), np.arange(20) % 4
    np.savez_compressed(stream, x_train=images / 255, y_train=labels, x_test=images[:5] / 300,
                        y_test=labels[:5], class_names=np.array(list("abcd")))  # fmt: skip
    return Target("a.npz", {"a.npz": stream.getvalue()}, ("a.npz",), _beneath_zip)


def _idx(folder: Path) -> Target:
    mnist(folder / "idx", n=(12, 6))
    files = {f"m/{path.name}": path.read_bytes() for path in (folder / "idx").iterdir()}
    files["m/emnist-letters-mapping.txt"] = b"1 65 97\n"
    plain = idx(np.arange(12, dtype=np.uint8) % 10)
    files["m/train-labels-idx1-ubyte"] = plain  # read instead of the packed one
    return Target("m", files, tuple(n for n in files if "mapping" not in n), _beneath_if_gzip)


def _beneath_if_gzip(raw: bytes, rng: Rng) -> bytes:
    return _beneath_gzip(raw, rng) if raw.startswith(b"\x1f\x8b") else mutate(raw, rng)


def _parquet(folder: Path) -> Target:
    images = pixels(0, (8, 6, 6, 3))
    path = parquet(folder / "train.parquet", images, [0, 1] * 4, ("a", "b"))
    return Target(
        "p", {"p/train.parquet": path.read_bytes()}, ("p/train.parquet",), _beneath_parquet
    )


def _beneath_parquet(raw: bytes, rng: Rng) -> bytes:
    """Damage the footer alone, which says where everything lies."""
    (length,) = struct.unpack("<I", raw[-8:-4])
    body, footer = raw[: -8 - length], mutate(raw[-8 - length : -8], rng)
    return body + footer + struct.pack("<I", len(footer)) + raw[-4:]


def _pictures() -> Target:
    files = {}
    grey, colour = pixels(1, (12, 12)), pixels(2, (12, 12, 3))
    wide = grey.astype(np.uint16) * 16
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, array, options in (
        ("a.png", colour, {"exif": exif}),
        ("b.png", wide, {}),
        ("c.jpg", colour, {"exif": exif}),
        ("d.webp", colour, {}),
        ("e.bmp", colour, {}),
        ("f.tif", colour, {"compression": "tiff_lzw"}),
        ("g.tif", grey.astype(np.float32), {}),
        ("h.gif", grey, {"save_all": True, "append_images": [Image.fromarray(grey[::-1].copy())]}),
        ("i.ppm", colour, {}),
        ("j.tif", wide, {}),
    ):
        stream = io.BytesIO()
        kind = {"jpg": "JPEG", "tif": "TIFF"}.get(name[2:], name[2:].upper())
        Image.fromarray(array).save(stream, kind, **options)
        files[f"t/cat/{name}"] = stream.getvalue()
    files |= {f"t/dog/{i}.png": png_bytes(pixels(i, (12, 12, 3))) for i in range(3)}
    return Target("t", files, tuple(n for n in files if "/cat/" in n), _beneath_png)


def _beneath_png(raw: bytes, rng: Rng) -> bytes:
    """Damage one chunk of a PNG and set its checksum right; other pictures are damaged as they are."""
    if not raw.startswith(b"\x89PNG"):
        return mutate(raw, rng)
    chunks, at = [], 8
    while at + 12 <= len(raw):
        (length,) = struct.unpack(">I", raw[at : at + 4])
        chunks.append((raw[at + 4 : at + 8], raw[at + 8 : at + 8 + length]))
        at += 12 + length
    chosen = int(rng.integers(len(chunks)))
    kind, body = chunks[chosen]
    if kind == b"IDAT" and rng.random() < 0.5:
        body = zlib.compress(mutate(zlib.decompress(body), rng))
    else:
        body = mutate(body, rng)
    chunks[chosen] = (kind, body)
    return raw[:8] + b"".join(
        struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in chunks
    )


def _table() -> Target:
    files = {f"t/{i}.png": png_bytes(pixels(i)) for i in range(6)}
    rows = "".join(f"{i}.png,{'cat' if i % 2 else 'dog'},train\n" for i in range(6))
    files["t/labels.csv"] = f"file,label,split\n{rows}".encode()
    files["t/more.jsonl"] = (
        b'{"file_name": "1.png", "label": "cat"}\n{"file_name": "2.png", "label": "dog"}\n'
    )
    return Target("t", files, ("t/labels.csv", "t/more.jsonl"))


def made_by_hand(folder: Path) -> Path:
    """Return a folder of pictures, to warm decoders up with."""
    made: Path = class_folders(folder / "warm")
    return made
