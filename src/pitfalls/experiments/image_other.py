"""What a trained network is evaluated on: its own data, wherever they lie now, or other data."""

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pitfalls.display import Displayed
from pitfalls.errors import InputError, PitfallsError, RunError
from pitfalls.experiments.image_source import (
    EvaluatedPart,
    ImageSource,
    PartSize,
    Pictures,
    describe_pictures,
    find_images,
    load_images,
)
from pitfalls.experiments.image_trained import KeptNetwork
from pitfalls.images.data import BYTES, DataConfig, Part, ValueScale, count_duplicates
from pitfalls.runs import Run

__all__ = ["Examined", "examine", "find_elsewhere"]


@dataclass(frozen=True, eq=False, repr=False)
class Examined(Displayed):
    """Labelled images for a trained network.

    Attributes
    ----------
    pictures : Pictures
        With the network's own classes.
    is_other : bool
        Whether they are other data than those that it was trained on.
    images : array of shape (n, C, H, W), uint8
    labels : array of shape (n,), int
        The network's own numbers of their classes.
    indices : array of shape (n,), int
        Where each stood in its source.
    """

    pictures: Pictures
    is_other: bool
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]


def find_elsewhere(kept: KeptNetwork, data: str) -> ImageSource:
    """Look data up for a trained network: its own, moved, or others in its own size and colours.

    Parameters
    ----------
    kept : KeptNetwork
    data : str
        As ``--data`` takes it.

    Raises
    ------
    DataError, InputError
        If there are no such data.
    """
    own = kept.source.config
    try:
        moved = find_images(replace(own, data=data))
    except PitfallsError:  # others, in which its subset or its labels do not exist
        moved = None
    if moved is not None and moved.fingerprint == kept.source.fingerprint:
        return moved
    channels, height, width = kept.shape
    other = DataConfig(
        data,
        size=height if height == width else None,
        channels=1 if channels == 1 else 3,
        value_range=own.value_range,
        skip_damaged=own.skip_damaged,
        memory_limit=own.memory_limit,
        seed=own.seed,
    )
    if own.labels is not None:  # the same column or kind of labels, where the others have a choice
        with suppress(PitfallsError):
            return _on_scale(kept, replace(other, labels=own.labels))
    return _on_scale(kept, other)


def _on_scale(kept: KeptNetwork, other: DataConfig) -> ImageSource:
    """Look other data up; whole numbers are read by the network's scale where they are darker."""
    found = find_images(other)
    scale, own_shift = found.load().reading.scale, kept.scale.shift
    if scale.of_bytes or scale.shift is None or own_shift is None or scale.shift >= own_shift:
        return found
    # whole numbers that happen to be darker: fewer bits would make them brighter than the network's
    return find_images(replace(other, value_range=kept.scale.ends))


def examine(
    kept: KeptNetwork, source: ImageSource, part: EvaluatedPart, run: Run | None = None
) -> Examined:
    """Read a part of data as the network takes them; what the reader warns of goes into the run.

    Raises
    ------
    InputError
        If the part is empty, has images of another shape or classes that the network does not know,
        or holds what the network was trained on.
    """
    data = load_images(source, run)
    other = data.fingerprint != kept.source.fingerprint
    if part == "all" and not other:
        raise InputError(
            "evaluate: all images of the data that it was trained on are mostly those that it was "
            "fitted to. Choose part test or validation."
        )
    if not other and (data.class_names, data.shape) != (kept.class_names, kept.shape):
        raise RunError(
            "evaluate: the run names other classes than its pictures have. Train it anew."
        )
    if data.shape != kept.shape:
        raise InputError(
            f"evaluate: {data.name} has images of shape {data.shape}, the network takes {kept.shape}. "
            "Give data of that shape."
        )
    parts: tuple[Part, ...] = ("train", "validation", "test") if part == "all" else (part,)
    labels = np.concatenate([data.labels(one) for one in parts])
    if len(labels) == 0:
        raise InputError(f"evaluate: the data have no {part} set. Choose the other part.")
    pictures = describe_pictures(data)
    if other:
        labels = _renumbered(labels, data.class_names, kept.class_names)
        commonest = int(np.bincount(labels).max())
        size = PartSize("test" if part == "all" else part, len(labels), commonest)
        pictures = replace(pictures, class_names=kept.class_names, parts=(size,))
    several = [data.images(one) for one in parts]
    images = several[0] if len(several) == 1 else np.concatenate(several)
    if other and run is not None and (words := _trained_on(kept, images)):
        run.warn(words)
    if other and run is not None and (words := _other_scale(kept, data.reading.scale)):
        run.warn(words)
    return Examined(
        pictures,
        other,
        images,
        labels,
        np.concatenate([data.indices(one) for one in parts]),
    )


def _other_scale(kept: KeptNetwork, scale: ValueScale) -> str:
    """Say on which scale other data were read, if not on the network's; empty if on the same."""
    plain = any(one.of_bytes and one.ends == BYTES.ends for one in (scale, kept.scale))
    if plain or scale.ends == kept.scale.ends:
        return ""  # of a range that was inferred beside plain bytes the reader warns
    (black, white), (own_black, own_white) = scale.ends, kept.scale.ends
    return (
        f"evaluate: of these images {black:.6g} was taken as black and {white:.6g} as white, of those "
        f"that the network was trained on {own_black:.6g} and {own_white:.6g}; where that is not so, "
        "its answers say nothing."
    )


def _trained_on(kept: KeptNetwork, images: NDArray[np.uint8]) -> str:
    """Say how many of other data's images the network was trained on; empty if none was found."""
    try:
        own = kept.source.load()
    except PitfallsError:
        return (
            "evaluate: the images that the network was trained on are not where they were, so nobody "
            "has looked whether these are among them."
        )
    found = count_duplicates(own.train_images, images)
    n = found.exact + (found.near or 0)
    if not n:
        return ""
    return (
        f"evaluate: the network was trained on {'at least ' if found.near else ''}{n:,} of these "
        f"{found.n_test:,} images ({found.exact:,} exact copies, {found.near or 0:,} "
        "near-duplicates); on them it looks better than it is."
    )


def _renumbered(
    labels: NDArray[np.int64], have: tuple[str, ...], want: tuple[str, ...]
) -> NDArray[np.int64]:
    """Return the numbers that classes of the same names have elsewhere."""
    unknown = [have[i] for i in np.unique(labels) if have[i] not in want]
    if unknown:
        raise InputError(
            f"evaluate: the data have classes that the network does not know: "
            f"{', '.join(unknown[:5])}. It knows {', '.join(want[:10])}; give them the same names."
        )
    number = [want.index(name) if name in want else -1 for name in have]
    return np.array(number, dtype=np.int64)[labels]
