"""The Walsh-Hadamard transform beside the dense matrix, a torch butterfly and memory itself.

Run: python -m benchmarks.parity.walsh   (about two minutes on two cores)

All run on one thread, and ``ours_all_threads`` on all. ``two_passes`` copies the array to another
and back: what two passes over memory cost when nothing is computed. Above the cache the transform
needs two, so its ratio to this is how far it is from the limit. The ratios are of processor
seconds, which other work on the machine disturbs less than wall time.
"""

import sys

import numba
import numpy as np
import torch
from benchmarks.record import alternate, record
from scipy.linalg import hadamard

from pitfalls.parity import walsh_hadamard_transform


def butterfly(x: torch.Tensor) -> torch.Tensor:
    """Transform plainly: log2 n steps over the whole array."""
    n, h = x.shape[-1], 1
    while h < n:
        pairs = x.view(-1, n // (2 * h), 2, h)
        x = torch.stack([pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]], 2)
        x = x.reshape(-1, n)
        h *= 2
    return x


def two_passes(x: torch.Tensor, y: torch.Tensor) -> None:
    y.copy_(x)
    x.copy_(y)


def ours(x: torch.Tensor, threads: int = 1) -> None:
    numba.set_num_threads(threads)
    walsh_hadamard_transform(x.numpy(), inplace=True, normalize=True)  # its memory, not a copy


def calls_for(n: int) -> int:
    """Return how often to transform n numbers at a time, so that short ones are not all clock."""
    return max(1, (1 << 18) // n)


def main() -> None:
    torch.set_num_threads(1)
    results = {}
    for bits in (10, 16, 20, 24, 27):
        n = 1 << bits
        x = torch.randn(1, n)
        y = torch.empty_like(x)
        calls = calls_for(n)

        def many(function, calls=calls):
            def run() -> None:
                for _ in range(calls):
                    function()

            return run

        functions = {
            "ours": many(lambda x=x: ours(x)),
            "ours_all_threads": many(lambda x=x: ours(x, numba.config.NUMBA_NUM_THREADS)),
            "two_passes": many(lambda x=x, y=y: two_passes(x, y)),
        }
        if bits <= 24:
            functions["torch_butterfly"] = many(lambda x=x: butterfly(x))
        if bits <= 12:
            matrix = torch.from_numpy(hadamard(n, dtype=np.float32))
            functions["dense_matrix"] = many(lambda x=x, matrix=matrix: x @ matrix)
        for name, module in PEERS.items():
            if bits <= 24:
                functions[name] = many(lambda x=x, module=module: module(x))
        times = alternate(functions, repeats=9 if bits < 24 else 5)
        own = times["ours"]["median_cpu_s"]
        results[f"2^{bits}"] = {
            name: {
                "median_us": 1e6 * t["median_s"] / calls,
                "median_cpu_us": 1e6 * t["median_cpu_s"] / calls,
                "cpu_over_ours": t["median_cpu_s"] / own,
                "n": t["n"],
                "wall_s": t["wall_s"],
            }
            for name, t in times.items()
        }
        for name, row in results[f"2^{bits}"].items():
            cpu = f"{row['median_cpu_us']:.1f} us of processor time"
            print(f"2^{bits} {name}: {row['median_us']:.1f} us, {cpu}", file=sys.stderr)
    record("parity_walsh", results)


def find_peers() -> dict[str, object]:
    """Find published packages that are installed (pip install hadamard-transform), by name."""
    peers: dict[str, object] = {}
    try:
        import hadamard_transform

        peers["hadamard_transform"] = hadamard_transform.hadamard_transform
    except ImportError:
        pass
    return peers


PEERS = find_peers()

if __name__ == "__main__":
    main()
