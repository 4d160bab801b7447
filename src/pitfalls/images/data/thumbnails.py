"""Many small pictures on one sheet, for a plot whose points show their image."""

from dataclasses import dataclass
from io import BytesIO
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["SpriteSheet", "make_sprite_sheet"]

LARGEST_TILE = 32  # pixels
QUALITY = 80


@dataclass(frozen=True)
class SpriteSheet:
    """Tiles in rows, as one WebP picture.

    Parameters
    ----------
    webp : bytes
        The picture.
    size : int
        Pixels of a tile's edge.
    columns : int
        Tiles in a row; tile i stands in row i // columns, column i % columns.
    count : int
        Number of tiles.
    """

    webp: bytes
    size: int
    columns: int
    count: int


def make_sprite_sheet(images: npt.NDArray[np.uint8]) -> SpriteSheet:
    """Put images of shape (n, C, H, W) on one sheet, none larger than 32 pixels.

    Examples
    --------
    >>> sheet = make_sprite_sheet(np.zeros((10, 3, 8, 8), dtype=np.uint8))
    >>> sheet.size, sheet.columns, sheet.count
    (8, 4, 10)
    """
    count, channels, height, width = images.shape
    size = min(max(height, width), LARGEST_TILE)
    columns = max(ceil(sqrt(count)), 1)
    rows = max(ceil(count / columns), 1)
    sheet = np.zeros((rows, size, columns, size, 3), dtype=np.uint8)
    for i, image in enumerate(images):
        pixels = np.repeat(image, 3, axis=0) if channels == 1 else image
        tile = pixels.transpose(1, 2, 0)
        if (height, width) != (size, size):
            shrunk = Image.fromarray(tile).resize((size, size), Image.Resampling.BILINEAR)
            tile = np.asarray(shrunk)
        sheet[i // columns, :, i % columns] = tile
    stream = BytesIO()
    Image.fromarray(sheet.reshape(rows * size, columns * size, 3)).save(
        stream, "WEBP", quality=QUALITY, method=4
    )
    return SpriteSheet(stream.getvalue(), size, columns, count)
