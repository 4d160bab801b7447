"""Which images each step sees, and how they look: functions of (seed, epoch, step) alone."""

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from pitfalls.images.data import ImageDataset
from pitfalls.images.networks import normalize
from pitfalls.images.training.augmentation import PlaceOfDraw, augment, derived_seed
from pitfalls.images.training.chain import Chain
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.distributed import world

__all__ = ["Batch", "Batches", "MemoryBatches", "batch_sizes", "epoch_order", "finish_batch"]


@dataclass(frozen=True)
class Batch:
    """What one process computes on at a step.

    Attributes
    ----------
    inputs : Tensor of shape (n_share, C, H, W)
        Its images, as the network takes them.
    targets : Tensor of shape (n_share,) or (n_share, n_classes)
        Labels, or shares of the classes.
    n : int
        Images of the whole batch, over all processes.
    checked : bool
        Whether the labels are known to be classes of the data: looking would wait for the device.
    """

    inputs: Tensor
    targets: Tensor
    n: int
    checked: bool = False


class Batches(Protocol):
    """The training set in batches.

    Attributes
    ----------
    n_images, n_batches : int
        In an epoch.
    n_classes : int
        Columns that logits must have at least.
    """

    n_images: int
    n_batches: int
    n_classes: int

    def fetch(self, epoch: int, batch: int, step: int) -> Batch:
        """Return this process' share of a batch."""


class MemoryBatches:
    """Images in memory, shuffled anew every epoch.

    Parameters
    ----------
    data : ImageDataset
    config : TrainConfig
    chain : Chain
    device : device
    """

    def __init__(
        self, data: ImageDataset, config: TrainConfig, chain: Chain, device: torch.device
    ) -> None:
        self.data, self.config, self.chain, self.device = data, config, chain, device
        self.images = torch.from_numpy(data.train_images).to(device)
        self.labels = torch.from_numpy(data.train_labels).to(device)
        self.n_images, self.n_classes = len(self.labels), data.n_classes
        self.n_batches, _ = batch_sizes(self.n_images, config.batch_size)
        self._order = (-1, torch.empty(0))

    def indices(self, epoch: int, batch: int) -> Tensor:
        """Return which images of the training set a whole batch holds."""
        if self._order[0] != epoch:
            self._order = (epoch, epoch_order(self.config.seed, epoch, self.n_images, self.device))
        start = batch * self.config.batch_size
        stop = None if batch == self.n_batches - 1 else start + self.config.batch_size
        return self._order[1][start:stop]

    def fetch(self, epoch: int, batch: int, step: int) -> Batch:
        """Return this process' inputs, augmented and normalised, and labels."""
        indices = self.indices(epoch, batch)
        # what mixes images needs them all, in every process
        share = slice(None) if self.chain.mixes else world().share(len(indices))
        at = PlaceOfDraw(self.config.seed, epoch, step, indices)
        images = augment(self.images[indices[share]], self.chain.transforms, at, share)
        inputs = normalize(
            images, self.data.mean, self.data.std, channels_last=self.config.channels_last
        )
        found = finish_batch(
            inputs,
            self.labels[indices[share]],
            len(indices),
            (epoch, step),
            self.config,
            self.chain,
        )
        return replace(found, checked=not self.chain.mixes)


def finish_batch(
    inputs: Tensor,
    targets: Tensor,
    n: int,
    at: tuple[int, int],
    config: TrainConfig,
    chain: Chain,
) -> Batch:
    """Scale to the epoch's size and mix; of a batch that was mixed whole, keep this process' share.

    Parameters
    ----------
    inputs, targets
        This process' share, or the whole batch where the chain mixes.
    n : int
        Images of the whole batch.
    at : (int, int)
        Epoch and step.
    """
    epoch, step = at
    sizes = config.image_sizes
    side = sizes[min(epoch, len(sizes) - 1)] if sizes else None
    if side is not None and inputs.shape[2:] != (side, side):
        inputs = functional.interpolate(
            inputs, (side, side), mode="bilinear", align_corners=False, antialias=False
        )
    if chain.mixes:
        share = world().share(n)
        inputs, targets = chain.mix(inputs, targets, derived_seed(config.seed, "mix", step))
        inputs, targets = inputs[share], targets[share]
    return Batch(inputs, targets, n)


def epoch_order(seed: int, epoch: int, n: int, device: torch.device | str = "cpu") -> Tensor:
    """Return the order of n images in an epoch."""
    generator = torch.Generator().manual_seed(derived_seed(seed, "order", epoch))
    return torch.randperm(n, generator=generator).to(device)


def batch_sizes(n: int, batch_size: int) -> tuple[int, int]:
    """Return how many steps an epoch has and how many images its last one.

    The rule knows nothing of processes: order and schedule are the same whatever their number.
    """
    count, rest = divmod(n, batch_size)
    if count == 0:
        return 1, n
    if rest < max(2, batch_size / 4):
        return count, batch_size + rest
    return count + 1, rest
