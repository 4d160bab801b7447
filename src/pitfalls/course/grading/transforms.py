"""Four transforms with torchvision's names and arguments, for machines that have no torchvision."""

import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Compose", "Normalize", "RandomCrop", "RandomHorizontalFlip", "ToTensor", "install"]


class Compose:
    """One transform after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, image: Any) -> Any:  # noqa: D102
        for transform in self.transforms:
            image = transform(image)
        return image


class ToTensor:
    """A picture of shape (height, width, 3), 0..255, as a tensor of shape (3, height, width), 0..1."""

    def __call__(self, image: Any) -> Tensor:  # noqa: D102
        return torch.from_numpy(np.array(image, copy=True)).permute(2, 0, 1).float() / 255


class Normalize:
    """Subtract a mean and divide by a deviation, channel by channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean, self.std = torch.tensor(mean), torch.tensor(std)

    def __call__(self, image: Tensor) -> Tensor:  # noqa: D102
        return (image - self.mean[:, None, None]) / self.std[:, None, None]


class RandomCrop:
    """A rectangle at a place drawn uniformly from the padded picture (padded by zeros)."""

    def __init__(self, size: int | Sequence[int], padding: int | None = None) -> None:
        self.height, self.width = (size, size) if isinstance(size, int) else size
        self.padding = padding or 0

    def __call__(self, image: Any) -> Any:  # noqa: D102
        tensor = isinstance(image, Tensor)
        array = image if tensor else torch.from_numpy(np.array(image, copy=True)).permute(2, 0, 1)
        padded = torch.nn.functional.pad(array, (self.padding,) * 4)
        room = [padded.shape[1] - self.height, padded.shape[2] - self.width]
        if min(room) < 0:
            raise ValueError(f"RandomCrop: the picture is smaller than {self.height, self.width}")
        top, left = (int(torch.randint(0, n + 1, ())) for n in room)
        cut = padded[:, top : top + self.height, left : left + self.width]
        return cut if tensor else _picture(cut)


class RandomHorizontalFlip:
    """The picture's mirror image with probability p."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, image: Any) -> Any:  # noqa: D102
        if float(torch.rand(())) >= self.p:
            return image
        if isinstance(image, Tensor):
            return image.flip(-1)
        return _picture(torch.from_numpy(np.array(image, copy=True)).permute(2, 0, 1).flip(-1))


def _picture(tensor: Tensor) -> Any:
    from PIL import Image

    return Image.fromarray(tensor.permute(1, 2, 0).contiguous().numpy())


def install() -> None:
    """Let ``from torchvision import transforms`` find these four."""
    outer, inner = types.ModuleType("torchvision"), types.ModuleType("torchvision.transforms")
    for kind in (Compose, ToTensor, Normalize, RandomCrop, RandomHorizontalFlip):
        setattr(inner, kind.__name__, kind)
    outer.transforms = inner  # type: ignore[attr-defined]
    sys.modules["torchvision"], sys.modules["torchvision.transforms"] = outer, inner
