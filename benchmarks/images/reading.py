"""What reading costs: the most memory beside the images themselves, and the time, for every form of data.

    python -m benchmarks.images.reading [--cifar10 PATH]

The same 6,000 smooth pictures of 3×64×64 pixels (74 MB) in every form, in ten classes, with a test set; each
form is read in a process of its own, near-duplicates included.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from benchmarks.record import record
from benchmarks.reliability.memory import forget_most_memory, most_memory
from PIL import Image
from scipy.ndimage import gaussian_filter
from tests.images.data.makers import parquet, tarred, zipped

N, SIDE, CLASSES = 6000, 64, 10
N_TEST = N // 6


def pictures() -> np.ndarray:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((N, 3, SIDE // 4, SIDE // 4), dtype=np.float32)
    noise = np.repeat(np.repeat(noise, 4, axis=2), 4, axis=3)
    noise = gaussian_filter(noise, (0, 0, 2, 2))
    return (128 + 90 * noise / noise.std()).clip(0, 255).astype(np.uint8)


def folder(root: Path, images: np.ndarray, ending: str) -> Path:
    for at, image in enumerate(images):
        part = "test" if at < N_TEST else "train"
        path = root / part / f"class{at % CLASSES}" / f"{at}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(path)
    return root


def table(root: Path, images: np.ndarray) -> Path:
    rows = ["file,label,split"]
    root.mkdir()
    for at, image in enumerate(images):
        Image.fromarray(image.transpose(1, 2, 0)).save(root / f"{at}.png")
        rows.append(f"{at}.png,{at % CLASSES},{'test' if at < N_TEST else 'train'}")
    (root / "labels.csv").write_text("\n".join(rows))
    return root


def npz(path: Path, images: np.ndarray, save: Callable[..., None]) -> Path:
    labels = np.arange(N) % CLASSES
    train, test = slice(N_TEST, N), slice(0, N_TEST)
    save(
        path,
        x_train=images[train],
        y_train=labels[train],
        x_test=images[test],
        y_test=labels[test],
    )
    return path


def hugging_face(root: Path, images: np.ndarray) -> Path:
    rows, labels = images.transpose(0, 2, 3, 1), np.arange(N) % CLASSES
    parquet(root / "test-0.parquet", rows[:N_TEST], labels[:N_TEST].tolist())
    parquet(root / "train-0.parquet", rows[N_TEST:], labels[N_TEST:].tolist())
    return root


def idx_files(root: Path, images: np.ndarray) -> Path:
    from tests.images.data.makers import idx

    root.mkdir()
    labels = (np.arange(N) % CLASSES).astype(np.uint8)
    for part, at in (("train", slice(N_TEST, N)), ("t10k", slice(0, N_TEST))):
        (root / f"{part}-images-idx3-ubyte").write_bytes(
            idx(images[at].mean(axis=1).astype(np.uint8))
        )
        (root / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels[at]))
    return root


def measure(path: Path) -> dict[str, float]:
    """Read in a process of its own; its most memory above what importing took, and the seconds."""
    code = "import sys; from benchmarks.images.reading import read_one; read_one(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def read_one(path: str) -> None:
    """Print what reading one data set took, as JSON."""
    from pitfalls.images import load_dataset

    load_dataset("digits")
    forget_most_memory()
    before = most_memory()
    wall, cpu = time.perf_counter(), time.process_time()
    data = load_dataset(path)
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    most = most_memory() - before
    images = data.train_images.nbytes + data.test_images.nbytes + data.validation_images.nbytes
    print(json.dumps({
        "image_mib": images / 2**20, "most_mib": most / 2**20, "times_the_images": most / images,
        "seconds": seconds, "cpu_seconds": cpu_seconds,
    }))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cifar10")
    options = parser.parse_args()
    images = pictures()
    results = {}
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        forms = {
            "PNG class folders": lambda: folder(here / "png", images, ".png"),
            "JPEG class folders": lambda: folder(here / "jpg", images, ".jpg"),
            "zip of PNG class folders": lambda: zipped(here / "png", here / "png.zip"),
            "tar.gz of PNG class folders": lambda: tarred(here / "png", here / "png.tar.gz"),
            "PNG beside a table": lambda: table(here / "table", images),
            "npz": lambda: npz(here / "a.npz", images, np.savez),
            "npz, compressed": lambda: npz(here / "b.npz", images, np.savez_compressed),
            "npz of floats": lambda: npz(here / "c.npz", images.astype(np.float32) / 255, np.savez),
            "idx (grey)": lambda: idx_files(here / "idx", images),
            "parquet": lambda: hugging_face(here / "parquet", images),
        }
        for form, make in forms.items():
            results[form] = measure(make())
            print(form, results[form], flush=True)
    if options.cifar10:
        results["CIFAR-10, python version"] = measure(Path(options.cifar10))
    record("images-reading", results)


if __name__ == "__main__":
    main()
