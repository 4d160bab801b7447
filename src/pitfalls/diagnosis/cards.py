"""A card: one question, its verdict, the numbers, a witness that can be checked again, and the cost."""

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pitfalls.diagnosis.vocabulary import Cause, Question
from pitfalls.display import Displayed
from pitfalls.errors import InputError

if TYPE_CHECKING:
    from torch import nn

    from pitfalls.diagnosis.subject import Subject
    from pitfalls.plots import Axes

__all__ = ["Attribution", "Card", "Cost", "Diagnosis", "Evidence", "Undecided", "Witness"]


@dataclass(frozen=True)
class Cost:
    """What an answer took.

    Parameters
    ----------
    seconds : float
        Wall time.
    forwards, gradients, products : int
        Batches sent through the model without and with a backward pass, and Hessian-vector products.
    examples : int
        Examples in all of these batches together.
    """

    seconds: float = 0.0
    forwards: int = 0
    gradients: int = 0
    products: int = 0
    examples: int = 0


@runtime_checkable
class Witness(Protocol):
    """Something a second program can check against the model, the loss and the data alone."""

    def check(self, subject: "Subject") -> bool:
        """Recompute; True if what the card claims comes out again."""


@dataclass(frozen=True)
class Evidence:
    """The numbers on a card.

    Parameters
    ----------
    n : int
        Examples that the numbers come from.
    findings : tuple of str
        What they say, in sentences.
    """

    n: int
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Undecided(Evidence):
    """Why a question got no answer; the reason is the only finding."""


@dataclass(frozen=True, eq=False)
class Card:
    """The answer to one question.

    Parameters
    ----------
    question : str
    verdict : str
        A word of the vocabulary of causes where the card raises an alarm, otherwise what holds, or
        ``"undecided"``.
    evidence : Evidence
        A record with the numbers of this question.
    witness : Witness or None
        None where there is nothing to check: the card is undecided.
    p_value : float or None
        Of the exact test, where the answer rests on one.
    cost : Cost
    seed : int
        Of the diagnosis: it draws the examples where there are too many for all of them.
    """

    question: Question
    verdict: str
    evidence: Evidence
    witness: Witness | None
    p_value: float | None
    cost: Cost = field(default_factory=Cost)
    seed: int = 0

    def check(self, model: "nn.Module", loss: Any, x: Any, y: Any = None) -> bool:
        """Recompute the witness from the model, the loss and the data, and nothing else.

        Parameters
        ----------
        model, loss, x, y
            As they were given to :func:`diagnose`, with the weights they had then.

        Returns
        -------
        bool
            Whether the witness holds. An undecided card claims nothing: False.
        """
        from pitfalls.diagnosis.examination import examine

        if self.witness is None:
            return False
        with examine(model, loss, x, y, who="Card.check", seed=self.seed) as subject:
            return self.witness.check(subject)

    def __str__(self) -> str:
        p = "" if self.p_value is None else f", p = {self.p_value:.3g}"
        head = f"{self.question}: {self.verdict} (n = {self.evidence.n}{p})"
        return "\n".join([head, *(f"  {finding}" for finding in self.evidence.findings)])

    def _repr_html_(self) -> str:
        return Diagnosis._table((self,))


@dataclass(frozen=True)
class Attribution:
    """One cause with the rule that named it.

    Parameters
    ----------
    cause : str
        From the vocabulary.
    rule : str
        Name of the rule, as in the guide.
    reason : str
        The finding that the rule rests on.
    """

    cause: Cause
    rule: str
    reason: str


@dataclass(frozen=True, eq=False, repr=False)
class Diagnosis(Displayed):
    """What :func:`diagnose` found.

    Parameters
    ----------
    attributions : tuple of Attribution
        Causes in order, the first the one to mend first; never empty.
    cards : tuple of Card
        One for each question asked, in order.
    n_examples, n_total : int or None
        Examples looked at, and how many there are (None where a stream does not say).
    seconds : float
    seed : int
    """

    attributions: tuple[Attribution, ...]
    cards: tuple[Card, ...]
    n_examples: int
    n_total: int | None
    seconds: float
    seed: int

    @property
    def cause(self) -> Cause:
        """The first cause: what to mend first, ``"healthy"`` or ``"unclear"``."""
        return self.attributions[0].cause

    @property
    def causes(self) -> tuple[Cause, ...]:
        """All causes in order."""
        return tuple(attribution.cause for attribution in self.attributions)

    def card(self, question: Question) -> Card:
        """Return the card of one question."""
        for card in self.cards:
            if card.question == question:
                return card
        raise InputError(
            f"Diagnosis.card: {question!r} was not asked. There are cards for "
            f"{', '.join(card.question for card in self.cards)}."
        )

    def table(self, field: str | None = None) -> dict[str, list[Any]]:
        """Return the cards as columns: question, verdict, n, p_value, seconds."""
        if field not in (None, "cards"):
            return super().table(field)
        return {
            "question": [card.question for card in self.cards],
            "verdict": [card.verdict for card in self.cards],
            "n": [card.evidence.n for card in self.cards],
            "p_value": [card.p_value for card in self.cards],
            "seconds": [card.cost.seconds for card in self.cards],
        }

    def plot(self, ax: "Axes | None" = None, *, question: Question | None = None) -> "list[Axes]":
        """Draw what a card rests on, and return the axes.

        ``signal`` shows the true labels among permuted ones, ``units`` the gradient of every layer,
        ``saddle`` the spectrum of the Hessian; the other cards are numbers alone.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw (default: a new figure).
        question : str, optional
            Whose card (default: the first that has something to draw).

        Raises
        ------
        InputError
            If there is nothing to draw.
        """
        from pitfalls.diagnosis.drawing import drawing_of
        from pitfalls.plots import drawing_on

        cards = self.cards if question is None else (self.card(question),)
        for draw in filter(None, (drawing_of(card.evidence) for card in cards)):
            with drawing_on(ax) as axis:
                draw(axis)
            return [axis]
        raise InputError(
            f"Diagnosis.plot: nothing to draw in {', '.join(card.question for card in cards)}. "
            "Ask 'units', 'signal' or 'saddle'."
        )

    def __str__(self) -> str:
        of = "" if self.n_total in (None, self.n_examples) else f" of {self.n_total}"
        lines = [f"{self.cause} ({self.n_examples}{of} examples, {self.seconds:.1f} s)"]
        lines += [f"- {a.cause} [{a.rule}]: {a.reason}" for a in self.attributions]
        return "\n".join([*lines, "", *map(str, self.cards)])

    def _repr_html_(self) -> str:
        causes = "".join(
            f"<li><b>{a.cause}</b> {html.escape(a.reason)}</li>" for a in self.attributions
        )
        return f"<ol>{causes}</ol>{self._table(self.cards)}"

    @staticmethod
    def _table(cards: "tuple[Card, ...]") -> str:
        rows = []
        for card in cards:
            p = "" if card.p_value is None else f"{card.p_value:.3g}"
            findings = "<br>".join(html.escape(text) for text in card.evidence.findings)
            cells = card.question, card.verdict, str(card.evidence.n), p, findings
            rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        head = "".join(f"<th>{name}</th>" for name in ("question", "verdict", "n", "p", "findings"))
        return f"<table><tr>{head}</tr>{''.join(rows)}</table>"
