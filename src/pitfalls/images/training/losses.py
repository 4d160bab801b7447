"""The loss of a batch, summed over its images: cross-entropy, or a function of the user's own."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pitfalls.errors import InputError
from pitfalls.images.training.config import TrainConfig
from pitfalls.named import is_named, load_named, own_code

__all__ = ["LossFunction", "SummedLoss", "balanced_weights", "summed_loss"]

LossFunction = Callable[[Tensor, Tensor], Tensor]
"""(logits (n, K), labels (n,) or shares (n, K)) to the loss of each image, or to their mean."""

SummedLoss = Callable[[Tensor, Tensor], Tensor]
"""The same arguments to the sum over the images."""


def summed_loss(
    config: TrainConfig, own: LossFunction | None, class_weights: Tensor | None
) -> SummedLoss:
    """Return the loss that a config names, or the given one, summed over a batch's images.

    Raises
    ------
    InputError
        If a loss is given and the config asks for what is of cross-entropy.
    """
    if own is not None and (config.label_smoothing or config.class_weights != "none"):
        raise InputError(
            "train: label_smoothing and class_weights are of cross_entropy. The loss that is given must "
            "do both itself."
        )
    if own is None and not is_named(config.loss):

        def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
            weight = None if class_weights is None else class_weights.to(logits.dtype)
            return functional.cross_entropy(
                logits,
                targets.to(logits.dtype) if targets.is_floating_point() else targets,
                weight=weight,
                label_smoothing=config.label_smoothing,
                reduction="sum",
            )

        return cross_entropy
    function: LossFunction = load_named("loss", config.loss) if own is None else own
    name = config.loss if own is None else None

    def summed(logits: Tensor, targets: Tensor) -> Tensor:
        with own_code("loss", name):
            loss = function(logits, targets)
        if isinstance(loss, Tensor) and loss.shape == ():
            return loss * len(logits)
        if isinstance(loss, Tensor) and loss.shape == logits.shape[:1]:
            return loss.sum()
        raise InputError(
            f"train: the loss must be one number, the mean over the images, or one an image, shape "
            f"({len(logits)},). Got {tuple(loss.shape) if isinstance(loss, Tensor) else loss!r}."
        )

    return summed


def balanced_weights(labels: "np.ndarray", n_classes: int) -> Tensor:
    """Return n/(K·n_k) for each class k, K counting classes with images; 0 for those without.

    As scikit-learn's ``class_weight="balanced"``.

    Examples
    --------
    >>> balanced_weights(np.array([0, 0, 0, 2]), 3).tolist()
    [0.6666666865348816, 0.0, 2.0]
    """
    counts = np.bincount(labels, minlength=n_classes)
    present = counts > 0
    weights = np.zeros(n_classes)
    weights[present] = len(labels) / (present.sum() * counts[present])
    return torch.from_numpy(weights).float()
