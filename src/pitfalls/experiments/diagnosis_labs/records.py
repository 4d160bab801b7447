"""Which networks are asked, and what their cards say."""

from dataclasses import dataclass

import numpy as np

from pitfalls.diagnosis import Question
from pitfalls.errors import InputError
from pitfalls.frame import Result

__all__ = ["LabCard", "LabsConfig", "LabsResult"]


@dataclass(frozen=True)
class LabsConfig:
    """The labs' own networks, each asked the question that its lab is about.

    Parameters
    ----------
    budget : float
        Seconds for each card, about.
    seed : int
        Of networks and inputs.
    """

    budget: float = 10.0
    seed: int = 123

    def __post_init__(self) -> None:
        if not 0 < self.budget < np.inf:
            raise InputError(f"LabsConfig: budget must be positive. Got {self.budget}.")


@dataclass(frozen=True)
class LabCard:
    """One card of one network.

    Attributes
    ----------
    network : str
        What it is.
    question, verdict : str
    n : int
        Examples behind it.
    number : float
        What the verdict rests on, in the unit that ``what`` names.
    exact : float
        The same by the lab's own exact means; NaN where it has none.
    what : str
    held : bool or None
        Whether the witness held when it was recomputed; None where there is none.
    """

    network: str
    question: Question
    verdict: str
    n: int
    number: float
    exact: float
    what: str
    held: bool | None


@dataclass(frozen=True, repr=False)
class LabsResult(Result):
    """All cards.

    Attributes
    ----------
    cards : tuple of LabCard
    """

    TABLE = "cards"

    cards: tuple[LabCard, ...]
