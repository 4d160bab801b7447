"""Random crops and flips of whole batches, with torchvision's names, arguments and distribution.

A transform splits into ``draw`` (the random numbers, one row an image) and ``apply`` (the same
answer for the same numbers). The trainer draws for the whole batch from a generator seeded by
(seed, epoch, step), then applies each process' rows to its own images: the pictures a network sees
do not depend on the number of processes, and a resumed run sees the ones it would have seen.
"""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pitfalls.errors import InputError

__all__ = [
    "AlternatingFlip",
    "Draw",
    "PerImage",
    "RandomCrop",
    "RandomHorizontalFlip",
    "Transform",
    "augment",
    "derived_seed",
]


def derived_seed(*key: int | str) -> int:
    """Hash a key to a seed, so that neighbouring keys give unrelated streams.

    Examples
    --------
    >>> derived_seed(0, "order", 1) == derived_seed(0, "order", 1) != derived_seed(0, "order", 2)
    True
    """
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@dataclass(frozen=True)
class Draw:
    """Where in a run a batch stands: all that its randomness may depend on.

    Attributes
    ----------
    seed, epoch, step : int
        The run's seed, the epoch, and the step counted from the start of the run.
    indices : Tensor of shape (n,)
        Which images of the training set the whole batch holds.
    """

    seed: int
    epoch: int
    step: int
    indices: Tensor

    def generator(self, who: str) -> torch.Generator:
        """Make a fresh generator for one transform at this step."""
        key = derived_seed(self.seed, who, self.epoch, self.step)
        return torch.Generator().manual_seed(key)


class Transform:
    """A random change of images, on a whole batch at once.

    Called without a draw it uses PyTorch's global generator, as torchvision's transforms do.
    """

    def draw(self, n: int, size: tuple[int, int], generator: torch.Generator | None) -> Tensor:
        """Draw the random numbers for n images of (height, width): shape (n, ...)."""
        raise NotImplementedError

    def draw_at(self, at: Draw, size: tuple[int, int], position: int) -> Tensor:
        """Draw the numbers of one step of a run; ``position`` is the place in the pipeline."""
        return self.draw(len(at.indices), size, at.generator(f"{type(self).__name__} {position}"))

    def apply(self, images: Tensor, numbers: Tensor) -> Tensor:
        """Change the images (n, C, H, W) as the numbers say."""
        raise NotImplementedError

    def __call__(self, images: Tensor) -> Tensor:
        """Change a batch (n, C, H, W) or one image (C, H, W)."""
        batch = images if images.ndim == 4 else images[None]
        numbers = self.draw(len(batch), (batch.shape[2], batch.shape[3]), None)
        changed = self.apply(batch, numbers)
        return changed if images.ndim == 4 else changed[0]


class RandomCrop(Transform):
    """Pad each image and cut a square at a place drawn uniformly.

    Parameters
    ----------
    size : int or (int, int)
        Height and width of what is cut.
    padding : int, default=0
        Pixels added on every side first.
    padding_mode : {"constant", "reflect", "edge"}, default="constant"
        What the border shows: black, the image mirrored, or its outermost pixels.

    Examples
    --------
    >>> RandomCrop(32, padding=4)(torch.zeros(5, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([5, 3, 32, 32])
    """

    def __init__(
        self, size: int | tuple[int, int], padding: int = 0, padding_mode: str = "constant"
    ) -> None:
        self.size = (size, size) if isinstance(size, int) else (size[0], size[1])
        self.padding = padding
        self.padding_mode = padding_mode
        if min(self.size) < 1 or padding < 0:
            raise InputError(
                f"RandomCrop: size must be positive and padding not negative. Got size={size}, "
                f"padding={padding} instead."
            )
        if padding_mode not in ("constant", "reflect", "edge"):
            raise InputError(
                f"RandomCrop: padding_mode must be constant, reflect or edge. Got {padding_mode!r} "
                "instead."
            )

    def draw(self, n: int, size: tuple[int, int], generator: torch.Generator | None) -> Tensor:
        """Draw the top and left corner of each cut, uniform over all that fit: shape (n, 2)."""
        rooms = [have + 2 * self.padding - cut for have, cut in zip(size, self.size, strict=True)]
        if min(rooms) < 0:
            raise InputError(
                f"RandomCrop: the images are {size[0]}×{size[1]} and padded by {self.padding}, "
                f"smaller than the cut of {self.size[0]}×{self.size[1]}. Pad more or cut less."
            )
        return torch.stack(
            [torch.randint(room + 1, (n,), generator=generator) for room in rooms], dim=1
        )

    def apply(self, images: Tensor, numbers: Tensor) -> Tensor:
        """Cut the images (n, C, H, W) at the corners (n, 2)."""
        padded = self._padded(images)
        # All cuts as one view (n, C, rows, columns, h, w); picking one an image copies only that.
        cuts = padded.unfold(2, self.size[0], 1).unfold(3, self.size[1], 1)
        every = torch.arange(len(images), device=images.device)
        top, left = numbers.to(images.device).unbind(1)
        return cuts[every, :, top, left]

    def _padded(self, images: Tensor) -> Tensor:
        if self.padding == 0:
            return images
        width = (self.padding,) * 4
        if self.padding_mode == "constant":
            return functional.pad(images, width)
        mode = "reflect" if self.padding_mode == "reflect" else "replicate"
        if images.is_floating_point():
            return functional.pad(images, width, mode=mode)
        # Reflection knows no integers on some devices; float32 holds every byte exactly.
        return functional.pad(images.float(), width, mode=mode).to(images.dtype)


