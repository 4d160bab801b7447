"""Build the labs' networks and ask each its question."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD
from torch.optim.lr_scheduler import ExponentialLR

from pitfalls.diagnosis import (
    Card,
    ask_capacity,
    ask_saddle,
    ask_schedule,
    ask_signal,
    ask_units,
)
from pitfalls.diagnosis.evidence import (
    CapacityEvidence,
    SaddleEvidence,
    ScheduleEvidence,
    UnitsEvidence,
)
from pitfalls.experiments.diagnosis_labs.records import LabCard, LabsConfig, LabsResult
from pitfalls.frame import Homework
from pitfalls.linear import DeepLinearNetwork, SquaredRisk
from pitfalls.moments import SecondMoments
from pitfalls.parity import TwoLayerReLU
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]

_BITS = 30
_DEEP, _WIDE = 8, 10


def run(config: LabsConfig, run: Run, progress: Progress) -> LabsResult:
    """Ask the networks in turn; a stopped run starts again."""
    asked: tuple[Callable[[LabsConfig], LabCard], ...] = (
        lambda c: _parity(c, 1),
        lambda c: _parity(c, _BITS // 2),
        lambda c: _sigmoids(c, 1),
        lambda c: _sigmoids(c, _DEEP),
        _zero,
        _bottleneck,
        lambda c: _annealed(c, 1.0),
        lambda c: _annealed(c, 0.5),
    )
    cards = []
    with progress("the labs' cards", unit="cards") as advance:
        for ask in asked:
            cards.append(ask(config))
            advance(len(cards), len(asked))
    return LabsResult(tuple(cards))


def homework(asked: Homework) -> tuple[LabsConfig, ...]:
    """Ask once; at full scale with more time for each card."""
    return (LabsConfig(budget=10.0 if asked.scale == "quick" else 30.0, seed=asked.seed),)


def _card(card: Card, network: str, what: str, number: float, exact: float, *given: Any) -> LabCard:
    held = None if card.witness is None else card.check(*given)
    return LabCard(network, card.question, card.verdict, card.evidence.n, number, exact, what, held)


def _hinge(outputs: Tensor, y: Tensor) -> Tensor:
    return torch.relu(1 - outputs * y).mean()


def _half_squares(outputs: Tensor, y: Tensor) -> Tensor:
    return ((outputs - y) ** 2).sum(1).mean() / 2


def _generator(config: LabsConfig) -> torch.Generator:
    return torch.Generator().manual_seed(config.seed)


def _parity(config: LabsConfig, weight: int) -> LabCard:
    """Ask a network of the parity lab for a parity of some of its thirty bits."""
    x = torch.randint(0, 2, (1000, _BITS), generator=_generator(config)).float()
    y = 1 - 2 * (x[:, :weight].sum(1) % 2)
    network = TwoLayerReLU(_BITS, 10 * _BITS, seed=config.seed)
    card = ask_signal(network, _hinge, x, y, budget=config.budget)
    bits = "one bit" if weight == 1 else f"{weight} bits"
    p = float("nan") if card.p_value is None else card.p_value
    name = f"parity of {bits} of {_BITS}"
    return _card(card, name, "p-value of the gradient", p, float("nan"), network, _hinge, x, y)


def _classes(config: LabsConfig, n: int) -> tuple[Tensor, Tensor]:
    x = torch.randn(n, _WIDE, generator=_generator(config))
    return x, x[:, :3].argmax(1)


def _sigmoids(config: LabsConfig, depth: int) -> LabCard:
    """Ask a chain of sigmoid layers; depth alone predicts a quarter for each."""
    x, y = _classes(config, 200)
    torch.manual_seed(config.seed)
    body = [part for _ in range(depth) for part in (nn.Linear(_WIDE, _WIDE), nn.Sigmoid())]
    network = nn.Sequential(*body, nn.Linear(_WIDE, 3))
    loss = functional.cross_entropy
    card = ask_units(network, loss, x, y, budget=config.budget)
    e = card.evidence
    ratio = e.ratio if isinstance(e, UnitsEvidence) else float("nan")
    name = f"{depth} sigmoid layer{'s' if depth > 1 else ''}"
    what = "least relative gradient over the largest"
    return _card(card, name, what, ratio, float("nan"), network, loss, x, y)


def _regression(config: LabsConfig) -> tuple[Tensor, Tensor]:
    g = _generator(config)
    x = torch.randn(200, 6, generator=g).double()
    return x, x @ torch.randn(6, 4, generator=g).double()


def _zero(config: LabsConfig) -> LabCard:
    """Ask two linear layers at zero: the Hessian pairs them through S_yx alone."""
    x, y = _regression(config)
    network = DeepLinearNetwork.from_weights(
        [torch.zeros(5, 6).double(), torch.zeros(4, 5).double()]
    )
    card = ask_saddle(network, _half_squares, x, y, budget=config.budget)
    e = card.evidence
    lowest = e.lowest if isinstance(e, SaddleEvidence) else float("nan")
    exact = -float(np.linalg.norm((y.T @ x / len(x)).numpy(), 2))
    return _card(
        card, "two linear layers at W = 0", "lowest curvature", lowest, exact,
        network, _half_squares, x, y,
    )  # fmt: skip


def _bottleneck(config: LabsConfig) -> LabCard:
    """Ask a linear network of rank two for a map of rank four."""
    x, y = _regression(config)
    torch.manual_seed(config.seed)
    network = nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 4)).double()
    card = ask_capacity(network, _half_squares, x, y, budget=config.budget)
    e = card.evidence
    linear = e.linear if isinstance(e, CapacityEvidence) else None
    risk = SquaredRisk(SecondMoments.from_arrays(x.numpy(), y.numpy(), center=True))
    exact = 1 - risk.minimum(2).value / (0.5 * float(np.trace(risk.moments.syy)))
    return _card(
        card, "a linear bottleneck of two", "largest R²",
        float("nan") if linear is None else linear.explained, float(exact),
        network, _half_squares, x, y,
    )  # fmt: skip


def _annealed(config: LabsConfig, factor: float) -> LabCard:
    """Ask the same steps at a constant rate, and at one that is annealed at every step."""
    x, y = _classes(config, 400)
    torch.manual_seed(config.seed)
    network = nn.Sequential(nn.Linear(_WIDE, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = SGD(network.parameters(), 0.05)
    schedule = ExponentialLR(optimizer, factor)
    optimizer.register_step_post_hook(lambda *_: schedule.step())
    loss = functional.cross_entropy
    card = ask_schedule(network, loss, x, y, optimizer, budget=config.budget)
    e = card.evidence
    own = e.own if isinstance(e, ScheduleEvidence) else None
    name = "a constant rate" if factor == 1 else "the rate halved at every step"
    progress = float("nan") if own is None else own.progress
    return _card(
        card, name, "share of the loss gained in sixty steps", progress, float("nan"),
        network, loss, x, y,
    )  # fmt: skip
