"""Verdicts on wide networks: 256 wide, six layers, without a dense Hessian.

python benchmarks/linear/wide.py
"""

import time

import numpy as np
from benchmarks.record import record

from pitfalls.linear import CriticalKind, SquaredRisk, classify, critical_point
from pitfalls.moments import SecondMoments

WIDTHS = (256,) * 7
REPEATS = 5


def risk_of(width: int, n: int = 2_000) -> SquaredRisk:
    """Return the risk of a noisy linear map of so many features to as many outputs."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, width))
    y = x @ rng.standard_normal((width, width)) + rng.standard_normal((n, width))
    return SquaredRisk(SecondMoments.from_arrays(x, y))


def main() -> None:
    risk = risk_of(WIDTHS[0])
    top = list(range(1, 257))
    cases: dict[str, tuple[list[int], CriticalKind]] = {
        "global minimum": (top, "global minimum"),
        "strict saddle, modes swapped": (top[1:100], "strict saddle"),
        "strict saddle, loose pivot": (top[:100], "strict saddle"),
        "non-strict saddle": (top[:100], "non-strict saddle"),
    }
    results: dict[str, object] = {"widths": WIDTHS, "parameters": 6 * 256**2}
    for name, (modes, kind) in cases.items():
        wall, cpu, witness = [], [], None
        for seed in range(REPEATS):
            point = critical_point(risk, WIDTHS, modes, kind, seed)
            start, start_cpu = time.perf_counter(), time.process_time()
            found = classify(risk, point)
            wall.append(time.perf_counter() - start)
            cpu.append(time.process_time() - start_cpu)
            assert found.verdict == kind, (name, seed, found.verdict, found.doubts)
            witness = getattr(found.witness, "curvature", None)
        results[name] = {
            "median_s": float(np.median(wall)),
            "median_cpu_s": float(np.median(cpu)),
            "n": REPEATS,
            "curvature_of_the_last": witness,
        }
        print(name, results[name])
    print(record("linear-wide", results))


if __name__ == "__main__":
    main()
