"""Whether samples stay apart: each output with its own input, each loss with its own label."""

from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pitfalls.diagnosis.evidence.wiring import Composition, OutputMixing
from pitfalls.diagnosis.guard import SAME_NUMBERS
from pitfalls.diagnosis.nested import Nest, leaves, map_leaves, select
from pitfalls.diagnosis.subject import Subject, SubjectError, counting_axes
from pitfalls.diagnosis.wiring_witnesses import CompositionWitness

__all__ = [
    "batch_norm_without_statistics",
    "give_statistics",
    "loss_composition",
    "output_mixing",
    "spread_rows",
]

Rows: TypeAlias = NDArray[np.int64]
# an influence of other samples below this share of a sample's own is taken for rounding
_LEAST_INFLUENCE = 1e-3


def spread_rows(subject: Subject, count: int) -> Rows:
    """Choose rows with labels and inputs as different as can be had, in a random order."""
    order = subject.rng.permutation(subject.n)
    if subject.n <= count:
        return order
    few = order[: 64 * count]
    _, y = subject.batch(few)
    keys = [t.reshape(len(t), -1)[:, :8].double().cpu().numpy() for t in leaves(y)]
    seen: dict[bytes, list[int]] = {}
    for place, row in enumerate(few):
        seen.setdefault(b"".join(key[place].tobytes() for key in keys), []).append(int(row))
    chosen: list[int] = []
    while len(chosen) < count:
        for rows in seen.values():
            if rows and len(chosen) < count:
                chosen.append(rows.pop())
    return np.array(chosen, dtype=np.int64)


@torch.no_grad()
def output_mixing(subject: Subject, rows: Rows, others: Rows) -> OutputMixing:
    """Replace the samples of a batch one by one, in evaluation mode, and see which outputs move.

    Parameters
    ----------
    rows : array of int, shape (m,)
        The batch.
    others : array of int, shape (m,)
        What takes the place of each.
    """
    m = len(rows)

    def outputs(batch: Rows) -> list[Tensor]:
        with subject.same_numbers():
            out = subject.forward(subject.batch(batch)[0])
        return [t.double() for t in leaves(out) if _real(t)]

    with subject.mode("inference"):
        out, again, fewer = outputs(rows), outputs(rows), outputs(rows[:-1])
        moved = []
        for j in range(m):
            changed = rows.copy()
            changed[j] = others[j]
            moved.append([(a - b).abs() for a, b in zip(outputs(changed), out, strict=True)])
    eps = max(
        torch.finfo(t.dtype).eps
        for t in subject.parameters().values()
        if t.is_floating_point() or t.is_complex()
    )
    own, other, pair = 0.0, 0.0, (0, 0)
    for at, (first, second) in enumerate(zip(out, again, strict=True)):
        if len(fewer) == len(out) and first.shape == fewer[at].shape:
            continue  # a number of the batch as a whole, an auxiliary loss say: no sample's output
        numbers = torch.isfinite(first)
        size = max(float(torch.where(numbers, first.abs(), 0).max()), 1e-30)
        again_off = torch.where(numbers, (first - second).abs(), 0)
        floor = max(1e3 * eps * size, 10 * float(again_off.max()))
        change = torch.stack([parts[at] for parts in moved])  # (m, ...)
        change = torch.where(change > floor, change, 0.0)
        if len(fewer) == len(out) and not subject.labels_matter:
            change = _without_pairs(change, first.shape, fewer[at].shape)
        table = _by_sample(change, m, rows_first=subject.rows_first)
        diagonal = table.diagonal()
        own = max(own, float(diagonal[diagonal > 0].median()) if bool((diagonal > 0).any()) else 0)
        off = table - torch.diag(diagonal)
        if float(off.max()) > other:
            other = float(off.max())
            pair = divmod(int(off.argmax()), m)
    if own == 0 and other == 0:
        return OutputMixing(None, 0.0, 0, 0)
    # outputs that react to other samples only, a shuffle say, have no scale of their own
    influence = other / own if own > 0 else float("inf")
    return OutputMixing(influence > _LEAST_INFLUENCE, influence, *pair)


def _without_pairs(change: Tensor, many: torch.Size, fewer: torch.Size) -> Tensor:
    """Set aside what a table of pairs of samples holds of the one that is replaced.

    Of outputs with two axes or more that count the samples, as similarities of each with each, an
    entry belongs to every sample that it is of. Not where each sample has a label that the loss looks
    at: there such a table is a broadcast that nobody meant.

    Parameters
    ----------
    change : Tensor of shape (m, ...)
        By the sample that was replaced.
    many, fewer : torch.Size
        Of the outputs of m samples, and of one less.
    """
    m = len(change)
    for axis in counting_axes((many, fewer), (m, m - 1))[1:]:
        own = torch.eye(m, dtype=torch.bool, device=change.device)
        shape = [m if a == axis else 1 for a in range(len(many))]
        change = change.masked_fill(own.reshape(m, *shape), 0.0)
    return change


def _real(t: Tensor) -> bool:
    return t.is_floating_point()


