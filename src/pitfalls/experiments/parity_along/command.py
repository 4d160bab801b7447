"""``pitfalls parity along``."""

from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from pitfalls.experiments.parity_along import EXPERIMENT, AlongConfig
from pitfalls.experiments.parity_curves.command import cases_of
from pitfalls.frame import options, perform, print_table

__all__ = ["command"]

Ints = Annotated[tuple[int, ...], Parameter(consume_multiple=True, negative="")]


@options
def command(
    config: AlongConfig,
    *,
    n_features: Annotated[Ints, Parameter(alias="-d")] = (),
    weights: Ints = (),
) -> None:
    """Measure the exact gradient signal of the target along training.

    Without -d and --weights: masks of 3 and of 9 ones at d = 18.

    Parameters
    ----------
    n_features
        Features, one number or more.
    weights
        Ones of the mask, one number for each -d or one for all (default: drawn uniformly).
    """
    if n_features or weights:
        config = replace(config, cases=cases_of(n_features, weights))
    result = perform(EXPERIMENT, config).result
    print_table(
        "Signal of the trained target over the mean of all targets",
        ("d", "|v*|", "at the start", "at most", "accuracy at the end", "iterations to 99 %"),
        [
            (
                passage.replica.n_features, passage.replica.weight, passage.ratio_at_start,
                passage.ratio_at_most, passage.replica.test_accuracy, passage.replica.reached,
            )
            for passage in result.passages
        ],
        caption="iterations to 99 %: the first record with that accuracy on inputs as the task "
        "draws them.",
    )  # fmt: skip
