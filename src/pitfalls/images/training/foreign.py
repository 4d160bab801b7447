"""Batches of other people's data: any map-style Dataset, and any DataLoader as it is."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sized
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler, IterableDataset

from pitfalls.errors import InputError
from pitfalls.generators import seed_generators
from pitfalls.images.training.augmentation import derived_seed, kept_generators
from pitfalls.images.training.batches import Batch, batch_sizes, epoch_order, finish_batch
from pitfalls.images.training.chain import Chain
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.distributed import world

__all__ = ["DatasetBatches", "LoaderBatches", "each_batch"]

IMAGES = ("image", "img", "pixel_values", "x")
COLOURS = {"P": "RGB", "PA": "RGBA", "1": "L"}
"""Modes of Pillow's pictures whose numbers are no colours: places in a palette, bits."""
LABELS = ("label", "labels", "target", "y")


class DatasetBatches:
    """A map-style Dataset of (image, label), in the trainer's own order.

    Each item is asked for under global generators seeded by (seed, epoch, step, place): random
    transforms inside the Dataset resume bit for bit and do not depend on the number of processes.
    """

    n_classes = 1  # a Dataset does not say; labels beyond the logits are refused

    def __init__(
        self, data: Dataset[Any], config: TrainConfig, chain: Chain, device: torch.device
    ) -> None:
        if isinstance(data, IterableDataset) or not isinstance(data, Sized):
            raise InputError(
                f"train: a {type(data).__name__} has no length or no items by number. Give it in a "
                "DataLoader that has a length."
            )
        self.data, self.config, self.chain, self.device = data, config, chain, device
        self.n_images = len(data)
        self.n_batches, _ = batch_sizes(self.n_images, config.batch_size)
        self._order = (-1, torch.empty(0, dtype=torch.int64))

    def fetch(self, epoch: int, batch: int, step: int) -> Batch:
        """Return this process' items of a batch."""
        if self._order[0] != epoch:
            self._order = (epoch, epoch_order(self.config.seed, epoch, self.n_images))
        start = batch * self.config.batch_size
        stop = None if batch == self.n_batches - 1 else start + self.config.batch_size
        indices = self._order[1][start:stop].tolist()
        share = range(len(indices))
        if not self.chain.mixes:
            share = share[world().share(len(indices))]
        items = []
        with kept_generators():
            for place in share:
                seed_generators(derived_seed(self.config.seed, "item", epoch, step, place))
                items.append(_read_item(self.data[indices[place]]))
        inputs, targets = _collated(items)
        return finish_batch(
            inputs.to(self.device), targets.to(self.device), len(indices), (epoch, step),
            self.config, self.chain,
        )  # fmt: skip


class LoaderBatches:
    """A DataLoader, in its own order and batches; every process iterates over all of it.

    The generators are seeded before each batch and each epoch, so that shuffling, random transforms
    and workers give the same in a resumed run, which runs over the batches before its own.
    """

    n_classes = 1

    def __init__(
        self, data: "DataLoader[Any]", config: TrainConfig, chain: Chain, device: torch.device
    ) -> None:
        _refuse_loader(data)
        self.data, self.config, self.chain, self.device = data, config, chain, device
        try:
            self.n_batches = len(data)
        except TypeError as error:
            raise InputError(
                "train: the DataLoader has no length, so no schedule can be laid over it. Give its "
                "data set a __len__."
            ) from error
        self.n_images = len(data.dataset) if isinstance(data.dataset, Sized) else 0
        self._next = (-1, -1)
        self._iterator: Iterator[Any] = iter(())
        self._ended = False  # an epoch, once

    def fetch(self, epoch: int, batch: int, step: int) -> Batch:
        """Return this process' share of the loader's next batch."""
        if self._next != (epoch, batch):
            self._begin(epoch)
            while self._next[1] < batch:
                self._advance(epoch)
        inputs, targets = _read_batch(self._advance(epoch))
        if batch == self.n_batches - 1 and not self._ended:
            self._end()
        n = len(targets)
        if n < max(2, world().size):
            raise InputError(
                f"train: the DataLoader gave a batch of {n}, too few for batch normalisation in "
                f"{world().size} process(es). Give it drop_last=True."
            )
        inputs, targets = inputs.to(self.device), targets.to(self.device)
        if not self.chain.mixes:
            share = world().share(n)
            inputs, targets = inputs[share], targets[share]
        return finish_batch(inputs, targets, n, (epoch, step), self.config, self.chain)

    def _begin(self, epoch: int) -> None:
        seed = derived_seed(self.config.seed, "order", epoch)
        for owner in (self.data, self.data.sampler):
            if isinstance(generator := getattr(owner, "generator", None), torch.Generator):
                generator.manual_seed(seed)
        with kept_generators():
            seed_generators(seed)
            self._iterator = iter(self.data)
        self._next = (epoch, 0)

    def _advance(self, epoch: int) -> Any:
        _, batch = self._next
        with kept_generators():
            seed_generators(derived_seed(self.config.seed, "batch", epoch, batch))
            try:
                found = next(self._iterator)
            except StopIteration:
                raise InputError(
                    f"train: the DataLoader ended after {batch} batches, and said that it has "
                    f"{self.n_batches}. Mend its length."
                ) from None
        self._next = (epoch, batch + 1)
        return found

    def _end(self) -> None:
        """Say once that the loader has more than its length, which is an epoch here."""
        self._ended = True
        with kept_generators():
            rest = next(self._iterator, None)
        if rest is not None and world().writes:
            warnings.warn(
                f"train: the DataLoader goes on after the {self.n_batches} batches that it says it "
                "has, and an epoch ends there: the rest is not trained on. If an epoch is to be more, "
                "mend its length.",
                RuntimeWarning,
                stacklevel=2,
            )


