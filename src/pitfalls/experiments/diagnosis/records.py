"""What is asked of a network, and its cards as a run keeps them."""

from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pitfalls.diagnosis import (
    ALL,
    AnyWitness,
    Attribution,
    Card,
    Cost,
    Evidence,
    Question,
    Undecided,
)
from pitfalls.diagnosis.evidence import (
    CapacityEvidence,
    DataEvidence,
    SaddleEvidence,
    ScheduleEvidence,
    SignalEvidence,
    UnitsEvidence,
    WiringEvidence,
)
from pitfalls.display import Displayed
from pitfalls.errors import InputError
from pitfalls.frame import HIDDEN, Result
from pitfalls.named import is_named
from pitfalls.runs import NOT_IDENTITY

__all__ = ["AlongWitness", "DiagnosisConfig", "DiagnosisResult", "SavedCard"]

RATED = ("sgd", "adam", "adamw")
"""Optimizers by name, which take the rate that is asked for."""


@dataclass(frozen=True)
class DiagnosisConfig:
    """A network, its loss, data and optimizer.

    Parameters
    ----------
    target : str
        Where the network comes from: ``file.py:name``, ``module:name``, or ``zoo:name`` of a built-in
        example. The function takes no arguments and gives a model, or a tuple (model, loss), (model, loss,
        optimizer) or (model, loss, x, y, optimizer).
    data : str
        An .npz file with the arrays x and y, examples along the first axis.
    loss : str
        ``cross-entropy``, ``squares``, ``logistic``, ``absolute``, ``hinge``, ``file.py:name`` or
        ``module:name``, which is imported and runs as your own code does (default: the function's own,
        else cross-entropy for whole labels and squares for others).
    optimizer : str
        ``sgd``, ``adam``, ``adamw``, ``file.py:name`` or ``module:name`` of the parameters, which is
        imported and runs as your own code does (default: the function's own, else none).
    learning_rate : float
        Of ``sgd``, ``adam`` or ``adamw`` (default: 0.01); one of your own has its own.
    questions : tuple of str
        Which to ask: wiring, data, signal, units, capacity, saddle, schedule.
    budget : float
        Seconds, about.
    fingerprint : str
        Of code, weights, settings and data.
    seed : int
        Of the network's own start and of the diagnosis.
    device : str
        Where it is diagnosed.
    """

    target: Annotated[str, HIDDEN] = ""
    data: str | None = field(default=None, metadata=NOT_IDENTITY)
    loss: str | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    questions: tuple[Question, ...] = ALL
    budget: float = 60.0
    fingerprint: Annotated[str, HIDDEN] = ""
    seed: int = 123
    device: str = field(default="cpu", metadata=NOT_IDENTITY)

    @property
    def own_code(self) -> tuple[str, ...]:
        """The names that lead to code of the user's."""
        target = "" if self.target.startswith("zoo:") else self.target
        return tuple(
            name for name in (target, self.loss, self.optimizer) if name and is_named(name)
        )

    def __post_init__(self) -> None:
        kind, _, name = self.target.partition(":")
        # the command line fills it in after the options
        if self.target and not (kind and name):
            raise InputError(
                "DiagnosisConfig: target must be file.py:name, module:name or zoo:name. Got "
                f"{self.target!r} instead."
            )
        if self.learning_rate is not None and not 0 < self.learning_rate < np.inf:
            raise InputError(
                f"DiagnosisConfig: learning_rate must be positive. Got {self.learning_rate}."
            )
        if self.learning_rate is not None and self.optimizer not in RATED:
            raise InputError(
                f"DiagnosisConfig: learning_rate is that of {', '.join(RATED)}. Got optimizer "
                f"{self.optimizer}, which has its own; name one of them, or leave the rate out."
            )
        if not 0 < self.budget < np.inf:
            raise InputError(f"DiagnosisConfig: budget must be positive. Got {self.budget}.")
        if not self.questions or len(set(self.questions)) < len(self.questions):
            raise InputError(
                f"DiagnosisConfig: questions must differ and be at least one. Got {self.questions}."
            )


AnyEvidence: TypeAlias = (
    WiringEvidence
    | DataEvidence
    | SignalEvidence
    | UnitsEvidence
    | CapacityEvidence
    | SaddleEvidence
    | ScheduleEvidence
    | Undecided
)


@dataclass(frozen=True, eq=False)
class SavedCard:
    """A card as a run keeps it.

    Attributes
    ----------
    question, verdict : str
    p_value : float or None
    evidence : record
    witness : record or None
    cost : Cost
    n_examples, n_total : int or None
        Examples looked at, and there in all.
    """

    question: Question
    verdict: str
    p_value: float | None
    evidence: AnyEvidence
    witness: AnyWitness | None
    cost: Cost
    n_examples: int
    n_total: int | None

    @property
    def card(self) -> Card:
        """The card of the library."""
        return Card(
            self.question, self.verdict, self.evidence, self.witness, self.p_value, self.cost
        )


@dataclass(frozen=True, repr=False)
class AlongWitness(Displayed):
    """The loss along the direction of lowest curvature.

    Attributes
    ----------
    lengths, losses : array of shape (t,)
    """

    lengths: NDArray[np.float64]
    losses: NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class DiagnosisResult(Result):
    """Seven cards and what they add up to.

    Attributes
    ----------
    target : str
    network : str
        Class of the model.
    n_parameters : int
    attributions : tuple of Attribution
        Causes in order.
    cards : tuple of SavedCard
    along : AlongWitness or None
        None where the saddle was not asked for or left undecided.
    """

    TABLE = "cards"

    target: str
    network: str
    n_parameters: int
    attributions: tuple[Attribution, ...]
    cards: tuple[SavedCard, ...]
    along: AlongWitness | None

    def evidence(self, question: Question) -> Evidence | None:
        """Return the evidence of one card."""
        for card in self.cards:
            if card.question == question:
                return card.evidence
        return None

    @property
    def cause(self) -> str:
        """The first cause."""
        return self.attributions[0].cause
