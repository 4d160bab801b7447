"""An exponential moving average of a network's weights and buffers, warmed up."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["MovingAverage", "averaging_decay", "real_tensors"]


class MovingAverage:
    """Averages of a model's floating-point weights and buffers; empty without a decay.

    Parameters
    ----------
    decay : float or None
        Of one step, once it is warmed up; None averages nothing.

    Attributes
    ----------
    tensors : dict
        The averages by name.
    """

    def __init__(self, decay: float | None) -> None:
        self.decay = decay
        self.tensors: dict[str, Tensor] = {}

    def begin(self, model: nn.Module, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Start from averages that were kept, or from the model as it is."""
        self.tensors = {name: value.to(device, copy=True) for name, value in tensors.items()}
        if self.decay is not None and not self.tensors:
            self.tensors = {name: value.clone() for name, value in real_tensors(model).items()}

    def update(self, model: nn.Module, step: int) -> None:
        """Take in the model after a step, counted from 0."""
        if self.decay is not None:
            decay = averaging_decay(self.decay, step)
            for name, value in real_tensors(model).items():
                self.tensors[name].lerp_(value, 1 - decay)

    def write_into(self, model: nn.Module) -> None:
        """Overwrite a model's weights and buffers with their averages."""
        for name, value in real_tensors(model).items():
            if name in self.tensors:
                value.copy_(self.tensors[name])


def averaging_decay(decay: float, step: int) -> float:
    """Return the decay of the moving average at a step counted from 0.

    It grows as (1 + t)/(10 + t) to its full value: the average is over about the last tenth of the
    run so far. At the full value from the start, .999 say, a run of some hundred steps would end
    near its initial weights.

    References
    ----------
    TensorFlow, ``tf.train.ExponentialMovingAverage``, argument ``num_updates``.
    """
    return min(decay, (1 + step) / (10 + step))


def real_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return the model's floating-point weights and buffers by name; they share its memory."""
    return {name: value for name, value in model.state_dict().items() if value.is_floating_point()}
