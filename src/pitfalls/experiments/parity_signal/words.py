"""What the report says of the signal: each sentence with the condition under which it stands."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.parity_signal.records import SignalResult
from pitfalls.prose import (
    Basis,
    Block,
    Markup,
    Paragraph,
    Picture,
    counted,
    number,
    say,
    table,
)

__all__ = ["account", "basis", "charts", "looseness", "noise", "slope"]


def account(result: SignalResult) -> tuple[Block, ...]:
    """Return the table, what it shows, and the figure."""
    first, last = result.rows[0], result.rows[-1]
    shown = [r for r in result.rows if r in (first, last) or r.n_features in (5, 10, 20, 30)]
    how = (
        say("exact: summed over all $2^d$ inputs")
        if result.exact
        else say("exact where the last column says so, else estimated from sampled inputs")
    )
    return (
        table(
            ("$d$", "$k$", "Signal", "$EE norm(g)^2$", "$C_p$ over it", "$C'$", "$C''$",
             "Signal to noise", "Exact"),
            [
                (
                    row.n_features, row.n_hidden, number(row.signal, 2), row.mean_square,
                    number(row.by_homework_over), number(row.by_unit_over, 2),
                    number(row.by_moments_over, 2), number(row.signal_to_noise, 1), row.exact,
                )
                for row in shown
            ],
            say(
                "The signal $EE_v norm(nabla R - a)^2$ of networks at initialisation, {how}; how "
                "many times larger each bound's constant is than what it bounds; and the share of "
                "the signal in the noise of one batch of {batch}. Medians of {n}.",
                how=how, batch=result.batch_size, n=counted(first.n, "network"),
            ),
            words=(),
        ),
        Paragraph(slope(result) + looseness(result) + noise(result)),
        Picture("signal-by-dimension"),
    )  # fmt: skip


def slope(result: SignalResult) -> Markup:
    """Say what a dimension costs; needs two dimensions, in rising order."""
    first, last = result.rows[0], result.rows[-1]
    if last.n_features <= first.n_features:
        return ()
    a_dimension = 2.0 ** (
        (last.log2_signal - first.log2_signal) / (last.n_features - first.n_features)
    )
    return say(
        "From $d = {low}$ to $d = {high}$ each further dimension multiplies the median signal by "
        "{factor} on average; $2^(-d)$ alone would by one half. ",
        low=first.n_features, high=last.n_features, factor=number(a_dimension, 2),
    )  # fmt: skip


def looseness(result: SignalResult) -> Markup:
    """Compare the bounds with what they bound, at the last dimension; needs exact values there."""
    last = result.rows[-1]
    if not last.exact:
        return ()
    return say(
        "At $d = {d}$ the homework's $C_p$ is {homework} times what it bounds, the moment bound "
        "$C''$ {moments} times. ",
        d=last.n_features, homework=number(last.by_homework_over, 2),
        moments=number(last.by_moments_over, 2),
    )  # fmt: skip


def noise(result: SignalResult) -> Markup:
    """Say what one batch shows of the mask, at the last dimension."""
    last = result.rows[-1]
    return say(
        "In one batch of {batch} at $d = {d}$ the part of the gradient that depends on the mask has "
        "{ratio} of the noise's mean square. ",
        batch=result.batch_size, d=last.n_features, ratio=number(last.signal_to_noise, 1),
    )  # fmt: skip


def basis(result: SignalResult) -> Basis:
    """Say how many networks stand behind a row, and how they were measured."""
    over = "over all inputs" if result.exact else "over all inputs or a sample, as said"
    return Basis(
        n=f"{counted(result.rows[0].n, 'network')} a dimension, each {over}",
        spread="median over the networks; smallest and largest in the figure"
        if result.rows[0].n > 1
        else "none, one network a dimension",
    )


def charts(result: SignalResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
