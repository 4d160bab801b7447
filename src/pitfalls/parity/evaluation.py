"""Risk and accuracy of a network on a parity task: exact while all inputs can be taken."""

import copy
from dataclasses import dataclass

import torch
from torch import nn

from pitfalls.parity.loss import Loss, named_loss
from pitfalls.parity.serial import one_torch_thread
from pitfalls.parity.task import ParityTask

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """Risk and accuracy of a network on one task.

    Attributes
    ----------
    risk, accuracy : float
        Mean loss, and share of inputs with f(x) y > 0 (an output of 0 counts as wrong).
    n_inputs : int
        2^d if exact, else the number of sampled inputs.
    exact : bool
    risk_error, accuracy_error : float
        Standard errors; 0 if exact.
    """

    risk: float
    accuracy: float
    n_inputs: int
    exact: bool
    risk_error: float
    accuracy_error: float


@torch.no_grad()
@one_torch_thread()
def evaluate(
    network: nn.Module,
    task: ParityTask,
    loss: Loss | None = None,
    *,
    exact_up_to: int = 20,
    n_samples: int = 100_000,
    seed: int = 0,
) -> Evaluation:
    """Measure risk and accuracy on a task: over all 2^d inputs, or on a sample of them.

    Parameters
    ----------
    network : nn.Module
        Maps (n, d) to (n,). Evaluated in float64 on a copy; not modified.
    task : ParityTask
    loss : Loss, optional
        Hinge by default.
    exact_up_to : int
        The largest d for which all inputs are taken.
    n_samples, seed : int
        Sample size and seed beyond that.

    Examples
    --------
    >>> from pitfalls.parity import TwoLayerReLU
    >>> network = TwoLayerReLU(4, 40, seed=0)
    >>> evaluate(network, ParityTask([1, 1, 0, 0])).n_inputs
    16
    """
    loss = loss or named_loss("hinge")
    network = copy.deepcopy(network).double()
    exact = task.n_features <= exact_up_to
    total = 1 << task.n_features if exact else n_samples
    generator = torch.Generator().manual_seed(seed)
    chunk = 1 << 10  # what lies between two products then stays in the cache
    sums = torch.zeros(3, dtype=torch.float64)
    places = torch.arange(task.n_features)
    for start in range(0, total, chunk):
        stop = min(start + chunk, total)
        if exact:
            x = (torch.arange(start, stop)[:, None] >> places & 1).double()
            y = task.labels(x)
        else:
            x, y = task.sample(stop - start, generator, dtype=torch.float64)
        outputs = network(x)
        losses = loss.per_sample(outputs, y)
        sums += torch.stack([losses.sum(), losses.square().sum(), (outputs * y > 0).sum().double()])
    risk, square, right = (sums / total).tolist()
    return Evaluation(
        risk=risk,
        accuracy=right,
        n_inputs=total,
        exact=exact,
        risk_error=0.0 if exact else (max(square - risk**2, 0.0) / total) ** 0.5,
        accuracy_error=0.0 if exact else (right * (1 - right) / total) ** 0.5,
    )
