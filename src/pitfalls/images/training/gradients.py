"""One batch's gradients, added up over micro-batches."""

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from pitfalls.errors import InputError
from pitfalls.images.networks.outputs import input_dtype, logits_of
from pitfalls.images.training.batches import Batch
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.distributed import world
from pitfalls.images.training.losses import SummedLoss

__all__ = ["add_gradients", "check_targets"]


def add_gradients(
    model: nn.Module, batch: Batch, n_classes: int, config: TrainConfig, loss: SummedLoss
) -> Tensor:
    """Add up this process' gradients; return its summed loss and right answers.

    Nothing here waits for the device, unless labels are still to be looked at.

    Parameters
    ----------
    model : Module
        The network, or its `DistributedDataParallel`.
    batch : Batch
        This process' share.
    n_classes : int
        Columns that the logits must have.
    config : TrainConfig
    loss : callable
        Of a batch's images, summed.

    Returns
    -------
    Tensor of shape (2,)
        Where the batch is, in float64 if that has it.
    """
    dtype = input_dtype(model)
    # DistributedDataParallel averages over processes; undo it to get the sum over the batch.
    scale = world().size / (batch.n if config.reduction == "mean" else 1)
    # Never fewer than two images, as batch normalisation has nothing to divide by then; counted on
    # the smallest share, because processes must take as many steps as their neighbours.
    pieces = min(config.micro_batches, max(batch.n // world().size // 2, 1))
    chunks = list(
        zip(batch.inputs.tensor_split(pieces), batch.targets.tensor_split(pieces), strict=True)
    )
    device = batch.inputs.device
    exact = torch.float32 if device.type == "mps" else torch.float64  # which Apple's GPUs lack
    found = torch.zeros(2, dtype=exact, device=device)
    for index, (x, y) in enumerate(chunks):
        with _kept_at_home(model, wanted=index < len(chunks) - 1):
            mixed = config.precision == "bfloat16" and dtype == torch.float32
            with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=mixed):
                output = model(x.to(dtype))
            logits = logits_of(output, n_classes)
            if not batch.checked:
                check_targets(y, logits)
            if logits.dtype != torch.float64:
                logits = logits.float()
            summed = loss(logits, y)
            (summed * scale).backward()  # type: ignore[no-untyped-call]
        truth = y if y.ndim == 1 else y.argmax(1)
        right = (logits.detach().argmax(1) == truth).sum()
        found += torch.stack([summed.detach().to(exact), right.to(exact)])
    return found


def check_targets(targets: Tensor, logits: Tensor) -> None:
    """Refuse labels that are no columns of the logits."""
    if targets.ndim == 2:
        if targets.shape != logits.shape:
            raise InputError(
                f"train: labels as shares must have one column a logit. Got {targets.shape[1]} and "
                f"{logits.shape[1]} instead."
            )
    elif len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < logits.shape[1]:
        raise InputError(
            f"train: labels must be from 0 to {logits.shape[1] - 1}, one column of the model's "
            f"logits each. Got {int(targets.min())} to {int(targets.max())} instead."
        )


def _kept_at_home(model: nn.Module, *, wanted: bool) -> Any:
    """Leave gradients unsent until the last micro-batch."""
    if wanted and isinstance(model, nn.parallel.DistributedDataParallel):
        return model.no_sync()
    return nullcontext()
