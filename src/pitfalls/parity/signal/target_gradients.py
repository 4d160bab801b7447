"""The gradient of the risk for every one of the 2^d targets at once.

The gradients grad R_v = a + 2^-d sum_x chi_v(x) g(x) are the Walsh-Hadamard transform of g over x,
one transform for each parameter. For the two-layer network one a hidden unit is enough: with
q_i = G(f) 1{z_i > 0} and hat its transform, multiplying by a feature mixes neighbours,

    (q_i x_j)^(v) = (q_i^(v) - q_i^(v + e_j)) / 2        (since x_j = (1 - chi_{e_j}) / 2),

and all d + 2 parameters of the unit have gradients q_i x_j, q_i or q_i (w_i . x + b_i).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor, nn

from pitfalls.display import Displayed
from pitfalls.errors import InputError, ResourceError
from pitfalls.parity.checks import require_finite
from pitfalls.parity.loss import Loss, as_loss
from pitfalls.parity.network import TwoLayerReLU
from pitfalls.parity.scalar_network import ScalarNetwork, scalar_network
from pitfalls.parity.signal.cube_means import near_one
from pitfalls.parity.signal.cube_pass import subset_sums
from pitfalls.parity.signal.gates import warn_of_rounded_gates, warn_of_rounded_sides
from pitfalls.parity.signal.per_sample import gradient_at
from pitfalls.parity.signal.target_gradients_kernel import (
    add_energy,
    add_units,
    add_units_to_outputs,
    gate,
)
from pitfalls.parity.task import ParityTask
from pitfalls.parity.threads import run_chunks
from pitfalls.parity.walsh import walsh_hadamard_transform

__all__ = ["TargetGradients", "stream_target_gradients", "target_gradients"]

Floats = NDArray[np.float64]
OnProgress = Callable[[int, int], None]

_MOST = 26
_MOST_OF_ANY_MODULE = 20
_BLOCK = 1 << 12
# Up to this d each thread takes whole units; above, all threads share one, to save memory.
_UNITS_APART = 20
# Fixed, so that the order of summation does not depend on the number of threads.
_CHUNKS = 8


@dataclass(frozen=True, repr=False)
class TargetGradients(Displayed):
    """How far the gradient of each target's risk lies from the shared part a.

    Attributes
    ----------
    n_features : int
        d.
    loss : str
    squared_distance : array of shape (2^d,)
        |grad R_v - a|^2 for every mask v, feature j being bit j of its number.
    """

    n_features: int
    loss: str
    squared_distance: Float64[np.ndarray, " masks"]

    @property
    def signal(self) -> float:
        """Mean over targets: equals ``GradientSignal.signal``."""
        return float(self.squared_distance.mean())

    @property
    def weights(self) -> NDArray[np.int64]:
        """Hamming weight of each mask, in the same order."""
        return np.bitwise_count(np.arange(1 << self.n_features)).astype(np.int64)

    def of(self, task: ParityTask) -> float:
        """|grad R_v - a|^2 for one target."""
        if task.n_features != self.n_features:
            raise InputError(
                f"TargetGradients.of: the task has {task.n_features} features, these gradients "
                f"{self.n_features}."
            )
        return float(self.squared_distance[task.index])

    def by_weight(
        self, quantiles: tuple[float, ...] = (0.0, 0.5, 1.0)
    ) -> Float64[np.ndarray, "{self.n_features}+1 1+{len(quantiles)}"]:
        """Summarise the squared distances of the masks of each Hamming weight.

        Returns
        -------
        array of shape (d + 1, 1 + len(quantiles))
            Row m: the mean over masks with |v| = m, then the quantiles.
        """
        order = np.argsort(self.weights, kind="stable")
        counts = np.bincount(self.weights)
        groups = np.split(self.squared_distance[order], np.cumsum(counts)[:-1])
        return np.array([[group.mean(), *np.quantile(group, quantiles)] for group in groups])


def target_gradients(
    network: nn.Module,
    loss: str | Loss | Callable[[Tensor, Tensor], Tensor] = "hinge",
    *,
    n_features: int | None = None,
    trainable_only: bool = False,
    on_progress: OnProgress | None = None,
) -> TargetGradients:
    """Compute |grad R_v - a|^2 for all 2^d masks v.

    Parameters
    ----------
    network : nn.Module
        A ``TwoLayerReLU`` (d up to 26, in about 40 bytes a mask), or any module to d = 20 whose
        2^d x P gradients fit 2 GiB.
    loss : str, Loss or callable
        As in :func:`gradient_signal`.
    n_features : int, optional
        d; may be left out for modules with an integer attribute ``n_features``.
    trainable_only : bool
        Leave parameters with ``requires_grad=False`` out of the gradient.
    on_progress : callable, optional
        Called with (transforms done, transforms in all).

    Returns
    -------
    TargetGradients

    Raises
    ------
    InputError
        As :func:`gradient_signal` does.
    ResourceError
        If d is too large.
    DivergenceError
        If a result is not finite.

    Warns
    -----
    RuntimeWarning
        If rounding decides gates of a ``TwoLayerReLU``, or on which side of 1 its |f| is.

    Examples
    --------
    >>> network = TwoLayerReLU(6, 60, seed=0)
    >>> gradients = target_gradients(network)
    >>> gradients.squared_distance.shape
    (64,)
    """
    measure = as_loss(loss)
    entered = scalar_network(
        network, n_features, "target_gradients", gradient=True, trainable_only=trainable_only
    )
    if entered.two_layer is None:
        energy: Floats = np.zeros(1 << _checked(entered.n_features, _MOST_OF_ANY_MODULE))
        sided = False
        for index, values in _components(entered, measure):
            energy += values**2
            if on_progress is not None:
                on_progress(index + 1, entered.n_parameters)
    else:
        _checked(entered.n_features, _MOST)
        near = near_one(entered, measure)
        energy, sided = _two_layer_energy(entered.two_layer, measure, near, on_progress)
        warn_of_rounded_gates("target_gradients", entered, measure)
    require_finite("target_gradients", squared_distance=energy)
    if sided:
        warn_of_rounded_sides("target_gradients")
    return TargetGradients(entered.n_features, measure.name, energy)


def _two_layer_energy(
    network: TwoLayerReLU, loss: Loss, near: float, on_progress: OnProgress | None
) -> tuple[Floats, bool]:
    """Return the energies, and whether |f| is as near to 1 as ``near`` anywhere."""
    d, k = network.n_features, network.n_hidden
    w, b, alphas, beta = (
        p.detach().double().cpu().contiguous().numpy() for p in network.parameters()
    )
    odd = np.full(1 << d, beta[0])
    lows, highs = subset_sums(w[:, : d // 2]), subset_sums(w[:, d // 2 :]) + b[:, None]
    n_high = highs.shape[1]

    def evaluate(chunk: int) -> None:
        rows = (chunk * n_high // _CHUNKS, (chunk + 1) * n_high // _CHUNKS)
        add_units_to_outputs(*rows, lows, highs, alphas[0], odd)

    run_chunks(evaluate, _CHUNKS)
    sided = near > 0 and bool((np.abs(np.abs(odd) - 1) < near).any())
    _weigh(loss, odd, d)
    energy: Floats = np.square(walsh_hadamard_transform(odd))  # beta's gradient is G itself
    block = min(_BLOCK, 1 << d)
    if d <= _UNITS_APART:

        def work(chunk: int) -> None:
            add_units(
                first + chunk, last, _CHUNKS, lows, highs, w, b, alphas[0], odd, block,
                energies[chunk],
            )  # fmt: skip

        for first in range(0, k, 2 * _CHUNKS):
            last = min(k, first + 2 * _CHUNKS)
            energies = np.zeros((_CHUNKS, 1 << d))
            run_chunks(work, _CHUNKS)
            energy += energies.sum(0)
            if on_progress is not None:
                on_progress(last, k)
    else:
        gated = np.empty_like(odd)
        n_blocks = odd.size // block

        def open_gates(chunk: int) -> None:
            rows = (chunk * n_high // _CHUNKS, (chunk + 1) * n_high // _CHUNKS)
            gate(*rows, lows[i], highs[i], odd, gated)

        def add(chunk: int) -> None:
            blocks = (chunk * n_blocks // _CHUNKS, (chunk + 1) * n_blocks // _CHUNKS)
            add_energy(*blocks, gated, w[i], b[i], alphas[0, i], block, energy)

        for i in range(k):
            run_chunks(open_gates, _CHUNKS)
            walsh_hadamard_transform(gated, inplace=True)
            run_chunks(add, _CHUNKS)
            if on_progress is not None:
                on_progress(i + 1, k)
    return energy, sided


def _weigh(loss: Loss, f: Floats, d: int) -> None:
    """Replace f by G(f) / 2^d."""
    with torch.no_grad():
        for start in range(0, f.size, 1 << 20):
            part = torch.from_numpy(f[start : start + (1 << 20)])
            part.copy_(loss.weights(part)[1] * 2.0**-d)


def _checked(d: int, most: int) -> int:
    if d > most:
        raise ResourceError(
            f"target_gradients: 2^{d} targets take {40 * 2.0 ** (d - 30):.3g} GiB and more; the "
            f"limit is d = {most}. gradient_signal gives their mean for larger d."
        )
    return d


def stream_target_gradients(
    network: nn.Module,
    loss: str | Loss | Callable[[Tensor, Tensor], Tensor] = "hinge",
    *,
    n_features: int | None = None,
    trainable_only: bool = False,
) -> Iterator[tuple[int, Float64[np.ndarray, " masks"]]]:
    """Give one component of grad R_v - a for all targets, parameter by parameter.

    The plain way, one transform a parameter: what :func:`target_gradients` shortens, and the way
    to the gradients themselves.

    Parameters
    ----------
    network : nn.Module
        Any module; the 2^d x P gradients of f are formed at once.
    loss, n_features, trainable_only
        As in :func:`target_gradients`.

    Yields
    ------
    index : int
        Of the parameter in the flat parameter vector.
    values : array of shape (2^d,)
        That component for every mask.
    """
    entered = scalar_network(
        network, n_features, "stream_target_gradients", gradient=True,
        trainable_only=trainable_only,
    )  # fmt: skip
    yield from _components(entered, as_loss(loss))


@torch.no_grad()
def _components(
    network: ScalarNetwork, loss: Loss
) -> Iterator[tuple[int, Float64[np.ndarray, " masks"]]]:
    d = _checked(network.n_features, _MOST_OF_ANY_MODULE)
    n_parameters = network.n_parameters
    if (need := 8 * n_parameters << d) > 1 << 31:
        raise ResourceError(
            f"stream_target_gradients: the 2^{d} x {n_parameters} gradients take "
            f"{need / 2**30:.3g} GiB. Use target_gradients (TwoLayerReLU), or gradient_signal."
        )
    x = network.inputs(0, 1 << d)
    weight = loss.weights(network.outputs(x))[1] * 2.0**-d
    # (P, 2^d): a parameter's values lie together
    g = (gradient_at(network, x) * weight[:, None]).T.contiguous()
    for index in range(n_parameters):
        yield index, walsh_hadamard_transform(g[index]).cpu().numpy()
