"""Transforms with torchvision's names and arguments, for machines that have no torchvision.

Those that crop, flip, pad and convert pictures: what a right answer to 4d may be made of. Pictures are
PIL's or tensors of shape (channels, height, width), and stay what they are.
"""

import enum
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = [
    "CenterCrop",
    "Compose",
    "ConvertImageDtype",
    "InterpolationMode",
    "Lambda",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandomApply",
    "RandomChoice",
    "RandomCrop",
    "RandomHorizontalFlip",
    "Resize",
    "ToDtype",
    "ToImage",
    "ToPILImage",
    "ToTensor",
    "center_crop",
    "crop",
    "hflip",
    "normalize",
    "pad",
    "pil_to_tensor",
    "resize",
    "to_dtype",
    "to_pil_image",
    "to_tensor",
]


class InterpolationMode(enum.Enum):
    """How ``resize`` reads between pixels."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


# ------------------------------------------------------------------------- functions


def pil_to_tensor(image: Any) -> Tensor:
    """Turn a picture into a tensor (channels, height, width) of its own numbers."""
    array = torch.from_numpy(np.array(image, copy=True))
    return array[None] if array.ndim == 2 else array.permute(2, 0, 1)


def to_pil_image(image: Any) -> Any:
    """Turn a tensor or an array into a picture."""
    from PIL import Image

    if isinstance(image, Tensor):
        image = to_dtype(image, torch.uint8, scale=True).permute(1, 2, 0).contiguous().numpy()
    array = np.asarray(image)
    return Image.fromarray(array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array)


def to_dtype(image: Tensor, dtype: torch.dtype = torch.float32, scale: bool = False) -> Tensor:
    """Change a tensor's type; with scale, 0..255 of bytes is 0..1 of floats."""
    if scale and dtype.is_floating_point and not image.is_floating_point():
        return image.to(dtype) / 255
    if scale and image.is_floating_point() and not dtype.is_floating_point:
        return (image * 255.999).to(dtype)
    return image.to(dtype)


def to_tensor(image: Any) -> Tensor:
    """Turn a picture, or an array (height, width, channels), into a tensor; bytes become 0..1."""
    tensor = pil_to_tensor(image)
    return to_dtype(tensor, scale=True) if tensor.dtype == torch.uint8 else tensor


def normalize(
    image: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False
) -> Tensor:
    """Subtract a mean and divide by a deviation, channel by channel."""
    if not isinstance(image, Tensor) or not image.is_floating_point():
        raise TypeError("normalize: a tensor of floats is due; use ToTensor before")
    given = image if inplace else image.clone()
    centre, width = (torch.as_tensor(v, dtype=image.dtype)[..., None, None] for v in (mean, std))
    return given.sub_(centre).div_(width)


