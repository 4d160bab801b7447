"""What the report says of the trainings of part (b)."""

from collections.abc import Mapping, Sequence
from typing import Any

from pitfalls.experiments.parity_curves.records import CurveCase, CurvesResult, Replica
from pitfalls.plots import CYCLE
from pitfalls.prose import (
    Basis,
    Block,
    Chart,
    Markup,
    Paragraph,
    Picture,
    counted,
    listed,
    number,
    say,
    series,
    table,
)

__all__ = ["account", "basis", "charts", "learned", "lost", "name_of", "parted", "silent"]

CLOSE_TO_ZERO_OUTPUT = 0.05
"""A risk this close to 1 is that of a network that says nothing."""


def account(result: CurvesResult) -> tuple[Block, ...]:
    """Return the table, what it shows, and the curves."""
    curves = (Picture("loss-curves"),)
    return (
        table(
            ("$d$", "Ones $m$", "Learned", "Risk at the end", "Accuracy at the end",
             "Iterations to 99 %"),
            [
                (
                    case.n_features, ", ".join(map(str, case.weights)),
                    f"{case.n_learned} of {len(case.replicas)}",
                    _spread(case.risk, [replica.risk for replica in case.replicas], 2),
                    _spread(case.accuracy, [r.test_accuracy for r in case.replicas], 3),
                    _range(case.reached),
                )
                for case in result.cases
            ],
            say(
                "{iterations} at learning rate {rate}, {loss} loss, {inputs}. {spread} Iterations "
                "to 99 %: the first record with that accuracy on {tested}. Masks: where no $m$ "
                "was set they are drawn uniformly.",
                iterations=counted(result.n_iterations, "iteration"), rate=result.learning_rate,
                loss=result.loss,
                inputs="fresh inputs in every batch" if result.fresh else "a fixed training set",
                tested="its fresh batches" if result.fresh else "test inputs, not that set",
                spread=_spread_words(result),
            ),
            words=(1,),
        ),
        Paragraph(learned(result) + lost(result) + silent(result) + parted(result)),
        Chart("parity-curves", "Loss curves of part (b), to zoom into", curves),
    )  # fmt: skip


def name_of(case: CurveCase) -> Markup:
    """Name a case by d and its masks' weights."""
    low, high = case.weights[0], case.weights[-1]
    if low == high:
        return say("$d = {d}$ with $m = {m}$", d=case.n_features, m=low)
    return say("$d = {d}$ with $m$ from {low} to {high}", d=case.n_features, low=low, high=high)


def learned(result: CurvesResult) -> Markup:
    """Name the cases that every training learned, and those that some did."""
    every = [case for case in result.cases if case.n_learned == len(case.replicas)]
    some = [case for case in result.cases if 0 < case.n_learned < len(case.replicas)]
    said: Markup = ()
    if every:
        cases = listed([name_of(case) for case in every])
        said += say("{n} learned parity at {cases}. ", n=_trainings(every), cases=cases)
    if some:
        parts = [
            say(
                "{case} ({some} of {all})",
                case=name_of(case), some=case.n_learned, all=len(case.replicas),
            )
            for case in some
        ]  # fmt: skip
        said += say("Only some learned at {cases}. ", cases=listed(parts))
    return said


def lost(result: CurvesResult) -> Markup:
    """Name the cases that no training learned, with where they ended."""
    none = [case for case in result.cases if case.n_learned == 0]
    if not none:
        return ()
    ends = [replica.test_accuracy for case in none for replica in case.replicas]
    return say(
        "None of {n} learned at {cases}: accuracy at the end {range}. ",
        n=_trainings(none), cases=listed([name_of(case) for case in none]),
        range=_from_to(ends, 3),
    )  # fmt: skip


def silent(result: CurvesResult) -> Markup:
    """Say that what was not learned is no better than silence; needs hinge risks close to 1."""
    ends = [
        replica.risk for case in result.cases if case.n_learned == 0 for replica in case.replicas
    ]
    if not ends or result.loss != "hinge":
        return ()
    if max(abs(risk - 1) for risk in ends) > CLOSE_TO_ZERO_OUTPUT:
        return ()
    return say(
        "Their risk at the end, {range}, is that of a network that always says 0. ",
        range=_from_to(ends, 4),
    )


def parted(result: CurvesResult) -> Markup:
    """Say that d alone does not decide; needs one d at which all learn for one m and none for another."""
    said: Markup = ()
    for d in sorted({case.n_features for case in result.cases}):
        cases = [case for case in result.cases if case.n_features == d]
        every = [case for case in cases if case.n_learned == len(case.replicas)]
        none = [case for case in cases if case.n_learned == 0]
        if every and none:
            said += say(
                "At $d = {d}$ all {n} learned at {won} and none of {m} at {lost}: a curve that does "
                "not state $m$ says little. ",
                d=d, n=_trainings(every), m=_trainings(none), won=listed(_weights(every)),
                lost=listed(_weights(none)),
            )  # fmt: skip
    return said


def basis(result: CurvesResult) -> Basis:
    """Say how many trainings a case has."""
    n = len(result.cases[0].replicas)
    return Basis(
        n=f"{counted(n, 'training')} a case, each with its own mask, start and inputs",
        spread="median, smallest and largest" if n > 1 else "none, one training a case",
    )


def charts(result: CurvesResult) -> Mapping[str, Any]:
    """Return loss and accuracy of every training, to zoom into."""
    sets = ("fresh inputs",) * 2 if result.fresh else ("the training set", "test inputs")
    # as in the static figure a colour is a case; its trainings differ by their dashes
    replicas = [
        (replica, CYCLE[at % len(CYCLE)], dash)
        for at, case in enumerate(result.cases)
        for dash, replica in enumerate(case.replicas)
    ]
    panels = [
        {
            "title": title,
            "x": "iterations",
            "y": f"{title} on {inputs}",
            "log": False,
            "series": [
                series(
                    _label(replica),
                    replica.step,
                    getattr(replica, name),
                    points=250,
                    colour=colour,
                    dash=dash,
                )
                for replica, colour, dash in replicas
            ],
        }
        for title, name, inputs in (
            (f"{result.loss} risk", "loss", sets[0]),
            ("accuracy", "accuracy", sets[1]),
        )
    ]
    return {
        "parity-curves": {
            "label": "Loss and accuracy of every training of part (b)",
            "panels": panels,
        }
    }


def _label(replica: Replica) -> str:
    return f"d = {replica.n_features}, |v*| = {replica.weight}, seed {replica.seed}"


def _trainings(cases: Sequence[CurveCase]) -> str:
    return counted(sum(len(case.replicas) for case in cases), "training")


def _weights(cases: Sequence[CurveCase]) -> list[Markup]:
    return [
        say("$m = {m}$", m=case.weights[0])
        if case.weights[0] == case.weights[-1]
        else say("$m$ from {low} to {high}", low=case.weights[0], high=case.weights[-1])
        for case in cases
    ]


def _spread(middle: float, values: Sequence[float], digits: int) -> str:
    if len(values) == 1:
        return number(middle, digits)
    return f"{number(middle, digits)} ({_from_to(values, digits)})"


def _spread_words(result: CurvesResult) -> str:
    if len(result.cases[0].replicas) == 1:
        return "One training a case."
    return "Median, in brackets smallest and largest."


def _from_to(values: Sequence[float], digits: int) -> str:
    low, high = number(min(values), digits), number(max(values), digits)
    return low if low == high else f"{low} to {high}"


def _range(values: Sequence[int]) -> str | None:
    if not values:
        return None
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"
