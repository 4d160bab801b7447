"""The sizes of one sheet: what a lecturer may change, and what next year's variant draws."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pitfalls.errors import DataError, InputError

__all__ = ["Sheet", "draw_sheet", "read_data", "read_sheet", "write_sheet"]


@dataclass(frozen=True)
class Sheet:
    """Sizes that the sheet asks for.

    Parameters
    ----------
    n_features : int
        d of question 3; every mask and input is tried, so at most 10.
    n_units : int
        k of question 3; 0 means 10 d, and at least 3(d/2 + 1) are needed.
    widths : tuple of int
        The widths d_0, ..., d_L of question 2, input first; L is their number less one.
    n_samples : int
        Rows of the data of question 2.
    mask : str
        The mask in the starter script's example, as d digits 0 or 1; empty: 1010...
    accept_printed : bool
        Take no point for the construction as the sheet prints it, which fails at one input of one
        mask (all ones); the failing input is named either way.
    """

    n_features: int = 10
    n_units: int = 0
    widths: tuple[int, ...] = (4, 5, 6, 3)
    n_samples: int = 20
    mask: str = ""
    accept_printed: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.n_features <= 10:
            raise InputError(
                f"course: n-features must be from 2 to 10, got {self.n_features}: "
                "every mask and input is tried."
            )
        least = 3 * (self.n_features // 2 + 1)
        if self.n_units and self.n_units < least:
            raise InputError(
                f"course: n-units must be at least {least} for d = {self.n_features} "
                f"(or 0 for 10 d), got {self.n_units}."
            )
        if len(self.widths) < 3 or not all(1 <= width <= 12 for width in self.widths):
            raise InputError(
                f"course: widths must be three or more numbers from 1 to 12, got {self.widths}."
            )
        if min(self.widths) < min(self.widths[0], self.widths[-1]):
            raise InputError(
                f"course: widths must not narrow below min(p, d) (the condition of 2d), "
                f"got {self.widths}."
            )
        if not self.widths[0] < self.n_samples <= 1000:
            raise InputError(
                f"course: n-samples must be above d_0 = {self.widths[0]} and at most 1000, "
                f"got {self.n_samples}."
            )
        if self.mask and (len(self.mask) != self.n_features or set(self.mask) - set("01")):
            raise InputError(
                f"course: mask must be {self.n_features} digits 0 or 1, got {self.mask!r}."
            )

    @property
    def d(self) -> int:
        """Features of question 3."""
        return self.n_features

    @property
    def k(self) -> int:
        """Hidden units of question 3."""
        return self.n_units or 10 * self.n_features

    @property
    def example_mask(self) -> str:
        """The mask of the starter script's example."""
        return self.mask or "".join(str((i + 1) % 2) for i in range(self.d))


def draw_sheet(seed: int) -> Sheet:
    """Draw the sizes and the mask of a variant; the same seed gives the same sheet."""
    rng = np.random.default_rng([seed, 189])
    d = int(rng.integers(6, 11))
    ends = [int(n) for n in rng.integers(3, 6, 2)]
    hidden = [int(n) for n in rng.integers(max(ends), 8, int(rng.integers(1, 4)))]
    mask = "".join(map(str, rng.permutation(np.arange(d) % 2)))
    return Sheet(
        n_features=d,
        n_units=d * int(rng.integers(6, 13)),
        widths=(ends[0], *hidden, ends[1]),
        n_samples=int(rng.integers(15, 31)),
        mask=mask,
    )


def write_sheet(sheet: Sheet) -> str:
    """Write a sheet as JSON."""
    return json.dumps(dataclasses.asdict(sheet), indent=2) + "\n"


def read_sheet(path: Path) -> Sheet:
    """Read a sheet that ``write_sheet`` wrote.

    Raises
    ------
    DataError
        If the file is missing or no sheet.
    """
    try:
        given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Sheet(**{**given, "widths": tuple(given["widths"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"course: {path} is no sheet of a built course ({error}).") from None


def read_data(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a lecturer's own data for question 2: an .npz with X (n, d) and Y (n, p).

    Raises
    ------
    DataError
        If the file is missing, holds something else, or is not finite.
    """
    try:
        with np.load(path, allow_pickle=False) as held:
            x, y = (np.asarray(held[name], dtype=np.float64) for name in ("X", "Y"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"course: {path} must be an .npz with X and Y ({error}).") from None
    whole = x.ndim == y.ndim == 2 and len(x) == len(y) and np.isfinite(x).all()
    if not (whole and np.isfinite(y).all() and x.size and y.size and x.size + y.size <= 20_000):
        raise DataError(
            f"course: X and Y of {path} must be finite tables of equally many rows and at most "
            f"20,000 numbers, got shapes {x.shape} and {y.shape}."
        )
    return x, y
