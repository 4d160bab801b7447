"""What grows with what: each curve's own work, and the limit that it is held against.

A case is one size of a curve: functions that take turns, ``ours`` and ``limit``, and where something
explains the bend ``part``, which is a piece of ours.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from benchmarks.linear import gradients as gradient_benchmark
from benchmarks.linear import wide
from benchmarks.parity import walsh as walsh_benchmark
from benchmarks.parity.signal import arrays
from scipy.linalg import blas
from threadpoolctl import threadpool_limits

from pitfalls.clusters import run_jobs
from pitfalls.images import CCA, PCA, ImageDataset, LeastSquaresClassifier, fit_linear_methods
from pitfalls.images.linear.one_pass import read_training_images
from pitfalls.linear import classify, critical_point
from pitfalls.moments import SecondMoments
from pitfalls.parity import (
    LearningConfig,
    ParityTask,
    TwoLayerReLU,
    gradient_signal,
    run_cell,
    sweep_cells,
    train,
)
from pitfalls.parity.signal.gradient_norm import gradient_norm_total

__all__ = ["CURVES", "Case", "Curve", "Sizes", "product"]

Work = Callable[[], object]
SIDE = 1024  # of the square product that measures how fast the processor multiplies and adds
JOBS = 8


@dataclass(frozen=True)
class Case:
    """One size: its functions, how much work each of their calls is, and what else is known of it.

    ``calls``: how often ours, or the part, is done in a call. ``limit_calls``: how many limits of one
    such piece of work a call of ``limit`` is.
    """

    functions: Mapping[str, Work]
    calls: float = 1.0
    limit_calls: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sizes:
    """The sizes of a curve, and what stays as it is along it."""

    sizes: tuple[int, ...]
    fixed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """What is measured along an axis.

    Attributes
    ----------
    name : str
    axis : str
        What grows, as the page writes it.
    what, limit : str
        Ours, and what it is held against.
    case : callable
        (size, what stays) -> Case.
    full, small : Sizes
    part : str
        What the third function is, if there is one.
    clock : str
        Which median counts: processor seconds, or wall seconds where other processes work.
    """

    name: str
    axis: str
    what: str
    limit: str
    case: Callable[..., Case]
    full: Sizes
    small: Sizes
    part: str = ""
    clock: str = "median_cpu_s"


def product(dtype: str = "float32") -> Work:
    """Return a square product: as fast as the processor multiplies and adds."""
    matrix = np.ones((SIDE, SIDE), dtype, order="F")
    multiply = blas.sgemm if dtype == "float32" else blas.dgemm
    return lambda: multiply(1.0, matrix, matrix)


def signal(d: int) -> Case:
    network = TwoLayerReLU(d, 10 * d, seed=0)
    w, b, alpha, _ = arrays(network)
    half = d // 2
    halves = []
    for columns in (w[:, :half], w[:, half:]):
        bits = np.arange(1 << columns.shape[1])[:, None] >> np.arange(columns.shape[1]) & 1
        halves.append((np.asfortranarray(columns), np.asfortranarray(bits, dtype=np.float64)))
    return Case(
        {
            "ours": lambda: gradient_signal(network),
            "part": lambda: gradient_norm_total(w, b, alpha),
            "limit": lambda: [blas.dgemm(1.0, bits, own, trans_b=1) for own, bits in halves],
        },
        facts={"k": 10 * d, "evaluated": gradient_signal(network).n_evaluated / 2**d},
    )


def walsh(d: int) -> Case:
    x = torch.randn(1, 1 << d)
    y = torch.empty_like(x)
    calls = walsh_benchmark.calls_for(1 << d)

    def many(function: Callable[..., object], *arguments: Any) -> Work:
        return lambda: [function(*arguments) for _ in range(calls)]

    return Case(
        {
            "ours": many(walsh_benchmark.ours, x),
            "part": many(walsh_benchmark.ours, x[:, :2]),
            "limit": many(walsh_benchmark.two_passes, x, y),
        },
        calls=calls,
        # each pass reads one array and writes the other
        facts={"bytes_moved": 4 * x.numel() * x.element_size()},
    )


def training(k: int, d: int, units: int) -> Case:
    n = max(units // k, min(1_000, units))  # iterations
    task = ParityTask.random(d, 0, weight=d // 2)
    configs = {
        name: LearningConfig(n_hidden=width, n_iterations=n, record_every=n)
        for name, width in (("ours", k), ("part", 1))
    }
    batch = configs["ours"].batch_size
    # forward, and backward to the weights: a multiplication and an addition for each
    operations = 4 * batch * d * k
    return Case(
        {
            **{name: partial(train, task, config) for name, config in configs.items()},
            "limit": product(),
        },
        calls=n,
        limit_calls=2 * SIDE**3 / operations,
        facts={"iterations": n, "bytes_of_state": 2 * 4 * (k * (d + 2) + 1)},
    )


def moments(n: int, d: int) -> Case:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n, d)), rng.standard_normal((n, 10))
    return Case(
        {
            "ours": lambda: SecondMoments.from_arrays(x, y),
            "part": lambda: SecondMoments.from_arrays(x[:2], y[:2]),
            "limit": lambda: blas.dsyrk(1.0, x.T),
        }
    )


def gradients(n: int) -> Case:
    risk, layers = gradient_benchmark.risk_of(n), gradient_benchmark.weights()
    sxx = np.asfortranarray(risk.moments.sxx)
    first = np.asfortranarray(layers[0])
    return Case(
        {
            "ours": lambda: risk.layer_gradients(layers),
            "limit": lambda: blas.dgemm(1.0, first, sxx),
        }
    )


def depth(n_layers: int, width: int) -> Case:
    risk = wide.risk_of(width)
    # the strongest mode is left out, so that swapping it in is a way down
    point = critical_point(
        risk, (width,) * (n_layers + 1), range(2, width // 2), "strict saddle", 0
    )
    layers = [np.asfortranarray(w) for w in point]

    def whole() -> Any:
        map_ = layers[0]
        for w in layers[1:]:
            map_ = blas.dgemm(1.0, w, map_)
        return map_

    verdict = classify(risk, point).verdict
    if verdict != "strict saddle":
        raise SystemExit(f"depth: a strict saddle of {n_layers} layers is said to be {verdict}")
    return Case({"ours": lambda: classify(risk, point), "limit": whole})


def images(n: int, side: int) -> Case:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (n, 3, side, side), dtype=np.uint8)
    labels = np.arange(n) % 10
    data = ImageDataset.from_arrays(pixels, labels, pixels[:10], labels[:10])
    rows = np.asfortranarray(pixels.reshape(n, -1).T, dtype=np.float64)
    read = read_training_images(data)

    def fit() -> object:
        unwhitened = replace(read, _white={})  # each time anew
        return [unwhitened.fit(method) for method in (PCA(2), CCA(2), LeastSquaresClassifier())]

    return Case(
        {
            "ours": lambda: fit_linear_methods(data),
            "part": fit,
            "limit": lambda: blas.dsyrk(1.0, rows),
        }
    )


def multiplied(times: int) -> None:
    """Multiply in a worker, and nothing else."""
    work = product()
    with threadpool_limits(1):  # in this process too
        for _ in range(times):
            work()


def processes(n: int, iterations: int, products: int) -> Case:
    (cell,) = sweep_cells([10], [5])
    config = LearningConfig(n_iterations=iterations, record_every=iterations)
    return Case(
        {
            "ours": lambda: run_jobs(run_cell, [(cell, 1, config)] * JOBS, n_jobs=n),
            "limit": lambda: run_jobs(multiplied, [(products,)] * JOBS, n_jobs=n),
        },
        calls=JOBS,
    )


def core_counts() -> tuple[int, ...]:
    """Return 1, 2, 4, ... up to the processor's cores."""
    cores = len(os.sched_getaffinity(0))
    return tuple(sorted({*(1 << i for i in range(cores.bit_length())), cores}))


