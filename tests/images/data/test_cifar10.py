"""CIFAR-10's files in every form, whole and damaged (written small, with made-up images)."""

import gzip
import hashlib
import io
import pickle
import tarfile

import numpy as np
import pytest

from pitfalls.errors import DataError
from pitfalls.images import CIFAR10_CLASSES, CIFAR10_MEAN, CIFAR10_STD, load_dataset

N = 20  # images a batch, instead of 10,000
BATCHES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr("pitfalls.images.data.cifar10.IMAGES_A_BATCH", N)


def content(name):
    rng = np.random.default_rng(BATCHES.index(name))
    return rng.integers(0, 256, (N, 3072), dtype=np.uint8), np.arange(N) % 10


def python_files():
    files = {}
    for name in BATCHES:
        data, labels = content(name)
        files[name] = pickle.dumps({"data": data, "labels": labels.tolist()}, protocol=2)
    files["batches.meta"] = pickle.dumps({"label_names": list(CIFAR10_CLASSES)}, protocol=2)
    return files


def binary_files():
    files = {"batches.meta.txt": "\n".join(CIFAR10_CLASSES).encode()}
    for name in BATCHES:
        data, labels = content(name)
        files[f"{name}.bin"] = np.hstack([labels[:, None].astype(np.uint8), data]).tobytes()
    return files


def write_folder(folder, files):
    folder.mkdir(parents=True)
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
    return folder


def write_archive(path, files, prefix="cifar-10-batches-py/"):
    with tarfile.open(path, "w:gz") as archive:
        for name, raw in files.items():
            info = tarfile.TarInfo(prefix + name)
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return path


def sources(tmp_path):
    return {
        "python folder": write_folder(tmp_path / "a" / "cifar-10-batches-py", python_files()),
        "folder above it": tmp_path / "a",
        "binary folder": write_folder(tmp_path / "cifar-10-batches-bin", binary_files()),
        "python archive": write_archive(tmp_path / "cifar-10-python.tar.gz", python_files()),
        "binary archive": write_archive(tmp_path / "cifar-10-binary.tar.gz", binary_files()),
    }


def test_all_forms_give_the_same_images_and_labels(tmp_path):
    for path in sources(tmp_path).values():
        data = load_dataset(path)
        assert data.name == "CIFAR-10"
        assert data.class_names == CIFAR10_CLASSES
        assert (data.mean, data.std) == (CIFAR10_MEAN, CIFAR10_STD)
        assert data.train_images.shape == (5 * N, 3, 32, 32)
        for at, name in enumerate(BATCHES[:5]):
            images, labels = content(name)
            part = slice(at * N, (at + 1) * N)
            np.testing.assert_array_equal(data.train_images[part].reshape(N, -1), images)
            np.testing.assert_array_equal(data.train_labels[part], labels)
        np.testing.assert_array_equal(data.test_images.reshape(N, -1), content("test_batch")[0])


def test_what_is_not_official_is_used_with_a_warning_that_names_it(tmp_path):
    paths = sources(tmp_path)
    (warning,) = load_dataset(paths["python folder"]).warnings
    assert "data_batch_1" in warning
    assert "official" in warning
    for form in ("binary folder", "binary archive"):
        (warning,) = load_dataset(paths[form]).warnings
        assert str(paths[form]) in warning


def test_official_checksums_leave_no_warning(tmp_path, monkeypatch):
    digests = {n: hashlib.md5(r).hexdigest() for n, r in python_files().items() if n in BATCHES}
    monkeypatch.setattr("pitfalls.images.data.cifar10.BATCHES", digests)
    folder = write_folder(tmp_path / "cifar-10-batches-py", python_files())
    assert load_dataset(folder).warnings == ()
    changed = python_files() | {"data_batch_3": pickle.dumps(
        {"data": content("data_batch_4")[0], "labels": [0] * N}, protocol=2)}  # fmt: skip
    archive = write_archive(tmp_path / "x.tar.gz", changed)
    (warning,) = load_dataset(archive).warnings
    assert "data_batch_3 " in warning
    assert "data_batch_4" not in warning
    digest = hashlib.md5(archive.read_bytes()).hexdigest()
    monkeypatch.setattr("pitfalls.images.data.cifar10.CIFAR10_ARCHIVES", {"x.tar.gz": digest})
    assert load_dataset(archive).warnings == ()


