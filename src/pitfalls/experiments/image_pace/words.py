"""What the report says of the short timing: each sentence with the condition under which it stands."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.image_networks import NetworkConfig
from pitfalls.experiments.image_pace.records import Pace, PaceResult
from pitfalls.prose import Basis, Block, Markup, Paragraph, counted, listed, number, say, table

__all__ = ["account", "basis", "busy", "charts", "chosen"]

BUSY = 1.25
"""Wall time over processor time from which other work is said to have run beside."""


def account(result: PaceResult) -> tuple[Block, ...]:
    """Return what was timed, and what was chosen by it."""
    return (
        Paragraph(chosen(result) + busy(result)),
        table(
            ("Network", "Pixels", "Images a step", "Precision", "Seconds a step",
             "Processor seconds"),
            [
                (
                    NetworkConfig(pace.network).title, f"{pace.side} × {pace.side}",
                    pace.batch_size, pace.precision, number(pace.seconds, 2),
                    number(pace.cpu_seconds, 2),
                )
                for pace in result.paces
            ],
            say(
                "What a training step takes in one thread on {processor}: medians of {n}, after one "
                "that is not counted.",
                processor=result.processor or "this machine", n=counted(result.n_steps, "step"),
            ),
            words=(0, 1, 3),
        ),
    )  # fmt: skip


def chosen(result: PaceResult) -> Markup:
    """Say which precision won for each network; needs two of them."""
    best: dict[str, Pace] = {}
    for pace in result.paces:
        kept = best.setdefault(pace.network, pace)
        if pace.cpu_seconds < kept.cpu_seconds:
            best[pace.network] = pace
    start = say(
        "Within the minutes of the quick report the work is what a short timing says that {threads} "
        "can do on quiet cores. ",
        threads=counted(result.threads, "thread"),
    )
    if len(result.paces) == len(best):
        return start
    told = [
        say("{precision} for {network}", precision=pace.precision,
            network=NetworkConfig(pace.network).title)
        for pace in best.values()
    ]  # fmt: skip
    return start + say("The faster precision is {told}. ", told=listed(told))


def busy(result: PaceResult) -> Markup:
    """Say that other work ran beside; needs walls beyond what the processor's seconds explain."""
    ratio = max(pace.seconds / pace.cpu_seconds for pace in result.paces)
    if ratio < BUSY:
        return ()
    return say(
        "A step took up to {ratio} times its processor seconds: other work ran on this machine. ",
        ratio=number(ratio, 2),
    )


def basis(result: PaceResult) -> Basis:
    """Say how many steps stand behind a median."""
    return Basis(n=f"{counted(result.n_steps, 'step')} a row", spread="none; medians")


def charts(result: PaceResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
