"""What a training needs before its first step: batches, class weights, completed lazy layers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils.data import DataLoader, Dataset

from pitfalls.errors import InputError
from pitfalls.images.data import ImageDataset
from pitfalls.images.networks.outputs import input_dtype
from pitfalls.images.training.augmentation import derived_seed
from pitfalls.images.training.batches import Batches, MemoryBatches
from pitfalls.images.training.chain import Change, choose_chain
from pitfalls.images.training.checks import check_sizes
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.foreign import DatasetBatches, LoaderBatches
from pitfalls.images.training.losses import LossFunction, balanced_weights
from pitfalls.images.training.optimizers import OptimizerFunction, make_optimizers
from pitfalls.images.training.schedules import Schedule

__all__ = [
    "OwnParts",
    "class_weights",
    "complete",
    "make_batches",
    "optimizers_of",
    "own_generators",
]


@dataclass(frozen=True)
class OwnParts:
    """What a caller gives in place of what the config names."""

    rate: Schedule | None = None
    optimizer: OptimizerFunction | None = None
    loss: LossFunction | None = None
    transforms: Sequence[Change] | None = None


def optimizers_of(
    model: nn.Module, config: TrainConfig, own: OwnParts
) -> list[torch.optim.Optimizer]:
    """Return the optimisers that a config, or its caller, asks for."""
    return make_optimizers(
        model,
        optimizer=own.optimizer or config.optimizer,
        momentum=config.momentum,
        nesterov=config.nesterov,
        weight_decay=config.weight_decay,
        muon_rate=config.muon_rate,
        muon_momentum=config.muon_momentum,
        bias_rate=config.bias_rate,
        other_rate=config.other_rate,
    )


def make_batches(
    data: Any, config: TrainConfig, changes: Sequence[Change] | None, device: torch.device
) -> Batches:
    """Return the training set of any kind of data in batches."""
    if isinstance(data, ImageDataset):
        check_sizes(config, len(data.train_labels))
        chain = choose_chain(config, data.shape[1:], changes)
        return MemoryBatches(data, config, chain, device)
    chain = choose_chain(config, None, changes)
    if chain.transforms:
        raise InputError(
            "train: a Dataset changes its own images. Put the transforms of single images into it; "
            "only functions of (images, labels) are taken beside it."
        )
    if isinstance(data, DataLoader):
        return LoaderBatches(data, config, chain, device)
    if isinstance(data, Dataset):
        batches = DatasetBatches(data, config, chain, device)
        check_sizes(config, batches.n_images)
        return batches
    raise InputError(
        "train: data must be an ImageDataset, a torch Dataset or a DataLoader. Got a "
        f"{type(data).__name__} instead; load_dataset makes the first of a folder."
    )


def class_weights(config: TrainConfig, data: Any, device: torch.device) -> Tensor | None:
    """Return the weight of each class in the loss, where the config asks for one."""
    if config.class_weights == "none":
        return None
    if not isinstance(data, ImageDataset):
        raise InputError(
            "train: class_weights needs an ImageDataset, whose labels can be counted. Give the "
            "weights inside a loss function of your own."
        )
    return balanced_weights(data.train_labels, data.n_classes).to(device)


def complete(model: nn.Module, batches: Batches, config: TrainConfig) -> None:
    """Let two images of the first batch give lazy layers their sizes, drawn by the config's seed."""
    lazy = [*model.parameters(), *model.buffers()]
    if not any(map(is_lazy, lazy)):
        return
    inputs = batches.fetch(0, 0, 0).inputs[:2]
    was_training = model.training
    model.eval()
    torch.manual_seed(derived_seed(config.seed, "lazy"))
    with torch.no_grad():
        model(inputs.to(input_dtype(model)))
    model.train(was_training)


@contextmanager
def own_generators() -> Iterator[None]:
    """Leave PyTorch's global generators as they were found."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        yield
