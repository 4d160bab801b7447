"""A set-up of the zoo: a network, a loss, data and an optimizer, with what is known to be wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from pitfalls.diagnosis.vocabulary import Cause
from pitfalls.diagnosis.zoo.judgement import Partition

__all__ = ["Case", "Setup", "classes_of_teacher", "digits", "generator", "mlp", "setup"]


@dataclass(frozen=True, eq=False)
class Case:
    """What :func:`pitfalls.diagnose` is called with."""

    model: nn.Module
    loss: Callable[[Any, Any], Tensor]
    x: Any
    y: Any
    optimizer: Any


@dataclass(frozen=True)
class Setup:
    """One set-up.

    Parameters
    ----------
    name : str
    right : tuple of str
        Causes that count as right; more than one where a fault has two true names.
    part : str
        ``"tuning"``: rules were fixed on it; ``"reported"``: they were not, though what was missed
        there led to better ones; ``"blind"``: diagnosed once, after the rules were fixed.
    text : str
        What it is, in a line.
    build : callable
        From a seed to a `Case`.
    """

    name: str
    right: tuple[Cause, ...]
    part: Partition
    text: str
    build: Callable[[int], Case]

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong with it."""
        return "healthy" in self.right


_REGISTRY: list[Setup] = []


def setup(
    name: str, right: Cause | tuple[Cause, ...], part: Partition
) -> Callable[[Callable[[int], Case]], Callable[[int], Case]]:
    """Register a builder; its docstring is the set-up's text."""

    def register(build: Callable[[int], Case]) -> Callable[[int], Case]:
        causes = (right,) if isinstance(right, str) else right
        text = (build.__doc__ or "").strip().split("\n")[0]
        _REGISTRY.append(Setup(name, causes, part, text, build))
        return build

    return register


def registered() -> tuple[Setup, ...]:
    """All set-ups registered so far."""
    return tuple(_REGISTRY)


def generator(seed: int) -> torch.Generator:
    """Return a generator for data, and seed the global one for weights."""
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(1000 + seed)


def digits(seed: int, n: int = 1200) -> tuple[Tensor, Tensor]:
    """Scikit-learn's digits, n drawn at random, scaled to [-1, 1]: (n, 64) and (n,)."""
    images, labels = _digits()
    order = torch.randperm(len(images), generator=generator(seed))[:n]
    x = torch.from_numpy(images).float()[order] / 8 - 1
    return x, torch.from_numpy(labels)[order]


@cache
def _digits() -> tuple[Any, Any]:
    images, labels = load_digits(return_X_y=True)
    return images, labels


def classes_of_teacher(
    seed: int, n: int = 1000, d: int = 20, n_classes: int = 4
) -> tuple[Tensor, Tensor]:
    """Gaussian inputs (n, d) and the largest output of a random two-layer network as their class."""
    g = generator(seed)
    x = torch.randn(n, d, generator=g)
    first = torch.randn(d, 32, generator=g) / d**0.5
    second = torch.randn(32, n_classes, generator=g)
    scores = torch.tanh(x @ first) @ second
    scores -= scores.mean(0)
    return x, scores.argmax(1)


def mlp(
    *widths: int, activation: Callable[[], nn.Module] = nn.ReLU, last: nn.Module | None = None
) -> nn.Sequential:
    """Linear layers of these widths with an activation between."""
    layers: list[nn.Module] = []
    for i, (fan_in, fan_out) in enumerate(pairwise(widths)):
        layers.append(nn.Linear(fan_in, fan_out))
        if i + 2 < len(widths):
            layers.append(activation())
    if last is not None:
        layers.append(last)
    return nn.Sequential(*layers)
