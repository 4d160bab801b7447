"""Layer gradients from second moments against autograd on the raw data, and flat in n.

    python benchmarks/linear/gradients.py

Widths 256-256-256-10 in float64. Autograd runs the forward and backward pass over all rows; the
moments were collected by one pass, whose time is reported beside it.
"""

import time
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from benchmarks.record import alternate, record

from pitfalls.linear import SquaredRisk
from pitfalls.moments import SecondMoments

WIDTHS = (256, 256, 256, 10)


def weights() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((b, a)) / np.sqrt(a) for a, b in pairwise(WIDTHS)]


def rows(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    return rng.standard_normal((n, WIDTHS[0])), rng.standard_normal((n, WIDTHS[-1]))


def risk_of(n: int) -> SquaredRisk:
    """Return the risk on n rows, which are made and passed over in pieces."""
    chunks = (rows(min(n, 50_000)) for _ in range(max(1, n // 50_000)))
    return SquaredRisk(SecondMoments.from_batches(chunks))


def main() -> None:
    layers = weights()
    x, y = rows(100_000)
    start = time.perf_counter()
    risk = SquaredRisk(SecondMoments.from_arrays(x, y))
    one_pass = time.perf_counter() - start
    leaves = [torch.tensor(w, requires_grad=True) for w in layers]
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)

    def autograd() -> list[torch.Tensor]:
        for leaf in leaves:
            leaf.grad = None
        out = tx
        for leaf in leaves:
            out = out @ leaf.T
        (0.5 * ((out - ty) ** 2).sum()).backward()
        return [leaf.grad for leaf in leaves if leaf.grad is not None]

    worst = max(
        float(np.abs(a - b.numpy()).max() / np.abs(a).max())
        for a, b in zip(risk.layer_gradients(layers), autograd(), strict=True)
    )
    times = alternate(
        {"autograd": autograd, "moments": lambda: risk.layer_gradients(layers)}, repeats=15
    )
    sizes = {str(n): risk_of(n) for n in (1_000, 10_000, 100_000, 1_000_000)}
    flat = alternate({n: partial(r.layer_gradients, layers) for n, r in sizes.items()}, repeats=41)
    medians = {n: t["median_s"] for n, t in flat.items()}
    results = {
        "widths": WIDTHS,
        "n": 100_000,
        "largest_relative_difference": worst,
        "seconds_of_the_one_pass": one_pass,
        "speed_up": times["autograd"]["median_s"] / times["moments"]["median_s"],
        "speed_up_in_processor_time": times["autograd"]["median_cpu_s"]
        / times["moments"]["median_cpu_s"],
        "times": times,
        "seconds_by_n": medians,
        "slowest_over_fastest_n": max(medians.values()) / min(medians.values()),
        "times_by_n": flat,
    }
    print(record("linear-gradients", results))
    for key in ("speed_up", "largest_relative_difference", "seconds_by_n"):
        print(key, results[key])


if __name__ == "__main__":
    main()
