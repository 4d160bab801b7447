"""What a network takes: images as bytes become normalised floats."""

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["normalize"]


def normalize(
    images: Tensor, mean: Sequence[float], std: Sequence[float], *, channels_last: bool = True
) -> Tensor:
    """Turn bytes (B, C, H, W) into (pixel/255 − mean)/std, float32."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    scaled = images.to(torch.float32, memory_format=layout)
    gain = torch.tensor([1 / (255 * s) for s in std], device=images.device)[:, None, None]
    shift = torch.tensor([m / s for m, s in zip(mean, std, strict=True)], device=images.device)
    return scaled.mul_(gain).sub_(shift[:, None, None])
