"""How much memory reading may take: looked at before anything is unpacked or decoded."""

from dataclasses import dataclass

from pitfalls.errors import DataError

__all__ = ["Bound"]

GIB = 2**30
DEFAULT = 4 * GIB
HARMLESS = 64 * 2**20  # bytes that no ratio is asked about
RATIO = 100  # pictures and arrays of pictures shrink 2 to 20 times; bombs a thousand times


@dataclass(frozen=True)
class Bound:
    """The memory that one thing may take when it is read.

    Parameters
    ----------
    limit : int
        Bytes.
    ratio : float, optional
        How many times the size of its file a thing of more than 64 MiB may unpack to; None asks
        nothing.
    """

    limit: int = DEFAULT
    ratio: float | None = RATIO

    @classmethod
    def of(cls, gib: float | None) -> "Bound":
        """Return the usual bound, or the one that a user has given in GiB."""
        return cls() if gib is None else cls(int(gib * GIB), None)

    def most(self, file_bytes: int | None = None) -> int:
        """Return how many bytes a file of this size may become."""
        if self.ratio is None or file_bytes is None:
            return self.limit
        return min(self.limit, max(HARMLESS, int(self.ratio * file_bytes)))

    def check(self, n_bytes: int, what: str, file_bytes: int | None = None) -> None:
        """Raise DataError if ``what`` would take more than it may."""
        most = self.most(file_bytes)
        if n_bytes <= most:
            return
        blown = "" if file_bytes is None or most == self.limit else f", from {_size(file_bytes)},"
        raise DataError(
            f"{what} would take {_size(n_bytes)}{blown} where {_size(most)} are allowed; if that "
            "is right, allow more by memory_limit (--memory-limit), in GiB."
        )


def _size(n_bytes: int) -> str:
    if n_bytes >= GIB:
        return f"{n_bytes / GIB:,.1f} GiB"
    return f"{n_bytes / 2**20:,.1f} MiB"
