"""Pictures as files: class folders of PNG and JPEG, and single pictures of a user's own."""

import os
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from pitfalls.errors import DataError
from pitfalls.images.data.content import Content, LabelledImages

__all__ = ["PICTURE_ENDINGS", "convert", "read_picture", "read_tree"]

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg")
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "F")
TEST_FOLDERS = ("test", "val", "valid", "validation")


def read_picture(
    path: str | Path, size: int | tuple[int, int] | None = None, channels: int | None = None
) -> npt.NDArray[np.uint8]:
    """Read one picture file.

    Parameters
    ----------
    path : path
        A PNG or JPEG file (or any other that Pillow reads).
    size : int or (height, width), optional
        Resize to this; the middle is cut out where the proportions differ.
    channels : 1 or 3, optional
        Make it grey or coloured; None keeps a grey picture grey.

    Returns
    -------
    ndarray of shape (C, H, W), uint8

    Raises
    ------
    DataError
        If the file is missing, damaged or no picture.
    """
    try:
        with Image.open(path) as picture:
            picture.load()
            return _as_array(ImageOps.exif_transpose(picture), size, channels)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; expected a picture.") from None
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError,
            TypeError, IndexError, EOFError, OverflowError, struct.error) as error:  # fmt: skip
        # the last line is what Pillow raises on damaged metadata
        raise DataError(f"{path} is not a picture that can be read ({_short(error)}).") from None
    except OSError as error:
        raise DataError(f"{path} is damaged or cannot be read ({_short(error)}).") from None


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__


def _as_array(
    picture: Image.Image, size: int | tuple[int, int] | None, channels: int | None
) -> npt.NDArray[np.uint8]:
    if picture.mode.startswith("I"):  # 16 bits a pixel: keep the upper eight
        wide = np.asarray(picture).astype(np.int64)
        picture = Image.fromarray((np.clip(wide, 0, 65535) >> 8).astype(np.uint8))
    grey = channels == 1 or (channels is None and picture.mode in GREY_MODES)
    picture = picture.convert("L" if grey else "RGB")
    if size is not None:
        height, width = (size, size) if isinstance(size, int) else size
        if (picture.height, picture.width) != (height, width):
            picture = ImageOps.fit(picture, (width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture)
    return np.ascontiguousarray(pixels[None] if grey else pixels.transpose(2, 0, 1))


def convert(content: Content, size: int | None, channels: int | None) -> Content:
    """Return the content with its images resized, and made grey or coloured."""
    have = content.train.images.shape[1:]
    want = (channels or have[0], size or have[1], size or have[2])
    if want == have:
        return content

    def part(given: LabelledImages) -> LabelledImages:
        images = np.empty((len(given), *want), dtype=np.uint8)
        for target, image in zip(images, given.images, strict=True):
            pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
            target[:] = _as_array(Image.fromarray(pixels), want[1:], want[0])
        return LabelledImages(images, given.labels)

    return replace(
        content,
        train=part(content.train),
        test=None if content.test is None else part(content.test),
        validation=None if content.validation is None else part(content.validation),
        statistics=content.statistics if want[0] == have[0] else None,
    )


def read_tree(root: Path, size: int | None, channels: int | None) -> Content:
    """Read a tree of class folders.

    Either ``root/train/<class>/*.png`` with ``root/test/<class>`` (or ``val``), or
    ``root/<class>/*.png``, which is left to be split. Classes are the folders' names, sorted.

    Raises
    ------
    DataError
        On a picture that cannot be read, an empty class folder, sizes that differ (unless
        ``size`` is given), or classes that differ between the parts.
    """
    train_folder = root / "train"
    if not train_folder.is_dir():
        classes = _classes(root)
        files, labels = _list(root, classes)
        train = LabelledImages(_read_all(files, size, channels), labels)
        return Content(root.name, str(root), classes, train)
    held = [root / name for name in TEST_FOLDERS if (root / name).is_dir()]
    if not held:
        raise DataError(f"{root} has a folder 'train' but no 'test' or 'val' beside it.")
    classes = _classes(train_folder)
    listed = [_list(train_folder, classes)]
    for folder in held[:2]:
        strangers = sorted(set(_classes(folder)) - set(classes))
        if strangers:
            raise DataError(
                f"{folder / strangers[0]} is a class that {train_folder} does not have."
            )
        listed.append(_list(folder, classes))
    images = _read_all([file for files, _ in listed for file in files], size, channels)
    ends = np.cumsum([len(labels) for _, labels in listed])
    parts = [
        LabelledImages(part, labels)
        for part, (_, labels) in zip(np.split(images, ends[:-1]), listed, strict=True)
    ]
    missing = [name for name in classes if not (held[0] / name).is_dir()]
    warnings = (f"{held[0]} has no folder for {', '.join(missing)}.",) if missing else ()
    return Content(
        name=root.name,
        source=str(root),
        class_names=classes,
        train=parts[0],
        test=parts[1],
        validation=parts[2] if len(parts) > 2 else None,
        warnings=warnings,
    )


def _classes(folder: Path) -> tuple[str, ...]:
    names = sorted(e.name for e in folder.iterdir() if e.is_dir() and not e.name.startswith("."))
    if not names:
        raise DataError(f"{folder} has no class folders; expected one folder of pictures a class.")
    return tuple(names)


def _list(folder: Path, classes: Sequence[str]) -> tuple[list[Path], npt.NDArray[np.int64]]:
    """List the pictures of each class, sorted by name, so that the order is the same anywhere."""
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        if not (folder / name).is_dir():
            continue
        try:
            os.listdir(folder / name)  # to rglob a folder that may not be read is an empty one
        except OSError as error:
            raise DataError(f"{folder / name} cannot be read: {error.strerror or error}.") from None
        found = sorted(
            entry
            for entry in (folder / name).rglob("*")
            if entry.suffix.lower() in PICTURE_ENDINGS and entry.is_file() and entry.name[0] != "."
        )
        if not found:
            raise DataError(f"{folder / name} holds no PNG or JPEG picture; remove it or fill it.")
        files += found
        labels += [label] * len(found)
    return files, np.asarray(labels, dtype=np.int64)


def _read_all(
    files: Sequence[Path], size: int | None, channels: int | None
) -> npt.NDArray[np.uint8]:
    """Read all pictures; one coloured picture makes all of them coloured."""
    with ThreadPoolExecutor() as pool:  # Pillow decodes without holding the interpreter
        images = list(pool.map(lambda file: read_picture(file, size, channels), files))
    if len({len(image) for image in images}) > 1:
        images = [np.repeat(im, 3, axis=0) if len(im) == 1 else im for im in images]
    first = images[0].shape[1:]
    for file, image in zip(files, images, strict=True):
        if image.shape[1:] != first:
            raise DataError(
                f"{file} is {image.shape[1]}×{image.shape[2]} pixels but {files[0].name} is "
                f"{first[0]}×{first[1]}; give --size (size=...) to bring all to one size."
            )
    return np.stack(images)
