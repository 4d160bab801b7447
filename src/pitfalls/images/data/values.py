"""From stored numbers to 0..255: by their type and real range, said, or asked.

Eight bits a channel are what pictures have and what all that follows takes. A range that is not
plain from the numbers is asked for: guessed wrongly, it would turn pictures black without a word.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError

__all__ = ["BYTES", "Extent", "ValueScale", "infer_scale", "infer_scales", "measure", "scale_one"]

BITS = (8, 10, 12, 14, 16)
OVERSHOOT = 1e-3  # of a range's width: what resizing and rounding leave outside
DIMMEST = 0.1  # of a range's width: values that stay below it fit another range as well
LARGEST = 1e12  # far beyond any picture, and its square far below overflow
CHUNK = 1 << 20  # values looked at together
STANDARDISED = "taken as standardised"
"""Words of a scale whose ends are the numbers' own."""


@dataclass(frozen=True)
class Extent:
    """What is known of stored numbers without keeping them.

    Parameters
    ----------
    kind : str
        NumPy's letter: "b", "u", "i" or "f".
    low, high : float
        Smallest and largest value.
    whole : bool
        Whether all are whole numbers.
    mean, deviation : float
        Over all values.
    n : int
        Number of values.
    """

    kind: str
    low: float
    high: float
    whole: bool
    mean: float
    deviation: float
    n: int

    def __or__(self, other: "Extent") -> "Extent":
        n = self.n + other.n
        mean = (self.n * self.mean + other.n * other.mean) / n
        square = sum(e.n * (e.deviation**2 + e.mean**2) for e in (self, other)) / n
        return Extent(
            _common_kind(self.kind, other.kind),
            min(self.low, other.low),
            max(self.high, other.high),
            self.whole and other.whole,
            mean,
            max(square - mean**2, 0.0) ** 0.5,
            n,
        )


def _common_kind(one: str, other: str) -> str:
    if one == other:
        return one
    return "f" if "f" in (one, other) else "i"