def _by_sample(change: Tensor, m: int, *, rows_first: bool) -> Tensor:
    """Reduce changes (m replaced, outputs...) to a table (m, m) of replaced against affected.

    Where the first axis of the outputs does not count samples, an output belongs to the sample that
    moves it most, and what others do to it is the effect between samples.
    """
    if rows_first:
        return change.reshape(m, m, -1).amax(-1)
    flat = change.reshape(m, -1)
    owner = flat.argmax(0)
    table = torch.zeros(m, m, dtype=flat.dtype, device=flat.device)
    for i in range(m):
        if bool((owner == i).any()):
            table[:, i] = flat[:, owner == i].amax(1)
    return table


def batch_norm_without_statistics(model: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """Find batch norms that use the batch even in evaluation mode: they mix samples by design."""
    return [
        m
        for m in model.modules()
        if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.running_mean is None
    ]


def give_statistics(norms: list[nn.modules.batchnorm._BatchNorm]) -> None:
    """Let those batch norms use fixed statistics (the guard takes them away again)."""
    for norm in norms:
        like = next(iter(norm.parameters()), torch.zeros(()))
        norm._buffers["running_mean"] = torch.zeros(
            norm.num_features, dtype=like.dtype, device=like.device
        )
        norm._buffers["running_var"] = torch.ones(
            norm.num_features, dtype=like.dtype, device=like.device
        )


@torch.no_grad()
def loss_composition(subject: Subject, rows: Rows) -> CompositionWitness:
    """Compare the loss of a batch with the losses of its samples, at the network's own outputs."""
    x, y = subject.batch(rows)
    m = len(rows)
    with subject.mode("eval"), subject.same_numbers():
        if subject.rows_first:
            out = subject.forward(x)
            singles = [select(out, torch.tensor([i])) for i in range(m)]
        else:
            out = subject.forward(x)
            singles = [subject.forward(subject.batch(rows[i : i + 1])[0]) for i in range(m)]
    labels = [select(y, torch.tensor([i])) for i in range(m)]
    loss, tolerance = _precise_loss(subject, out, y)
    with subject.same_numbers():
        whole = loss(out, y)
    with subject.same_numbers(SAME_NUMBERS + 1):
        drawn = loss(out, y)
    own = np.array([loss(o, t) for o, t in zip(singles, labels, strict=True)])
    mean, total = float(own.mean()), float(own.sum())
    scale = max(abs(whole), float(np.abs(own).max()), 1e-12)

    def near(a: float, b: float) -> bool:
        return bool(abs(a - b) <= tolerance * scale)

    pairs = float("nan")
    composition: Composition
    if m < 2 or not np.isfinite([whole, *own]).all() or not near(whole, drawn):
        composition = "undecided"  # one that draws numbers is another each time
    elif near(whole, mean):
        composition = "mean"
    elif near(whole, total):
        composition = "sum"
    else:
        pairs = float(np.mean([[loss(o, t) for t in labels] for o in singles]))
        if near(whole, pairs) and not near(pairs, mean):
            composition = "every pair"
        elif subject.rows_first:
            composition = _other_composition(loss, out, y, own, whole, tolerance * scale)
        else:
            composition = "undecided"
    return CompositionWitness(tuple(map(int, rows)), composition, whole, mean, total, pairs)


def _precise_loss(subject: Subject, out: Nest, y: Nest) -> tuple[Any, float]:
    """Return the loss as a function to float, in float64 where the user's code goes along."""

    def double(t: Tensor) -> Tensor:
        return t.double() if t.is_floating_point() else t

    def precise(outputs: Nest, labels: Nest) -> float:
        return float(subject.loss_of(map_leaves(double, outputs), map_leaves(double, labels)))

    def plain(outputs: Nest, labels: Nest) -> float:
        return float(subject.loss_of(outputs, labels))

    coarse = max(torch.finfo(t.dtype).eps for t in leaves(out) if t.is_floating_point())
    try:
        value = precise(out, y)
    except SubjectError:
        return plain, 100 * coarse
    reference = plain(out, y)
    # a loss that casts inside is no more precise than its cast
    same = abs(value - reference) <= 1e3 * coarse * max(abs(value), 1e-12)
    return (precise, 1e-5) if same or not np.isfinite(value) else (plain, 100 * coarse)


def _other_composition(
    loss: Any, out: Nest, y: Nest, own: NDArray[np.float64], whole: float, tolerance: float
) -> Composition:
    """Try a weighted mean, and a sum to which each call adds a constant (a penalty)."""
    m = len(own)
    first = int(np.abs(own - own.mean()).argmax())
    weights = np.ones(m)
    constants = []
    positive = True
    for i in range(m):
        if i == first:
            continue
        index = torch.tensor([first, i])
        both = loss(select(out, index), select(y, index))
        constants.append(own[first] + own[i] - both)
        # both = (w_first l_first + w_i l_i) / (w_first + w_i)
        if abs(own[first] - own[i]) > 100 * tolerance:
            above, below = own[first] - both, both - own[i]
            positive &= bool(above * below > 0)
            weights[i] = above / below if below != 0 else np.inf
        else:
            positive &= bool(abs(both - own[i]) <= tolerance)
    if np.ptp(constants) <= tolerance:
        constant = float(np.mean(constants))
        if abs(whole - (own.sum() - (m - 1) * constant)) <= m * tolerance:
            return "sum plus a constant"
    if positive and np.isfinite(weights).all():
        expected = float((weights * own).sum() / weights.sum())
        if abs(whole - expected) <= 100 * tolerance:
            return "weighted mean"
    return "other"
