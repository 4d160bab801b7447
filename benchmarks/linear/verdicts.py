"""Verdicts on generated critical points against the spectrum of the exact dense Hessian.

    python benchmarks/linear/verdicts.py [--points 2400]

Each point is one architecture, one data set and one random state. The oracle knows nothing of the
theorem: the risk against its minimum, and the lowest eigenvalue of the dense Hessian in float64.
"""

import argparse
import time
from collections import Counter

import numpy as np
from benchmarks.record import record

from pitfalls.linear import SquaredRisk, classify, critical_point, dense_hessian
from pitfalls.moments import SecondMoments

ARCHITECTURES = {
    "L=2, none": (5, 5, 4),
    "L=2, middle": (6, 2, 4),
    "L=2, wide": (4, 7, 3),
    "L=3, none": (5, 4, 4, 4),
    "L=3, middle": (6, 4, 2, 4),
    "L=3, at the input": (2, 4, 4, 3),
    "L=3, at the output": (5, 4, 4, 2),
    "L=3, p > d": (3, 4, 4, 5),
    "L=4, none": (4, 4, 4, 4, 4),
    "L=4, middle": (5, 4, 3, 4, 4),
    "L=4, p > d": (3, 3, 4, 3, 4),
    "L=5, none": (4, 3, 3, 3, 3, 3),
    "L=5, middle": (5, 3, 4, 2, 3, 4),
    "L=5, wide": (4, 4, 5, 4, 4, 3),
}
DATA = ("generic", "repeated modes", "zero mode", "rank-deficient X", "n < d", "centred")


def problem(data: str, d: int, p: int, rng: np.random.Generator) -> SquaredRisk:
    """Draw a regression problem of the named kind."""
    n = max(1, d - 1) if data == "n < d" else 40
    x = rng.standard_normal((n, d)) * rng.uniform(0.5, 2.0, d)
    if data == "rank-deficient X" and d > 1:
        x = x @ rng.standard_normal((d, d - 1)) @ rng.standard_normal((d - 1, d)) / d
    y = x @ rng.standard_normal((d, p)) + rng.standard_normal((n, p))
    if data in ("repeated modes", "zero mode"):
        q, _ = np.linalg.qr(x)
        u, s, v = np.linalg.svd(q.T @ y, full_matrices=False)
        s[: len(s) - 1] = np.maximum(s[: len(s) - 1], 0.2)
        if data == "repeated modes" and len(s) > 1:
            at = rng.integers(len(s) - 1)
            s[at + 1] = s[at]
        if data == "zero mode" and len(s) > 1:
            s[-1] = 0.0
        y = y - q @ (q.T @ y) + q @ ((u * s) @ v)
    return SquaredRisk(SecondMoments.from_arrays(x, y, center=data == "centred"))


def oracle(weights: tuple[np.ndarray, ...], risk: SquaredRisk) -> tuple[str, float, float]:
    """Judge by value and by the dense spectrum alone; returns the verdict and both margins."""
    excess = risk.excess(weights) / (0.5 * float(np.sum(risk.modes.values**2)))
    spectrum = np.linalg.eigvalsh(dense_hessian(risk, weights))
    # a product of layers that is zero but for rounding makes a Hessian that is zero but for rounding
    size = np.linalg.norm(risk.moments.syx) * max(map(np.linalg.norm, weights)) ** (
        len(weights) - 2
    )
    lowest = spectrum[0] / max(spectrum[-1], 1e-4 * size, 1e-300)
    if excess < 1e-9:
        return "global minimum", excess, lowest
    return ("strict saddle" if lowest < -1e-9 else "non-strict saddle"), excess, lowest


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=2520)
    points = parser.parse_args().points
    table: Counter[tuple[str, str]] = Counter()
    by_cell: dict[str, Counter[str]] = {}
    wrong, seconds, origins = [], [], Counter()
    closest_excess, closest_curvature, ceiling = np.inf, -np.inf, 0.0
    cells = [(a, k) for a in ARCHITECTURES for k in DATA]
    for index in range(points):
        name, data = cells[index % len(cells)]
        widths = ARCHITECTURES[name]
        rng = np.random.default_rng([7, index])
        risk = problem(data, widths[0], widths[-1], rng)
        top = min(risk.modes.rank_x, risk.modes.rank, *widths)
        rank = int(rng.integers(0, top + 1))
        modes = list(range(1, rank + 1))
        if rng.random() < 0.35 and rank:
            modes = sorted(rng.choice(risk.modes.rank, rank, replace=False) + 1)
        spread = float(rng.choice([1.5, 3.0, 10.0, 100.0]))
        weights = critical_point(risk, widths, modes, random_state=index, spread=spread)
        truth, excess, lowest = oracle(weights, risk)
        start = time.perf_counter()
        found = classify(risk, weights)
        seconds.append(time.perf_counter() - start)
        table[truth, found.verdict] += 1
        by_cell.setdefault(f"{name}; {data}", Counter())[found.verdict] += 1
        if found.verdict == "strict saddle":
            origins[found.witness.origin.split(" (")[0]] += 1
        if truth == "global minimum":
            ceiling = max(ceiling, excess)
        else:
            closest_excess = min(closest_excess, excess)
        if truth == "strict saddle":
            closest_curvature = max(closest_curvature, lowest)
        if found.verdict not in (truth, "undecided"):
            wrong.append([name, data, index, truth, found.verdict, excess, lowest, spread])
    undecided = sum(n for (_, verdict), n in table.items() if verdict == "undecided")
    results = {
        "n": points,
        "architectures": {k: list(v) for k, v in ARCHITECTURES.items()},
        "data": list(DATA),
        "oracle_and_verdict": {f"{t} -> {v}": n for (t, v), n in sorted(table.items())},
        "wrong": wrong,
        "undecided": undecided,
        "undecided_share": undecided / points,
        "witnesses_of_strict_saddles": dict(origins),
        "largest_relative_excess_of_a_global_minimum": ceiling,
        "smallest_relative_excess_of_a_saddle": closest_excess,
        "weakest_relative_curvature_of_a_strict_saddle": closest_curvature,
        "median_seconds_per_verdict": float(np.median(seconds)),
        "by_architecture_and_data": {k: dict(v) for k, v in by_cell.items()},
    }
    print(record("linear-verdicts", results))
    for key in ("n", "oracle_and_verdict", "undecided_share", "wrong"):
        print(key, results[key])


if __name__ == "__main__":
    main()
