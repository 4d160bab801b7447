"""What is said of one training."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.parity_train.records import ParityTrainResult
from pitfalls.prose import Basis, Block, Markup, Paragraph, Picture, number, percent, say

__all__ = ["account", "basis", "charts", "end"]


def account(result: ParityTrainResult) -> tuple[Block, ...]:
    """Return where the training ended, and its curve."""
    return (Paragraph(end(result)), Picture("training-curve"))


def end(result: ParityTrainResult) -> Markup:
    """Say where the training ended, over which inputs."""
    last = result.replica
    return say(
        "One training at $d = {d}$, $m = {m}$: risk {risk} and accuracy {accuracy} at the end, over "
        "{inputs}. ",
        d=last.n_features, m=last.weight, risk=number(last.risk), accuracy=percent(last.test_accuracy),
        inputs=f"all {last.n_inputs:,} inputs" if last.exact else f"{last.n_inputs:,} random inputs",
    )  # fmt: skip


def basis(result: ParityTrainResult) -> Basis:
    """Say that it is one training."""
    return Basis(n="1 training", spread="none, one training")


def charts(result: ParityTrainResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}
