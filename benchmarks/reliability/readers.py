"""Everything that is read from files which anybody may have changed, each with a small whole file."""

import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pitfalls.errors import RunError
from pitfalls.runs import Run, RunStore, plain


@dataclass(frozen=True)
class Config:
    """Of the run whose files are changed."""

    seed: int = 0
    rate: float = 0.1


@dataclass(frozen=True)
class Part:
    """A record in the result."""

    name: str
    share: float | None


@dataclass(frozen=True)
class Found:
    """A result of every kind of value."""

    total: float
    count: int
    note: str | None
    parts: tuple[Part, ...]
    table: np.ndarray


@dataclass(frozen=True)
class Reader:
    """One reader, and the file it is tried on.

    Attributes
    ----------
    name : str
    file : Path
        What is changed.
    read : callable
        Reads; returns something that can be compared.
    checked : bool
        Whether a changed content must be noticed: what has a checksum.
    prepare : callable
        Called with the changed content before it is read; returns what is written. It sets the
        checksums right where the reader behind them is meant.
    """

    name: str
    file: Path
    read: Callable[[], Any]
    checked: bool
    prepare: Callable[[bytes], bytes] = lambda data: data


def make_run(home: Path) -> Run:
    """Make an interrupted run that holds everything, and return it."""
    store = RunStore(home / "runs")
    try:
        with store.open("fuzz", Config(), command="fuzz") as run:
            run.log(step=1, risk=0.5, at=[1.0, float("nan")])
            run.log_timing(step=1, seconds=0.1)
            run.save_checkpoint(step=1, tensors={"w": np.arange(6.0)}, meta={"next": [1, 2]})
            run.log(step=2, risk=0.25)
            run.save(Found(0.5, 3, None, (Part("a", None), Part("b", 0.5)), np.eye(3)))
            run.save_arrays("spectrum", values=np.arange(5.0), names=np.array(["a", "b"]))
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    return store.find(run.id)


def signed(data: bytes) -> bytes:
    """Return a manifest or a checkpoint with its checksum set right, if it can have one."""
    try:
        values = json.loads(data)
        values.pop("sha256", None)
        return json.dumps(values | {"sha256": plain.digest(values)}).encode()
    except (ValueError, AttributeError, TypeError, RecursionError):
        return data


def recorded_again(run: Path, name: str) -> Callable[[bytes], bytes]:
    """Return what records a changed file of a run in its manifest as if it had been written so."""
    manifest = run / "manifest.json"
    whole = manifest.read_bytes()

    def prepare(data: bytes) -> bytes:
        values = json.loads(whole)
        values["files"][name] = [len(data), hashlib.sha256(data).hexdigest()]
        manifest.write_bytes(signed(json.dumps(values).encode()))
        return data

    return prepare


