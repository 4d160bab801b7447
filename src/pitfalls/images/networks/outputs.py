"""What a network gives back: logits, by themselves or in the forms that libraries wrap them in."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pitfalls.errors import InputError

__all__ = ["input_dtype", "logits_of"]

LOGITS = ("logits", "out")
"""Under which names libraries hand logits out: transformers' and torchvision's."""


def logits_of(output: Any, n_classes: int, who: str = "train") -> Tensor:
    """Return the logits (B, K) of a network's output, K at least ``n_classes``.

    Parameters
    ----------
    output : Tensor, tuple, mapping or object with ``logits``
        Of a tuple the first member counts, of a mapping or object what it calls ``logits`` or ``out``.
    n_classes : int
        Columns needed.
    who : str
        The function that an error names.

    Raises
    ------
    InputError
        If there are no such logits; in one line.

    Examples
    --------
    >>> logits_of({"logits": torch.zeros(2, 3), "loss": None}, 3).shape
    torch.Size([2, 3])
    """
    found = output
    for name in LOGITS:
        if isinstance(output, Mapping) and name in output:
            found = output[name]
            break
        if not isinstance(output, Tensor | Mapping) and hasattr(output, name):
            found = getattr(output, name)
            break
    else:
        if isinstance(output, tuple | list) and output:
            found = output[0]
    shaped = isinstance(found, Tensor) and found.ndim == 2 and found.is_floating_point()
    if not shaped or found.shape[1] < n_classes:
        columns = n_classes if n_classes > 1 else "n_classes"
        raise InputError(
            f"{who}: the model must return logits of shape (B, {columns}), one column a class, alone, "
            f"first in a tuple or as 'logits' of a dict. Got {_described(output)} instead."
        )
    logits: Tensor = found
    return logits


def input_dtype(model: nn.Module) -> torch.dtype:
    """Return the type of number that a network computes in: that of its first real parameter."""
    for parameter in model.parameters():
        if parameter.is_floating_point():
            return parameter.dtype
    return torch.float32


def _described(output: Any) -> str:
    if isinstance(output, Tensor):
        kind = (
            "" if output.is_floating_point() else f" of {str(output.dtype).removeprefix('torch.')}"
        )
        return f"{tuple(output.shape)}{kind}"
    if isinstance(output, Mapping):
        return f"a dict of {', '.join(map(str, list(output)[:5])) or 'nothing'}"
    if isinstance(output, tuple | list):
        first = f" whose first is {_described(output[0])}" if output else ""
        return f"a {type(output).__name__} of {len(output)}{first}"
    return f"a {type(output).__name__}"
