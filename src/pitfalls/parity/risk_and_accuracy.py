"""Risk and accuracy of a network on a parity task: exact while all inputs can be taken."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pitfalls.errors import DivergenceError
from pitfalls.integers import require_integer
from pitfalls.parity.loss import Loss, as_loss
from pitfalls.parity.scalar_network import scalar_network
from pitfalls.parity.task import ParityTask
from pitfalls.parity.threads import one_torch_thread

__all__ = ["RiskAndAccuracy", "evaluate"]


@dataclass(frozen=True)
class RiskAndAccuracy:
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
    loss: str | Loss | Callable[[Tensor, Tensor], Tensor] = "hinge",
    *,
    exact_up_to: int = 20,
    n_samples: int = 100_000,
    seed: int = 0,
) -> RiskAndAccuracy:
    """Measure risk and accuracy on a task: over all 2^d inputs, or on a sample of them.

    Parameters
    ----------
    network : nn.Module
        Maps (n, d) to (n,) or (n, 1), each output by its input alone. Evaluated in float64 on a
        copy; not modified.
    task : ParityTask
    loss : str, Loss or callable
        As in :func:`gradient_signal`.
    exact_up_to : int
        The largest d for which all inputs are taken.
    n_samples, seed : int
        Sample size and seed beyond that.

    Raises
    ------
    InputError
        If the network takes another number of features, or is no function of its input: dropout or
        batch norm in training mode, say.
    DivergenceError
        If an output or a loss is NaN or infinite.

    Examples
    --------
    >>> from pitfalls.parity import TwoLayerReLU
    >>> network = TwoLayerReLU(4, 40, seed=0)
    >>> evaluate(network, ParityTask([1, 1, 0, 0])).n_inputs
    16
    """
    measure = as_loss(loss)
    n_samples = require_integer("evaluate", "n_samples", n_samples, 1)
    exact = task.n_features <= exact_up_to
    entered = scalar_network(network, task.n_features, "evaluate", given_as="the task")
    total = 1 << task.n_features if exact else n_samples
    generator = torch.Generator().manual_seed(require_integer("evaluate", "seed", seed))
    chunk = 1 << 10  # what lies between two products then stays in the cache
    sums = torch.zeros(4, dtype=torch.float64)
    middle = None
    for start in range(0, total, chunk):
        stop = min(start + chunk, total)
        if exact:
            x = entered.inputs(start, stop)
            y = task.labels(x)
        else:
            x, y = task.sample(stop - start, generator, dtype=torch.float64)
            x, y = x.to(entered.device), y.to(entered.device)
        outputs = entered.outputs(x)
        losses = measure.per_sample(outputs, y)
        right = (outputs * y > 0).sum().double()
        middle = losses.mean() if middle is None else middle  # squares about zero would cancel
        off = losses - middle
        sums += torch.stack([losses.sum(), off.sum(), off.square().sum(), right]).cpu()
        if not bool(outputs.isfinite().all() and losses.isfinite().all()):
            raise DivergenceError(
                f"evaluate: {entered.kind} gives NaN or infinity, so it has no risk. Check its "
                "parameters and its forward pass."
            )
    risk, off_mean, off_square, right_share = (sums / total).tolist()
    return RiskAndAccuracy(
        risk=risk,
        accuracy=right_share,
        n_inputs=total,
        exact=exact,
        risk_error=0.0 if exact else (max(off_square - off_mean**2, 0.0) / total) ** 0.5,
        accuracy_error=0.0 if exact else (right_share * (1 - right_share) / total) ** 0.5,
    )
