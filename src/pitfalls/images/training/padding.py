"""Borders around batches of images: torchvision's arguments and pictures, without torchvision."""

import math
import operator
from collections.abc import Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from pitfalls.errors import InputError

__all__ = ["PADDING_MODES", "Borders", "pad", "read_borders", "read_fill", "read_size"]

PADDING_MODES = ("constant", "edge", "reflect", "symmetric")
"""What a border can show: one colour, the outermost pixels, the image mirrored without or with them."""

Borders = tuple[int, int, int, int]
"""Pixels on the left, top, right and bottom."""


def read_size(size: int | Sequence[int], who: str) -> tuple[int, int]:
    """Read a side, [side] or (height, width) as (height, width)."""
    numbers = _whole_numbers(size)
    if len(numbers) not in (1, 2) or min(numbers) < 1:
        raise InputError(
            f"{who}: size must be a positive whole number or (height, width). Got {size!r} instead."
        )
    return numbers[0], numbers[-1]


def read_borders(padding: int | Sequence[int] | None, who: str) -> Borders:
    """Read torchvision's forms of padding as (left, top, right, bottom).

    Examples
    --------
    >>> read_borders(None, "me"), read_borders([1, 2], "me")
    ((0, 0, 0, 0), (1, 2, 1, 2))
    """
    numbers = (0,) if padding is None else _whole_numbers(padding)
    if len(numbers) not in (1, 2, 4) or min(numbers) < 0:
        raise InputError(
            f"{who}: padding must be None, a whole number from 0 up, or 1, 2 (left and right, top "
            f"and bottom) or 4 (left, top, right, bottom) of them. Got {padding!r} instead."
        )
    left, top, right, bottom = numbers * (4 // len(numbers))
    return left, top, right, bottom


def read_fill(fill: float | Sequence[float], who: str) -> tuple[float, ...]:
    """Read one number for all channels, or one a channel, as a tuple."""
    values: tuple[Any, ...] = tuple(fill) if isinstance(fill, Sequence) else (fill,)
    if not values or not all(isinstance(v, Real) and math.isfinite(v) for v in values):
        raise InputError(
            f"{who}: fill must be a number or one number a channel. Got {fill!r} instead."
        )
    return values


def pad(images: Tensor, borders: Borders, mode: str, fill: tuple[float, ...], who: str) -> Tensor:
    """Draw borders around images.

    Parameters
    ----------
    images : Tensor of shape (n, C, H, W)
    borders : (int, int, int, int)
        Pixels on the left, top, right and bottom.
    mode : {"constant", "edge", "reflect", "symmetric"}
    fill : tuple of 1 or C numbers
        The border's colour, if constant.
    who : str
        Whose name errors carry.

    Returns
    -------
    Tensor of shape (n, C, top + H + bottom, left + W + right)

    Raises
    ------
    InputError
        If a mirrored border is larger than what there is to mirror, or the colour does not fit.
    """
    if not any(borders):
        return images
    left, top, right, bottom = borders
    height, width = images.shape[2:]
    if mode == "constant":
        colour = _colour(images, fill, who)
        shape = (*images.shape[:2], top + height + bottom, left + width + right)
        padded = colour.expand(shape).clone(memory_format=torch.contiguous_format)
        padded[:, :, top : top + height, left : left + width] = images
        return padded
    # Mirroring shows each pixel once; without the outermost ones there is one fewer.
    spare = {"reflect": 1, "symmetric": 0}.get(mode)
    if spare is not None and not (
        max(left, right) <= width - spare and max(top, bottom) <= height - spare
    ):
        raise InputError(
            f"{who}: padding_mode={mode!r} needs a padding {'below' if spare else 'up to'} the "
            f"image's side. Got {max(borders)} pixels around images of {height}×{width} instead; "
            "pad less, or take padding_mode='edge'."
        )
    rows = _source(height, top, bottom, mode, images.device)
    columns = _source(width, left, right, mode, images.device)
    return images.index_select(2, rows).index_select(3, columns)


def _source(n: int, before: int, after: int, mode: str, device: torch.device) -> Tensor:
    """Tell which of n pixels each pixel of a padded line shows."""
    at = torch.arange(-before, n + after, device=device)
    last = n - 1
    if mode == "reflect":
        return last - (last - at.abs()).abs()
    if mode == "symmetric":
        at = torch.where(at < 0, -1 - at, at)
        return torch.where(at > last, 2 * last + 1 - at, at)
    return at.clamp(0, last)


def _colour(images: Tensor, fill: tuple[float, ...], who: str) -> Tensor:
    channels = images.shape[1]
    if len(fill) not in (1, channels):
        raise InputError(
            f"{who}: fill must be one number or one for each of the {channels} channels. Got "
            f"{len(fill)} instead."
        )
    if images.dtype == torch.uint8 and not (min(fill) >= 0 and max(fill) <= 255):
        raise InputError(
            f"{who}: fill must be between 0 and 255 for images of bytes. Got {fill} instead."
        )
    return torch.tensor(fill, dtype=images.dtype, device=images.device)[:, None, None]


def _whole_numbers(value: Any) -> tuple[int, ...]:
    """Read a whole number or a sequence of them; an empty tuple for anything else."""
    try:
        return (operator.index(value),)
    except TypeError:
        pass
    try:
        return tuple(operator.index(v) for v in value)
    except TypeError:
        return ()
