"""Does the gradient see the labels? A permutation test whose p-value is exact.

Inputs stay where they are. If labels are independent of inputs, every order of the labels is as
likely as the true one, so the rank of any statistic of the true order among B random ones is uniform,
whatever the network. The statistic is |D^(-1/2) (grad - mean)|, mean and D being the mean and the
variance by coordinate over all B + 1 orders, the true one among them: leaving it out would favour it.
The norm of the gradient itself is nearly blind: it is ruled by what all labellings share.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pitfalls.diagnosis.evidence.signal import LayerTest, PermutationTest
from pitfalls.diagnosis.nested import leaves, select
from pitfalls.diagnosis.subject import Subject, dense
from pitfalls.errors import InputError

__all__ = ["permutation_test", "statistic"]

_MOST_COORDINATES = 1 << 15  # of one tensor; more are sampled
_MOST_NUMBERS = 1 << 26  # of all gradients kept: 256 MB in float32
_CHUNK = 512


def statistic(gradients: Tensor) -> Tensor:
    """Return the squared statistic of each labelling.

    Parameters
    ----------
    gradients : Tensor of shape (B + 1, P)

    Returns
    -------
    Tensor of shape (B + 1,), float64
    """
    values = gradients.double()
    values = values - values.mean(0)
    variance = values.square().mean(0)
    # a coordinate that all labellings share but for rounding knows nothing of the labels
    size = gradients.abs().amax(0).double()
    known = variance > (1e-5 * size) ** 2
    return (values[:, known].square() / variance[known]).sum(1)


def permutation_test(
    subject: Subject,
    rows: NDArray[np.int64],
    permutations: NDArray[np.int64],
    *,
    names: tuple[str, ...] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> PermutationTest:
    """Compare the gradient with the gradients at permuted labels, at fixed inputs.

    Parameters
    ----------
    rows : array of int, shape (n,)
        The examples.
    permutations : array of int, shape (B, n)
        Of the places in ``rows``.
    names : tuple of str
        Parameters whose gradient is looked at; all that are trained where none is named.
    """
    if len(permutations) < 1:
        raise InputError("permutation_test: at least one permutation is needed. Got none.")
    trained = subject.trainable()
    if names:
        for name in set(trained) - set(names):
            trained[name].requires_grad_(False)  # no graph behind them; the guard has the flags
        trained = {name: trained[name] for name in names}
    columns = _columns(trained, len(permutations) + 1, subject.rng)
    orders = np.concatenate([np.arange(len(rows))[None], permutations])
    table = _gradients(subject, rows, orders, trained, columns, on_progress)
    squares = [statistic(part) for part in table]
    whole = torch.stack(squares).sum(0)
    layers = tuple(
        LayerTest(name, *_rank(part)[:2]) for name, part in zip(trained, squares, strict=True)
    )
    p, excess, noise = _rank(whole)
    largest = torch.stack([_in_units(part) for part in [whole, *squares]]).amax(0)
    return PermutationTest(
        p,
        _rank(largest - largest.min())[0],
        excess,
        noise,
        layers,
        len(rows),
        len(permutations),
        tuple(whole.tolist()),
    )


def _in_units(squares: Tensor) -> Tensor:
    spread = float(squares.std(correction=0))
    if spread == 0:  # a tensor that is the same for all labellings has no say
        return torch.full_like(squares, -1e9)
    return (squares - squares.mean()) / spread


def _rank(squares: Tensor) -> tuple[float, float, float]:
    """Return p-value, excess and noise of the first against the rest."""
    true, rest = float(squares[0]), squares[1:]
    tie = 1e-9 * max(true, 1e-300)
    p = (1 + int((rest >= true - tie).sum())) / len(squares)
    mean = float(rest.mean())
    if mean <= 0:
        return 1.0, 0.0, 0.0
    noise = float(rest.std(correction=1)) / mean if len(rest) > 1 else float("nan")
    return p, true / mean - 1, noise


def _columns(
    trained: dict[str, nn.Parameter], n_orders: int, rng: np.random.Generator
) -> list[Tensor | None]:
    """Choose coordinates of large tensors at random, so that all gradients fit in memory."""
    total = sum(min(p.numel(), _MOST_COORDINATES) for p in trained.values())
    share = min(1.0, _MOST_NUMBERS / (total * n_orders))
    chosen: list[Tensor | None] = []
    for parameter in trained.values():
        most = max(64, int(share * min(parameter.numel(), _MOST_COORDINATES)))
        if parameter.numel() <= most:
            chosen.append(None)
        else:
            picked = rng.choice(parameter.numel(), size=most, replace=False)
            chosen.append(torch.from_numpy(np.sort(picked)).to(parameter.device))
    return chosen


def _gradients(
    subject: Subject,
    rows: NDArray[np.int64],
    orders: NDArray[np.int64],
    trained: dict[str, nn.Parameter],
    columns: list[Tensor | None],
    on_progress: Callable[[int, int], None] | None,
) -> list[Tensor]:
    """Gradient of the loss under every labelling, by tensor, shape (B + 1, coordinates).

    One forward pass a chunk of examples serves all labellings; only what flows back changes.
    """
    parameters = list(trained.values())
    kinds = [torch.float64 if p.dtype == torch.float64 else torch.float32 for p in parameters]
    table = [
        torch.zeros(len(orders), p.numel() if c is None else len(c), dtype=kind, device=p.device)
        for p, c, kind in zip(parameters, columns, kinds, strict=True)
    ]
    _, labels = subject.batch(rows)
    parts = np.array_split(np.arange(len(rows)), -(-len(rows) // _CHUNK))
    for number, part in enumerate(parts):
        with subject.mode("steady"), subject.same_numbers():
            out = subject.forward(subject.batch(rows[part])[0])
        reached = [t for t in leaves(out) if t.requires_grad]
        for at, order in enumerate(orders):
            value = subject.loss_of(out, select(labels, torch.from_numpy(order[part])))
            with subject.users_code("the backward pass"):
                last = torch.autograd.grad(value, reached, retain_graph=True, allow_unused=True)
                flowing = [(t, g) for t, g in zip(reached, last, strict=True) if g is not None]
                gradients = subject.slopes(
                    [t for t, _ in flowing],
                    parameters,
                    [g for _, g in flowing],
                    retain=at + 1 < len(orders),
                )
            subject.count(gradients=1, examples=len(part))
            for row, gradient, chosen in zip(table, gradients, columns, strict=True):
                if gradient is not None:
                    flat = dense(gradient).flatten()
                    row[at] += (flat if chosen is None else flat[chosen]).to(row) * len(part)
            if on_progress is not None:
                on_progress(number * len(orders) + at + 1, len(parts) * len(orders))
    return [part.cpu() for part in table]