def pad(image: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """Widen a picture: a number for all sides, (left and right, top and bottom), or all four."""
    sides = [padding] if isinstance(padding, int) else list(padding)
    if len(sides) not in (1, 2, 4):
        raise ValueError(f"pad: padding must be a number, or 1, 2 or 4 of them. Got {padding}.")
    left, top, right, bottom = sides * (4 // len(sides))

    def widened(given: Tensor) -> Tensor:
        array = given.numpy()
        margins = ((0, 0),) * (array.ndim - 2) + ((top, bottom), (left, right))
        if padding_mode != "constant":
            return torch.from_numpy(np.pad(array, margins, mode=padding_mode))  # type: ignore[call-overload]
        height, width = array.shape[-2:]
        colour = np.reshape(fill, (-1, 1, 1))
        canvas = np.empty(np.pad(array, margins).shape, array.dtype)
        canvas[:] = colour
        canvas[..., top : top + height, left : left + width] = array
        return torch.from_numpy(canvas)

    return _through(image, widened)


def crop(image: Any, top: int, left: int, height: int, width: int) -> Any:
    """Cut out a rectangle."""
    return _through(image, lambda t: t[..., top : top + height, left : left + width])


def center_crop(image: Any, output_size: int | Sequence[int]) -> Any:
    """Cut out the middle; what is smaller is padded by zeros first."""
    height, width = _pair(output_size)
    rows, columns = _size(image)
    more_rows, more_columns = max(height - rows, 0), max(width - columns, 0)
    if more_rows or more_columns:
        sides = (more_columns // 2, more_rows // 2, -(-more_columns // 2), -(-more_rows // 2))
        image = pad(image, sides)
        rows, columns = _size(image)
    return crop(image, round((rows - height) / 2), round((columns - width) / 2), height, width)


def hflip(image: Any) -> Any:
    """Mirror a picture."""
    return _through(image, lambda t: t.flip(-1))


def resize(
    image: Any,
    size: int | Sequence[int],
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """Scale a picture to a size, or its shorter side to a number."""
    rows, columns = _size(image)
    sides = [size] if isinstance(size, int) else list(size)
    if len(sides) == 1:
        short = min(rows, columns)
        sides = [int(sides[0] * rows / short), int(sides[0] * columns / short)]
        if max_size is not None and max(sides) > max_size:
            sides = [int(max_size * side / max(sides)) for side in sides]
    if sides == [rows, columns]:
        return image
    mode = getattr(interpolation, "value", "bilinear")
    smooth = {} if mode == "nearest" else {"antialias": bool(antialias)}

    def scaled(given: Tensor) -> Tensor:
        found = nn.functional.interpolate(given[None].float(), sides, mode=mode, **smooth)[0]
        return found if given.is_floating_point() else found.round().clamp(0, 255).to(given.dtype)

    return _through(image, scaled)


def _through(image: Any, act: Callable[[Tensor], Tensor]) -> Any:
    """Act on a tensor; a picture becomes one and then a picture again."""
    return act(image) if isinstance(image, Tensor) else to_pil_image(act(pil_to_tensor(image)))


def _size(image: Any) -> tuple[int, int]:
    """Return height and width."""
    height, width = image.shape[-2:] if isinstance(image, Tensor) else image.size[::-1]
    return int(height), int(width)


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    sides = [size] if isinstance(size, int) else list(size)
    return int(sides[0]), int(sides[-1])


# ------------------------------------------------------------------------- transforms


class _Given(nn.Module):
    """Calls a function on a picture with the arguments that it was made with."""

    function: Callable[..., Any]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__()
        self.arguments, self.named = arguments, named

    def forward(self, image: Any) -> Any:
        return type(self).function(image, *self.arguments, **self.named)


def _made_of(function: Callable[..., Any], name: str) -> type[_Given]:
    """Make the transform that calls a function: its arguments are the function's, the picture aside."""
    return type(name, (_Given,), {"function": staticmethod(function), "__doc__": function.__doc__})


CenterCrop = _made_of(center_crop, "CenterCrop")
ConvertImageDtype = _made_of(
    lambda image, dtype=torch.float32: to_dtype(image, dtype, scale=True), "ConvertImageDtype"
)
Lambda = _made_of(lambda image, lambd: lambd(image), "Lambda")
Normalize = _made_of(normalize, "Normalize")
PILToTensor = _made_of(pil_to_tensor, "PILToTensor")
Pad = _made_of(pad, "Pad")
Resize = _made_of(resize, "Resize")
ToDtype = _made_of(to_dtype, "ToDtype")
ToImage = _made_of(
    lambda image: image if isinstance(image, Tensor) else pil_to_tensor(image), "ToImage"
)
ToPILImage = _made_of(lambda image, mode=None: to_pil_image(image), "ToPILImage")
ToTensor = _made_of(to_tensor, "ToTensor")


class Compose(nn.Module):
    """One transform after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        super().__init__()
        self.transforms = list(transforms)

    def forward(self, image: Any) -> Any:  # noqa: D102
        for transform in self.transforms:
            image = transform(image)
        return image


class RandomApply(Compose):
    """All of these transforms with probability p, else none."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5) -> None:
        super().__init__(transforms)
        self.p = p

    def forward(self, image: Any) -> Any:  # noqa: D102
        return super().forward(image) if float(torch.rand(())) < self.p else image


class RandomChoice(Compose):
    """One of these transforms, all alike or with probabilities p."""

    def __init__(
        self, transforms: Sequence[Callable[[Any], Any]], p: Sequence[float] | None = None
    ) -> None:
        super().__init__(transforms)
        self.p = [1.0] * len(self.transforms) if p is None else list(p)

    def forward(self, image: Any) -> Any:  # noqa: D102
        return self.transforms[int(torch.multinomial(torch.tensor(self.p), 1))](image)


class RandomCrop(nn.Module):
    """A rectangle at a place drawn uniformly from the padded picture."""

    def __init__(
        self,
        size: int | Sequence[int],
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size, self.padding, self.pad_if_needed = _pair(size), padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode

    @staticmethod
    def get_params(image: Any, output_size: Sequence[int]) -> tuple[int, int, int, int]:
        """Draw where to cut: top, left, height and width."""
        height, width = output_size
        room = [side - cut for side, cut in zip(_size(image), output_size, strict=True)]
        if min(room) < 0:
            raise ValueError(f"RandomCrop: the picture is smaller than {(height, width)}")
        top, left = (int(torch.randint(0, n + 1, ())) for n in room)
        return top, left, height, width

    def forward(self, image: Any) -> Any:  # noqa: D102
        if self.padding is not None:
            image = pad(image, self.padding, self.fill, self.padding_mode)
        short = [max(cut - side, 0) for cut, side in zip(self.size, _size(image), strict=True)]
        if self.pad_if_needed and any(short):
            image = pad(image, (short[1], short[0]), self.fill, self.padding_mode)
        return crop(image, *self.get_params(image, self.size))


class RandomHorizontalFlip(nn.Module):
    """The picture's mirror image with probability p."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, image: Any) -> Any:  # noqa: D102
        return hflip(image) if float(torch.rand(())) < self.p else image
