"""The one family of errors: each says who, what was expected, what came, what to do.

The command line prints the message in one line and exits with ``exit_code``;
a traceback is shown only with ``--debug``.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pitfalls.escaping import brief, shown

__all__ = [
    "CapacityError",
    "DataError",
    "DivergenceError",
    "InputError",
    "PitfallsError",
    "ResourceError",
    "RunError",
    "needs_extra",
]


class PitfallsError(Exception):
    """Base of every error this library raises on purpose; its text is one line, whatever it quotes."""

    exit_code = 1

    def __str__(self) -> str:
        return brief(shown(super().__str__()))


class InputError(PitfallsError, ValueError):
    """An argument is not what the function takes."""

    exit_code = 2


class CapacityError(InputError):
    """The asked-for function is outside what the network can represent."""


class DataError(PitfallsError, OSError):
    """A data file or folder is missing, damaged or not what it should be."""

    exit_code = 2


class ResourceError(PitfallsError, MemoryError):
    """The work does not fit the machine; the message names the estimate and a way out."""


class DivergenceError(PitfallsError, ArithmeticError):
    """An iteration left the finite numbers; the last good point is in ``last``."""

    def __init__(self, message: str, last: object = None) -> None:
        super().__init__(message)
        self.last = last


class RunError(PitfallsError, OSError):
    """A run folder cannot be used as asked: locked, damaged or of another version."""


@contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Say in one line how to install what an import in this block lacks.

    Parameters
    ----------
    extra : str
        The optional extra that brings it.
    what : str
        What needs it, as the line begins.

    Raises
    ------
    InputError
        If a package is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise InputError(
            f"{what}: {error.name or 'a package'} is not installed. Run: pip install 'pitfalls[{extra}]'"
        ) from error
