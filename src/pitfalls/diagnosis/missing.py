"""Numbers that are missing on purpose: labels nobody measured, places a mask hides with minus infinity."""

import numpy as np
import torch
from torch import Tensor

from pitfalls.diagnosis.nested import Nest, leaves, map_leaves
from pitfalls.diagnosis.subject import Subject, SubjectError

__all__ = ["filled", "holds_missing", "passes_over"]

_ROWS = 8


def holds_missing(nest: Nest) -> bool:
    """Whether any number is NaN or infinite."""
    return not all(bool(torch.isfinite(t).all()) for t in leaves(nest))


def passes_over(subject: Subject) -> bool:
    """Whether loss and gradients are finite on examples that hold NaN or infinity, beside others."""
    samples = subject.samples
    bad = np.zeros(subject.n, dtype=bool)
    for t in (*leaves(samples.x), *leaves(samples.y)):
        bad |= ~torch.isfinite(t).reshape(len(t), -1).all(1).cpu().numpy()
    rows = np.concatenate([np.flatnonzero(bad)[:_ROWS], np.flatnonzero(~bad)[:_ROWS]])
    try:
        with subject.mode("given"), subject.same_numbers():
            value = subject.risk(rows)
            gradients = subject.backward(value, list(subject.trainable().values()))
    except SubjectError:
        return False
    finally:
        subject.guard.rewind()  # batch norms have moved their statistics
    return all(bool(torch.isfinite(t).all()) for t in (value, *gradients))


def filled(nest: Nest) -> Nest:
    """Put the mean of a column's finite numbers in the place of those that are missing."""

    def fill(t: Tensor) -> Tensor:
        there = torch.isfinite(t)
        if bool(there.all()):
            return t
        known = torch.where(there, t, 0)
        mean = known.sum(0) / there.sum(0).clamp(min=1)
        return torch.where(there, t, mean.to(t))

    return map_leaves(fill, nest)
