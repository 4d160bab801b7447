"""What a submission is asked, and what came of it."""

from dataclasses import dataclass
from typing import Any

__all__ = ["Call", "Outcome"]


@dataclass(frozen=True)
class Call:
    """One call of a function of the work.

    Attributes
    ----------
    function : str
        Its name; with a colon before it, one of the driver's own (``:forward``, ``:values``, ...).
    arguments : tuple
        Numbers, text, arrays, ``channel.Tensor``, ``channel.Image``, ``channel.Kept``, lists of these.
    keep : str
        Keep the result there under this name and send nothing.
    repeat : int
        Call so many times and stack what comes back; 0: once.
    """

    function: str
    arguments: tuple[Any, ...] = ()
    keep: str = ""
    repeat: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of a call.

    Attributes
    ----------
    value : object
        Numbers and arrays as float64 or integer arrays; anything else as the channel gives it.
    error : str
        The exception that the work raised, with its line; else empty.
    kinds : tuple of str
        Which of Python's own exceptions it is: its class where that is one, and those it inherits from.
    changed : bool
        Whether an argument was changed in place.
    graph : bool
        Whether the result hangs on the arguments that require a gradient.
    gradients : tuple of ndarray or None
    """

    value: Any = None
    error: str = ""
    kinds: tuple[str, ...] = ()
    changed: bool = False
    graph: bool = False
    gradients: tuple[Any, ...] = ()
