"""Parity: networks proved exact, and what the gradient at initialisation says about the target."""

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import torch
from scipy.linalg import hadamard

from pitfalls.errors import InputError
from pitfalls.experiments.registry import NOT_IDENTITY, Progress, experiment
from pitfalls.parity import (
    HingeLoss,
    Loss,
    ParityTask,
    TwoLayerReLU,
    cube,
    exact_network,
    gradient_bounds,
    gradient_signal,
    named_loss,
    target_gradients,
    verify_exact,
)
from pitfalls.parity.loss import Boundary
from pitfalls.runs import Run

__all__ = [
    "ExactConfig",
    "GradientConfig",
    "SignalConfig",
    "TargetsConfig",
    "check_gradients",
    "homework_runs",
    "measure_signal",
    "measure_targets",
    "prove_exact",
]

VARIANTS: tuple[Literal["printed", "corrected", "compact"], ...] = (
    "printed",
    "corrected",
    "compact",
)


def _refuse_sizes(who: str, dimensions: tuple[int, ...], *counts: int) -> None:
    if not dimensions or min(dimensions) < 1 or any(count < 1 for count in counts):
        raise InputError(f"{who}: every dimension, width and number of seeds must be at least 1.")


# -- exact networks: homework 3a --------------------------------------------------------------


@dataclass(frozen=True)
class ExactConfig:
    """Which exact networks to prove (homework 3a).

    Parameters
    ----------
    dimensions : tuple of int
        Every d here is proved for all 2^d masks.
    shown : int
        The d whose all-ones mask is drawn and checked on random inputs, as the homework does.
    width_factor : int
        k = width_factor d for the printed construction.
    n_inputs : int
        Random inputs of the homework's own check.
    seed : int
        Of the random mask and inputs.
    """

    dimensions: tuple[int, ...] = (*range(1, 13), 20, 30)
    shown: int = 10
    width_factor: int = 10
    n_inputs: int = 10_000
    seed: int = 123

    def __post_init__(self) -> None:
        _refuse_sizes("ExactConfig", (*self.dimensions, self.shown), self.width_factor)
        if self.width_factor < 2:
            raise InputError(
                "ExactConfig: width_factor must be at least 2: the construction needs k >= 3d/2. "
                f"Got {self.width_factor}."
            )


@experiment("parity-exact")
def prove_exact(config: ExactConfig, run: Run, progress: Progress) -> None:
    """Prove three constructions for every mask, and repeat the homework's check on random inputs.

    A construction depends on the mask by its weight alone, up to the order of the features, and so
    does its being exact: one mask of each weight 0..d stands for all 2^d.

    Arrays ``shapes``: s on a fine grid, the parity at whole s, f(s) of each variant.
    Results: ``proofs``, one row for every d and variant, and ``sampled``.
    """
    proofs = []
    with progress("proofs", unit="dimensions") as advance:
        for done, d in enumerate(config.dimensions):
            for variant in VARIANTS:
                width = config.width_factor * d if variant == "printed" else None
                masks = [[1] * m + [0] * (d - m) for m in range(d + 1)]
                networks = [exact_network(mask, variant, width) for mask in masks]
                found = [verify_exact(n, m) for n, m in zip(networks, masks, strict=True)]
                last, due = found[-1], (-1.0) ** d
                proofs.append(
                    {
                        "d": d,
                        "variant": variant,
                        "units": networks[-1].n_hidden,
                        "weights_exact": sum(map(bool, found)),
                        "weights": d + 1,
                        "exact": all(map(bool, found)),
                        # the worst input of the all-ones mask, which is x = 1 where there is one
                        "output_at_ones": due if last else last.output,
                        "label_at_ones": due,
                        "counterexample_is_ones": last.counterexample == (1,) * d,
                    }
                )
            advance(done + 1, len(config.dimensions))

    d = config.shown
    s = torch.linspace(0, d, 60 * d + 1)
    shapes = {}
    for variant in VARIANTS:
        network = exact_network([1] * d, variant)
        # f depends on x through s alone: any x with w . x = s will do, here s/d in every feature
        shapes[variant] = network((s[:, None] / d).expand(-1, d)).detach()
    run.save_arrays("shapes", s=s, **shapes)

    generator = torch.Generator().manual_seed(config.seed)
    sampled = []
    for name, task in (
        ("random", ParityTask.random(d, config.seed)),
        ("all ones", ParityTask([1] * d)),
    ):
        x, y = task.sample(config.n_inputs, generator)
        for variant in VARIANTS:
            network = exact_network(
                task, variant, config.width_factor * d if variant != "compact" else None
            )
            wrong = int((network(x) != y).sum())
            sampled.append(
                {"mask": name, "weight": task.weight, "variant": variant, "wrong": wrong}
            )
    run.save_results(
        {"proofs": proofs, "sampled": sampled, "n_inputs": config.n_inputs, "shown": d}
    )


