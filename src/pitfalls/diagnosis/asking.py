"""The seven questions as functions of their own: each returns one card."""

from collections.abc import Callable
from typing import Any

from torch import nn

from pitfalls.diagnosis.capacity import capacity_card
from pitfalls.diagnosis.cards import Card, Undecided
from pitfalls.diagnosis.data import data_card
from pitfalls.diagnosis.examination import examine
from pitfalls.diagnosis.saddle import saddle_card
from pitfalls.diagnosis.schedule import schedule_card
from pitfalls.diagnosis.signal import signal_card
from pitfalls.diagnosis.subject import Subject, SubjectError
from pitfalls.diagnosis.units import units_card
from pitfalls.diagnosis.vocabulary import Question
from pitfalls.diagnosis.wiring import wiring_card
from pitfalls.escaping import first_line

__all__ = [
    "QUESTIONS",
    "answer",
    "ask_capacity",
    "ask_data",
    "ask_saddle",
    "ask_schedule",
    "ask_signal",
    "ask_units",
    "ask_wiring",
]

QUESTIONS: dict[Question, Callable[[Subject], Card]] = {
    "wiring": wiring_card,
    "data": data_card,
    "signal": signal_card,
    "units": units_card,
    "capacity": capacity_card,
    "saddle": saddle_card,
    "schedule": schedule_card,
}


def answer(subject: Subject, question: Question, seconds: float) -> Card:
    """Ask one question of a subject; whatever is raised becomes an undecided card that says it.

    Networks come in forms that nobody has thought of (sparse gradients, complex weights, tensors of a
    class of one's own): where a measurement cannot take one, the others still can.
    """
    subject.start(question, seconds)
    try:
        card = QUESTIONS[question](subject)
    except SubjectError as error:
        card = _undecided(subject, question, str(error))
    except Exception as error:
        reason = f"The measurement failed with {type(error).__name__}: {first_line(error)[:300]}"
        card = _undecided(subject, question, reason)
    return Card(
        card.question,
        card.verdict,
        card.evidence,
        card.witness,
        card.p_value,
        subject.cost(),
        subject.seed,
    )


def _undecided(subject: Subject, question: Question, reason: str) -> Card:
    return Card(question, "undecided", Undecided(subject.n, (reason,)), None, None)


def _ask(
    question: Question,
    model: nn.Module,
    loss: Any,
    x: Any,
    y: Any,
    optimizer: Any,
    budget: float,
    seed: int,
) -> Card:
    with examine(
        model, loss, x, y, optimizer, who=f"ask_{question}", seconds=budget, seed=seed
    ) as subject:
        return answer(subject, question, budget)


def ask_wiring(
    model: nn.Module,
    loss: Any,
    x: Any,
    y: Any = None,
    optimizer: Any = None,
    *,
    budget: float = 60.0,
    seed: int = 0,
) -> Card:
    """Ask whether samples stay apart, every parameter is reached, and gradients are true.

    Parameters
    ----------
    model, loss, x, y, optimizer, budget, seed
        As in :func:`pitfalls.diagnose`; nothing of them is changed.

    Returns
    -------
    Card
    """
    return _ask("wiring", model, loss, x, y, optimizer, budget, seed)


def ask_data(
    model: nn.Module,
    loss: Any,
    x: Any,
    y: Any = None,
    *,
    budget: float = 60.0,
    seed: int = 0,
) -> Card:
    """Ask whether the data can be learned from, and whether simple learners see the labels.

    Parameters
    ----------
    model, loss, x, y, budget, seed
        As in :func:`pitfalls.diagnose`; nothing of them is changed.

    Returns
    -------
    Card
    """
    return _ask("data", model, loss, x, y, None, budget, seed)


def ask_signal(
    model: nn.Module,
    loss: Any,
    x: Any,
    y: Any = None,
    *,
    budget: float = 60.0,
    seed: int = 0,
) -> Card:
    """Ask whether this gradient sees the labels, by an exact permutation test.

    Parameters
    ----------
    model, loss, x, y, budget, seed
        As in :func:`pitfalls.diagnose`; nothing of them is changed.

    Returns
    -------
    Card
    """
    return _ask("signal", model, loss, x, y, None, budget, seed)


def ask_units(
    model: nn.Module,
    loss: Any,
    x: Any,
    y: Any = None,
    *,
    budget: float = 60.0,
    seed: int = 0,
) -> Card:
    """Ask whether units are alive and the gradient reaches every layer.

    Parameters
    ----------
    model, loss, x, y, budget, seed
        As in :func:`pitfalls.diagnose`; nothing of them is changed.

    Returns
    -------
    Card
    """
    return _ask("units", model, loss, x, y, None, budget, seed)


def ask_capacity(
    model: nn.Module,
    loss: Any,
    x: Any,
    y: Any = None,
    *,
    budget: float = 60.0,
    seed: int = 0,
) -> Card:
    """Ask whether the network can fit a batch.

    Parameters
    ----------
    model, loss, x, y, budget, seed
        As in :func:`pitfalls.diagnose`; nothing of them is changed.

    Returns
    -------
    Card
    """
    return _ask("capacity", model, loss, x, y, None, budget, seed)


def ask_saddle(
    model: nn.Module,
    loss: Any,
    x: Any,
    y: Any = None,
    *,
    budget: float = 60.0,
    seed: int = 0,
) -> Card:
    """Ask whether this point is a saddle, by its extreme curvature.

    Parameters
    ----------
    model, loss, x, y, budget, seed
        As in :func:`pitfalls.diagnose`; nothing of them is changed.

    Returns
    -------
    Card
    """
    return _ask("saddle", model, loss, x, y, None, budget, seed)


def ask_schedule(
    model: nn.Module,
    loss: Any,
    x: Any,
    y: Any = None,
    optimizer: Any = None,
    *,
    budget: float = 60.0,
    seed: int = 0,
) -> Card:
    """Ask whether sixty steps of the optimizer learn, and what other rates do.

    Parameters
    ----------
    model, loss, x, y, optimizer, budget, seed
        As in :func:`pitfalls.diagnose`; nothing of them is changed.

    Returns
    -------
    Card
    """
    return _ask("schedule", model, loss, x, y, optimizer, budget, seed)
