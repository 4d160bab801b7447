"""Which images each step sees, and how they look: functions of (seed, epoch, step) alone."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from pitfalls.images.data import ImageDataset
from pitfalls.images.networks import normalize
from pitfalls.images.training.augmentation import (
    AlternatingFlip,
    Draw,
    RandomCrop,
    RandomHorizontalFlip,
    Transform,
    augment,
    derived_seed,
)
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.distributed import world

__all__ = ["Batches", "batch_sizes", "choose_transforms"]


class Batches:
    """The training set in batches, shuffled anew every epoch.

    Parameters
    ----------
    data : ImageDataset
    config : TrainConfig
    transforms : sequence of Transform
    device : device

    Attributes
    ----------
    n_images, n_batches : int
        In an epoch.
    """

    def __init__(
        self,
        data: ImageDataset,
        config: TrainConfig,
        transforms: Sequence[Transform],
        device: torch.device,
    ) -> None:
        self.data, self.config, self.transforms, self.device = data, config, transforms, device
        self.images = torch.from_numpy(data.train_images).to(device)
        self.labels = torch.from_numpy(data.train_labels).to(device)
        self.n_images = len(self.labels)
        self.n_batches, _ = batch_sizes(self.n_images, config.batch_size)
        self._order = (-1, torch.empty(0))

    def indices(self, epoch: int, batch: int) -> Tensor:
        """Return which images of the training set a whole batch holds."""
        if self._order[0] != epoch:
            seed = derived_seed(self.config.seed, "order", epoch)
            generator = torch.Generator().manual_seed(seed)
            order = torch.randperm(self.n_images, generator=generator).to(self.device)
            self._order = (epoch, order)
        start = batch * self.config.batch_size
        stop = None if batch == self.n_batches - 1 else start + self.config.batch_size
        return self._order[1][start:stop]

    def share(self, indices: Tensor, epoch: int, step: int) -> tuple[Tensor, Tensor]:
        """Return this process' inputs, augmented and normalised, and labels."""
        share = world().share(len(indices))
        at = Draw(self.config.seed, epoch, step, indices)
        images = augment(self.images[indices[share]], self.transforms, at, share)
        inputs = normalize(
            images, self.data.mean, self.data.std, channels_last=self.config.channels_last
        )
        sizes = self.config.image_sizes
        if sizes and (size := sizes[min(epoch, len(sizes) - 1)]) != inputs.shape[-1]:
            inputs = functional.interpolate(
                inputs, (size, size), mode="bilinear", align_corners=False, antialias=False
            )
        return inputs, self.labels[indices[share]]


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


def choose_transforms(config: TrainConfig, size: tuple[int, ...]) -> list[Transform]:
    """Return the transforms that a settled config names, for images (height, width, ...)."""
    chosen: list[Transform] = []
    if config.crop_padding:
        crop = RandomCrop((size[0], size[1]), config.crop_padding, padding_mode=config.padding_mode)
        chosen.append(crop)
    if config.flip != "none":
        chosen.append(AlternatingFlip() if config.flip == "alternating" else RandomHorizontalFlip())
    return chosen
