"""Small data sets in every form that people have, made here."""

import gzip
import io
import json
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def pixels(seed, shape=(8, 8, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def picture(path, array=None, seed=0, **options):
    """Write an array as a picture; the ending says the form."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(seed) if array is None else array).save(path, **options)
    return path


def class_folders(root, n=4, classes=("cat", "dog"), ending=".png", seed=0, **options):
    """Write n different pictures of each class into folders below root."""
    for at, name in enumerate(classes):
        for i in range(n):
            picture(root / name / f"{i}{ending}", seed=seed + 100 * at + i, **options)
    return root


def parts(root, names, n=4, **options):
    """Class folders below one folder for each part."""
    for at, name in enumerate(names):
        class_folders(root / name, n=n, seed=10_000 * at, **options)
    return root


def zipped(folder, path):
    """Pack a folder; equal folders give equal bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            name = str(file.relative_to(folder.parent)) + ("/" if file.is_dir() else "")
            archive.writestr(zipfile.ZipInfo(name), b"" if file.is_dir() else file.read_bytes())
    return path


def tarred(folder, path, mode="w:gz"):
    """Pack a folder; equal folders give equal bytes but for the packing's own time."""
    with tarfile.open(path, mode) as archive:
        for file in (folder, *sorted(folder.rglob("*"))):
            info = tarfile.TarInfo(str(file.relative_to(folder.parent)))
            if file.is_dir():
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
            else:
                info.size = file.stat().st_size
                with file.open("rb") as stream:
                    archive.addfile(info, stream)
    return path


def idx(array):
    codes = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
    code = codes[array.dtype.str[1:]]
    head = bytes((0, 0, code, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def mnist(folder, prefix="", packed=True, labels=range(10), n=(20, 10), between="-"):
    """Write idx files as MNIST has them; returns images and labels by part."""
    folder.mkdir(parents=True, exist_ok=True)
    labels, made = list(labels), {}
    for at, (part, count) in enumerate(
        zip(("train", "t10k" if not prefix else "test"), n, strict=True)
    ):
        images = pixels(at, (count, 28, 28))
        classes = np.array([labels[i % len(labels)] for i in range(count)], dtype=np.uint8)
        made["train" if part == "train" else "test"] = images, classes
        for kind, array in (("images", images), ("labels", classes)):
            name = f"{prefix}{part}-{kind}{between}idx{array.ndim}-ubyte"
            raw = idx(array)
            if packed:
                (folder / f"{name}.gz").write_bytes(gzip.compress(raw, mtime=0))
            else:
                (folder / name).write_bytes(raw)
    return made


def png_bytes(array):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


def parquet(path, images, labels, names=None, image="image", label="label", **extra):
    """Write a parquet file as Hugging Face does."""
    import pyarrow as pa
    from pyarrow import parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"bytes": png_bytes(i), "path": f"{at}.png"} for at, i in enumerate(images)]
    table = pa.table({image: rows, label: list(labels), **extra})
    if names is not None:
        features = {
            image: {"_type": "Image"},
            label: {"names": list(names), "_type": "ClassLabel"},
        }
        told = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": told})
    pq.write_table(table, path)
    return path


def png(width, height, depth, colour, rows):
    """A PNG made by hand: depth and kind of colour as no library writes them."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def png16(path, array):
    """Write (H, W) or (H, W, 3) uint16 as a PNG of 16 bits a channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = array.astype(">u2").reshape(len(array), -1)
    path.write_bytes(png(array.shape[1], len(array), 16, 2 if array.ndim == 3 else 0,
                         [row.tobytes() for row in rows]))  # fmt: skip
    return path
