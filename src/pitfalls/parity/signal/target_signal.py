"""How far one target's gradient stands out from those of all targets."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pitfalls.errors import ResourceError
from pitfalls.parity.checks import require_finite
from pitfalls.parity.loss import Loss, as_loss
from pitfalls.parity.scalar_network import scalar_network
from pitfalls.parity.signal.cube_means import near_one
from pitfalls.parity.signal.gates import warn_of_rounded_gates, warn_of_rounded_sides
from pitfalls.parity.task import ParityTask
from pitfalls.parity.threads import one_torch_thread

__all__ = ["target_signal"]

_LARGEST = 26
_CHUNK = 1 << 10  # what lies between two products then stays in the cache


def target_signal(
    network: nn.Module,
    task: ParityTask,
    loss: str | Loss | Callable[[Tensor, Tensor], Tensor] = "hinge",
    *,
    trainable_only: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> float:
    """Squared distance ||grad R_v - a||^2 of one target's gradient from what all targets share.

    It is ||E_x[chi_v(x) g(x)]||^2, summed over all 2^d inputs in float64. Its mean over the
    targets is ``gradient_signal(network).signal``, before training mostly that of targets of few ones.

    Parameters
    ----------
    network : nn.Module
        Maps (n, d) to (n,) or (n, 1). Not modified; evaluated in float64.
    task : ParityTask
        The target v; d <= 26.
    loss : str, Loss or callable
        As in :func:`gradient_signal`.
    trainable_only : bool
        Leave parameters with ``requires_grad=False`` out of the gradient.
    on_progress : callable, optional
        Called with (inputs done, all).

    Raises
    ------
    InputError
        As :func:`gradient_signal` does, and if the task has another number of features.
    ResourceError
        If d > 26.
    DivergenceError
        If the result is not finite.

    Warns
    -----
    RuntimeWarning
        If rounding decides gates of a ``TwoLayerReLU``, or on which side of 1 its |f| is.

    Examples
    --------
    >>> from pitfalls.parity import TwoLayerReLU, gradient_signal
    >>> network = TwoLayerReLU(4, 40, seed=0)
    >>> masks = [ParityTask([i >> j & 1 for j in range(4)]) for i in range(16)]
    >>> mean = sum(target_signal(network, task) for task in masks) / 16
    >>> abs(mean / gradient_signal(network).signal - 1) < 1e-12
    True

    Before training the targets of few ones carry the mean, those of many lie far below it:

    .. plot::
       :include-source:

       import matplotlib.pyplot as plt
       from pitfalls.parity import ParityTask, TwoLayerReLU, cube, gradient_signal, target_signal

       network = TwoLayerReLU(6, 60, seed=0)
       tasks = [ParityTask(mask) for mask in cube(6).int().tolist()]
       signals = [target_signal(network, task) for task in tasks]
       plt.semilogy([task.weight for task in tasks], signals, "o", label="one target")
       plt.axhline(gradient_signal(network).signal, label="mean over all targets")
       plt.xlabel("ones in the mask")
       plt.ylabel("squared distance from what all share")
       plt.legend()
    """
    d = task.n_features
    if d > _LARGEST:
        raise ResourceError(
            f"target_signal: d = {d} needs a pass over 2^{d} inputs; the limit is d = {_LARGEST}. "
            "gradient_signal gives the mean over targets for larger d."
        )
    found = as_loss(loss)
    entered = scalar_network(
        network, d, "target_signal", given_as="the task", gradient=True,
        trainable_only=trainable_only,
    )  # fmt: skip
    parameters = {name: p.clone().requires_grad_() for name, p in entered.parameters.items()}
    sums = [torch.zeros_like(p) for p in parameters.values()]
    total, near, sided = 1 << d, near_one(entered, found), False
    with one_torch_thread(), torch.enable_grad():
        for start in range(0, total, _CHUNK):
            stop = min(start + _CHUNK, total)
            x = entered.inputs(start, stop)
            outputs = entered.outputs_with(parameters, x)
            sided = sided or bool(((outputs.detach().abs() - 1).abs() < near).any())
            slope = task.labels(x) * found.weights(outputs.detach())[1] / total
            parts = torch.autograd.grad(
                outputs, list(parameters.values()), slope, materialize_grads=True
            )
            for own, part in zip(sums, parts, strict=True):
                own += part
            if on_progress is not None:
                on_progress(stop, total)
    warn_of_rounded_gates("target_signal", entered, found)
    distance = sum(float(own.square().sum()) for own in sums)
    require_finite("target_signal", distance=distance)
    if sided:
        warn_of_rounded_sides("target_signal")
    return distance
