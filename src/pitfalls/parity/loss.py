"""Losses of a real output against a label of -1 or +1, and the two halves of their slope.

For a loss l(f, y) and y in {-1, +1} write its slope in f as l'(f, y) = A(f) + y G(f) with
A = (l'(f, 1) + l'(f, -1)) / 2 and G = (l'(f, 1) - l'(f, -1)) / 2. The gradient of the risk of
the target chi_v is then E[A(f) grad f] + E[chi_v G(f) grad f]: the first term is the a of the
homework and knows nothing of v, the second is the correlation of chi_v with g = G(f) grad f.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from pitfalls.errors import InputError

__all__ = [
    "Boundary",
    "CustomLoss",
    "HingeLoss",
    "LogisticLoss",
    "Loss",
    "SquareLoss",
    "as_loss",
    "hinge_loss",
    "logistic_loss",
    "named_loss",
    "square_loss",
]

Boundary = Literal["relu", "clamp", "max"]

_AT_KINK: dict[str, float] = {"relu": 0.0, "clamp": 1.0, "max": 0.5}


def _match(name: str, outputs: Tensor, labels: Tensor) -> None:
    if outputs.shape != labels.shape:
        raise InputError(
            f"{name}: outputs and labels must have the same shape, or they broadcast to every "
            f"pair. Got {tuple(outputs.shape)} and {tuple(labels.shape)}; squeeze or reshape one."
        )


@dataclass(frozen=True)
class Loss(ABC):
    """A loss of one output and one label; call it for the mean over a batch."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name that :func:`named_loss` knows."""

    @abstractmethod
    def per_sample(
        self, outputs: Float[Tensor, "*n"], labels: Float[Tensor, "..."]
    ) -> Float[Tensor, "*n"]:
        """Loss of each sample; differentiable; refuses shapes that would broadcast."""

    @abstractmethod
    def weights(
        self, outputs: Float[Tensor, "*n"]
    ) -> tuple[Float[Tensor, "*n"], Float[Tensor, "*n"]]:
        """Return A(f) and G(f), the weights of grad f in a and in g (see the module's text)."""

    def __call__(
        self, outputs: Float[Tensor, "*n"], labels: Float[Tensor, "..."]
    ) -> Float[Tensor, ""]:
        """Mean loss over the batch."""
        return self.per_sample(outputs, labels).mean()


@dataclass(frozen=True)
class HingeLoss(Loss):
    """max(0, 1 - f y).

    Parameters
    ----------
    boundary : {"relu", "clamp", "max"}
        Which subgradient holds at f y = 1, by the PyTorch function that computes the loss:
        ``relu`` takes slope 0 there, ``clamp(min=0)`` takes -y, ``maximum`` takes half. It matters
        wherever f = 1 or f = -1 exactly, so at every input of a network that is exact.

    Notes
    -----
    A(f) = -(1(f) - 1(-f)) / 2 and G(f) = -(1(f) + 1(-f)) / 2 with 1(u) the indicator of u < 1
    (homework 3c(ii)); at u = 1 it is 0, 1 or 1/2 by ``boundary``.
    """

    boundary: Boundary = "relu"

    def __post_init__(self) -> None:
        if self.boundary not in _AT_KINK:
            raise InputError(
                f"HingeLoss: boundary must be one of {', '.join(_AT_KINK)}. "
                f"Got {self.boundary!r} instead."
            )

    @property
    def name(self) -> str:
        """``hinge``."""
        return "hinge"

    @property
    def at_kink(self) -> float:
        """Value of the indicator at the kink: 0, 1 or 1/2."""
        return _AT_KINK[self.boundary]

    def per_sample(
        self, outputs: Float[Tensor, "*n"], labels: Float[Tensor, "..."]
    ) -> Float[Tensor, "*n"]:
        """Loss of each sample."""
        _match("hinge_loss", outputs, labels)
        gap = 1 - outputs * labels
        if self.boundary == "relu":
            return torch.relu(gap)
        if self.boundary == "clamp":
            return gap.clamp(min=0)
        return torch.maximum(gap, gap.new_zeros(()))

    def weights(
        self, outputs: Float[Tensor, "*n"]
    ) -> tuple[Float[Tensor, "*n"], Float[Tensor, "*n"]]:
        """Return A(f) and G(f)."""
        # 1 - u and not u < 1: the loss rounds 1 - f y, and that difference is what decides
        positive = torch.heaviside(1 - outputs, outputs.new_tensor(self.at_kink))
        negative = torch.heaviside(1 + outputs, outputs.new_tensor(self.at_kink))
        return (negative - positive) / 2, -(negative + positive) / 2


@dataclass(frozen=True)
class SquareLoss(Loss):
    """(f - y)^2 / 2, with A(f) = f and G(f) = -1."""

    @property
    def name(self) -> str:
        """``square``."""
        return "square"

    def per_sample(
        self, outputs: Float[Tensor, "*n"], labels: Float[Tensor, "..."]
    ) -> Float[Tensor, "*n"]:
        """Loss of each sample."""
        _match("square_loss", outputs, labels)
        return (outputs - labels).square() / 2

    def weights(
        self, outputs: Float[Tensor, "*n"]
    ) -> tuple[Float[Tensor, "*n"], Float[Tensor, "*n"]]:
        """Return A(f) and G(f)."""
        return outputs, -torch.ones_like(outputs)


