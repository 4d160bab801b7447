"""From stored numbers to 0..255: by their type and real range, said, or asked.

Eight bits a channel are what pictures have and what all that follows takes. A range that is not
plain from the numbers is asked for: guessed wrongly, it would turn pictures black without a word.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError

__all__ = ["Extent", "Scale", "infer_scale", "measure"]

BITS = (8, 10, 12, 14, 16)
OVERSHOOT = 1e-3  # of a range's width: what resizing and rounding leave outside
DIMMEST = 0.1  # of a range's width: values that stay below it fit another range as well
LARGEST = 1e12  # far beyond any picture, and its square far below overflow
CHUNK = 1 << 20  # values looked at together


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
            self.kind if self.kind == other.kind else "f",
            min(self.low, other.low),
            max(self.high, other.high),
            self.whole and other.whole,
            mean,
            max(square - mean**2, 0.0) ** 0.5,
            n,
        )


@dataclass(frozen=True)
class Scale:
    """How stored values become 0..255.

    Parameters
    ----------
    black, white : float
        The values that become 0 and 255; between them linear, rounded, and clipped outside.
    shift : int, optional
        Instead: how many lower bits whole numbers lose.
    words : str
        What was inferred; empty if nothing was.
    """

    black: float = 0.0
    white: float = 255.0
    shift: int | None = None
    words: str = ""

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
) -> Scale:
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


def _given(total: Extent, what: str, black: float, white: float) -> Scale:
    width = abs(white - black)
    low, high = min(black, white), max(black, white)
    if total.low < low - OVERSHOOT * width or total.high > high + OVERSHOOT * width:
        raise DataError(
            f"{what}: values from {total.low:.6g} to {total.high:.6g} lie outside the "
            f"value_range {black:g} to {white:g}."
        )
    return Scale(black, white, None, f"{what}: {black:g} is black and {white:g} white, as asked.")


def _check_agreement(parts: list[tuple[str, Extent]], what: str) -> None:
    """Refuse parts of which one would be black on the other's scale."""
    brightest = max(parts, key=lambda part: part[1].high)
    for name, extent in parts:
        if 0 < extent.high * 100 <= brightest[1].high:
            raise DataError(
                f"{what}: {name} reaches {extent.high:.6g} but {brightest[0]} reaches "
                f"{brightest[1].high:.6g}; bring both to one scale."
            )


def _whole_scale(extent: Extent) -> Scale | None:
    """Whole numbers: as many bits as the largest needs."""
    if extent.low < 0:
        return None if extent.kind != "f" else _real_scale(extent)
    if extent.kind == "b" or (extent.high == 1 and extent.low == 0):
        return Scale(0, 1, None, "only 0 and 1 occur, taken as black and white")
    if extent.high >= 2 ** BITS[-1]:
        return None
    bits = next(b for b in BITS if extent.high < 2**b)
    if bits == 8:
        said = "stored as floats, all whole: rounded to 8 bits" if extent.kind == "f" else ""
        return Scale(shift=0, words=said)
    return Scale(
        shift=bits - 8,
        words=f"values reach {extent.high:,.0f}: taken as {bits} bits, of which the upper 8 are kept",
    )


def _real_scale(extent: Extent) -> Scale | None:
    """Numbers with fractions: 0..1, -1..1, 0..255 or standardised."""
    low, high = extent.low, extent.high
    seen = f"floats from {low:.4g} to {high:.4g}"
    if low >= -OVERSHOOT and DIMMEST <= high <= 1 + OVERSHOOT:
        return Scale(0, 1, None, f"{seen} were taken as 0 to 1 and rounded to 8 bits")
    if -1 - 2 * OVERSHOOT <= low < -0.5 and 0.5 < high <= 1 + 2 * OVERSHOOT:
        return Scale(-1, 1, None, f"{seen} were taken as -1 to 1 and rounded to 8 bits")
    if low >= -OVERSHOOT * 255 and DIMMEST * 255 <= high <= 255 * (1 + OVERSHOOT):
        return Scale(0, 255, None, f"{seen} were taken as 0 to 255 and rounded to 8 bits")
    if low < 0 and abs(extent.mean) <= 0.5 and 0.5 <= extent.deviation <= 2 and high - low <= 40:
        return Scale(
            low,
            high,
            None,
            f"{seen} with mean {extent.mean:.2f} and deviation {extent.deviation:.2f} were taken "
            f"as standardised: {low:.4g} became 0 and {high:.4g} became 255",
        )
    return None
