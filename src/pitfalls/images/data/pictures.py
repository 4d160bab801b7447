"""One picture file: its header, looked at first, and its pixels."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from pitfalls.errors import DataError
from pitfalls.images.data.bounds import Bound
from pitfalls.images.data.files import foreign
from pitfalls.images.data.values import BYTES, ValueScale, infer_scale, measure, scale_one
from pitfalls.regular import open_regular

__all__ = ["PictureFile", "PictureHeader", "read_header", "read_picture"]

# Only these decoders are let loose on a file, whatever it is called: others start programs.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM")
GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F")
SEE_THROUGH = ("LA", "La", "PA", "RGBA", "RGBa")
EMPTY = 16  # upper bytes that all stay below: of 16 bits at most 12 are used
ORIENTATION = 0x0112  # the EXIF entry
LARGEST_EXIF = 1 << 20  # bytes
WIDTH, HEIGHT, PHOTOMETRIC = 256, 257, 262  # tags of a TIFF; 0 of the last: 0 is white
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Size = int | tuple[int, int] | None
Depth = Literal["bytes", "upper bytes", "numbers"]


@dataclass(frozen=True)
class PictureFile:
    """A picture that can be opened, and what messages call it."""

    where: str
    opener: Callable[[], BinaryIO]
    n_bytes: int

    @property
    def ending(self) -> str:
        """Its ending, in small letters; "no ending" where there is none."""
        return Path(self.where).suffix.lower() or "no ending"


@dataclass(frozen=True)
class PictureHeader:
    """What stands before the pixels.

    Parameters
    ----------
    height, width : int
        As it is looked at: turned as its EXIF entry says.
    channels : {1, 3}
    depth : {"bytes", "upper bytes", "numbers"}
        Eight bits; 16 bits a channel of colour, of which the decoder keeps the upper 8; or grey
        numbers of more bits, whose range is to be found out.
    moving : bool
        Whether it holds more than one frame.
    see_through : bool
        Whether it has a channel for transparency.
    """

    height: int
    width: int
    channels: int
    depth: Depth
    moving: bool
    see_through: bool


def read_picture(
    path: str | Path,
    size: Size = None,
    channels: int | None = None,
    bound: Bound = Bound(),  # noqa: B008 (frozen)
    *,
    scale: ValueScale | None = None,
    value_range: tuple[float, float] | None = None,
) -> npt.NDArray[np.uint8]:
    """Read one picture file.

    Parameters
    ----------
    path : path
        A PNG, JPEG, WebP, BMP, TIFF, GIF (its first frame) or PNM file.
    size : int or (height, width), optional
        Resize to this; the middle is cut out where the proportions differ.
    channels : 1 or 3, optional
        Make it grey or coloured; None keeps a grey picture grey.
    bound : Bound
        How much memory it may take; its header is compared with it before it is decoded.
    scale : ValueScale, optional
        By which the images were read that a network was trained on (``data.reading.scale``): the
        picture must lie on the same. Without it numbers of more than 8 bits are scaled by this
        picture's own range, which for a dark one is not that of others.
    value_range : (float, float), optional
        The stored numbers of more than 8 bits that are black and white; overrules ``scale``.

    Returns
    -------
    ndarray of shape (C, H, W), uint8

    Raises
    ------
    DataError
        If the file is missing, damaged, too large or no picture, or not on the scale.
    """
    path = Path(path)
    try:
        n_bytes = path.stat().st_size
        open_regular(path).close()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; expected a picture.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} is damaged or cannot be read ({reason}).") from None
    file = PictureFile(str(path), lambda: path.open("rb"), n_bytes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the decoder's, on damage that it bears
        header = read_header(file, bound)
        if header.depth == "numbers":
            scale = _own_scale(file, scale, value_range)
        wanted = channels or header.channels
        pixels = read_pixels(file, size, wanted, scale).pixels
    if header.depth == "upper bytes" and pixels.max() < EMPTY:
        raise DataError(
            f"{path} has 16 bits a channel of colour but holds at most 12 of them, and the decoder "
            "keeps the upper 8; save it with 8 bits a channel."
        )
    return pixels


def _own_scale(
    file: PictureFile, scale: ValueScale | None, value_range: tuple[float, float] | None
) -> ValueScale:
    """Return the scale of one picture's numbers of more than 8 bits."""
    values = read_numbers(file)
    if scale is None:
        return infer_scale([("it", measure(values, file.where))], file.where, value_range)
    return scale_one(values, file.where, value_range, scale)


def read_header(file: PictureFile, bound: Bound) -> PictureHeader:
    """Look at a picture's header; refuse one whose pixels would take too much memory."""
    with _opened(file) as picture, foreign(file.where, "a picture that can be read"):
        width, height = _stored_size(picture)
        # what is decoded, and what a turned and a resized copy of it take for a moment
        bound.check(3 * width * height, f"{file.where} ({width}×{height} pixels)", file.n_bytes)
        mode, raw_mode = picture.mode, _raw_mode(picture)
        turned = _orientation(picture) >= 5
        see_through = mode in SEE_THROUGH or "transparency" in picture.info
        moving = _is_moving(picture)
    depth: Depth = "bytes"
    if mode.startswith("I") or mode == "F":
        depth = "numbers"
    elif ";16" in raw_mode:
        depth = "upper bytes"
    return PictureHeader(
        height=width if turned else height,
        width=height if turned else width,
        channels=1 if mode in GREY_MODES or raw_mode.startswith("LA;") else 3,
        depth=depth,
        moving=moving,
        see_through=see_through,
    )


