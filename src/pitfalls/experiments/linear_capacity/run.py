"""Factorise a target where its rank allows it, and measure how far off it is where not."""

import numpy as np

from pitfalls.errors import CapacityError
from pitfalls.experiments.linear_capacity.records import CapacityConfig, CapacityResult
from pitfalls.frame import Homework
from pitfalls.linear import (
    balancedness,
    end_to_end,
    factorize,
    nearest_representable,
    numerical_rank,
)
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]


def run(config: CapacityConfig, run: Run, progress: Progress) -> CapacityResult:
    """Draw, factorise and measure."""
    d, p = config.widths[0], config.widths[-1]
    rng = np.random.default_rng(config.seed)
    target = rng.standard_normal((p, config.rank)) @ rng.standard_normal((config.rank, d))
    size = float(np.linalg.norm(target)) or 1.0
    try:
        layers = factorize(target, config.widths)
        refusal = None
    except CapacityError as error:
        nearest = nearest_representable(target, config.widths)
        layers, refusal = factorize(nearest, config.widths), str(error)
    distances = [
        float(np.linalg.norm(target - nearest_representable(target, (d, width, p)))) / size
        for width in range(1, min(d, p) + 2)
    ]
    return CapacityResult(
        widths=config.widths,
        capacity=min(config.widths),
        rank=numerical_rank(target),
        refusal=refusal,
        relative_error=float(np.linalg.norm(end_to_end(layers) - target)) / size,
        imbalance=float(balancedness(layers)),
        singular_values=np.asarray(np.linalg.svd(target, compute_uv=False), dtype=np.float64),
        distances=np.array(distances),
        layers=tuple(np.asarray(w, dtype=np.float64) for w in layers),
    )


def homework(asked: Homework) -> tuple[CapacityConfig, ...]:
    """Draw one target that just fits."""
    return (CapacityConfig(seed=asked.seed),)