def run_readers(home: Path) -> list[Reader]:
    """Return the readers of a run's files: behind their checksums, and as they meet a stranger."""
    run = make_run(home)
    found = RunStore(home / "runs")
    path = run.path

    def manifest() -> Any:
        return vars(found.find(path).manifest)

    def result() -> Any:
        return found.find(path).load(Found)

    def arrays() -> Any:
        return found.find(path).arrays("spectrum")

    def metrics() -> Any:
        return found.find(path).metrics()

    def continued() -> Any:
        """Open for writing from a copy: what a resumed run would start from."""
        copy = home / "copy" / "fuzz" / path.name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(path, copy)
        run = RunStore(home / "copy").open("fuzz", Config())
        try:
            run.__enter__()
            checkpoint = run.load_checkpoint()
            if checkpoint is None:  # passed over: the run starts anew, and says so
                raise RunError((*run.manifest.warnings, "set aside: it is of other code")[0])
            return checkpoint.step, checkpoint.tensors, checkpoint.meta
        finally:
            run.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)

    checkpoint = path / "checkpoints/step-000000000001.json"

    def with_tensors(data: bytes) -> bytes:
        values = json.loads(checkpoint_whole)
        values["tensors_sha256"] = hashlib.sha256(data).hexdigest()
        checkpoint.write_bytes(signed(json.dumps(values).encode()))
        return data

    checkpoint_whole = checkpoint.read_bytes()
    typed, beside = (
        next(n for n in run.manifest.files if n.startswith("results/") and n.endswith(ending))
        for ending in (".json", ".npz")
    )
    tensors = checkpoint.with_suffix(".safetensors")
    spectrum = path / "arrays/spectrum.npz"
    return [
        Reader("manifest", path / "manifest.json", manifest, True),
        Reader("result", path / typed, result, True),
        Reader("arrays of a result", path / beside, result, True),
        Reader("arrays", spectrum, arrays, True),
        Reader("metric log", path / "metrics.jsonl", metrics, True),
        Reader("checkpoint", checkpoint, continued, True),
        Reader("checkpoint's tensors", tensors, continued, True),
        Reader("log of a continued run", path / "metrics.jsonl", continued, True),
        Reader("manifest, signed", path / "manifest.json", manifest, False, signed),
        Reader(
            "manifest of a continued run, signed",
            path / "manifest.json",
            continued,
            False,
            signed,
        ),
        Reader("result, signed", path / typed, result, False, recorded_again(path, typed)),
        Reader(
            "arrays of a result, signed", path / beside, result, False, recorded_again(path, beside)
        ),
        Reader(
            "arrays, signed", spectrum, arrays, False, recorded_again(path, "arrays/spectrum.npz")
        ),
        Reader(
            "metric log, signed",
            path / "metrics.jsonl",
            metrics,
            False,
            recorded_again(path, "metrics.jsonl"),
        ),
        Reader("checkpoint, signed", checkpoint, continued, False, signed),
        Reader("checkpoint's tensors, signed", tensors, continued, False, with_tensors),
    ]


def data_readers(home: Path) -> list[Reader]:
    """Return the readers of data sets and of weights given by name."""
    from tests.images.data import makers

    from pitfalls.images.data import load_dataset, read_arrays
    from pitfalls.images.data.batch_pickle import read_batch_pickle

    home.mkdir(parents=True)
    rng = np.random.default_rng(0)
    weights = home / "weights.npz"
    np.savez(weights, w1=rng.standard_normal((3, 2)), w2=rng.standard_normal((2, 3)))
    images = rng.integers(0, 256, (8, 6, 6, 3)).astype(np.uint8)
    labelled = home / "images.npz"
    np.savez_compressed(labelled, images=images, labels=np.arange(8) % 2)
    folders = makers.class_folders(home / "folders", n=3)
    jpeg = makers.picture(folders / "cat/x.jpg")
    packed = makers.tarred(makers.class_folders(home / "packed", n=2), home / "packed.tar.gz")
    plain_tar = makers.tarred(home / "packed", home / "packed.tar", mode="w")
    zipped = makers.zipped(home / "packed", home / "packed.zip")
    batch = home / "data_batch_1"
    batch.write_bytes(small_batch())
    mnist = home / "mnist"
    makers.mnist(mnist, packed=False)

    def dataset(path: Path) -> Callable[[], Any]:
        def read() -> Any:
            data = load_dataset(path)
            return data.train_images, data.train_labels, data.test_images, data.test_labels

        return read

    idx = next(path for path in sorted(mnist.iterdir()) if "images" in path.name)
    return [
        Reader("weights", weights, lambda: read_arrays(weights), False),
        Reader("npz", labelled, dataset(labelled), False),
        Reader("picture, PNG", folders / "cat/0.png", dataset(folders), False),
        Reader("picture, JPEG", jpeg, dataset(folders), False),
        Reader("tar", plain_tar, dataset(plain_tar), False),
        Reader("tar.gz", packed, dataset(packed), False),
        Reader("zip", zipped, dataset(zipped), False),
        Reader(
            "CIFAR-10 pickle",
            batch,
            lambda: read_batch_pickle(batch.read_bytes(), batch.name),
            False,
        ),
        Reader("idx", idx, dataset(mnist), False),
    ]


def small_batch() -> bytes:
    """Return a batch of CIFAR-10's form with few pictures."""
    batch = {
        b"batch_label": b"training batch 1 of 5",
        b"labels": [3, 1, 4, 1],
        b"data": np.random.default_rng(1).integers(0, 256, (4, 3072)).astype(np.uint8),
        b"filenames": [b"a.png"] * 4,
    }
    return pickle.dumps(batch, protocol=2)
