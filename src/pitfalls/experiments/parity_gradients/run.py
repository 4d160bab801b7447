"""Check every step of homework 3c, in float64, over all inputs and all targets."""

import numpy as np
import torch
from scipy.linalg import hadamard

from pitfalls.experiments.parity_gradients.records import (
    GradientRow,
    GradientsConfig,
    GradientsResult,
)
from pitfalls.frame import Homework
from pitfalls.parity import (
    HingeLoss,
    ParityTask,
    TwoLayerReLU,
    cube,
    gradient_bounds,
    gradient_signal,
)
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]


def run(config: GradientsConfig, run: Run, progress: Progress) -> GradientsResult:
    """Check network after network; a stopped run starts again."""
    rows = []
    with progress("autograd over all targets", unit="networks") as advance:
        cells = [(d, scale) for d in config.n_features for scale in config.scales]
        for done, (d, scale) in enumerate(cells):
            rows.append(_check(d, scale, config))
            advance(done + 1, len(cells))
    return GradientsResult(tuple(rows), config.boundary)


def homework(asked: Homework) -> tuple[GradientsConfig, ...]:
    """Check 3c(i) to (iv), the same at both scales."""
    return (GradientsConfig(seed=asked.seed),)


def _check(d: int, scale: float, config: GradientsConfig) -> GradientRow:
    loss = HingeLoss(config.boundary)
    network = TwoLayerReLU(d, config.width_factor * d, seed=config.seed, dtype=torch.float64)
    network.load_flat(network.flat_parameters() * scale)
    x = cube(d, dtype=torch.float64)
    labels = torch.stack([ParityTask(mask).labels(x) for mask in cube(d)])
    gradient = network.per_sample_gradient(x)
    by_autograd, risks = _differentiate(network, loss, x, labels)
    with torch.no_grad():
        even, odd = loss.weights(network(x))
    shared = (even[:, None] * gradient).mean(0)
    formula = shared + labels @ (odd[:, None] * gradient) / 2**d
    average = (risks - shared).square().sum(1).mean().item()
    result = gradient_signal(network, loss)
    parities = hadamard(2**d, dtype=np.float64)
    gram = parities @ parities.T / 2**d
    bounds = gradient_bounds(network)
    return GradientRow(
        n_features=d,
        n_hidden=network.n_hidden,
        scale=scale,
        active=result.active,
        gradient_error=(gradient - by_autograd).abs().max().item(),
        largest_element=gradient.abs().max().item(),
        element_bound=bounds.element,
        decomposition_error=(risks - formula).abs().max().item(),
        orthonormality_error=float(np.abs(gram - np.eye(2**d)).max()),
        identity_error=abs(result.signal / average - 1),
        signal=result.signal,
        signal_by_autograd=average,
        mean_square=result.mean_square,
        by_homework=bounds.homework,
        by_unit=bounds.by_unit,
        by_moments=bounds.by_moments,
    )


def _differentiate(
    network: TwoLayerReLU, loss: HingeLoss, x: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return grad f at every input and grad R_v for every target, by autograd."""
    parameters = {name: p.detach() for name, p in network.named_parameters()}

    def output(values: dict[str, torch.Tensor], row: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = torch.func.functional_call(network, values, (row,))
        return result

    def risk(values: dict[str, torch.Tensor], y: torch.Tensor) -> torch.Tensor:
        return loss(output(values, x), y)

    def flat(parts: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.cat([parts[name].flatten(1) for name in parameters], dim=1)

    by_input = torch.func.vmap(torch.func.grad(output), in_dims=(None, 0))
    by_target = torch.func.vmap(torch.func.grad(risk), in_dims=(None, 0), chunk_size=64)
    return flat(by_input(parameters, x)), flat(by_target(parameters, labels))
