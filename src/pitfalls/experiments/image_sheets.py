"""Thumbnails of a run's images, and arrays on their way into the page."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitfalls.display import Displayed

__all__ = ["Sheet", "make_sheet", "pack"]


@dataclass(frozen=True, repr=False)
class Sheet(Displayed):
    """Thumbnails in one picture: square tiles in rows.

    Attributes
    ----------
    webp : array of uint8
        The bytes of the picture.
    size : int
        The edge of a tile in pixels.
    columns : int
        Tiles in a row; tile i stands in row i // columns, column i % columns.
    count : int
        Tiles.
    """

    webp: NDArray[np.uint8]
    size: int
    columns: int
    count: int

    def to_json(self) -> dict[str, Any]:
        """Return what the page's script reads."""
        return {"webp": pack(self.webp, "u1"), "size": self.size, "columns": self.columns}


def make_sheet(images: NDArray[np.uint8]) -> Sheet:
    """Put images of shape (n, C, H, W) on one sheet."""
    from pitfalls.images.data import make_sprite_sheet

    made = make_sprite_sheet(images)
    return Sheet(np.frombuffer(made.webp, dtype=np.uint8), made.size, made.columns, made.count)


def pack(array: np.ndarray, dtype: str) -> str:
    """Return the little-endian bytes of an array as base64 text."""
    data = np.asarray(array, dtype=np.dtype(dtype).newbyteorder("<")).tobytes()
    return base64.b64encode(data).decode()