# -- the gradient and its bounds, against autograd: homework 3c -------------------------------


@dataclass(frozen=True)
class GradientConfig:
    """Where to check each step of homework 3c against autograd.

    Parameters
    ----------
    dimensions : tuple of int
        All 2^d targets are differentiated one by one, so d <= 10.
    width_factor : int
        k = width_factor d.
    scales : tuple of float
        PyTorch's initial parameters are multiplied by these: 1 keeps |f| < 1, 3 does not.
    boundary : {"relu", "clamp", "max"}
        Subgradient of the hinge loss at its kink.
    seed : int
    """

    dimensions: tuple[int, ...] = (3, 5, 8)
    width_factor: int = 10
    scales: tuple[float, ...] = (1.0, 3.0)
    boundary: Boundary = "relu"
    seed: int = 123

    def __post_init__(self) -> None:
        _refuse_sizes("GradientConfig", self.dimensions, self.width_factor)
        if max(self.dimensions) > 10:
            raise InputError(
                "GradientConfig: 2^d gradients by autograd are affordable to d = 10. "
                f"Got d = {max(self.dimensions)}."
            )


@experiment("parity-homework")
def check_gradients(config: GradientConfig, run: Run, progress: Progress) -> None:
    """Check every step of homework 3c, in float64, over all inputs and all targets.

    Results: ``rows``, one for every d and scale, with the largest error of each step: the gradient
    of f (3c(i)) and its tight element bound, grad R = a + E[chi g] (3c(ii)), orthonormality of the
    parities (3c(iii)), and the identity E_v|grad R - a|^2 = 2^-d E|g|^2 with its bounds (3c(iv)).
    """
    rows = []
    with progress("autograd over all targets", unit="networks") as advance:
        cells = [(d, scale) for d in config.dimensions for scale in config.scales]
        for done, (d, scale) in enumerate(cells):
            rows.append(_check_cell(d, scale, config))
            advance(done + 1, len(cells))
    run.save_results({"rows": rows, "boundary": config.boundary})


