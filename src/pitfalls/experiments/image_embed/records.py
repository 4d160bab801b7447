"""What is asked, and what was found."""

import math
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray

from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.experiments.image_shares import Share, paired_differ
from pitfalls.experiments.image_sheets import Sheet
from pitfalls.experiments.image_source import ImageSource, Pictures, ask_for_images
from pitfalls.frame import Located, Result
from pitfalls.images.data import DataConfig, Part

__all__ = ["PARTS", "Directions", "EmbedConfig", "EmbedResult", "NearestCentres", "Points"]

PARTS: Final[tuple[Part, ...]] = ("train", "validation", "test")


@dataclass(frozen=True)
class EmbedConfig:
    """PCA and CCA of the training images in two dimensions, applied to every part.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    ridge : float
        Added to the diagonal of S_xx for CCA.
    thumbnails : int
        How many images to keep for the report's interactive plot.
    """

    source: Annotated[ImageSource, Located(DataConfig, ask_for_images)]
    ridge: float = 0.0
    thumbnails: int = 10_000

    def __post_init__(self) -> None:
        if not 0 <= self.ridge < math.inf:
            raise InputError(
                f"EmbedConfig: ridge must be finite and not negative. Got {self.ridge} instead."
            )
        if self.thumbnails < 0:
            raise InputError(
                f"EmbedConfig: thumbnails must not be negative. Got {self.thumbnails}; 0 keeps none."
            )

    @property
    def run_name(self) -> str:
        """Name the run by its data."""
        return self.source.name


@dataclass(frozen=True, repr=False)
class Points(Displayed):
    """Every image of every part, in the order of the parts.

    Attributes
    ----------
    pca, cca : array of shape (n, 2)
    labels : array of shape (n,), int
    part : array of shape (n,), int
        Its place in `PARTS`.
    index : array of shape (n,), int
        Where the image stood in its source.
    tile : array of shape (n,), int
        Its tile of the sheet; -1 for none.
    """

    pca: NDArray[np.float32]
    cca: NDArray[np.float32]
    labels: NDArray[np.int32]
    part: NDArray[np.uint8]
    index: NDArray[np.int32]
    tile: NDArray[np.int32]


@dataclass(frozen=True, repr=False)
class Directions(Displayed):
    """The directions as pictures.

    Attributes
    ----------
    pca : array of shape (2, C, H, W)
    cca : array of shape (1 or 2, C, H, W)
        One where two classes leave CCA one direction.
    """

    pca: NDArray[np.float32]
    cca: NDArray[np.float32]


@dataclass(frozen=True)
class NearestCentres:
    """Images of a part that lie nearest to the centre of their own class, in the plane of each method.

    Attributes
    ----------
    part : {"train", "validation", "test"}
    pca, cca : Share
    only_pca, only_cca : int
        Images that lie so in the one plane alone.
    """

    part: Part
    pca: Share
    cca: Share
    only_pca: int
    only_cca: int

    @property
    def differ(self) -> bool:
        """Whether the planes differ on these images by more than chance."""
        return paired_differ(self.only_pca, self.only_cca)


@dataclass(frozen=True, repr=False)
class EmbedResult(Result):
    """Both embeddings.

    Attributes
    ----------
    pictures : Pictures
    ridge : float
    rank : int
        Directions of the pixels in which the training images vary, as CCA used them.
    whitening_error : float
        ‖A'SA - I‖ of CCA's directions A.
    variance : array
        Share of the variance along each of the first principal components.
    correlations : array
        The first canonical correlations.
    centres : tuple of NearestCentres
        One for every part that has images.
    points : Points
    directions : Directions
    sheet : Sheet or None
        Thumbnails of some of the images; None if none were asked for.
    """

    TABLE = "centres"

    pictures: Pictures
    ridge: float
    rank: int
    whitening_error: float
    variance: NDArray[np.float64]
    correlations: NDArray[np.float64]
    centres: tuple[NearestCentres, ...]
    points: Points
    directions: Directions
    sheet: Sheet | None

    @property
    def n_directions(self) -> int:
        """How many directions of CCA's plane are its own: one where it found no second."""
        return min(len(self.correlations), 2)

    @property
    def unseen(self) -> NearestCentres | None:
        """Of the test images; else of those held out; None if there are neither."""
        found = {centres.part: centres for centres in self.centres}
        return found.get("test", found.get("validation"))
