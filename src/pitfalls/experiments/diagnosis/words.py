"""What is said of one diagnosis."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.diagnosis.records import DiagnosisResult
from pitfalls.prose import Basis, Block, Markup, Paragraph, Picture, number, say, table

__all__ = ["account", "basis", "charts", "heading"]


def account(result: DiagnosisResult) -> tuple[Block, ...]:
    """Return the causes, the cards, and the figures that this diagnosis has."""
    from pitfalls.experiments.diagnosis.figures import FIGURES

    return (
        Paragraph(heading(result)),
        table(
            ("Question", "Verdict", "n", "p", "Seconds", "Gradients"),
            [
                (
                    card.question, card.verdict, card.evidence.n,
                    "" if card.p_value is None else number(card.p_value, 2),
                    number(card.cost.seconds, 2), card.cost.gradients + card.cost.products,
                )
                for card in result.cards
            ],
            say(
                "Verdicts, the examples n behind each, the p-value of the exact test where there is "
                "one, and what it took: seconds, and batches sent back (Hessian products among them)."
            ),
            words=(0, 1),
        ),
        *(Picture(figure.name) for figure in FIGURES if figure.shown_for(result)),
    )  # fmt: skip


def heading(result: DiagnosisResult) -> Markup:
    """Name the first cause, and how many more there are."""
    first, *more = result.attributions
    rest: Markup = ()
    if more:
        rest = say(" After it: {causes}.", causes=", ".join(a.cause for a in more))
    return say("*{cause}.* ".replace("*", ""), cause=first.cause) + say(
        "{reason}", reason=first.reason
    ) + rest  # fmt: skip


def basis(result: DiagnosisResult) -> Basis:
    """Say how many examples were looked at."""
    first = result.cards[0]
    of = "" if first.n_total in (None, first.n_examples) else f" of {first.n_total:,}"
    return Basis(
        n=f"{first.n_examples:,}{of} examples; each card says its own n",
        spread="none: one network; p-values and intervals where they are given",
    )


def charts(result: DiagnosisResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
