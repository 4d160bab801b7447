"""The networks that a run may train, by name: the homework's and the fast one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pitfalls.errors import InputError

if TYPE_CHECKING:
    from torch import nn

    from pitfalls.images.data import ImageDataset

__all__ = ["NetworkConfig", "build_network", "empty_network"]


@dataclass(frozen=True)
class NetworkConfig:
    """Which network.

    Parameters
    ----------
    network : {"resnet18", "fastnet"}
        The homework's network or the small fast one.
    widths : (int, int, int)
        Channels of fastnet's three groups.
    """

    network: Literal["resnet18", "fastnet"] = "resnet18"
    widths: tuple[int, int, int] = (64, 128, 128)

    def __post_init__(self) -> None:
        if self.network not in ("resnet18", "fastnet"):
            raise InputError(
                f"NetworkConfig: network must be resnet18 or fastnet. Got {self.network!r} instead."
            )
        if len(self.widths) != 3 or min(self.widths) < 1:
            raise InputError(
                f"NetworkConfig: widths must be three whole numbers, at least 1. Got {self.widths}."
            )

    @property
    def title(self) -> str:
        """What texts call it."""
        return {"resnet18": "ResNet18", "fastnet": "FastNet"}[self.network]


def build_network(config: NetworkConfig, data: "ImageDataset", seed: int) -> "nn.Module":
    """Build a network for a data set, its start drawn by ``seed``."""
    import torch

    from pitfalls.images.networks.fastnet import FastNet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = empty_network(config, data.n_classes, data.shape[0])
    if isinstance(network, FastNet):
        network.fit_whitening(data)
    return network


def empty_network(config: NetworkConfig, n_classes: int, channels: int) -> "nn.Module":
    """Build a network whose weights mean nothing yet."""
    from pitfalls.images.networks.fastnet import FastNet
    from pitfalls.images.networks.resnet import ResNet18

    if config.network == "resnet18":
        return ResNet18(n_classes, channels)
    return FastNet(n_classes, channels, config.widths)
