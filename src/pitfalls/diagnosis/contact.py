"""First contact: model and loss run once as training runs them, and what evaluation mode changes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pitfalls.diagnosis.nested import leaves
from pitfalls.diagnosis.reach import graph_leaves, graph_nodes
from pitfalls.diagnosis.subject import Mode, Subject, SubjectError
from pitfalls.diagnosis.trace import last_function

__all__ = ["make_contact"]

_ROWS = 4


@dataclass(frozen=True)
class _Look:
    """Form of the outputs, the function that confines them, whether the loss reaches a parameter."""

    form: tuple[Any, ...]
    function: str | None
    reached: bool


def make_contact(subject: Subject) -> None:
    """Run model and loss on a few examples, and note on the subject what they ask for.

    Logits in training and probabilities in evaluation, or further outputs in training that the loss
    wants, are a model's right: the loss is then looked at as training sees it.

    Raises
    ------
    SubjectError
        If they run in neither mode.
    """
    subject.differentiates = _differentiates(subject)
    if subject.changes_by_mode:
        try:
            trained = _look(subject, "trained")
        except SubjectError:
            _look(subject, "inference")
        else:
            subject.evaluates_otherwise = _otherwise(subject, trained)
    else:
        _look(subject, "inference")
    subject.guard.rewind()


def _otherwise(subject: Subject, trained: _Look) -> bool:
    try:
        evaluated = _look(subject, "inference")
    except SubjectError:
        return True
    lost = trained.reached and not evaluated.reached
    changed = trained.form != evaluated.form or trained.function != evaluated.function
    return lost or changed


def _look(subject: Subject, mode: Mode) -> _Look:
    rows = np.arange(min(_ROWS, subject.n))
    x, y = subject.batch(rows)
    with subject.mode(mode), subject.same_numbers():
        out = subject.forward(x)
        value = subject.loss_of(out, y)
        function = last_function(lambda: subject.forward(subject.batch(rows)[0]))
    subject.reenters = subject.reenters or _reenters(value)
    # what a loss of one's own learns beside the model is not among its parameters
    subject.guard.keep(graph_leaves(value))
    form = tuple((tuple(t.shape), t.dtype) for t in leaves(out))
    return _Look((type(out), *form), function, value.requires_grad)


def _reenters(value: Tensor) -> bool:
    """Whether parts of the network are run again on the way back, by a backward pass of their own."""
    nodes = graph_nodes(value)
    return any(type(node).__name__.startswith("CheckpointFunction") for node in nodes)


def _differentiates(subject: Subject) -> bool:
    """Whether the forward pass takes derivatives itself, and so fails where gradients are off."""
    rows = np.arange(min(_ROWS, subject.n))
    for mode in ("trained", "inference"):
        with subject.mode(mode), subject.same_numbers():
            try:
                with torch.no_grad():
                    subject.forward(subject.batch(rows)[0])
            except SubjectError:
                try:
                    subject.forward(subject.batch(rows)[0])
                except SubjectError:
                    continue  # it fails either way
                return True
            return False
    return False
