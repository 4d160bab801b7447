"""The streaming pass of second moments against one plain X.T @ X, and its memory.

    python benchmarks/linear/moments.py

X of 16,000 x 3,072 and 10 one-hot outputs, in float64, float32 and uint8. The plain product is
NumPy's (which knows that the result is symmetric) and torch's (which does not); for uint8 it is
that of a float64 copy. The pass sums in float64 whatever comes in.

The limits are measured in the same run: BLAS' symmetric product in both precisions, and its general
product, which is as fast as the processor multiplies and adds.
"""

import tracemalloc

import numpy as np
import torch
from benchmarks.record import alternate, record
from scipy.linalg import blas

from pitfalls.moments import SecondMoments

N, D, P = 16_000, 3_072, 10


def limits(x: np.ndarray) -> dict[str, object]:
    """Time BLAS in both precisions on the same numbers, in turn with the pass over float32."""
    single = x.astype(np.float32)
    double = x.astype(np.float64)
    y = np.eye(P)[np.zeros(N, dtype=int)]
    times = alternate(
        {
            "pass": lambda: SecondMoments.from_arrays(single, y),
            "ssyrk": lambda: blas.ssyrk(1.0, single.T),
            "dsyrk": lambda: blas.dsyrk(1.0, double.T),
            "sgemm": lambda: blas.sgemm(1.0, single[:D].T, single[:D].T),
            "dgemm": lambda: blas.dgemm(1.0, double[:D].T, double[:D].T),
        },
        repeats=5,
    )
    product = N * D * (D + 1)  # additions and multiplications of a symmetric product
    square = 2 * D**3
    return {
        "billions_a_second": {
            name: 1e-9 * work / times[name]["median_s"]
            for name, work in (
                ("pass", product), ("ssyrk", product), ("dsyrk", product), ("sgemm", square),
                ("dgemm", square),
            )
        },
        "pass_over_ssyrk": times["pass"]["median_s"] / times["ssyrk"]["median_s"],
        "pass_over_dsyrk": times["pass"]["median_s"] / times["dsyrk"]["median_s"],
        "dgemm_over_sgemm": times["dgemm"]["median_s"] / times["sgemm"]["median_s"],
        "times": times,
    }  # fmt: skip


def main() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (N, D), dtype=np.uint8)
    y = np.eye(P)[rng.integers(0, P, N)]
    results: dict[str, object] = {"n": N, "d": D, "p": P}
    for dtype in (np.float64, np.float32, np.uint8):
        x = pixels.astype(dtype)
        plain = x if dtype != np.uint8 else x.astype(np.float64)
        tensor = torch.from_numpy(plain)
        times = alternate(
            {
                "pass": lambda x=x: SecondMoments.from_arrays(x, y),
                "numpy": lambda plain=plain: plain.T @ plain,
                "torch": lambda tensor=tensor: tensor.T @ tensor,
            },
            repeats=5,
        )
        tracemalloc.start()
        SecondMoments.from_arrays(x, y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        results[np.dtype(dtype).name] = {
            "over_numpy": times["pass"]["median_s"] / times["numpy"]["median_s"],
            "over_numpy_in_processor_time": times["pass"]["median_cpu_s"]
            / times["numpy"]["median_cpu_s"],
            "over_torch": times["pass"]["median_s"] / times["torch"]["median_s"],
            "over_torch_in_processor_time": times["pass"]["median_cpu_s"]
            / times["torch"]["median_cpu_s"],
            "peak_bytes": peak,
            "bytes_of_x": x.nbytes,
            "times": times,
        }
    results["limits"] = limits(pixels)
    print(record("linear-moments", results))
    for name in ("float64", "float32", "uint8"):
        print(name, {k: v for k, v in results[name].items() if k != "times"})  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
