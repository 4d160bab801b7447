"""Second moments of rows that lie on a disk: one pass in bounded memory, beside its limits.

    python -m benchmarks.linear.streamed FOLDER [--rows 10000000] [--columns 1000]

Writes rows x columns bytes of pixels into FOLDER (10 GB by default), passes over them, and removes
them. The limits are measured in the same run: how fast the file is read, and how fast BLAS sums
products of the same number of columns in double precision.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from benchmarks.record import record
from numpy.typing import NDArray
from scipy.linalg import blas

from pitfalls.moments import SecondMoments

Pixels = NDArray[np.uint8]
BATCH = 100_000  # rows written and read at a time


def write(path: Path, n: int, d: int) -> None:
    block = np.random.default_rng(0).integers(0, 256, (BATCH, d), dtype=np.uint8)
    with path.open("wb") as file:
        for start in range(0, n, BATCH):
            file.write(np.roll(block, start // BATCH, axis=1)[: n - start].tobytes())


def batches(path: Path, n: int, d: int) -> Iterator[tuple[Pixels, NDArray[np.float64]]]:
    # read, not mapped: pages of a mapped file count as memory of this process
    with path.open("rb") as file:
        for start in range(0, n, BATCH):
            rows = np.fromfile(file, np.uint8, min(BATCH, n - start) * d).reshape(-1, d)
            yield rows, rows[:, :1].astype(np.float64)


def passed(path: Path, n: int, d: int) -> SecondMoments:
    return SecondMoments.from_batches(batches(path, n, d))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--columns", type=int, default=1000)
    options = parser.parse_args()
    n, d = options.rows, options.columns
    path = options.folder / "streamed-pixels.bin"
    try:
        write(path, n, d)
        start = time.perf_counter()
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 24):
                pass
        reading = time.perf_counter() - start
        few = np.asfortranarray(np.random.default_rng(0).standard_normal((20_000, d)))
        start, used = time.perf_counter(), time.process_time()
        blas.dsyrk(1.0, few, trans=1)
        product, product_cpu = time.perf_counter() - start, time.process_time() - used
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start, used = time.perf_counter(), time.process_time()
        moments = passed(path, n, d)
        seconds, cpu = time.perf_counter() - start, time.process_time() - used
        assert moments.n == n
        record(
            "linear-streamed",
            {
                "n": n,
                "d": d,
                "repeats": 1,
                "file_bytes": n * d,
                "seconds": seconds,
                "cpu_seconds": cpu,
                "reading_seconds": reading,
                "dsyrk_seconds": product * n / 20_000,
                "dsyrk_cpu_seconds": product_cpu * n / 20_000,
                "over_dsyrk_in_processor_time": cpu / (product_cpu * n / 20_000),
                "peak_memory_added_bytes": 1024
                * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before),
            },
        )
    finally:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
