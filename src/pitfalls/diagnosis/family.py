"""How far the gradient depends on which target of a family it is: unbiased, by layer, with intervals.

For targets h_v(x) = +-1 with v drawn from any law, and a loss with slope A(f) + y G(f) in f,

    grad R_v = a + E_x[h_v(x) g(x)],  g = G(f) grad f,

so E_v|grad R_v - a|^2 = E_{x,x'} K(x, x') <g(x), g(x')> over independent x, x'. `gradient_signal` is
the case of all parities, where K = 1{x = x'}.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor, nn

from pitfalls.diagnosis.guard import StateGuard
from pitfalls.diagnosis.kernels import Kernel, Parities
from pitfalls.errors import DivergenceError, InputError
from pitfalls.parity import Loss, as_loss
from pitfalls.parity.scalar_network import ScalarNetwork, scalar_network
from pitfalls.parity.signal.per_sample import gradient_at

__all__ = ["FamilySignal", "LayerSignal", "family_signal"]

_MOST_NUMBERS = 1 << 26  # of per-example gradients held at once: 512 MB in float64
_MOST_INPUTS = 1 << 14  # held as a tensor: the pairs of so many take 2 GiB
_TARGETS = 8
_ENTROPY = 0x66616D696C79


@dataclass(frozen=True)
class LayerSignal:
    """The part of one parameter tensor.

    Parameters
    ----------
    name : str
    value : float
    interval : tuple of two floats
    """

    name: str
    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class FamilySignal:
    """E_v|grad R_v - a|^2 over a family of targets.

    Parameters
    ----------
    value : float
        Estimate; unbiased, so it may be negative where there is next to no signal.
    interval : tuple of two floats
        Confidence interval by Student's t over independent blocks; both ends equal the value where
        it is exact. Blocks average over many inputs, so that heavy tails of these do little; but a
        list in which few targets carry the mean needs its kernel, not drawn targets (``"products"``).
    layers : tuple of LayerSignal
        By parameter tensor; they add up to the value.
    mean_square : float
        E|g|^2: the signal of a family of one target is at most this. NaN for ``"products"``, which form
        no gradient of one input.
    method : str
        ``"exact"`` (all inputs), ``"pairs"`` (off-diagonal pairs within blocks), ``"diagonal"`` (all
        parities: the mean square over 2^d) or ``"products"`` (products of independent batches).
    n_examples : int
    """

    value: float
    interval: tuple[float, float]
    layers: tuple[LayerSignal, ...]
    mean_square: float
    method: str
    n_examples: int


def family_signal(
    model: nn.Module,
    loss: str | Loss | Callable[[Tensor, Tensor], Tensor],
    draw: Callable[[int, torch.Generator], Tensor] | Tensor,
    kernel: Kernel | Callable[[Tensor, Tensor], Tensor],
    *,
    centred: bool = False,
    n_blocks: int = 32,
    block_size: int = 256,
    confidence: float = 0.95,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> FamilySignal:
    """Measure how much the gradient of the risk depends on which target of a family it is.

    Parameters
    ----------
    model : Module
        From (n, d) to one number an input; used in evaluation mode and left as it was.
    loss : str, Loss or callable
        Of outputs and labels +-1, as in :func:`pitfalls.parity.gradient_signal`.
    draw : callable or Tensor of shape (N, d)
        ``draw(n, generator)`` gives n independent inputs; a tensor holds all inputs, each as likely
        as the others, and the answer is exact.
    kernel : Kernel or callable
        ``Parities()``, ``Parities(weight=3)``, ``ListedTargets(functions)``, or any function from
        inputs (n, d) and (m, d) to K of shape (n, m). ``Parities()`` with ``draw`` takes inputs to be
        uniform on the cube.
    centred : bool
        About the family's own mean gradient in place of a.
    n_blocks, block_size : int
        Independent blocks, and examples in each.
    confidence : float
    seed : int
    on_progress : callable, optional
        Called with (blocks done, blocks in all).

    Returns
    -------
    FamilySignal

    Raises
    ------
    InputError
        If inputs, kernel and network do not go together.
    DivergenceError
        If the network's outputs or gradients leave the finite numbers.

    Examples
    --------
    >>> from pitfalls.parity import TwoLayerReLU, cube, gradient_signal
    >>> network = TwoLayerReLU(6, 30, seed=0)
    >>> exact = family_signal(network, "hinge", cube(6), Parities())
    >>> bool(np.isclose(exact.value, gradient_signal(network).signal, rtol=1e-5))
    True
    """
    measure = as_loss(loss)
    _check(draw, n_blocks, block_size, confidence)
    rule = kernel if isinstance(kernel, Kernel) else _Plain(kernel)
    rng = np.random.default_rng(np.random.SeedSequence([_ENTROPY, seed]))
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    first = draw if isinstance(draw, Tensor) else _drawn(draw, block_size, generator)
    with StateGuard(model, loss, None):
        model.eval()
        entered = scalar_network(
            model, first.shape[1], "family_signal", given_as="draw", gradient=True
        )
    work = _Work(entered, measure, rule, about_mean=centred)
    if isinstance(draw, Tensor):
        return work.exact(draw)
    method = work.method(block_size)
    rows, squares = [], []
    for block in range(n_blocks):
        x = first if block == 0 else _drawn(draw, block_size, generator)
        parts, square = work.block(x.double().to(entered.device), method, rng)
        rows.append(parts)
        squares.append(square)
        if on_progress is not None:
            on_progress(block + 1, n_blocks)
    table = np.array(rows)
    value, interval = _mean(table.sum(1), confidence)
    _refuse_no_number(value)
    layers = tuple(
        LayerSignal(name, *_mean(column, confidence))
        for name, column in zip(work.names, table.T, strict=True)
    )
    return FamilySignal(
        value, interval, layers, float(np.mean(squares)), method, n_blocks * block_size
    )


def _check(draw: object, n_blocks: int, block_size: int, confidence: float) -> None:
    """Refuse what no signal can be taken from."""
    if n_blocks < 2 or block_size < 2:
        raise InputError(
            f"family_signal: needs n_blocks and block_size of at least 2. Got {n_blocks}, {block_size}."
        )
    if not 0 < confidence < 1:
        raise InputError(
            f"family_signal: confidence must lie between 0 and 1. Got {confidence} instead."
        )
    if isinstance(draw, Tensor) and (draw.ndim != 2 or len(draw) == 0):
        raise InputError(
            "family_signal: inputs must be of shape (N, d), one or more. Got "
            f"{tuple(draw.shape)} instead."
        )
    if isinstance(draw, Tensor) and len(draw) > _MOST_INPUTS:
        raise InputError(
            f"family_signal: a tensor holds at most {_MOST_INPUTS:,} inputs, whose pairs fit into memory. "
            f"Got {len(draw):,}; give a function that draws inputs instead."
        )


@dataclass(frozen=True)
class _Plain(Kernel):
    """A user's function as a kernel."""

    function: Callable[[Tensor, Tensor], Tensor]

    def __call__(self, x: Tensor, other: Tensor) -> Tensor:
        values = self.function(x, other)
        if tuple(values.shape) != (len(x), len(other)):
            raise InputError(
                f"family_signal: kernel must give shape {(len(x), len(other))}. Got "
                f"{tuple(values.shape)}."
            )
        return values.double()