def faults():
    data, labels = content("data_batch_2")

    def batch(**changes):
        return pickle.dumps({"data": data, "labels": labels.tolist()} | changes, protocol=2)

    python, binary = python_files(), binary_files()
    raw = binary["data_batch_2.bin"]
    return {
        "truncated": (python | {"data_batch_2": batch()[:-500]}, "data_batch_2"),
        "empty": (python | {"data_batch_2": b""}, "data_batch_2"),
        "shape": (python | {"data_batch_2": batch(data=data[:-1])}, "data_batch_2"),
        "width": (python | {"data_batch_2": batch(data=data[:, :-1])}, "data_batch_2"),
        "labels short": (python | {"data_batch_2": batch(labels=[1])}, "data_batch_2"),
        "label out of range": (python | {"data_batch_2": batch(labels=[10] * N)}, "data_batch_2"),
        "label negative": (python | {"data_batch_2": batch(labels=[-1] * N)}, "data_batch_2"),
        "label is text": (python | {"data_batch_2": batch(labels=["a"] * N)}, "data_batch_2"),
        "no labels": (python | {"data_batch_2": pickle.dumps({"data": data})}, "data_batch_2"),
        "missing": ({n: r for n, r in python.items() if n != "test_batch"}, "test_batch"),
        "other classes": (
            python | {"batches.meta": pickle.dumps({"label_names": ["a"]})},
            "batches.meta",
        ),
        "binary truncated": (binary | {"data_batch_2.bin": raw[:-1]}, "data_batch_2.bin"),
        "binary label": (binary | {"data_batch_2.bin": b"\x0a" + raw[1:]}, "data_batch_2.bin"),
        "binary missing": (
            {n: r for n, r in binary.items() if n != "data_batch_5.bin"},
            "data_batch_5.bin",
        ),
    }


@pytest.mark.parametrize("fault", faults())
@pytest.mark.parametrize("form", ["folder", "archive"])
def test_fault_is_one_line_that_names_the_file(fault, form, tmp_path):
    files, named = faults()[fault]
    if form == "folder":
        path = write_folder(tmp_path / "batches", files)
    else:
        path = write_archive(tmp_path / "batches.tar.gz", files)
    with pytest.raises(DataError, match=named) as raised:
        load_dataset(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "gzip of text", "empty"])
def test_damaged_archive_is_one_line_that_names_it(damage, tmp_path):
    path = write_archive(tmp_path / "cifar-10-python.tar.gz", python_files())
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(
        {
            "cut": path.read_bytes()[: len(raw) // 2],
            "flipped": bytes(raw),
            "text": b"<html>not found</html>",
            "gzip of text": gzip.compress(b"hello"),
            "empty": b"",
        }[damage]
    )
    with pytest.raises(DataError, match=r"cifar-10-python\.tar\.gz") as raised:
        load_dataset(path)
    assert "\n" not in str(raised.value)


def test_archive_members_that_point_elsewhere_are_not_followed(tmp_path):
    path = tmp_path / "links.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in BATCHES:
            info = tarfile.TarInfo(f"../../{name}")
            info.type = tarfile.SYMTYPE
            info.linkname = "/etc/hostname"
            archive.addfile(info)
    with pytest.raises(DataError, match="no file data_batch_1"):
        load_dataset(path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"links.tar.gz"}


def test_huge_files_are_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr("pitfalls.images.data.cifar10.LARGEST_FILE", 1000)
    for path in sources(tmp_path).values():
        with pytest.raises(DataError, match="bytes; a batch has"):
            load_dataset(path)


@pytest.mark.cifar10
def test_real_files_are_read_in_their_order(cifar10_path, monkeypatch):
    monkeypatch.setattr("pitfalls.images.data.cifar10.IMAGES_A_BATCH", 10_000)
    data = load_dataset(cifar10_path)
    assert repr(data) == "<ImageDataset CIFAR-10: 50,000 train, 10,000 test, 10 classes, 3×32×32>"
    assert np.bincount(data.train_labels).tolist() == [5000] * 10
    assert np.bincount(data.test_labels).tolist() == [1000] * 10
    assert data.train_labels[:5].tolist() == [6, 9, 9, 4, 1]
    normalized = data.normalized("train")
    np.testing.assert_allclose(normalized.mean(axis=(0, 2, 3), dtype=float), 0, atol=1e-3)
    np.testing.assert_allclose(normalized.std(axis=(0, 2, 3), dtype=float), 1, atol=2e-3)
