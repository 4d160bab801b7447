"""A small wrapper for models that take or give more than one tensor."""

from collections.abc import Callable
from typing import Any

from torch import nn

from pitfalls.diagnosis.nested import Nest

__all__ = ["Adapter"]


class Adapter(nn.Module):
    """A model seen through two functions: what goes in, and what comes out.

    Parameters
    ----------
    model : Module
        Its parameters stay the model's own.
    outputs : callable, optional
        From what the model gives to what the loss takes: ``lambda out: out["logits"]``.
    inputs : callable, optional
        From a batch of x to the model's arguments: a tuple goes in as positional arguments, a
        mapping as named ones. Without it a batch that is itself a tuple or mapping goes in so.

    Examples
    --------
    >>> import torch
    >>> pair = nn.LSTM(3, 4, batch_first=True)
    >>> Adapter(pair, outputs=lambda out: out[0][:, -1])(torch.zeros(2, 5, 3)).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        model: nn.Module,
        outputs: Callable[[Any], Nest] | None = None,
        inputs: Callable[[Nest], Nest] | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self._outputs = outputs
        self._inputs = inputs

    def forward(self, *args: Any, **named: Any) -> Nest:
        """Run the model on the batch."""
        if self._inputs is not None:
            batch: Any = named if named else (args[0] if len(args) == 1 else args)
            out = call(self.model, self._inputs(batch))
        else:
            out = self.model(*args, **named)
        return out if self._outputs is None else self._outputs(out)


def call(model: nn.Module, x: Nest) -> Nest:
    """Give a batch to a model: a tuple as positional arguments, a mapping as named ones."""
    if isinstance(x, tuple | list):
        return model(*x)
    if isinstance(x, dict):
        return model(**x)
    return model(x)