def each_batch(
    data: Any, batch_size: int, on_progress: Callable[[int, int], None] | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (images, labels) of a Dataset or DataLoader once through, in its own order."""
    if isinstance(data, DataLoader):
        total = len(data.dataset) if isinstance(data.dataset, Sized) else 0
        found: Iterator[tuple[Tensor, Tensor]] = map(_read_batch, data)
    else:
        total = len(data)
        starts = range(0, total, batch_size)
        found = (
            _collated([_read_item(data[i]) for i in range(s, min(s + batch_size, total))])
            for s in starts
        )
    done = 0
    for images, labels in found:
        yield images, labels
        done += len(labels)
        if on_progress is not None:
            on_progress(done, max(total, done))


def _refuse_loader(data: "DataLoader[Any]") -> None:
    if isinstance(data.sampler, DistributedSampler):
        raise InputError(
            "train: a DistributedSampler would share the batches out twice. Leave it out: every "
            "process takes its part of each batch."
        )
    if data.persistent_workers:
        raise InputError(
            "train: persistent workers keep random numbers that no checkpoint holds. Give the "
            "DataLoader persistent_workers=False."
        )


def _pair(item: Any) -> tuple[Any, Any]:
    if isinstance(item, Mapping):
        image = next((item[name] for name in IMAGES if name in item), None)
        label = next((item[name] for name in LABELS if name in item), None)
        if image is not None and label is not None:
            return image, label
    elif isinstance(item, tuple | list) and len(item) >= 2:
        return item[0], item[1]
    kind = f"a dict of {', '.join(map(str, item))}" if isinstance(item, Mapping) else (
        f"a {type(item).__name__}"
    )  # fmt: skip
    raise InputError(
        "train: a data set must give (image, label) pairs, or dicts with 'image' and 'label'. Got "
        f"{kind} instead."
    )


def _read_item(item: Any) -> tuple[Tensor, Tensor]:
    image, label = _pair(item)
    if not isinstance(image, Tensor):
        if (mode := getattr(image, "mode", "")) in COLOURS:
            image = image.convert(COLOURS[mode])
        pixels = np.asarray(image)  # a Pillow picture, or an array, channels last
        if pixels.ndim == 2:
            pixels = pixels[:, :, None]
        if pixels.ndim != 3 or pixels.dtype.kind not in "uf":
            raise InputError(
                "train: an image must be a tensor (C, H, W), a Pillow picture or an array (H, W, C). "
                f"Got a {type(image).__name__} instead."
            )
        image = torch.from_numpy(np.array(pixels.transpose(2, 0, 1), order="C"))
    return image, torch.as_tensor(label)


def _collated(items: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    shapes = {tuple(image.shape) for image, _ in items}
    if len(shapes) > 1:
        raise InputError(
            f"train: a data set's images must be of one shape. Got {min(shapes)} and {max(shapes)}; "
            "cut or scale them to one."
        )
    return _checked(
        torch.stack([image for image, _ in items]), torch.stack([label for _, label in items])
    )


def _read_batch(batch: Any) -> tuple[Tensor, Tensor]:
    images, labels = _pair(batch)
    if not (isinstance(images, Tensor) and isinstance(labels, Tensor)):
        raise InputError("train: a DataLoader must give tensors of images and labels.")
    return _checked(images, labels)


def _checked(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return images as numbers, bytes scaled to [0, 1], and labels as whole numbers or shares."""
    if images.ndim != 4:
        raise InputError(
            f"train: images must have shape (n, C, H, W). Got {tuple(images.shape)} instead."
        )
    if images.dtype == torch.uint8:
        images = images.float() / 255
    elif not images.is_floating_point():
        raise InputError(
            f"train: images must be bytes or floats. Got {images.dtype} instead; scale them."
        )
    if labels.ndim == 1 and not labels.is_floating_point():
        return images, labels.long()
    if labels.ndim == 2 and labels.shape[1] == 1 and not labels.is_floating_point():
        return images, labels[:, 0].long()
    if labels.ndim == 2 and labels.is_floating_point():
        return images, labels
    raise InputError(
        "train: labels must be whole numbers (n,), or shares (n, n_classes). Got "
        f"{labels.dtype} of shape {tuple(labels.shape)} instead."
    )
