"""The networks that a run may train, by name: the homework's and the fast one."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from pitfalls.errors import InputError
from pitfalls.images.data import ImageDataset
from pitfalls.images.networks.fastnet import FastNet
from pitfalls.images.networks.resnet import ResNet18

__all__ = ["NetworkConfig", "build_network", "empty_network"]


@dataclass(frozen=True)
class NetworkConfig:
    """Which network: the homework's, or the small one with its widths."""

    kind: Literal["resnet18", "fastnet"] = "resnet18"
    widths: tuple[int, int, int] = (64, 128, 128)


def build_network(config: NetworkConfig, data: ImageDataset, seed: int) -> nn.Module:
    """Build a network for a data set, its start drawn by ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = empty_network(config, data.n_classes, data.shape[0])
    if isinstance(network, FastNet):
        network.fit_whitening(data)
    return network


def empty_network(config: NetworkConfig, n_classes: int, channels: int) -> nn.Module:
    """Build a network whose weights mean nothing yet."""
    if config.kind == "resnet18":
        return ResNet18(n_classes, channels)
    if config.kind == "fastnet":
        return FastNet(n_classes, channels, config.widths)
    raise InputError(f"network: must be resnet18 or fastnet. Got {config.kind!r} instead.")
