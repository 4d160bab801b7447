"""A loss without a lower end: it falls without limit though all samples are given the same input.

With one input for all samples the network can at best learn the labels' average. A loss that is
bounded for honest predictions stops there; one whose sign is turned falls on, because it rewards
being wrong. (A likelihood with a free variance falls too, but only where its samples are fitted
exactly, which one input for many labels rules out.)
"""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.diagnosis.nested import leaves, map_leaves
from pitfalls.diagnosis.subject import Subject
from pitfalls.diagnosis.wiring_witnesses import RayWitness

__all__ = ["along", "falls_without_limit", "find_ray", "leanings"]

_STEPS = 30
_DOUBLINGS = 10
_MOST_LABELS = 3


def leanings(subject: Subject, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Repeat the rows of one label, for up to three labels in turn.

    A loss that is linear in the output is constant on evenly shared labels; one that has no floor for
    some label (-1 where 0 is meant) has one for the others.
    """
    _, y = subject.batch(rows)
    left = np.ones(len(rows), dtype=bool)
    for _ in range(_MOST_LABELS):
        if not left.any():
            return
        first, same = int(left.argmax()), np.ones(len(rows), dtype=bool)
        for t in leaves(y):
            same &= (t == t[first : first + 1]).reshape(len(rows), -1).all(1).cpu().numpy()
        same[first] = True  # NaN is not itself
        left &= ~same
        yield np.concatenate([rows, rows[same]])


def find_ray(subject: Subject, rows: NDArray[np.int64]) -> RayWitness | None:
    """Look for such a direction; None where the loss does not go below zero, or stops falling.

    A loss that looks at no labels has no average of them at which to stop: a density at one input grows
    without limit, and so does what a critic makes of two.
    """
    if not subject.trainable() or not subject.labels_matter:
        return None
    for leaned in leanings(subject, rows):
        ray = _ray(subject, leaned)
        if ray is not None:
            return ray
    return None


def _ray(subject: Subject, rows: NDArray[np.int64]) -> RayWitness | None:
    start = along(subject, rows, {}, (0.0,))[0]
    if not np.isfinite(start) or not _different_labels(subject, rows):
        return None
    trained = subject.trainable()
    before = {name: p.detach().clone() for name, p in trained.items()}
    optimizer = torch.optim.Adam(trained.values(), lr=1e-2)
    x, y = _one_input(subject, rows)
    with subject.mode("eval"):
        for step in range(_STEPS):
            value = subject.loss_of(subject.forward(x), y)
            if step in (0, _STEPS // 3) and float(value) > 0 and not _goes_negative(subject, rows):
                subject.guard.rewind()
                return None
            for p, g in zip(
                trained.values(), subject.backward(value, list(trained.values())), strict=True
            ):
                p.grad = g
            optimizer.step()
    direction = {
        name: (p.detach() - before[name]).double().cpu().numpy() for name, p in trained.items()
    }
    subject.guard.rewind()
    radii = tuple(float(2**k) for k in range(_DOUBLINGS + 1))
    losses = along(subject, rows, direction, radii)
    if not falls_without_limit(losses, start):
        return None
    return RayWitness(tuple(map(int, rows)), direction, radii, losses)


def _one_input(subject: Subject, rows: NDArray[np.int64]) -> tuple[object, object]:
    _, y = subject.batch(rows)
    x, _ = subject.batch(np.full(len(rows), rows[0]))
    return x, y


def _different_labels(subject: Subject, rows: NDArray[np.int64]) -> bool:
    _, y = subject.batch(rows)
    return any(bool((t != t[:1]).any()) for t in leaves(y))


@torch.no_grad()
def _goes_negative(subject: Subject, rows: NDArray[np.int64]) -> bool:
    """Whether outputs much larger or smaller than now can make this loss negative."""
    with subject.mode("eval"):
        x, y = _one_input(subject, rows)
        out = subject.forward(x)
        for factor in (-100.0, 100.0):
            far = map_leaves(partial(torch.mul, other=factor), out)
            value = float(subject.loss_of(far, y))
            if value < 0:
                return True
    return False


@torch.no_grad()
def along(
    subject: Subject,
    rows: NDArray[np.int64],
    direction: Mapping[str, NDArray[np.float64]],
    radii: tuple[float, ...],
) -> tuple[float, ...]:
    """Return the loss at radii along a direction, all samples given the first one's input."""
    parameters = subject.parameters()
    kept = {name: parameters[name].data.clone() for name in direction}
    x, y = _one_input(subject, rows)
    losses = []
    try:
        with subject.mode("eval"):
            for radius in radii:
                for name, step in direction.items():
                    moved = kept[name] + radius * torch.from_numpy(step).to(kept[name])
                    parameters[name].data.copy_(moved)
                batch = map_leaves(torch.clone, x)
                with subject.same_numbers():
                    losses.append(float(subject.loss_of(subject.forward(batch), y)))
    finally:
        for name in direction:
            parameters[name].data.copy_(kept[name])
    return tuple(losses)


def falls_without_limit(losses: tuple[float, ...], start: float) -> bool:
    """Whether the loss grows in size by half or more at each of the last doublings."""
    finite = [v for v in losses if np.isfinite(v)]
    if len(finite) < 4 or np.isnan(losses).any():
        return False
    last = finite[-4:]
    doubling = all(b < 1.5 * a for a, b in pairwise(last))
    return bool(last[0] < 0 and doubling and last[-1] < start - 10 * (1 + abs(start)))