@dataclass(frozen=True)
class LogisticLoss(Loss):
    """log(1 + exp(-f y)), with A(f) = sigmoid(f) - 1/2 and G(f) = -1/2."""

    @property
    def name(self) -> str:
        """``logistic``."""
        return "logistic"

    def per_sample(
        self, outputs: Float[Tensor, "*n"], labels: Float[Tensor, "..."]
    ) -> Float[Tensor, "*n"]:
        """Loss of each sample."""
        _match("logistic_loss", outputs, labels)
        return torch.nn.functional.softplus(-outputs * labels)

    def weights(
        self, outputs: Float[Tensor, "*n"]
    ) -> tuple[Float[Tensor, "*n"], Float[Tensor, "*n"]]:
        """Return A(f) and G(f)."""
        # tanh keeps A accurate near f = 0, where sigmoid(f) - 1/2 cancels
        return torch.tanh(outputs / 2) / 2, torch.full_like(outputs, -0.5)


@dataclass(frozen=True)
class CustomLoss(Loss):
    """Any differentiable loss of outputs and labels; A(f) and G(f) come from autograd.

    Parameters
    ----------
    function : callable
        ``function(outputs, labels)`` on two tensors of shape (1,), giving one number.

    Examples
    --------
    >>> cubic = CustomLoss(lambda f, y: ((f - y).abs() ** 3).mean())
    >>> even, odd = cubic.weights(torch.tensor([0.0]))
    >>> even.item(), odd.item()
    (0.0, -3.0)
    """

    function: Callable[[Tensor, Tensor], Tensor]

    @property
    def name(self) -> str:
        """Name of the function."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def _one(self, output: Tensor, label: Tensor) -> Tensor:
        return self.function(output.reshape(1), label.reshape(1)).squeeze()

    def per_sample(
        self, outputs: Float[Tensor, "*n"], labels: Float[Tensor, "..."]
    ) -> Float[Tensor, "*n"]:
        """Loss of each sample."""
        _match(self.name, outputs, labels)
        values: Tensor = torch.func.vmap(self._one)(outputs.flatten(), labels.flatten())
        return values.view_as(outputs)

    def weights(
        self, outputs: Float[Tensor, "*n"]
    ) -> tuple[Float[Tensor, "*n"], Float[Tensor, "*n"]]:
        """Return A(f) and G(f)."""
        slope = torch.func.vmap(torch.func.grad(self._one))
        flat = outputs.detach().flatten()
        plus, minus = slope(flat, torch.ones_like(flat)), slope(flat, -torch.ones_like(flat))
        return ((plus + minus) / 2).view_as(outputs), ((plus - minus) / 2).view_as(outputs)


def hinge_loss(outputs: Float[Tensor, "*n"], labels: Float[Tensor, "..."]) -> Float[Tensor, ""]:
    """Mean of max(0, 1 - f y) over a batch; its subgradient at the kink is relu's, 0.

    Parameters
    ----------
    outputs, labels : Tensor of the same shape
        Network outputs, and labels -1 or +1.

    Raises
    ------
    InputError
        If the shapes differ: (n, 1) against (n,) would broadcast to every pair of output and
        label, and nothing would be learned.

    Examples
    --------
    >>> hinge_loss(torch.tensor([0.5, -2.0]), torch.tensor([1.0, -1.0]))
    tensor(0.2500)
    """
    return HingeLoss()(outputs, labels)


def square_loss(outputs: Float[Tensor, "*n"], labels: Float[Tensor, "..."]) -> Float[Tensor, ""]:
    """Mean of (f - y)^2 / 2 over a batch; shapes must agree."""
    return SquareLoss()(outputs, labels)


def logistic_loss(outputs: Float[Tensor, "*n"], labels: Float[Tensor, "..."]) -> Float[Tensor, ""]:
    """Mean of log(1 + exp(-f y)) over a batch; shapes must agree."""
    return LogisticLoss()(outputs, labels)


def named_loss(name: str) -> Loss:
    """Look a loss up: ``hinge``, ``square`` or ``logistic``."""
    losses: dict[str, Loss] = {
        "hinge": HingeLoss(),
        "square": SquareLoss(),
        "logistic": LogisticLoss(),
    }
    if name not in losses:
        raise InputError(f"named_loss: loss must be one of {', '.join(losses)}. Got {name!r}.")
    return losses[name]


def as_loss(loss: str | Loss | Callable[[Tensor, Tensor], Tensor]) -> Loss:
    """Return a :class:`Loss`: itself, one found by name, or any function wrapped.

    ``hinge_loss``, ``square_loss`` and ``logistic_loss`` give the losses they compute.
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        return named_loss(loss)
    if not callable(loss) or isinstance(loss, type):
        raise InputError(
            f"as_loss: loss must be a name, a Loss or a function of (outputs, labels). Got {loss!r}."
        )
    known = {hinge_loss: HingeLoss(), square_loss: SquareLoss(), logistic_loss: LogisticLoss()}
    return next((own for function, own in known.items() if loss is function), CustomLoss(loss))
