"""Prove three constructions for every mask, and repeat the homework's check on random inputs."""

import torch

from pitfalls.experiments.parity_exact.records import (
    VARIANTS,
    ExactConfig,
    ExactResult,
    Proof,
    Sampled,
    Shapes,
    Variant,
)
from pitfalls.frame import Homework
from pitfalls.parity import ParityTask, exact_network, verify_exact
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]


def run(config: ExactConfig, run: Run, progress: Progress) -> ExactResult:
    """Prove, draw and sample; a stopped run starts again.

    A construction depends on the mask by its weight alone, up to the order of the features, and so
    does its being exact: one mask of each weight 0..d stands for all 2^d.
    """
    proofs: list[Proof] = []
    with progress("proofs", unit="dimensions") as advance:
        for done, d in enumerate(config.proved):
            proofs += [_prove(d, variant, config.width_factor) for variant in VARIANTS]
            advance(done + 1, len(config.proved))
    return ExactResult(
        tuple(proofs), _sample(config), _shapes(config.n_features), config.n_features,
        config.n_inputs,
    )  # fmt: skip


def homework(asked: Homework) -> tuple[ExactConfig, ...]:
    """Prove 3a, the same at both scales."""
    return (ExactConfig(seed=asked.seed),)


def _prove(d: int, variant: Variant, width_factor: int) -> Proof:
    width = width_factor * d if variant == "printed" else None
    masks = [[1] * m + [0] * (d - m) for m in range(d + 1)]
    networks = [exact_network(mask, variant, width) for mask in masks]
    found = [verify_exact(n, m) for n, m in zip(networks, masks, strict=True)]
    last, due = found[-1], (-1.0) ** d
    # the worst input of the all-ones mask, which is x = 1 where there is one
    output = due if last else last.output
    assert output is not None
    return Proof(
        n_features=d,
        variant=variant,
        n_units=networks[-1].n_hidden,
        weights_exact=sum(map(bool, found)),
        weights=d + 1,
        output_at_ones=float(output),
        label_at_ones=due,
        fails_at_ones=last.counterexample == (1,) * d,
    )


def _shapes(d: int) -> Shapes:
    s = torch.linspace(0, d, 60 * d + 1)
    # f depends on x through s alone: any x with w . x = s will do, here s/d in every feature
    x = (s[:, None] / d).expand(-1, d)
    values = {
        variant: exact_network([1] * d, variant)(x).detach().double().numpy()
        for variant in VARIANTS
    }
    return Shapes(s=s.double().numpy(), **values)


def _sample(config: ExactConfig) -> tuple[Sampled, ...]:
    d, generator = config.n_features, torch.Generator().manual_seed(config.seed)
    sampled = []
    for name, task in (
        ("random", ParityTask.random(d, config.seed)),
        ("all ones", ParityTask([1] * d)),
    ):
        x, y = task.sample(config.n_inputs, generator)
        for variant in VARIANTS:
            width = config.width_factor * d if variant != "compact" else None
            wrong = int((exact_network(task, variant, width)(x) != y).sum())
            sampled.append(Sampled(name, task.weight, variant, wrong))
    return tuple(sampled)
