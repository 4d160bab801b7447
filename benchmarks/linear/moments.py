"""The streaming pass of second moments against one plain X.T @ X, and its memory.

    python benchmarks/linear/moments.py

X of 16,000 x 3,072 and 10 one-hot outputs, in float64, float32 and uint8. The plain product is
NumPy's (which knows that the result is symmetric) and torch's (which does not); for uint8 it is
that of a float64 copy. The pass sums in float64 whatever comes in.
"""

import tracemalloc

import numpy as np
import torch
from benchmarks.record import alternate, record

from pitfalls.moments import SecondMoments

N, D, P = 16_000, 3_072, 10


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
    print(record("linear-moments", results))
    for name in ("float64", "float32", "uint8"):
        print(name, {k: v for k, v in results[name].items() if k != "times"})  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
