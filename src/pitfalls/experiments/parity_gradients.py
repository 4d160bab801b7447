"""Parity: the gradient, its parts and its bounds against autograd (homework 3c)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy.linalg import hadamard

from pitfalls.errors import InputError
from pitfalls.experiments.registry import experiment
from pitfalls.experiments.sizes import refuse_sizes
from pitfalls.parity import (
    HingeLoss,
    ParityTask,
    TwoLayerReLU,
    cube,
    gradient_bounds,
    gradient_signal,
)
from pitfalls.parity.loss import Boundary
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["GradientConfig", "check_gradients", "homework_runs"]


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
        refuse_sizes("GradientConfig", self.dimensions, self.width_factor)
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


def homework_runs(scale: Literal["quick", "full"], seed: int) -> list[object]:
    """Return the config of homework 3c(i) to (iv), the same at both scales."""
    return [GradientConfig(seed=seed)]
