"""Many pictures into one array: all headers first, then the pixels, within a bound of memory."""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from pitfalls.errors import DataError
from pitfalls.images.data.bounds import Bound
from pitfalls.images.data.config import DataConfig
from pitfalls.images.data.content import Content, LabelledImages
from pitfalls.images.data.pictures import (
    EMPTY,
    PictureFile,
    PictureHeader,
    as_array,
    read_header,
    read_numbers,
    read_pixels,
)
from pitfalls.images.data.reading import Reading
from pitfalls.images.data.values import BYTES, Extent, ValueScale, infer_scale, measure

__all__ = ["Gathered", "convert", "gather"]

AT_ONCE = 512 * 2**20  # bytes of pictures that are being decoded at the same time
COPIES = 4  # a picture, turned, made RGB, resized

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Gathered:
    """Pictures as one array.

    Parameters
    ----------
    images : ndarray of shape (n, C, H, W), uint8
        In the order of the files, without those that were left out.
    kept : ndarray of bool, of shape (n_files,)
        Which files these are.
    reading : Reading
        Counts by ending, damaged files, and what was inferred of the values.
    """

    images: npt.NDArray[np.uint8]
    kept: npt.NDArray[np.bool_]
    reading: Reading

    def part(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        """Return the images of chosen ones of the kept files: a view where they stand together."""
        at = np.flatnonzero(chosen)
        if len(at) and at[-1] - at[0] + 1 == len(at):
            return self.images[at[0] : at[-1] + 1]
        return self.images[at]


@dataclass(frozen=True)
class _Plan:
    """What is known once all headers have been read."""

    at: tuple[int, ...]  # the files that have a header
    headers: tuple[PictureHeader, ...]
    damaged: tuple[str, ...]
    channels: int
    size: tuple[int, int]
    scale: ValueScale | None
    workers: int


def gather(files: Sequence[PictureFile], config: DataConfig, root: str, form: str) -> Gathered:
    """Read pictures into one array; one coloured picture makes all of them coloured.

    Parameters
    ----------
    files : sequence of PictureFile
    config : DataConfig
        ``size``, ``channels``, ``value_range``, ``skip_damaged`` and ``memory_limit`` count.
    root, form : str
        What messages call the source, and its form.

    Raises
    ------
    DataError
        On a damaged picture (unless it may be skipped), sizes that differ (unless ``size`` is
        given), or more memory than allowed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the decoder's, on damage that it bears
        plan = _look(files, config, root)
        return _decode(files, plan, config, root, form)


def _look(files: Sequence[PictureFile], config: DataConfig, root: str) -> _Plan:
    """Read all headers and decide on shape and scale, before any pixel is decoded."""
    bound = Bound.of(config.memory_limit)
    workers = min(os.cpu_count() or 1, 8)
    found = _each(files, lambda file: read_header(file, bound), workers)
    _refuse_damage(found, config, "at least ")
    at = tuple(i for i, header in enumerate(found) if isinstance(header, PictureHeader))
    headers = tuple(header for header in found if isinstance(header, PictureHeader))
    if not headers:
        raise DataError(f"{root}: none of its {len(files):,} pictures can be read.")
    size = _common_size([files[i].where for i in at], headers, config)
    channels = config.channels or max(header.channels for header in headers)
    bound.check(
        len(at) * channels * size[0] * size[1],
        f"{root}: {len(at):,} pictures of {channels}×{size[0]}×{size[1]}",
    )
    largest = max(header.height * header.width for header in headers)
    workers = int(min(workers, max(AT_ONCE // (3 * COPIES * largest), 1)))
    wide = [files[i] for i, header in zip(at, headers, strict=True) if header.depth == "numbers"]
    scale = _common_scale(wide, config, root, workers)
    damaged = tuple(files[i].where for i, h in enumerate(found) if isinstance(h, DataError))
    return _Plan(at, headers, damaged, channels, size, scale, workers)


def _common_size(
    names: Sequence[str], headers: Sequence[PictureHeader], config: DataConfig
) -> tuple[int, int]:
    if config.size is not None:
        return config.size, config.size
    first = (headers[0].height, headers[0].width)
    for name, header in zip(names, headers, strict=True):
        if (header.height, header.width) != first:
            raise DataError(
                f"{name} is {header.height}×{header.width} pixels but {Path(names[0]).name} is "
                f"{first[0]}×{first[1]}; give --size (size=...) to bring all to one size."
            )
    return first


def _common_scale(
    wide: Sequence[PictureFile], config: DataConfig, root: str, workers: int
) -> ValueScale | None:
    """Find the range of the pictures of more than 8 bits; all of them share one scale."""
    if not wide:
        return None
    outcomes = _each(wide, lambda file: measure(read_numbers(file), file.where), workers)
    extents = [extent for extent in outcomes if isinstance(extent, Extent)]
    if not extents:
        return None  # all damaged, as decoding them will say
    total = extents[0]
    for extent in extents[1:]:
        total |= extent
    what = f"{root}: {len(wide):,} grey pictures of more than 8 bits"
    return infer_scale([("they", total)], what, config.value_range)


def _decode(
    files: Sequence[PictureFile], plan: _Plan, config: DataConfig, root: str, form: str
) -> Gathered:
    images = np.empty((len(plan.at), plan.channels, *plan.size), dtype=np.uint8)

    def fill(row: int) -> bool:
        found = read_pixels(files[plan.at[row]], plan.size, plan.channels, plan.scale)
        images[row] = found.pixels
        return found.transparent

    outcomes = _each(range(len(images)), fill, plan.workers)
    _refuse_damage(outcomes, config, "")
    good = [row for row, outcome in enumerate(outcomes) if not isinstance(outcome, DataError)]
    bad = [row for row, outcome in enumerate(outcomes) if isinstance(outcome, DataError)]
    if not good:
        raise DataError(f"{root}: none of its {len(files):,} pictures can be read.")
    kept = np.zeros(len(files), dtype=bool)
    kept[[plan.at[row] for row in good]] = True
    headers = [plan.headers[row] for row in good]
    narrow = [int(images[row].max()) for row in good if plan.headers[row].depth == "upper bytes"]
    if narrow and max(narrow) < EMPTY:
        raise DataError(
            f"{root}: {len(narrow):,} colour pictures of 16 bits a channel hold at most 12 of "
            "them, and the decoder keeps the upper 8; save them with 8 bits a channel."
        )
    notes = {
        "moving pictures, of which the first frame was read": sum(h.moving for h in headers),
        "pictures that are transparent in places, of which the colours beneath were taken": sum(
            outcomes[row] is True for row in good
        ),
        "pictures of 16 bits a channel of colour, of which the upper 8 were kept": len(narrow),
    }
    reading = Reading(
        form=form,
        files=tuple(Counter(files[plan.at[row]].ending for row in good).most_common()),
        damaged=(*plan.damaged, *(files[plan.at[row]].where for row in bad)),
        values=(plan.scale.words,) if plan.scale is not None and plan.scale.words else (),
        notes=tuple(f"{root}: {n:,} {what}." for what, n in notes.items() if n),
        scale=plan.scale or BYTES,
    )
    return Gathered(images if not bad else images[good], kept, reading)


def _each(items: Iterable[S], work: Callable[[S], T], workers: int) -> list[T | DataError]:
    """Do the work on every item; a DataError takes the place of its result."""

    def attempt(item: S) -> T | DataError:
        try:
            return work(item)
        except DataError as error:
            return error

    with ThreadPoolExecutor(workers) as pool:  # Pillow decodes without holding the interpreter
        return list(pool.map(attempt, items))


def _refuse_damage(outcomes: Sequence[object], config: DataConfig, least: str) -> None:
    """Raise on the first damaged picture, unless damaged ones may be skipped."""
    errors = [outcome for outcome in outcomes if isinstance(outcome, DataError)]
    if not errors or config.skip_damaged:
        return
    first = str(errors[0]).rstrip(".")
    raise DataError(
        f"{first}; {least}{len(errors):,} of {len(outcomes):,} pictures cannot be read: mend them, or "
        "leave them out by skip_damaged (--skip-damaged)."
    )


def convert(content: Content, config: DataConfig) -> Content:
    """Return the content with its images resized, and made grey or coloured, as asked."""
    have = content.train.images.shape[1:]
    want = (config.channels or have[0], config.size or have[1], config.size or have[2])
    if want == have:
        return content

    def part(given: LabelledImages | None) -> LabelledImages | None:
        if given is None:
            return None
        n_bytes = len(given) * want[0] * want[1] * want[2]
        Bound.of(config.memory_limit).check(n_bytes, f"{content.source}: {len(given):,} images")
        images = np.empty((len(given), *want), dtype=np.uint8)
        for target, image in zip(images, given.images, strict=True):
            pixels = image[0] if len(image) == 1 else image.transpose(1, 2, 0)
            picture = Image.fromarray(pixels).convert("L" if want[0] == 1 else "RGB")
            target[:] = as_array(picture, want[1:])
        return LabelledImages(images, given.labels)

    train = part(content.train)
    assert train is not None
    return replace(
        content,
        train=train,
        test=part(content.test),
        validation=part(content.validation),
        statistics=content.statistics if want[0] == have[0] else None,
    )
