"""What is asked, and what was found."""

from dataclasses import dataclass, field
from typing import Annotated

from pitfalls.experiments.image_source import ImageSource, ask_for_images
from pitfalls.frame import HIDDEN, Located, Result
from pitfalls.images.data import DataConfig
from pitfalls.runs import NOT_IDENTITY

__all__ = ["DiagramConfig", "DiagramResult", "ImageShape", "find_shape"]


@dataclass(frozen=True)
class ImageShape:
    """What a network must know of pictures; those of CIFAR-10 unless others are asked for.

    Attributes
    ----------
    shape : (int, int, int)
        Channels, height and width.
    n_classes : int
    source : ImageSource or None
        The pictures that have this shape, if any were asked for.
    """

    shape: tuple[int, int, int] = (3, 32, 32)
    n_classes: int = 10
    source: ImageSource | None = field(default=None, metadata=NOT_IDENTITY)


def find_shape(asked: DataConfig) -> ImageShape:
    """Look the pictures up, and take their shape."""
    source = ask_for_images(asked)
    data = source.load()
    return ImageShape(data.shape, data.n_classes, source)


@dataclass(frozen=True)
class DiagramConfig:
    """A network, for images of one shape.

    Parameters
    ----------
    model : str
        resnet18, fastnet, or your own as file.py:Name or package.module:Name, which is imported and
        runs as your own code does.
    images : ImageShape
        The pictures.
    digest : str
        What `named_networks.describe_model` says of the network.
    """

    model: str = "resnet18"
    images: Annotated[ImageShape, Located(DataConfig, find_shape)] = ImageShape()
    digest: Annotated[str, HIDDEN] = ""

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
    shape : (int, int, int)
        Of one image.
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
    shape: tuple[int, int, int]
    n_classes: int
    summary: str
    svg: str
    alt: str
