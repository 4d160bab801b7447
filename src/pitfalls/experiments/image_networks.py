"""The networks that a run may train, by name: this library's, and the user's own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pitfalls.errors import InputError
from pitfalls.frame import HIDDEN
from pitfalls.named import build_named, is_named, read_arguments

if TYPE_CHECKING:
    from torch import nn

    from pitfalls.images.data import ImageDataset

__all__ = ["NETWORKS", "NetworkConfig", "build_network", "empty_network"]

NETWORKS = {
    "resnet18": "ResNet18",
    "fastnet": "FastNet",
    "mlp": "multilayer perceptron",
    "linear": "linear network",
    "vit": "patch transformer",
}
"""The built-in networks, and what texts call them."""

MOST_CHANNELS = 10_000


@dataclass(frozen=True)
class NetworkConfig:
    """Which network.

    Parameters
    ----------
    model : str
        resnet18 (the homework's), fastnet (small and fast), mlp, linear, vit (a small vision
        transformer), or your own as file.py:Name or package.module:Name, whose code is run.
    widths : (int, int, int)
        Channels of fastnet's three groups.
    model_args : tuple of str
        Arguments for a network of your own: key=value, values as Python writes them. n_classes,
        in_channels and image_size (height, width) are the data's where it takes them and you give none.
    bias_epochs : int, optional
        Epochs in which the bias of fastnet's first layer learns (default: all).
    winograd : bool, default=False
        Train fastnet's convolutions by minimal filtering, where it applies.
    """

    model: str = "resnet18"
    widths: tuple[int, int, int] = (64, 128, 128)
    model_args: tuple[str, ...] = ()
    bias_epochs: Annotated[int | None, HIDDEN] = None
    winograd: Annotated[bool, HIDDEN] = False

    def __post_init__(self) -> None:
        if not (self.model in NETWORKS or is_named(self.model)):
            raise InputError(
                f"NetworkConfig: model must be {', '.join(NETWORKS)}, file.py:Name or "
                f"package.module:Name. Got {self.model!r} instead."
            )
        if len(self.widths) != 3 or not 1 <= min(self.widths) <= max(self.widths) <= MOST_CHANNELS:
            raise InputError(
                f"NetworkConfig: widths must be three whole numbers from 1 to {MOST_CHANNELS:,}. "
                f"Got {self.widths}."
            )
        if self.model_args and not is_named(self.model):
            raise InputError(
                f"NetworkConfig: model_args are for a network of your own. Got some for {self.model}."
            )
        read_arguments("model_args", self.model_args)

    def need_use(self, models: tuple[str, ...] = ()) -> None:
        """Raise InputError if widths are asked for that none of the models, this one or those named, has."""
        models = models or (self.model,)
        if self.widths != NetworkConfig.widths and "fastnet" not in models:
            raise InputError(
                f"NetworkConfig: widths are fastnet's. Got {self.widths} for {', '.join(models)}; leave "
                "them out, or ask for --model fastnet."
            )

    @property
    def title(self) -> str:
        """What texts call it."""
        return NETWORKS.get(self.model, self.model.rpartition(":")[2])


def build_network(config: NetworkConfig, data: "ImageDataset", seed: int) -> "nn.Module":
    """Build a network for a data set, its start drawn by ``seed``."""
    import torch
    from torch.nn.parameter import is_lazy

    from pitfalls.images.networks import FastNet, input_dtype, normalize

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = empty_network(config, data.n_classes, data.shape)
        if any(map(is_lazy, [*network.parameters(), *network.buffers()])):
            images = torch.from_numpy(data.train_images[:2])
            network(normalize(images, data.mean, data.std).to(input_dtype(network)))
    if isinstance(network, FastNet):
        network.fit_whitening(data)
    return network


def empty_network(
    config: NetworkConfig, n_classes: int, shape: tuple[int, int, int]
) -> "nn.Module":
    """Build a network whose weights mean nothing yet; one of the user's own runs its code.

    Raises
    ------
    InputError
        If the user's own cannot be built, or is no module.
    """
    from torch import nn

    from pitfalls.images import networks

    channels, height, width = shape
    match config.model:
        case "resnet18":
            return networks.ResNet18(n_classes, channels)
        case "fastnet":
            return networks.FastNet(
                n_classes, channels, config.widths, config.bias_epochs, winograd=config.winograd
            )
        case "mlp":
            return networks.Perceptron(n_classes, shape)
        case "linear":
            return networks.LinearNet(n_classes, shape)
        case "vit":
            return networks.PatchTransformer(n_classes, shape)
    built = build_named(
        "model",
        config.model,
        config.model_args,
        n_classes=n_classes,
        in_channels=channels,
        image_size=(height, width),
    )
    if not isinstance(built, nn.Module):
        raise InputError(
            f"model {config.model!r} gave a {type(built).__name__}, not a torch nn.Module."
        )
    return built
