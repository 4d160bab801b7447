"""How far one target's gradient stands out from those of all targets."""

import copy
from collections.abc import Callable

import torch
from torch import nn

from pitfalls.errors import ResourceError
from pitfalls.parity.gradients import network_outputs
from pitfalls.parity.loss import Loss, as_loss
from pitfalls.parity.serial import one_torch_thread
from pitfalls.parity.task import ParityTask

__all__ = ["target_signal"]

_LARGEST = 26
_CHUNK = 1 << 10  # what lies between two products then stays in the cache


def target_signal(
    network: nn.Module,
    task: ParityTask,
    loss: str | Loss = "hinge",
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> float:
    """Squared distance ||grad R_v - a||^2 of one target's gradient from what all targets share.

    It is ||E_x[chi_v(x) g(x)]||^2, summed over all 2^d inputs in float64. Its mean over the
    targets is ``gradient_signal(network).signal``; a target that is being learned stands above it.

    Parameters
    ----------
    network : nn.Module
        Maps (n, d) to (n,). Not modified.
    task : ParityTask
        The target v; d <= 26.
    loss : str or Loss
    on_progress : callable, optional
        Called with (inputs done, all).

    Examples
    --------
    >>> from pitfalls.parity import TwoLayerReLU, gradient_signal
    >>> network = TwoLayerReLU(4, 40, seed=0)
    >>> masks = [ParityTask([i >> j & 1 for j in range(4)]) for i in range(16)]
    >>> mean = sum(target_signal(network, task) for task in masks) / 16
    >>> abs(mean / gradient_signal(network).signal - 1) < 1e-12
    True
    """
    d = task.n_features
    if d > _LARGEST:
        raise ResourceError(
            f"target_signal: d = {d} needs a pass over 2^{d} inputs; the limit is d = {_LARGEST}. "
            "gradient_signal gives the mean over targets for larger d."
        )
    found = as_loss(loss)
    network = copy.deepcopy(network).double().requires_grad_(True)
    network.zero_grad()
    total = 1 << d
    places = torch.arange(d)
    with one_torch_thread():
        for start in range(0, total, _CHUNK):
            stop = min(start + _CHUNK, total)
            x = (torch.arange(start, stop)[:, None] >> places & 1).double()
            outputs = network_outputs(network, x)
            with torch.no_grad():
                slope = task.labels(x) * found.weights(outputs)[1] / total
            outputs.backward(slope)  # type: ignore[no-untyped-call]
            if on_progress is not None:
                on_progress(stop, total)
    return sum(
        float(parameter.grad.square().sum())
        for parameter in network.parameters()
        if parameter.grad is not None
    )
