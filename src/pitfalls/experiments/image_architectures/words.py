"""What the report says of the networks: each sentence with the condition under which it stands."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.image_architectures.records import ArchitecturesResult
from pitfalls.experiments.image_compared import basis_of, epochs_words, share_words, starts_words
from pitfalls.experiments.image_source import called
from pitfalls.experiments.image_words import get_beyond_guessing
from pitfalls.prose import (
    Basis,
    Block,
    Markup,
    Paragraph,
    Picture,
    counted,
    listed,
    number,
    percent,
    say,
    table,
)

__all__ = ["account", "basis", "bought", "charts", "guessing", "hidden", "lost", "same"]


def account(result: ArchitecturesResult) -> tuple[Block, ...]:
    """Return the table, what it shows, and the figure."""
    part = called(result.part)
    return (
        table(
            ("Network", "Convolutions", "Parameters", "n", "Training accuracy",
             f"{part.capitalize()} accuracy", "Processor seconds"),
            [
                (
                    row.candidate.title, "yes" if row.candidate.convolves else "no",
                    f"{row.candidate.n_parameters:,}",
                    row.n if row.n == row.n_asked else f"{row.n} of {row.n_asked}",
                    percent(row.train), share_words(row), number(row.cpu_seconds),
                )
                for row in result.rows
            ],
            say(
                "{data}, {n}, {epochs} of the scheme {scheme}, optimiser {optimizer}. Training "
                "accuracy is a mean over the last epoch while the weights changed; {after}",
                data=result.pictures.name,
                n=counted(result.pictures.n("train"), "training image"),
                epochs=epochs_words(result.trainings),
                scheme=result.training.scheme.rpartition(":")[2],
                optimizer=result.training.optimizer.rpartition(":")[2],
                after=_spread_words(result),
            ),
        ),
        Paragraph(
            same(result) + bought(result) + hidden(result) + guessing(result) + lost(result)
        ),
        Picture("architectures"),
    )  # fmt: skip


def same(result: ArchitecturesResult) -> Markup:
    """Say what the networks share; needs two of them."""
    if len(result.rows) < 2:
        return ()
    return say(
        "All networks see the same images in the same order under the same schedule, which was tuned "
        "for none of them. "
    )


def bought(result: ArchitecturesResult) -> Markup:
    """Say what convolutions buy: the best network with them against the best without; needs both."""
    best, other = result.best(convolves=True), result.best(convolves=False)
    if best is None or other is None:
        return ()
    ends = say(
        "Of the networks with convolutions {best} is best with {share} ({size}), of those without "
        "{other} with {less} ({size2}): ",
        best=best.candidate.title, share=percent(best.held_out),
        size=counted(best.candidate.n_parameters, "parameter"),
        other=other.candidate.title, less=percent(other.held_out),
        size2=counted(other.candidate.n_parameters, "parameter"),
    )  # fmt: skip
    points = number(100 * abs(best.held_out - other.held_out), 2)
    chance = say(
        "chance explains (95 %, all pairs of the two kinds together, by counting on {images}{starts})",
        images=counted(result.n_held_out, f"{called(result.part)} image"), starts=starts_words(result),
    )  # fmt: skip
    if result.decided == "with":
        return ends + say(
            "here a convolution buys {points} points, more than {chance}. ",
            points=points, chance=chance,
        )  # fmt: skip
    if result.decided == "without":
        return ends + say(
            "here the networks without are ahead, by {points} points, more than {chance}. ",
            points=points, chance=chance,
        )  # fmt: skip
    return ends + say("no more than {chance}; this comparison does not decide. ", chance=chance)


def hidden(result: ArchitecturesResult) -> Markup:
    """Say what hidden layers without convolutions buy; needs the linear network and the perceptron."""
    linear, perceptron = result.row("linear"), result.row("mlp")
    if linear is None or perceptron is None:
        return ()
    points = number(100 * abs(perceptron.held_out - linear.held_out), 2)
    if result.ahead(perceptron, linear):
        return say(
            "Hidden layers alone, without convolutions, are worth {points} points over the linear "
            "network. ",
            points=points,
        )
    if result.ahead(linear, perceptron):
        return say("The linear network is {points} points ahead of the perceptron. ", points=points)
    return say("The perceptron and the linear network are not told apart. ")


def guessing(result: ArchitecturesResult) -> Markup:
    """Name the networks that are not told to do better than an answer that ignores the image."""
    rows = result.guessing
    if not rows:
        return ()
    return say(
        "{names} {verb} not {beyond}",
        names=listed([row.candidate.title for row in rows]),
        verb="does" if len(rows) == 1 else "do", beyond=get_beyond_guessing(result.constant),
    )  # fmt: skip


def lost(result: ArchitecturesResult) -> Markup:
    """Name the trainings that left the finite numbers."""
    told = [
        say("{n} of {title}", n=counted(n, "training"), title=one.title)
        for one in result.candidates
        if (n := sum(gone.model == one.model for gone in result.lost))
    ]
    return say("Diverged: {told}. ", told=listed(told)) if told else ()


def basis(result: ArchitecturesResult) -> Basis:
    """Say how many starts a network has."""
    return basis_of(result, "network")


def charts(result: ArchitecturesResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}


def _spread_words(result: ArchitecturesResult) -> str:
    single = any(row.n == 1 for row in result.rows)
    several = any(row.n > 1 for row in result.rows)
    words = ["after ± the standard error of counting"] if single else []
    words += ["in brackets the smallest and the largest over the starts"] if several else []
    return ", ".join(words) + "."