def _drawn(draw: Callable[[int, torch.Generator], Tensor], n: int, g: torch.Generator) -> Tensor:
    x = draw(n, g)
    if not isinstance(x, Tensor) or x.ndim != 2 or len(x) != n:
        raise InputError(
            f"family_signal: draw(n, generator) must give n = {n} inputs as a tensor of shape (n, d)."
        )
    return x


def _refuse_no_number(value: float) -> None:
    if not np.isfinite(value):
        raise DivergenceError(
            "family_signal: value is not finite: the network's outputs or gradients overflow float64 or "
            "are NaN. Check its parameters."
        )


def _mean(values: NDArray[np.float64], confidence: float) -> tuple[float, tuple[float, float]]:
    middle = float(values.mean())
    margin = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1)) * float(
        values.std(ddof=1) / np.sqrt(len(values))
    )
    return middle, (middle - margin, middle + margin)


class _Work:
    """Gradients of one network and their sums over pairs."""

    def __init__(
        self, network: ScalarNetwork, loss: Loss, kernel: Kernel, *, about_mean: bool
    ) -> None:
        self._network, self._loss, self._kernel, self._centred = network, loss, kernel, about_mean
        self.names = tuple(network.parameters)
        self._sizes = [p.numel() for p in network.parameters.values()]

    def method(self, block_size: int) -> str:
        every = isinstance(self._kernel, Parities) and self._kernel.weight is None
        if every and not self._centred:
            return "diagonal"
        return "pairs" if block_size * sum(self._sizes) <= _MOST_NUMBERS else "products"

    def exact(self, x: Tensor) -> FamilySignal:
        """Sum over all pairs of all inputs."""
        x = x.double().to(self._network.device)
        pairs = self._pairs(x)
        parts, square = [], 0.0
        for g in self._split(self._gradients(x)):
            parts.append(float(((pairs @ g) * g).sum()) / len(x) ** 2)
            square += float(g.square().sum()) / len(x)
        layers = tuple(LayerSignal(n, v, (v, v)) for n, v in zip(self.names, parts, strict=True))
        value = sum(parts)
        _refuse_no_number(value)
        return FamilySignal(value, (value, value), layers, square, "exact", len(x))

    def block(self, x: Tensor, method: str, rng: np.random.Generator) -> tuple[list[float], float]:
        """Return an unbiased estimate by tensor, and the mean of |g|^2."""
        if method == "products":
            return self._products(x, rng)
        n = len(x)
        gradients = self._gradients(x)
        square = float(gradients.square().sum()) / n
        if method == "diagonal":
            self._kernel.mean(x)  # refuses inputs that are no bits
            tiny = float(np.ldexp(1.0, -x.shape[1]))
            return [tiny * float(g.square().sum()) / n for g in self._split(gradients)], square
        pairs = self._pairs(x)
        pairs.fill_diagonal_(0)  # a pair of an input with itself is no independent pair
        parts = [float(((pairs @ g) * g).sum()) / (n * (n - 1)) for g in self._split(gradients)]
        return parts, square

    def _pairs(self, x: Tensor) -> Tensor:
        pairs = self._kernel(x, x).clone()
        if self._centred:
            mean = self._kernel.mean(x)
            pairs -= mean[:, None] * mean[None]
        return pairs

    def _gradients(self, x: Tensor) -> Tensor:
        """Return g at every input, shape (n, P), float64."""
        _, odd = self._loss.weights(self._network.outputs(x).detach())
        return gradient_at(self._network, x) * odd[:, None]

    def _split(self, gradients: Tensor) -> tuple[Tensor, ...]:
        return torch.split(gradients, self._sizes, dim=1)

    def _products(self, x: Tensor, rng: np.random.Generator) -> tuple[list[float], float]:
        """Multiply the correlations of two independent halves with the same drawn targets."""
        half = len(x) // 2
        values, shares = self._kernel.targets(x, rng, _TARGETS)
        if self._centred:
            values = values - self._kernel.mean(x)[:, None]
        total = np.zeros(len(self._sizes))
        for column, share in zip(values.T, shares.tolist(), strict=True):
            first = self._correlation(x[:half], column[:half])
            second = self._correlation(x[half:], column[half:])
            products = [float((a * b).sum()) for a, b in zip(first, second, strict=True)]
            total += share * np.array(products)
        return list(total), float("nan")

    def _correlation(self, x: Tensor, column: Tensor) -> list[Tensor]:
        """Mean of h(x) g(x) over a batch, by one backward pass."""
        at = {n: p.clone().requires_grad_(True) for n, p in self._network.parameters.items()}
        with torch.enable_grad():
            f = self._network.outputs_with(at, x)
            _, odd = self._loss.weights(f.detach())
            value = (f * odd * column).mean()
            parts = torch.autograd.grad(value, list(at.values()), allow_unused=True)
        return [
            torch.zeros_like(p) if g is None else g for p, g in zip(at.values(), parts, strict=True)
        ]