class RandomHorizontalFlip(Transform):
    """Mirror each image left to right with probability p.

    Parameters
    ----------
    p : float, default=0.5
        Probability of a flip.
    """

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise InputError(f"RandomHorizontalFlip: p must be in [0, 1]. Got {p} instead.")
        self.p = p

    def draw(self, n: int, size: tuple[int, int], generator: torch.Generator | None) -> Tensor:
        """Draw whether to flip each image: shape (n,)."""
        return torch.rand(n, generator=generator) < self.p

    def apply(self, images: Tensor, numbers: Tensor) -> Tensor:
        """Flip those of the images (n, C, H, W) that are marked."""
        return torch.where(numbers.to(images.device)[:, None, None, None], images.flip(3), images)


class AlternatingFlip(RandomHorizontalFlip):
    """Mirror a random half of the images in one epoch and the other half in the next.

    Two epochs then show every image both ways, which chance does for only half of them.

    References
    ----------
    Jordan. 94% on CIFAR-10 in 3.29 seconds on a single GPU. 2024.
    """

    def draw_at(self, at: Draw, size: tuple[int, int], position: int) -> Tensor:
        """Choose whether to flip each image of this step: shape (n,)."""
        # A hash of the image's index (Weyl step, then SplitMix64's first mixing round): the same
        # coin for one image in every epoch, without a table as long as the data.
        key = derived_seed(at.seed, "alternating flip")
        mixed = (at.indices.cpu() + key) * -7046029254386353131
        mixed = (mixed ^ ((mixed >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
        uniform = ((mixed >> 11) & (2**53 - 1)).double() / 2**53
        return (uniform < self.p) ^ bool(at.epoch % 2)


class PerImage(Transform):
    """Let any callable on one image (C, H, W), a torchvision transform say, work on batches.

    Each call runs under PyTorch's and Python's global generators seeded for this image at this
    step; both are put back afterwards.

    Parameters
    ----------
    function : callable
        Takes and returns one uint8 image of shape (C, H, W).
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self.function = function

    def draw(self, n: int, size: tuple[int, int], generator: torch.Generator | None) -> Tensor:
        """Draw one seed an image: shape (n,)."""
        return torch.randint(2**62, (n,), generator=generator)

    def apply(self, images: Tensor, numbers: Tensor) -> Tensor:
        """Call the function on each of the images (n, C, H, W)."""
        changed = []
        with _kept_generators():
            for image, seed in zip(images, numbers.tolist(), strict=True):
                torch.manual_seed(seed)
                random.seed(seed)
                changed.append(self.function(image))
        return torch.stack(changed)


def augment(
    images: Tensor, transforms: Sequence[Transform], at: Draw, share: slice = slice(None)
) -> Tensor:
    """Apply transforms to one process' share of a batch.

    Parameters
    ----------
    images : Tensor of shape (n_share, C, H, W)
        The share's images.
    transforms : sequence of Transform
        Applied in order.
    at : Draw
        The step; its ``indices`` are those of the whole batch.
    share : slice, default=all
        Which rows of the whole batch ``images`` are.
    """
    for position, transform in enumerate(transforms):
        numbers = transform.draw_at(at, (images.shape[2], images.shape[3]), position)
        images = transform.apply(images, numbers[share])
    return images


@contextmanager
def _kept_generators() -> Iterator[None]:
    pythons = random.getstate()
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            random.setstate(pythons)
