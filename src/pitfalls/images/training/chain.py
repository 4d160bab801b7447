"""What changes the training images, in order: one by one as bytes, then a whole batch with its labels."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pitfalls.errors import InputError
from pitfalls.generators import seed_generators
from pitfalls.images.training.augmentation import (
    AlternatingFlip,
    PerImage,
    RandomCrop,
    RandomHorizontalFlip,
    Transform,
    kept_generators,
)
from pitfalls.images.training.config import TrainConfig
from pitfalls.named import load_named, own_code

__all__ = ["Chain", "Change", "Mixer", "choose_chain"]

Mixer = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""A function (inputs (n, C, H, W), labels (n,)) -> both, on a whole normalised batch."""

Change = Transform | Callable[[Tensor], Tensor] | Mixer
"""What `train` takes as a transform."""


class Chain:
    """Changes of single images, and after them those of a whole batch.

    Parameters
    ----------
    changes : sequence
        Transforms, functions of one image of bytes, and functions of (images, labels), which are
        told by their two required parameters.

    Attributes
    ----------
    transforms : list of Transform
    mixers : list of callable
    """

    def __init__(self, changes: Sequence[Any]) -> None:
        self.transforms: list[Transform] = []
        self.mixers: list[Mixer] = []
        for change in changes:
            if isinstance(change, Transform):
                self.transforms.append(change)
            elif not callable(change):
                raise InputError(
                    "train: a transform must be a function of an image, or of images and labels. Got "
                    f"a {type(change).__name__} instead."
                )
            elif _takes_two(change):
                self.mixers.append(change)
            else:
                self.transforms.append(PerImage(change))

    @property
    def mixes(self) -> bool:
        """Whether a whole batch is looked at together."""
        return bool(self.mixers)

    def mix(self, inputs: Tensor, targets: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Apply the mixers under generators seeded for this step; they are put back afterwards.

        Raises
        ------
        InputError
            If one returns anything but as many images and labels, or shares of the classes.
        """
        n = len(targets)
        with kept_generators():
            seed_generators(seed)
            for mixer in self.mixers:
                mixed = mixer(inputs, targets)
                fits = isinstance(mixed, tuple | list) and len(mixed) == 2
                fits = fits and all(isinstance(part, Tensor) and len(part) == n for part in mixed)
                if not fits or mixed[0].ndim != 4 or mixed[1].ndim not in (1, 2):
                    raise InputError(
                        f"train: {getattr(mixer, '__name__', type(mixer).__name__)} must return {n} "
                        f"images (n, C, H, W) and labels (n,) or shares (n, n_classes)."
                    )
                inputs, targets = mixed
        return inputs, targets


def choose_chain(
    config: TrainConfig, size: tuple[int, ...] | None, changes: Sequence[Any] | None = None
) -> Chain:
    """Return the changes that a settled config names, for images (height, width, ...), or the given.

    Without a size, as for a data set that makes its own pictures, there is no crop and no flip.
    """
    if changes is not None:
        return Chain(changes)
    chosen: list[Any] = []
    for name in config.transforms:
        if name == "crop":
            if size is not None and config.crop_padding:
                chosen.append(
                    RandomCrop(
                        (size[0], size[1]), config.crop_padding, padding_mode=config.padding_mode
                    )
                )
        elif name == "flip":
            if size is not None and config.flip != "none":
                alternating = config.flip == "alternating"
                chosen.append(AlternatingFlip() if alternating else RandomHorizontalFlip())
        else:
            chosen.append(_named(name))
    return Chain(chosen)


def _named(name: str) -> Any:
    """Return the user's own change, of which a failure is told by its name."""
    own = load_named("transform", name)
    if isinstance(own, Transform) or not callable(own):
        return own

    def of_image(image: Tensor) -> Any:
        with own_code("transform", name):
            return own(image)

    def of_batch(inputs: Tensor, targets: Tensor) -> Any:
        with own_code("transform", name):
            return own(inputs, targets)

    return of_batch if _takes_two(own) else of_image


def _takes_two(change: Any) -> bool:
    if isinstance(change, torch.nn.Module):
        change = change.forward
    try:
        parameters = inspect.signature(change).parameters.values()
    except (TypeError, ValueError):
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is inspect.Parameter.empty for p in parameters) == 2
