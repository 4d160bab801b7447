"""What the report says of the derivation's steps."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.parity_gradients.records import GradientsResult
from pitfalls.prose import Basis, Block, Markup, Paragraph, counted, number, say, table

__all__ = ["account", "basis", "charts", "rounding"]

ROUNDING = 1e-9
"""An error below this is called rounding: values are of the order of one, in double precision."""


def account(result: GradientsResult) -> tuple[Block, ...]:
    """Return one row a network, and whether every step holds."""
    return (
        table(
            ("$d$", "$k$", "Start", "(i) $nabla f$", "(i) largest / bound", "(ii)", "(iii)",
             "(iv) identity", "$C_p slash EE norm(g)^2$"),
            [
                (
                    row.n_features, row.n_hidden, f"× {number(row.scale, 2)}",
                    number(row.gradient_error, 1), number(row.largest_element / row.element_bound),
                    number(row.decomposition_error, 1), number(row.orthonormality_error, 1),
                    number(row.identity_error, 1), number(row.by_homework / row.mean_square),
                )
                for row in result.rows
            ],
            "Each step against automatic differentiation over all inputs and all $2^d$ targets, in "
            "double precision: the largest error. Start: PyTorch's initial weights times the factor.",
            words=(),
        ),
        Paragraph(rounding(result)),
    )  # fmt: skip


def rounding(result: GradientsResult) -> Markup:
    """Say whether every step holds to rounding."""
    largest = number(result.largest_error, 1)
    if result.largest_error < ROUNDING:
        return say(
            "Every step holds to rounding (largest error {largest}), and the last is an equality: "
            "what lies between the signal and the homework's bound is the constant $C_p$ alone. ",
            largest=largest,
        )
    return say("*A step fails*: the largest error is {largest}. ", largest=largest)


def basis(result: GradientsResult) -> Basis:
    """Say what was summed over."""
    return Basis(
        n=f"{counted(len(result.rows), 'network')}, every input and every target of each",
        spread="none, exact sums; the largest error is given",
    )


def charts(result: GradientsResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
