"""Parameters and buffers as arrays, for witnesses that are weights."""

from collections.abc import Mapping

import numpy as np
import torch

from pitfalls.diagnosis.subject import Subject

__all__ = ["put_weights", "start_anew", "take_weights"]


def take_weights(subject: Subject) -> dict[str, np.ndarray]:
    """Copy parameters and buffers out, by name; numpy has no bfloat16, so that becomes float32."""
    return {
        name: (t.float() if t.dtype == torch.bfloat16 else t).detach().cpu().numpy().copy()
        for name, t in _tensors(subject).items()
    }


def put_weights(subject: Subject, weights: Mapping[str, np.ndarray]) -> bool:
    """Put arrays in; False, and nothing done, where names or shapes are of another network."""
    tensors = _tensors(subject)
    if set(tensors) != set(weights):
        return False
    if any(tuple(tensors[name].shape) != values.shape for name, values in weights.items()):
        return False
    for name, values in weights.items():
        tensors[name].data.copy_(torch.from_numpy(np.asarray(values)))
    return True


def start_anew(model: torch.nn.Module) -> bool:
    """Initialise every module that can, by its ``reset_parameters``; False where none can."""
    resets = [getattr(module, "reset_parameters", None) for module in model.modules()]
    found = [reset for reset in resets if callable(reset)]
    for reset in found:
        reset()
    return bool(found)


def _tensors(subject: Subject) -> dict[str, torch.Tensor]:
    """Return parameters and buffers by name, and what the loss learns beside the model."""
    found = {**subject.parameters(), **dict(subject.model.named_buffers())}
    if isinstance(subject.loss, torch.nn.Module):
        known = {id(t) for t in found.values()}
        learned = subject.loss.named_parameters()
        found |= {f"loss: {name}": p for name, p in learned if id(p) not in known}
    return found
