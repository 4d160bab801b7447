"""The validation set after an epoch, looked at by all processes together."""

import torch
from torch import nn
from torch.nn import functional

from pitfalls.images.data import ImageDataset
from pitfalls.images.training.distributed import gather_sum, world
from pitfalls.images.training.evaluation import predict_logits

__all__ = ["validate"]


def validate(model: nn.Module, data: ImageDataset, device: torch.device) -> tuple[float, float]:
    """Return the mean loss on the validation images and the share that is right.

    Parameters
    ----------
    model : Module
        Looked at in evaluation mode; its mode is put back.
    data : ImageDataset
        With a validation set.
    device : device
        Where the model is.
    """
    n = len(data.validation_labels)
    share = world().share(n)
    sums = [0.0, 0.0]
    if share.stop > share.start:
        logits = predict_logits(
            model, data.validation_images[share], data.mean, data.std, device=device
        )
        labels = torch.from_numpy(data.validation_labels[share])
        sums = [
            functional.cross_entropy(logits.double(), labels, reduction="sum").item(),
            float((logits.argmax(1) == labels).sum()),
        ]
    loss, right = gather_sum(sums, device)
    return loss / n, right / n
