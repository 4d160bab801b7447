"""Does the loss look at the labels at all? One that compares inputs with each other need not."""

import torch
from torch import Tensor

from pitfalls.diagnosis.guard import SAME_NUMBERS
from pitfalls.diagnosis.missing import holds_missing
from pitfalls.diagnosis.nested import Nest, map_leaves, select
from pitfalls.diagnosis.subject import Subject, SubjectError

__all__ = ["looks_at_labels"]

_ROWS = 32
_ORDERS = 3


@torch.no_grad()
def looks_at_labels(subject: Subject) -> bool:
    """Whether labels in another order, or other labels, change the loss of outputs disturbed by noise.

    Noise, because outputs that are alike (a head of zeros) hide what the order does. A loss that refuses
    other labels has looked at them.
    """
    n = min(_ROWS, subject.n)
    x, y = subject.batch(torch.arange(n).numpy())
    with subject.mode("eval"):
        out = subject.forward(x)
    generator = torch.Generator().manual_seed(SAME_NUMBERS)

    def disturbed(t: Tensor) -> Tensor:
        if not t.is_floating_point() or t.numel() == 0:
            return t
        size = float(t.double().std(correction=0)) or 1.0
        noise = torch.randn(t.shape, generator=generator, dtype=torch.float64)
        return t + (size * noise).to(t)

    def loss(outputs: Nest, labels: Nest) -> float:
        with subject.same_numbers():
            return float(subject.loss_of(map_leaves(torch.clone, outputs), labels))

    try:
        for outputs in (map_leaves(disturbed, out), out):
            here = loss(outputs, y)
            orders = [torch.randperm(n, generator=generator) for _ in range(_ORDERS)]
            others = [select(y, order) for order in orders]
            others += [map_leaves(torch.zeros_like, y), map_leaves(torch.ones_like, y)]
            if any(loss(outputs, other) != here for other in others):
                return True
    except SubjectError:
        return True
    return holds_missing(y)
