"""A printed summary of a network: layers, shapes, parameters, multiplications."""

from collections.abc import Sequence

import torchinfo
from torch import nn

from pitfalls.errors import InputError

__all__ = ["summary"]


def summary(model: nn.Module, input_shape: Sequence[int] = (3, 32, 32), *, depth: int = 3) -> str:
    """Return a table of the layers of ``model`` with their output shapes and parameters.

    Parameters
    ----------
    model : nn.Module
        Any network that takes a batch of images.
    input_shape : sequence of int, default=(3, 32, 32)
        (C, H, W) of one image.
    depth : int, default=3
        How many levels of modules to open.

    Raises
    ------
    InputError
        If the network does not run on such images.

    Examples
    --------
    >>> from torch import nn
    >>> text = summary(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (3, 8, 8))
    >>> [line for line in text.splitlines() if "Total params" in line]
    ['Total params: 224']
    """
    modes = [(module, module.training) for module in model.modules()]
    try:
        statistics = torchinfo.summary(
            model,
            input_size=(1, *input_shape),
            col_names=("output_size", "kernel_size", "num_params", "mult_adds"),
            depth=depth,
            mode="eval",
            verbose=0,
        )
    except RuntimeError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        shape = "×".join(map(str, input_shape))
        raise InputError(
            f"{type(model).__name__} does not run on images of shape {shape}: {reason}"
        ) from error
    finally:
        for module, training in modes:
            module.training = training
    return str(statistics)
