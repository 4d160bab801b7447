"""Parity: networks proved exact for every mask (homework 3a)."""

from dataclasses import dataclass
from typing import Literal

import torch

from pitfalls.errors import InputError
from pitfalls.experiments.registry import experiment
from pitfalls.experiments.sizes import refuse_sizes
from pitfalls.parity import ParityTask, exact_network, verify_exact
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["ExactConfig", "homework_runs", "prove_exact"]

LARGEST = 1000
VARIANTS: tuple[Literal["printed", "corrected", "compact"], ...] = (
    "printed",
    "corrected",
    "compact",
)


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
        refuse_sizes("ExactConfig", (*self.dimensions, self.shown), self.width_factor)
        if max(*self.dimensions, self.shown) > LARGEST:
            raise InputError(
                f"ExactConfig: a network of k d weights is built for every d, so d <= {LARGEST}. Got "
                f"{max(*self.dimensions, self.shown)}; the proof for every d is claim 3a-corrected."
            )
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


def homework_runs(scale: Literal["quick", "full"], seed: int) -> list[object]:
    """Return the config of homework 3a, the same at both scales."""
    return [ExactConfig(seed=seed)]
