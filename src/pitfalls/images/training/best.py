"""The best epoch by the validation set, its weights, and whether to stop: never by the test set."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pitfalls.errors import InputError
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.records import EpochRecord

__all__ = ["Best"]


class Best:
    """Which epoch had the lowest validation loss; of equal ones the first.

    Attributes
    ----------
    epoch : int or None
        Counted from 0.
    tensors : dict
        The weights and buffers after it, where the config keeps the best.
    """

    def __init__(self, config: TrainConfig, *, has_validation: bool) -> None:
        self.config = config
        self.epoch: int | None = None
        self.loss = float("inf")
        self.tensors: dict[str, Tensor] = {}
        if (config.patience is not None or config.keep == "best") and not has_validation:
            raise InputError(
                "train: patience and keep='best' need a validation split (validation=0.1, "
                "--validation 0.1): the test set never decides."
            )

    def see(self, record: EpochRecord, model: nn.Module) -> None:
        """Take in an epoch, and the model as it was validated after it."""
        if record.validation_loss is not None and record.validation_loss < self.loss:
            self.epoch, self.loss = record.epoch, record.validation_loss
            if self.config.keep == "best":
                self.tensors = {k: v.detach().clone() for k, v in model.state_dict().items()}

    def ends(self, epochs: int) -> bool:
        """Whether the patience is at its end after so many epochs."""
        patience = self.config.patience
        return patience is not None and epochs > 0 and epochs - 1 - (self.epoch or 0) >= patience

    @torch.no_grad()
    def write_into(self, model: nn.Module) -> None:
        """Overwrite a model with the best epoch's weights, where they are kept."""
        if self.tensors:
            model.load_state_dict(self.tensors)

    @property
    def meta(self) -> dict[str, Any]:
        """Plain values to go on from."""
        return {"epoch": self.epoch, "loss": self.loss if self.epoch is not None else None}

    def load(
        self, meta: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device
    ) -> None:
        """Go on from what was kept."""
        self.epoch = meta["epoch"]
        self.loss = float("inf") if meta["loss"] is None else float(meta["loss"])
        self.tensors = {name: value.to(device, copy=True) for name, value in tensors.items()}
