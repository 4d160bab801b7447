"""The door: one call, seven cards, a cause. Nothing heavy is imported until it is called."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pitfalls.diagnosis.vocabulary import ALL, Question
from pitfalls.errors import InputError

if TYPE_CHECKING:
    from torch import nn

    from pitfalls.diagnosis.cards import Card, Diagnosis

__all__ = ["diagnose", "share_of"]

# parts of the budget; what a question leaves over goes to those after it
_PARTS: dict[Question, float] = {
    "wiring": 0.12,
    "data": 0.08,
    "signal": 0.2,
    "units": 0.05,
    "capacity": 0.15,
    "saddle": 0.15,
    "schedule": 0.25,
}


def diagnose(
    model: "nn.Module",
    loss: Any,
    x: Any,
    y: Any = None,
    optimizer: Any = None,
    *,
    questions: Sequence[Question] | None = ALL,
    budget: float = 60.0,
    seed: int = 0,
    on_card: "Callable[[Card], None] | None" = None,
) -> "Diagnosis":
    """Ask why a network does not learn: seven questions, each answered by a measurement.

    Parameters
    ----------
    model : torch.nn.Module
        On any device. Outputs may be a tensor, or a tuple or dict of tensors that the loss takes;
        :class:`pitfalls.diagnosis.Adapter` picks one.
    loss : callable
        ``loss(outputs, y)`` gives one number for a batch.
    x, y : array, tensor, or tuple or dict of these
        Examples along the first axis. A tuple goes to the model as positional arguments, a dict as
        named ones. In their place x alone may be a Dataset, a DataLoader or batches of (x, y).
    optimizer : torch.optim.Optimizer, optional
        The user's own, over the model's parameters. Without it the schedule cannot be judged.
    questions : sequence of str
        Some of ``wiring``, ``data``, ``signal``, ``units``, ``capacity``, ``saddle``, ``schedule``;
        None for all.
    budget : float
        Seconds of work, about: on a shared machine, time for which others hold the processor does not
        count, up to three quarters. Questions shrink what they look at to fit, and each card says how far.
    seed : int
        Of the diagnosis's own generator, which has nothing to do with one seeded alike elsewhere.
    on_card : callable, optional
        Called with each card when it is there. An exception raised inside ends the work cleanly.

    Returns
    -------
    Diagnosis
        ``.cause``, ``.cards``; every card can be checked again by ``card.check(model, loss, x, y)``.

    Raises
    ------
    InputError
        If model, loss or data cannot be used; the line says which and why.

    Notes
    -----
    Nothing is changed: parameters, buffers, gradients, the optimizer's state, training mode, hooks and
    the global generators are put back bit for bit, also after an exception or Ctrl-C.

    Examples
    --------
    >>> import torch
    >>> x = torch.randn(256, 5, generator=torch.Generator().manual_seed(0))
    >>> y = x[:, :1]
    >>> model = torch.nn.Linear(5, 1)
    >>> def squared(outputs, y):
    ...     return ((outputs - y.squeeze(1)) ** 2).mean()  # (n, 1) against (n,)
    >>> diagnose(model, squared, x, y, questions=["wiring"]).cause
    'loss-mixes-samples'

    What a card rests on is drawn: the gradient hardly reaches the first layers of ten with sigmoids:

    .. plot::
       :include-source:

       import torch
       from torch import nn
       from pitfalls import diagnose

       torch.manual_seed(0)
       x = torch.randn(128, 5)
       layers = [part for _ in range(10) for part in (nn.Linear(5, 5), nn.Sigmoid())]
       model = nn.Sequential(*layers, nn.Linear(5, 1))
       diagnose(model, nn.MSELoss(), x, x[:, :1], questions=["units"], budget=2.0).plot()
    """
    from pitfalls.diagnosis.asking import answer
    from pitfalls.diagnosis.attribution import attribute
    from pitfalls.diagnosis.cards import Diagnosis
    from pitfalls.diagnosis.clock import Stopwatch
    from pitfalls.diagnosis.examination import examine

    asked = _checked(questions)
    watch = Stopwatch()
    with examine(
        model, loss, x, y, optimizer, who="diagnose", seconds=budget, seed=seed
    ) as subject:
        cards: list[Card] = []
        for at, question in enumerate(asked):
            left = budget - watch.elapsed()
            cards.append(answer(subject, question, share_of(question, asked[at:], left, budget)))
            if on_card is not None:
                on_card(cards[-1])
        return Diagnosis(
            attribute(cards),
            tuple(cards),
            subject.n,
            subject.samples.n_total,
            watch.wall(),
            seed,
        )


def share_of(question: Question, rest: Sequence[Question], left: float, budget: float) -> float:
    """Return the seconds of a question: its part of what is left, at least a fiftieth of all."""
    return max(0.02 * budget, left * _PARTS[question] / sum(_PARTS[later] for later in rest))


def _checked(questions: Sequence[Question] | None) -> tuple[Question, ...]:
    """Bring the questions into their order."""
    if questions is None:
        return ALL
    if not isinstance(questions, Iterable):
        raise InputError(
            f"diagnose: questions must be some of {', '.join(ALL)}. Got {questions!r}."
        )
    given = (questions,) if isinstance(questions, str) else tuple(questions)
    unknown = [q for q in given if q not in ALL]
    if unknown or not given:
        raise InputError(
            f"diagnose: questions must be some of {', '.join(ALL)}. Got {list(questions)!r}."
        )
    return tuple(q for q in ALL if q in given)
