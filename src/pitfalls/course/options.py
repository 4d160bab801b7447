"""What a lecturer says of a sheet: its sizes, or a variant's seed, and data of one's own."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pitfalls.course.grading.sheet import Sheet, draw_sheet, read_data, read_sheet
from pitfalls.errors import DataError, InputError

__all__ = ["CourseOptions", "SlidesConfig"]


@dataclass(frozen=True)
class CourseOptions:
    """Which sheet it is.

    Parameters
    ----------
    sheet : Sheet
        The sizes.
    variant : int
        Draw sizes and mask from this seed instead: next year's sheet.
    data : Path
        An .npz with X (n, d) and Y (n, p), on which question 2's functions are asked as well.
    """

    sheet: Sheet = field(default_factory=Sheet)
    variant: int | None = None
    data: Path | None = None

    def __post_init__(self) -> None:
        if self.variant is not None and self.variant < 0:
            raise InputError(f"course: variant must be a seed of at least 0, got {self.variant}.")
        if self.variant is not None and self.sheet != Sheet():
            raise InputError("course: --variant draws the sizes; give it or sizes, not both.")

    def chosen(self) -> Sheet:
        """Return the sheet: the variant's, or the sizes given."""
        return self.sheet if self.variant is None else draw_sheet(self.variant)

    def own_data(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the lecturer's data, if any."""
        return None if self.data is None else read_data(self.data)

    def built(self, course: Path | None) -> tuple[Sheet, tuple[np.ndarray, np.ndarray] | None]:
        """Return the sheet and data of a built course's folder, or the options' own.

        Raises
        ------
        InputError
            If both a course and options of a sheet are given.
        """
        if course is None:
            return self.chosen(), self.own_data()
        if self != CourseOptions():
            raise InputError(
                "course: --course says which sheet it is; leave out the sheet's options."
            )
        found = sorted(course.glob("**/sheet.json")) if course.is_dir() else []
        if not found:
            raise DataError(f"course: {course} is no built course. Make one: pitfalls course build")
        data = found[0].with_name("data.npz")
        return read_sheet(found[0]), read_data(data) if data.exists() else None


@dataclass(frozen=True)
class SlidesConfig:
    """How much is run for the lecture.

    Parameters
    ----------
    iterations : int
        Of the trainings whose curves are shown; the homework's own number is 50,000.
    seed : int
        Of the runs.
    """

    iterations: int = 20_000
    seed: int = 123

    def __post_init__(self) -> None:
        if self.iterations < 400:
            raise InputError(
                f"course slides: iterations must be at least 400, got {self.iterations}."
            )