def _raw_mode(picture: Image.Image) -> str:
    """How the file stores a pixel, as Pillow calls it: "RGB;16B"."""
    if picture.format not in ("PNG", "TIFF"):  # a bitmap's "BGR;16" are 16 bits a pixel
        return ""
    tiles = getattr(picture, "tile", ())
    arguments = tiles[0][3] if tiles else ""
    return str(arguments if isinstance(arguments, str) else arguments[0])


def _stored_size(picture: Image.Image) -> tuple[int, int]:
    """Return width and height as they are stored: of a TIFF Pillow may say them turned already."""
    tags = getattr(picture, "tag_v2", None)
    return picture.size if tags is None else (tags[WIDTH], tags[HEIGHT])


def _orientation(picture: Image.Image) -> int:
    """Return EXIF's orientation, before decoding; damaged metadata leave the picture as it is stored."""
    try:
        exif = picture.getexif() if picture.format != "PNG" else _exif_of_png(picture)
        told = exif.get(ORIENTATION, 1)
    except Exception:  # whatever Pillow raises on damage
        return 1
    return told if isinstance(told, int) and told in UPRIGHT else 1


def _exif_of_png(picture: Image.Image) -> Image.Exif:
    """Return the entry of a PNG, also one behind its pixels: Pillow would decode them to find it."""
    exif, raw, stream = Image.Exif(), picture.info.get("exif"), getattr(picture, "fp", None)
    if raw is None and stream is not None:
        place = stream.tell()
        try:
            stream.seek(8)  # behind the signature: chunks of length, kind, content and checksum
            while len(head := stream.read(8)) == 8 and raw is None:
                size, after = int.from_bytes(head[:4], "big"), stream.tell()
                if head[4:] == b"eXIf":
                    raw = stream.read(min(size, LARGEST_EXIF))
                stream.seek(after + size + 4)
        finally:
            stream.seek(place)
    if raw is not None:
        exif.load(raw)
    return exif


def _is_moving(picture: Image.Image) -> bool:
    try:
        return bool(getattr(picture, "is_animated", False))
    except Exception:  # the second frame is damaged; the first is what is read
        return True


@dataclass(frozen=True)
class Pixels:
    """A decoded picture of shape (C, H, W), uint8, and whether some of it was transparent."""

    pixels: npt.NDArray[np.uint8]
    transparent: bool


def read_pixels(file: PictureFile, size: Size, channels: int, scale: ValueScale | None) -> Pixels:
    """Decode a picture: turned upright, its numbers scaled, made grey or coloured, resized."""
    with _opened(file) as opened, foreign(file.where, "a picture that can be read"):
        # a TIFF is turned by its decoder
        turn = None if opened.format == "TIFF" else UPRIGHT.get(_orientation(opened))
        opened.load()
        picture: Image.Image = opened
        narrow = not (picture.mode.startswith("I") or picture.mode == "F")
        if not narrow:
            values = np.asarray(picture)
            found = (scale or ValueScale(shift=0)).apply(values)
            # a TIFF may count from white; of 8 bits its decoder turns them round
            white_is_zero = getattr(opened, "tag_v2", {}).get(PHOTOMETRIC) == 0
            picture = Image.fromarray(255 - found if white_is_zero else found)
        transparent = _is_transparent(picture)
        if turn is not None:
            picture = picture.transpose(turn)
        picture = picture.convert("L" if channels == 1 else "RGB")
        if narrow and scale is not None and scale.of_bytes and scale.ends != BYTES.ends:
            values = np.asarray(picture)
            picture = Image.fromarray(
                scale_one(values, file.where, scale.ends, scale).apply(values)
            )
        return Pixels(as_array(picture, size), transparent)


def read_numbers(file: PictureFile) -> npt.NDArray[Any]:
    """Decode a grey picture of more than 8 bits as the numbers that it holds."""
    with _opened(file) as picture, foreign(file.where, "a picture that can be read"):
        picture.load()
        return np.asarray(picture).copy()


def as_array(picture: Image.Image, size: Size) -> npt.NDArray[np.uint8]:
    """Return a picture of mode L or RGB as (C, H, W), resized if need be."""
    if size is not None:
        height, width = (size, size) if isinstance(size, int) else size
        if (picture.height, picture.width) != (height, width):
            picture = ImageOps.fit(picture, (width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture)
    return np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def _is_transparent(picture: Image.Image) -> bool:
    if picture.mode not in SEE_THROUGH and "transparency" not in picture.info:
        return False
    return bool(np.asarray(picture.convert("RGBA").getchannel("A")).min() < 255)


@contextmanager
def _opened(file: PictureFile) -> Iterator[Image.Image]:
    """Open a picture with the permitted decoders."""
    with file.opener() as stream:
        with foreign(file.where, "a picture that can be read"):
            try:
                picture = Image.open(stream, formats=FORMATS)
            except UnidentifiedImageError:  # whose words are of the stream, not of the picture
                raise ValueError("its bytes are of no form of picture that is read") from None
        yield picture


def file_of_bytes(where: str, raw: bytes) -> PictureFile:
    """Return a picture that is in memory already."""
    return PictureFile(where, lambda: BytesIO(raw), len(raw))
