"""What was read, skipped, inferred and assumed: one record, whose words every report prints."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pitfalls.images.data.values import BYTES, ValueScale

__all__ = ["Duplicates", "Reading", "counted"]

NAMED = 5  # files that a warning names before it only counts


def counted(counts: Mapping[str, int]) -> str:
    """Write counts in falling order, as "100 .webp, 20 .tif"."""
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{n:,} {kind}" for kind, n in order)


@dataclass(frozen=True)
class Duplicates:
    """Test images that are in the training set too.

    Parameters
    ----------
    exact : int
        Test images with the very pixels of a training image.
    near : int, optional
        Further test images that are almost a training image, or its mirror image: at least so
        many. None if nobody has looked for such.
    n_test : int
        Test images in all.
    pairs : tuple of (int, int)
        Position in the test set and in the training set of each, exact ones first.
    """

    exact: int
    near: int | None
    n_test: int
    pairs: tuple[tuple[int, int], ...] = ()

    @property
    def words(self) -> str:
        """The sentence a reader of any test accuracy must be told; empty if there are none."""
        found = {"exact copies": self.exact, "near-duplicates": self.near or 0}
        total = sum(found.values())
        if not total:
            return ""
        least = "At least " if self.near else ""
        return (
            f"{least}{total:,} of {_plural(self.n_test, 'test image')} are in the training set too "
            f"({counted({kind: n for kind, n in found.items() if n})})."
        )


@dataclass(frozen=True)
class Reading:
    """How a source became a data set.

    Parameters
    ----------
    form : str
        The form that was seen: "class folders", "CIFAR-10, python version".
    files : tuple of (str, int)
        How many files were read, by ending.
    skipped : tuple of (str, int)
        How many files were not read, by ending or reason.
    damaged : tuple of str
        Damaged files that were left out because ``skip_damaged`` was given.
    values : tuple of str
        How stored values became 0 to 255, where that had to be inferred.
    labels : tuple of str
        How stored labels became classes, where that had to be inferred.
    split : tuple of str
        Where the test set came from, if the source did not say.
    duplicates : Duplicates, optional
        Test images that are in the training set too; None if nobody has looked.
    notes : tuple of str
        Whatever else a reader of any result from these data must be told.
    scale : ValueScale
        By which the training images' stored numbers became 0 to 255; further pictures are read by
        the same.
    """

    form: str
    files: tuple[tuple[str, int], ...] = ()
    skipped: tuple[tuple[str, int], ...] = ()
    damaged: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    duplicates: Duplicates | None = None
    notes: tuple[str, ...] = ()
    scale: ValueScale = BYTES

    @property
    def warnings(self) -> tuple[str, ...]:
        """What manifest and report print, one sentence each; empty if nothing was assumed."""
        skipped = dict(self.skipped)
        return tuple(
            text
            for text in (
                *self.notes,
                f"{_plural(sum(skipped.values()), 'file')} skipped: {counted(skipped)}."
                if skipped
                else "",
                _named("damaged file", self.damaged, "left out"),
                *self.values,
                *self.labels,
                *self.split,
                "" if self.duplicates is None else self.duplicates.words,
            )
            if text
        )

    def noting(self, *notes: str) -> "Reading":
        """Return the same with further notes."""
        return replace(self, notes=(*self.notes, *notes))


def _named(what: str, names: Iterable[str], done: str) -> str:
    names = list(names)
    if not names:
        return ""
    rest = len(names) - NAMED
    listed = ", ".join(names[:NAMED]) + (f" and {rest:,} more" if rest > 0 else "")
    return f"{_plural(len(names), what)} {done}: {listed}."


def _plural(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' if n != 1 else ''}"