@dataclass(frozen=True)
class ValueScale:
    """How stored values become 0..255.

    Parameters
    ----------
    black, white : float
        The values that become 0 and 255; between them linear, rounded, and clipped outside.
    shift : int, optional
        Instead: how many lower bits whole numbers lose.
    words : str
        What was inferred; empty if nothing was.
    of_bytes : bool
        Whether the numbers were bytes, as those of a picture of 8 bits are.
    """

    black: float = 0.0
    white: float = 255.0
    shift: int | None = None
    words: str = ""
    of_bytes: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        """The stored numbers that are black and white."""
        if self.shift is None:
            return self.black, self.white
        return 0.0, float((256 << self.shift) - 1)

    @property
    def of_extremes(self) -> bool:
        """Whether black and white are what the images happened to reach, as of standardised numbers."""
        return STANDARDISED in self.words

    def apply(self, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Return the values as uint8, of the same shape."""
        if self.shift is not None:
            if values.dtype == np.uint8 and not self.shift:
                return values
            return (values.astype(np.int64) >> self.shift).clip(0, 255).astype(np.uint8)
        out = np.empty(values.shape, dtype=np.uint8)
        factor = 255.0 / (self.white - self.black)
        for rows in _chunks(values):
            part = (values[rows].astype(np.float64) - self.black) * factor
            out[rows] = np.rint(part).clip(0, 255)
        return out


BYTES = ValueScale(shift=0, of_bytes=True)
"""Of images that are stored with 8 bits a channel: nothing to be told from the numbers."""


def measure(values: npt.NDArray[Any], where: str) -> Extent:
    """Look at stored numbers, a few images at a time.

    Raises
    ------
    DataError
        If they are no real numbers, not finite, or none.
    """
    if values.dtype.kind not in "buif" or not values.size:
        raise DataError(f"{where} must hold numbers, got {values.dtype} of shape {values.shape}.")
    extents = [_measure_chunk(values[rows], where) for rows in _chunks(values)]
    total = extents[0]
    for extent in extents[1:]:
        total |= extent
    return total


def _chunks(values: npt.NDArray[Any]) -> Iterator[slice]:
    step = max(CHUNK * len(values) // max(values.size, 1), 1)
    for at in range(0, len(values), step):
        yield slice(at, at + step)


def _measure_chunk(chunk: npt.NDArray[Any], where: str) -> Extent:
    wide = chunk.astype(np.float64)
    low, high = float(wide.min()), float(wide.max())
    if not (np.isfinite(low) and np.isfinite(high)):  # NaN spreads into both
        raise DataError(
            f"{where} must be from 0 to 255 or from 0 to 1, got {low} to {high}: not all finite."
        )
    if max(-low, high) > LARGEST:
        raise DataError(f"{where} reaches from {low:.3g} to {high:.3g}: no picture does.")
    whole = chunk.dtype.kind != "f" or bool((wide == np.rint(wide)).all())
    return Extent(
        chunk.dtype.kind, low, high, whole, float(wide.mean()), float(wide.std()), wide.size
    )


def infer_scale(
    extents: Iterable[tuple[str, Extent]],
    what: str,
    value_range: tuple[float, float] | None = None,
) -> ValueScale:
    """Decide what is black and what is white in numbers that share one scale.

    Parameters
    ----------
    extents : iterable of (str, Extent)
        The parts of the data (training, test), named for messages.
    what : str
        What holds the numbers, for messages and words.
    value_range : (float, float), optional
        Black and white as the user says; nothing is inferred then.

    Raises
    ------
    DataError
        If the numbers fit more than one scale, or none: the message asks for the range.
    """
    parts = list(extents)
    total = parts[0][1]
    for _, extent in parts[1:]:
        total |= extent
    if value_range is not None:
        return _given(total, what, *value_range)
    _check_agreement(parts, what)
    scale = _whole_scale(total) if total.whole else _real_scale(total)
    if scale is None:
        raise DataError(
            f"{what} must be from 0 to 255 or from 0 to 1, got {total.low:.6g} to "
            f"{total.high:.6g}: what is black and what is white there cannot be told; say it by "
            "value_range (--value-range), as 0 1."
        )
    return replace(scale, words=f"{what}: {scale.words}.") if scale.words else scale


def infer_scales(
    arrays: Mapping[str, npt.NDArray[Any]],
    where: str,
    value_range: tuple[float, float] | None = None,
) -> dict[str, ValueScale]:
    """Decide on the scale of several arrays of one source; those of one kind of numbers share one.

    All whole numbers are of one kind, whatever type stores them: the same numbers must become the
    same pixels. Real numbers have a scale of their own, and so have truth values.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        By name, which messages use.
    where : str
        What holds the arrays.
    value_range : (float, float), optional
        Black and white as the user says.

    Raises
    ------
    DataError
        As of `infer_scale`; and if one array is of bytes while another needs more than 8 bits.
    """
    extents = {name: measure(array, f"{where}: {name}") for name, array in arrays.items()}
    floats = [extent for extent in extents.values() if extent.kind == "f"]
    counted = all(extent.whole for extent in floats) and any(extent.high > 1 for extent in floats)
    groups: dict[str, list[str]] = {}
    for name, extent in extents.items():
        whole = extent.kind in "ui" or (extent.kind == "f" and counted)
        groups.setdefault("whole" if whole else extent.kind, []).append(name)
    scales: dict[str, ValueScale] = {}
    for names in groups.values():
        listed = f"{where}: {', '.join(names)}"
        scale = infer_scale([(name, extents[name]) for name in names], listed, value_range)
        narrow = [name for name in names if arrays[name].dtype == np.uint8]
        if narrow and scale.shift and value_range is None:
            raise DataError(
                f"{listed}: {narrow[0]} is stored as bytes but another reaches "
                f"{max(extents[name].high for name in names):,.0f}; bring both to one scale."
            )
        for name in names:
            of_bytes = arrays[name].dtype == np.uint8
            scales[name] = replace(scale, of_bytes=of_bytes)
    return scales


def scale_one(
    values: npt.NDArray[Any], what: str, value_range: tuple[float, float] | None, scale: ValueScale
) -> ValueScale:
    """Return the scale of one picture's numbers of more than 8 bits: the training images' one.

    Parameters
    ----------
    values : ndarray
        Its numbers.
    what : str
        What messages call it.
    value_range : (float, float), optional
        Black and white as the user says; overrules the other scale.
    scale : ValueScale
        By which the training images were read.

    Raises
    ------
    DataError
        If the numbers do not lie on that scale, or it is one of bytes, of which no number of more
        bits can be told to be white.
    """
    extent = measure(values, what)
    if value_range is not None:
        return _given(extent, what, *value_range)
    if scale.of_bytes:
        raise DataError(
            f"{what} holds numbers of more than 8 bits ({extent.low:.6g} to {extent.high:.6g}) but the "
            "network was trained on 8 bits: which number is white cannot be told; say it by "
            "--value-range, as 0 65535, or save the picture with 8 bits."
        )
    black, white = scale.ends
    fractions = scale.shift is not None and not extent.whole
    if fractions or not _holds(extent, black, white):
        raise DataError(
            f"{what} holds {'fractions' if fractions else 'numbers'} from {extent.low:.6g} to "
            f"{extent.high:.6g} but the network was trained on {'whole ' * fractions}numbers of which "
            f"{black:.6g} is black and {white:.6g} white; bring it to that scale, or say its own by "
            "--value-range."
        )
    return scale


def _holds(extent: Extent, black: float, white: float) -> bool:
    """Return whether no number lies outside a range, but for what rounding leaves there."""
    slack = OVERSHOOT * abs(white - black)
    return extent.low >= min(black, white) - slack and extent.high <= max(black, white) + slack


def _given(total: Extent, what: str, black: float, white: float) -> ValueScale:
    if not _holds(total, black, white):
        raise DataError(
            f"{what}: values from {total.low:.6g} to {total.high:.6g} lie outside the "
            f"value_range {black:g} to {white:g}."
        )
    words = f"{what}: {black:g} is black and {white:g} white, as asked."
    for bits in BITS if total.whole and total.low >= 0 else ():
        if (black, white) == (0, 2**bits - 1):  # as it would have been inferred
            return ValueScale(shift=bits - 8, words=words)
    return ValueScale(black, white, None, words)


def _check_agreement(parts: list[tuple[str, Extent]], what: str) -> None:
    """Refuse parts of which one would be black on the other's scale."""
    brightest = max(parts, key=lambda part: part[1].high)
    for name, extent in parts:
        if 0 < extent.high * 100 <= brightest[1].high:
            raise DataError(
                f"{what}: {name} reaches {extent.high:.6g} but {brightest[0]} reaches "
                f"{brightest[1].high:.6g}; bring both to one scale."
            )


def _whole_scale(extent: Extent) -> ValueScale | None:
    """Whole numbers: as many bits as the largest needs."""
    if extent.low < 0:
        return None if extent.kind != "f" else _real_scale(extent)
    if extent.kind == "b" or (extent.high == 1 and extent.low == 0):
        return ValueScale(0, 1, None, "only 0 and 1 occur, taken as black and white")
    if extent.high >= 2 ** BITS[-1]:
        return None
    bits = next(b for b in BITS if extent.high < 2**b)
    if bits == 8:
        said = "stored as floats, all whole: rounded to 8 bits" if extent.kind == "f" else ""
        return ValueScale(shift=0, words=said)
    return ValueScale(
        shift=bits - 8,
        words=f"values reach {extent.high:,.0f}: taken as {bits} bits, of which the upper 8 are kept",
    )


def _real_scale(extent: Extent) -> ValueScale | None:
    """Numbers with fractions: 0..1, -1..1, 0..255 or standardised."""
    low, high = extent.low, extent.high
    seen = f"floats from {low:.4g} to {high:.4g}"
    if low >= -OVERSHOOT and DIMMEST <= high <= 1 + OVERSHOOT:
        return ValueScale(0, 1, None, f"{seen} were taken as 0 to 1 and rounded to 8 bits")
    if -1 - 2 * OVERSHOOT <= low < -0.5 and 0.5 < high <= 1 + 2 * OVERSHOOT:
        return ValueScale(-1, 1, None, f"{seen} were taken as -1 to 1 and rounded to 8 bits")
    if low >= -OVERSHOOT * 255 and DIMMEST * 255 <= high <= 255 * (1 + OVERSHOOT):
        return ValueScale(0, 255, None, f"{seen} were taken as 0 to 255 and rounded to 8 bits")
    if low < 0 and abs(extent.mean) <= 0.5 and 0.5 <= extent.deviation <= 2 and high - low <= 40:
        return ValueScale(
            low,
            high,
            None,
            f"{seen} with mean {extent.mean:.2f} and deviation {extent.deviation:.2f} were "
            f"{STANDARDISED}: {low:.4g} became 0 and {high:.4g} became 255",
        )
    return None