def _check_cell(d: int, scale: float, config: GradientConfig) -> dict[str, float | int]:
    loss = HingeLoss(config.boundary)
    network = TwoLayerReLU(d, config.width_factor * d, seed=config.seed, dtype=torch.float64)
    network.load_flat(network.flat_parameters() * scale)
    x = cube(d, dtype=torch.float64)
    parameters = {name: p.detach() for name, p in network.named_parameters()}

    def output(values: dict[str, torch.Tensor], row: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = torch.func.functional_call(network, values, (row,))
        return result

    def risk(values: dict[str, torch.Tensor], y: torch.Tensor) -> torch.Tensor:
        return loss(output(values, x), y)

    def flat(parts: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.cat([parts[name].flatten(1) for name in parameters], dim=1)

    gradient = network.per_sample_gradient(x)
    by_autograd = flat(torch.func.vmap(torch.func.grad(output), in_dims=(None, 0))(parameters, x))
    labels = torch.stack([ParityTask(mask).labels(x) for mask in cube(d)])
    risks = flat(
        torch.func.vmap(torch.func.grad(risk), in_dims=(None, 0), chunk_size=64)(parameters, labels)
    )
    with torch.no_grad():
        even, odd = loss.weights(network(x))
    shared = (even[:, None] * gradient).mean(0)
    formula = shared + labels @ (odd[:, None] * gradient) / 2**d
    average = (risks - shared).square().sum(1).mean().item()

    result = gradient_signal(network, loss)
    parities = hadamard(2**d, dtype=np.float64)
    gram = parities @ parities.T / 2**d
    bounds = gradient_bounds(network)
    largest = gradient.abs().max().item()
    return {
        "d": d,
        "k": network.n_hidden,
        "scale": scale,
        "active": result.active,
        "gradient_error": (gradient - by_autograd).abs().max().item(),
        "largest_element": largest,
        "element_bound": bounds.element,
        "decomposition_error": (risks - formula).abs().max().item(),
        "orthonormality_error": float(np.abs(gram - np.eye(2**d)).max()),
        "identity_error": abs(result.signal / average - 1),
        "signal": result.signal,
        "signal_by_autograd": average,
        "mean_square": result.mean_square,
        "C_p": bounds.homework,
        "C_by_unit": bounds.by_unit,
        "C_by_moments": bounds.by_moments,
    }


# -- the exact signal against the dimension: homework 3c(iv) ----------------------------------


@dataclass(frozen=True)
class SignalConfig:
    """Networks at initialisation whose gradient signal to measure (homework 3c(iv)).

    Parameters
    ----------
    dimensions : tuple of int
        d; up to 30 the signal is exact, beyond it is sampled.
    width_factor : int
        k = width_factor d.
    n_seeds : int
        Networks for every d.
    loss : {"hinge", "square", "logistic"}
    boundary : {"relu", "clamp", "max"}
        Subgradient of the hinge loss at its kink.
    n_samples : int
        Inputs for each network where the signal is sampled.
    batch_size : int
        Batch whose signal-to-noise ratio is given.
    seed : int
        Of the first network.
    device : str
        ``cuda`` streams over the inputs there.
    """

    dimensions: tuple[int, ...] = (2, 4, 6, 8, 10, 12, 14, 16, 18, 20)
    width_factor: int = 10
    n_seeds: int = 10
    loss: Literal["hinge", "square", "logistic"] = "hinge"
    boundary: Boundary = "relu"
    n_samples: int = 20_000
    batch_size: int = 100
    seed: int = 123
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        _refuse_sizes("SignalConfig", self.dimensions, self.width_factor, self.n_seeds)
        if self.boundary not in get_args(Boundary):
            raise InputError(f"SignalConfig: unknown boundary {self.boundary!r}.")

    def measure(self) -> Loss:
        """Return the loss that is meant."""
        return HingeLoss(self.boundary) if self.loss == "hinge" else named_loss(self.loss)


SIGNAL_COLUMNS = (
    "d",
    "seed",
    "log2_signal",
    "mean_square",
    "low",
    "high",
    "variance",
    "C_p",
    "C_by_unit",
    "C_by_moments",
    "active",
    "evaluated",
    "signal_to_noise",
    "exact",
)


@experiment("parity-signal")
def measure_signal(config: SignalConfig, run: Run, progress: Progress) -> None:
    """Measure the exact gradient signal of networks at initialisation, against d.

    Arrays ``cells``: one row for every network, columns by name. Results: ``rows``, for every d the
    median, least and largest over networks. Goes on after the last finished network.
    """
    checkpoint = run.load_checkpoint()
    rows: list[list[float]] = []
    if checkpoint is not None:
        rows = np.asarray(checkpoint.tensors["rows"]).tolist()
    cells = [(d, config.seed + i) for d in config.dimensions for i in range(config.n_seeds)]
    loss = config.measure()
    for d, seed in cells[len(rows) :]:
        network = TwoLayerReLU(d, config.width_factor * d, seed=seed)
        with progress(f"signal, d = {d}, network {len(rows) + 1} of {len(cells)}", "inputs") as on:
            result = gradient_signal(
                network,
                loss,
                n_samples=config.n_samples,
                seed=seed,
                device="cuda" if config.device == "cuda" else None,
                on_progress=on,
            )
        bounds = result.bounds
        assert bounds is not None
        values: dict[str, float] = {
            "d": d,
            "seed": seed,
            "log2_signal": result.log2_signal,
            "mean_square": result.mean_square,
            "low": result.interval[0],
            "high": result.interval[1],
            "variance": result.variance,
            "C_p": bounds.homework,
            "C_by_unit": bounds.by_unit,
            "C_by_moments": bounds.by_moments,
            "active": result.active,
            "evaluated": result.n_evaluated / result.n_inputs,
            "signal_to_noise": result.signal_to_noise(config.batch_size),
            "exact": float(result.method != "sample"),
        }
        run.log(**values)
        rows.append([values[name] for name in SIGNAL_COLUMNS])
        run.save_checkpoint(step=len(rows), tensors={"rows": np.array(rows)})
    table = np.array(rows)
    columns = dict(zip(SIGNAL_COLUMNS, table.T, strict=True))
    run.save_arrays("cells", **columns)
    run.save_results(
        {
            "rows": [
                {
                    "d": d,
                    "k": config.width_factor * d,
                    "n": config.n_seeds,
                    "exact": bool(columns["exact"][columns["d"] == d].all()),
                    **_spread(columns, columns["d"] == d),
                }
                for d in dict.fromkeys(config.dimensions)
            ],
            "batch_size": config.batch_size,
        }
    )
    if not columns["exact"].all():
        run.warn("Beyond d = 30 the signal is an estimate from sampled inputs, not exact.")


def _spread(columns: dict[str, np.ndarray], pick: np.ndarray) -> dict[str, float]:
    part = {name: values[pick] for name, values in columns.items()}
    mean_square = part["mean_square"]
    return {
        "log2_signal": float(np.median(part["log2_signal"])),
        "mean_square": float(np.median(mean_square)),
        "mean_square_least": float(mean_square.min()),
        "mean_square_largest": float(mean_square.max()),
        "active": float(part["active"].min()),
        "signal_to_noise": float(np.median(part["signal_to_noise"])),
        "C_p_over": float(np.median(part["C_p"] / mean_square)),
        "C_by_unit_over": float(np.median(part["C_by_unit"] / mean_square)),
        "C_by_moments_over": float(np.median(part["C_by_moments"] / mean_square)),
    }


# -- every target's gradient ------------------------------------------------------------------


@dataclass(frozen=True)
class TargetsConfig:
    """Networks whose gradients to compute for all 2^d targets.

    Parameters
    ----------
    n_features : int
        d.
    width_factor : int
        k = width_factor d.
    n_seeds : int
        Networks.
    loss : {"hinge", "square", "logistic"}
    seed : int
        Of the first network.
    """

    n_features: int = 12
    width_factor: int = 10
    n_seeds: int = 5
    loss: Literal["hinge", "square", "logistic"] = "hinge"
    seed: int = 123

    def __post_init__(self) -> None:
        _refuse_sizes("TargetsConfig", (self.n_features,), self.width_factor, self.n_seeds)


QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)


@experiment("parity-targets")
def measure_targets(config: TargetsConfig, run: Run, progress: Progress) -> None:
    """Compute how far every target's gradient lies from the shared part, by Hamming weight.

    Arrays ``weights``: ``by_weight`` of shape (n_seeds, d + 1, 1 + 5): the mean over masks of that
    weight, then the quantiles 0, .05, .5, .95, 1. Arrays ``first``: ``squared_distance`` of all
    masks for the first network, where d <= 14.
    """
    tables, signals = [], []
    d = config.n_features
    for i in range(config.n_seeds):
        network = TwoLayerReLU(d, config.width_factor * d, seed=config.seed + i)
        with progress(f"all 2^{d} targets, network {i + 1}", unit="units") as advance:
            gradients = target_gradients(network, config.loss, on_progress=advance)
        tables.append(gradients.by_weight(QUANTILES))
        signals.append(gradients.signal)
        run.log(network=i, signal=gradients.signal)
        if i == 0 and d <= 14:
            run.save_arrays("first", squared_distance=gradients.squared_distance)
    by_weight = np.array(tables)
    counts = np.array([np.exp(_log_binomial(d, m)) for m in range(d + 1)])
    share = counts * by_weight[..., 0] / (counts * by_weight[..., 0]).sum(1, keepdims=True)
    run.save_arrays("weights", by_weight=by_weight, share=share, quantiles=np.array(QUANTILES))
    mean = np.median(by_weight[..., 0], axis=0)
    run.save_results(
        {
            "d": d,
            "k": config.width_factor * d,
            "n": config.n_seeds,
            "signal": float(np.median(signals)),
            "rows": [
                {
                    "weight": m,
                    "masks": round(counts[m]),
                    "mean": float(mean[m]),
                    "least": float(by_weight[:, m, 1].min()),
                    "largest": float(by_weight[:, m, -1].max()),
                    "over_signal": float(np.median(by_weight[:, m, 0] / np.array(signals))),
                    "share": float(np.median(share[:, m])),
                }
                for m in range(d + 1)
            ],
        }
    )


def _log_binomial(n: int, k: int) -> float:
    from math import lgamma

    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def homework_runs(scale: Literal["quick", "full"], seed: int) -> list[object]:
    """Return the configs of homework 3a and 3c."""
    quick = scale == "quick"
    dimensions = (2, 4, 6, 8, 10, 12, 14, 16, 18, 20)
    return [
        ExactConfig(seed=seed),
        GradientConfig(seed=seed),
        SignalConfig(
            dimensions=dimensions if quick else (*dimensions, 22, 24, 26, 28, 30),
            n_seeds=5 if quick else 10,
            seed=seed,
        ),
        TargetsConfig(n_features=12 if quick else 16, n_seeds=5, seed=seed),
    ]
