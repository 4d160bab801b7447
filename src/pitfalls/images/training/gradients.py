"""One batch's gradients, added up over micro-batches."""

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pitfalls.errors import InputError
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.distributed import world

__all__ = ["add_gradients"]


def add_gradients(
    model: nn.Module, inputs: Tensor, labels: Tensor, n: int, n_classes: int, config: TrainConfig
) -> tuple[float, float]:
    """Add up this process' gradients; return its summed loss and right answers.

    Parameters
    ----------
    model : Module
        The network, or its `DistributedDataParallel`.
    inputs : Tensor of shape (n_share, C, H, W)
    labels : Tensor of shape (n_share,)
        This process' share.
    n : int
        Images of the whole batch, over all processes.
    n_classes : int
        Columns that the logits must have.
    config : TrainConfig
    """
    # DistributedDataParallel averages over processes; undo it to get the sum over the batch.
    scale = world().size / (n if config.loss == "mean" else 1)
    # Never fewer than two images: batch normalisation has nothing to divide by.
    pieces = min(config.micro_batches, max(len(labels) // 2, 1))
    chunks = list(zip(inputs.tensor_split(pieces), labels.tensor_split(pieces), strict=True))
    total, right = 0.0, 0.0
    for index, (x, y) in enumerate(chunks):
        with _kept_at_home(model, wanted=index < len(chunks) - 1):
            with torch.autocast(
                x.device.type, dtype=torch.bfloat16, enabled=config.precision == "bfloat16"
            ):
                logits = model(x)
            if logits.ndim != 2 or logits.shape[1] < n_classes:
                raise InputError(
                    f"train: the model must return logits of shape (B, {n_classes}), one column a "
                    f"class. Got {tuple(logits.shape)} instead."
                )
            loss = functional.cross_entropy(
                logits.float(), y, label_smoothing=config.label_smoothing, reduction="sum"
            )
            (loss * scale).backward()  # type: ignore[no-untyped-call]
        total += loss.item()
        right += (logits.detach().argmax(1) == y).sum().item()
    return total, right


def _kept_at_home(model: nn.Module, *, wanted: bool) -> Any:
    """Leave gradients unsent until the last micro-batch."""
    if wanted and isinstance(model, nn.parallel.DistributedDataParallel):
        return model.no_sync()
    return nullcontext()
