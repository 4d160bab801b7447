"""The validation set after an epoch, looked at by all processes together."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from pitfalls.errors import InputError
from pitfalls.images.data import ImageDataset
from pitfalls.images.training.distributed import gather_sum, world
from pitfalls.images.training.evaluation import predict_dataset, predict_logits
from pitfalls.images.training.gradients import check_targets

__all__ = ["held_out", "validate"]


def held_out(data: Any, validation: Any) -> Any:
    """Return what is looked at after each epoch: the given data, else those of an ImageDataset; or None.

    Raises
    ------
    InputError
        If an ImageDataset brings its own and others are given.
    """
    if not isinstance(data, ImageDataset):
        return validation
    if validation is not None:
        raise InputError("train: an ImageDataset brings its own validation set. Give no other.")
    return data if len(data.validation_labels) else None


def validate(model: nn.Module, data: Any, device: torch.device) -> tuple[float, float]:
    """Return the mean loss on the validation images and the share that is right.

    Parameters
    ----------
    model : Module
        Looked at in evaluation mode; its mode is put back.
    data : ImageDataset, Dataset or DataLoader
        An ImageDataset with a validation set.
    device : device
        Where the model is.
    """
    if not isinstance(data, ImageDataset):
        logits, labels = predict_dataset(model, data, device=device)
        check_targets(labels, logits)
        loss = functional.cross_entropy(logits.double(), labels).item()
        return loss, float((logits.argmax(1) == labels).double().mean())
    n = len(data.validation_labels)
    share = world().share(n)
    sums = torch.zeros(2, dtype=torch.float64)
    if share.stop > share.start:
        logits = predict_logits(
            model, data.validation_images[share], data.mean, data.std, device=device
        )
        labels = torch.from_numpy(data.validation_labels[share])
        sums[0] = functional.cross_entropy(logits.double(), labels, reduction="sum")
        sums[1] = (logits.argmax(1) == labels).sum()
    loss, right = gather_sum(sums, device).tolist()
    return loss / n, right / n
