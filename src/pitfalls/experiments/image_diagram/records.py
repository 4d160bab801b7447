"""What is asked, and what was found."""

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Annotated

from pitfalls.errors import InputError
from pitfalls.experiments.image_source import ImageSource, ask_for_images
from pitfalls.frame import HIDDEN, Located, Result
from pitfalls.images.data import DataConfig
from pitfalls.runs import NOT_IDENTITY

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "DiagramConfig",
    "DiagramResult",
    "ImageShape",
    "ShapeOptions",
    "find_shape",
    "parse_input",
]

TYPES = ("float32", "float64", "bfloat16", "int64", "int32", "uint8", "bool")


IMAGE = (3, 32, 32)
"""Of the homework's network."""


@dataclass(frozen=True)
class ShapeOptions(DataConfig):
    """What a network is shown: pictures of a data set, or inputs of given shapes.

    Parameters
    ----------
    inputs : tuple of str
        Shapes of inputs instead of the data's pictures, without the axis that counts examples: 3x32x32 is
        what the homework's network takes, 12:int64 twelve tokens; several for several inputs.
    """

    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageShape:
    """What a network must know of its inputs; those of CIFAR-10 unless others are asked for.

    Attributes
    ----------
    shape : tuple of int
        Channels, height and width of an image.
    n_classes : int
    inputs : tuple of str
        If it is not shown images: shapes with types of all that it is called with.
    source : ImageSource or None
        The pictures that have this shape, if any were asked for.
    """

    shape: tuple[int, ...] = IMAGE
    n_classes: int = 10
    inputs: tuple[str, ...] = ()
    source: ImageSource | None = field(default=None, metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        for word in self.inputs:
            parse_input(word)

    @property
    def words(self) -> str:
        """The shape as texts write it, channels first."""
        return " and ".join(self.inputs).replace("x", "×") or "×".join(map(str, self.shape))

    def example(self) -> "tuple[Tensor, ...] | None":
        """Return a batch of one of each input; None if it is shown an image."""
        if not self.inputs:
            return None
        import torch

        parsed = [parse_input(word) for word in self.inputs]
        return tuple(torch.zeros(1, *shape, dtype=getattr(torch, name)) for shape, name in parsed)


def parse_input(word: str) -> tuple[tuple[int, ...], str]:
    """Return the shape and the type that a word such as 3x32x32 or 12:int64 names.

    Raises
    ------
    InputError
        If it names none.

    Examples
    --------
    >>> parse_input("3x32x32"), parse_input("12:int64")
    (((3, 32, 32), 'float32'), ((12,), 'int64'))
    """
    sizes, _, kind = word.partition(":")
    kind = kind or "float32"
    if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*)*", sizes) or kind not in TYPES:
        raise InputError(
            f"inputs must be shapes such as 3x32x32, or 12:int64 with a type of {', '.join(TYPES)}. Got "
            f"{word!r} instead."
        )
    return tuple(map(int, sizes.split("x"))), kind


def find_shape(asked: ShapeOptions) -> ImageShape:
    """Take the shape of the inputs asked for, or look the pictures up and take theirs."""
    words = asked.inputs
    data = {f.name: getattr(asked, f.name) for f in fields(DataConfig)}
    if not words:
        source = ask_for_images(DataConfig(**data))
        pictures = source.load()
        return ImageShape(pictures.shape, pictures.n_classes, source=source)
    usual = DataConfig()
    # a seed comes with every command
    given = [n for n, value in data.items() if n != "seed" and value != getattr(usual, n)]
    if given:
        option = given[0].replace("_", "-")
        raise InputError(f"inputs stand instead of data. Leave --inputs or --{option} out.")
    shape, kind = parse_input(words[0])
    if len(words) == 1 and len(shape) == 3 and kind == "float32":
        return ImageShape(shape)
    return ImageShape(shape, inputs=words)


@dataclass(frozen=True)
class DiagramConfig:
    """A network, for images of one shape.

    Parameters
    ----------
    model : str
        resnet18, fastnet, mlp, linear, vit, or your own as file.py:Name or package.module:Name, which
        is imported and runs as your own code does.
    images : ImageShape
        What it is called with.
    depth : int
        How many levels of modules the summary opens.
    digest : str
        What `named_networks.describe_model` says of the network.
    """

    model: str = "resnet18"
    images: Annotated[ImageShape, Located(ShapeOptions, find_shape)] = ImageShape()
    depth: int = 3
    digest: Annotated[str, HIDDEN] = ""

    def __post_init__(self) -> None:
        if self.depth < 0:
            raise InputError(f"DiagramConfig: depth must be at least 0. Got {self.depth} instead.")

    @property
    def run_name(self) -> str:
        """Name the run by its network."""
        return self.model.rpartition(":")[2]

    @property
    def source(self) -> ImageSource | None:
        """The pictures, whose warnings are said."""
        return self.images.source


@dataclass(frozen=True, repr=False)
class DiagramResult(Result):
    """A network's summary and diagram.

    Attributes
    ----------
    model, class_name : str
        As it was asked for, and the name of its class.
    n_parameters : int
    shape : str
        Of one image, or of all inputs.
    n_classes : int
    summary : str
        Its layers in lines.
    svg : str
        Its diagram.
    alt : str
        What a reader who cannot see that must know.
    """

    model: str
    class_name: str
    n_parameters: int
    shape: str
    n_classes: int
    summary: str
    svg: str
    alt: str
