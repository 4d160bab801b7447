"""Networks by name, to be looked at: this library's, or a user's own from a file or a module."""

import hashlib
from typing import TYPE_CHECKING

from pitfalls.experiments.image_networks import NetworkConfig, empty_network

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["build_model", "describe_model"]


def build_model(
    model: str,
    n_classes: int = 10,
    in_channels: int = 3,
    image_size: tuple[int, ...] = (32, 32),
    arguments: tuple[str, ...] = (),
) -> "nn.Module":
    """Build a network by name: ``resnet18``, ``fastnet``, ``mlp``, ``linear``, ``vit`` or a user's own.

    Parameters
    ----------
    model : str
        ``file.py:Name`` or ``package.module:Name`` is imported, which runs it as the user's own code,
        and called; no such name may come from a run folder or a data set. Its imports find what lies
        beside the file, or in the current folder for a module.
    n_classes, in_channels : int
        Of the data.
    image_size : (int, int)
        Height and width.
    arguments : tuple of str
        ``key=value`` for a network of the user's own.

    Raises
    ------
    InputError
        If there is no such network, or it cannot be built.
    """
    height, width = image_size if len(image_size) == 2 else (32, 32)  # of what is no image
    config = NetworkConfig(model, model_args=arguments)
    return empty_network(config, n_classes, (in_channels, height, width))


def describe_model(
    model: str,
    input_shape: tuple[int, ...] = (3, 32, 32),
    inputs: "tuple[Tensor, ...] | None" = None,
    n_classes: int = 10,
) -> str:
    """Return a digest of what is shown of a user's network, "" for this library's own.

    An edit in any file that it comes from gives another digest if it changes the network.

    Parameters
    ----------
    model : str
        As `build_model` takes it.
    input_shape : tuple of int
        (C, H, W) of one image.
    inputs : tuple of Tensor, optional
        What to call it with instead.
    n_classes : int
        Of the data.

    Raises
    ------
    InputError
        If the network cannot be built, or does not run on such images.
    """
    if ":" not in model:
        return ""
    from pitfalls.diagram import diagram, summary  # torch, which a run made before does not need

    built = build_model(model, n_classes, input_shape[0], input_shape[1:])
    shown = summary(built, input_shape, inputs=inputs, depth=99)
    shown += diagram(built, input_shape, inputs=inputs)
    return hashlib.sha256(shown.encode()).hexdigest()