CURVES = (
    Curve(
        "signal", "d", "the exact gradient signal of a network at initialisation, k = 10 d",
        "BLAS, the values of all units on both halves of the bits", signal,
        Sizes((10, 14, 18, 22, 26, 30)), Sizes((6, 8)),
        part="the sum of squared gradients over sorted halves",
    ),
    Curve(
        "walsh", "d", "the Walsh-Hadamard transform of 2^d numbers in float32",
        "two passes over memory", walsh, Sizes((10, 13, 16, 19, 22, 25, 27)), Sizes((8, 10)),
        part="the transform of two numbers",
    ),
    Curve(
        "training", "k", "a training step of a parity network on 100 inputs",
        "as many multiplications and additions in a square product of BLAS, float32", training,
        Sizes((10, 30, 100, 300, 1_000, 3_000, 10_000), {"d": 10, "units": 2_000_000}),
        Sizes((5, 10), {"d": 5, "units": 200}), part="the same step with one unit",
    ),
    Curve(
        "moments", "n", "one pass of second moments over float64 rows",
        "BLAS, the symmetric product of the same rows", moments,
        Sizes((100, 1_000, 10_000, 100_000, 1_000_000), {"d": 256}), Sizes((50, 100), {"d": 16}),
        part="the pass over two rows",
    ),
    Curve(
        "gradients", "n", "all layer gradients of a deep linear network, 256-256-256-10, after the pass",
        "BLAS, one product, the first layer with the second moments", gradients,
        Sizes((1_000, 10_000, 100_000, 1_000_000)), Sizes((300, 600)),
    ),
    Curve(
        "depth", "L", "the verdict on a strict saddle of a deep linear network",
        "BLAS, the product of its layers", depth,
        # of 40 layers the way down is within what rounding may hide
        Sizes((2, 4, 8, 16, 32), {"width": 128}), Sizes((2, 3), {"width": 8}),
    ),
    Curve(
        "images", "images", "PCA, CCA and least squares together, made images of CIFAR-10's shape",
        "BLAS, the symmetric product of the same pixels, float64", images,
        Sizes((2_000, 10_000, 50_000), {"side": 32}), Sizes((40, 80), {"side": 4}),
        part="the fit of all three from moments at hand",
    ),
    Curve(
        "processes", "processes", "a cell of a sweep, eight cells side by side",
        "bare products of BLAS in as many processes", processes,
        Sizes(core_counts(), {"iterations": 30_000, "products": 10}),
        Sizes((1,), {"iterations": 50, "products": 1}), clock="median_s",
    ),
)  # fmt: skip
"""In the page's order."""
