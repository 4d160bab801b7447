"""``pitfalls parity curves``."""

from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from pitfalls.errors import InputError
from pitfalls.experiments.parity_curves import EXPERIMENT, CurvesConfig
from pitfalls.frame import options, perform, print_table, settings

__all__ = ["cases_of", "command"]

Ints = Annotated[tuple[int, ...], Parameter(consume_multiple=True, negative="")]


@options
def command(
    config: CurvesConfig,
    *,
    n_features: Annotated[Ints, Parameter(alias="-d")] = (),
    weights: Ints = (),
) -> None:
    """Draw loss curves over several seeds (homework 3b).

    Without -d and --weights: the homework's d = 5, 10 and 30 with masks drawn uniformly, and d = 30
    with masks of two and three ones.

    Parameters
    ----------
    n_features
        Features, one number or more.
    weights
        Ones of the mask, one number for each -d or one for all (default: drawn uniformly).
    """
    if n_features or weights:
        config = replace(config, cases=cases_of(n_features, weights))
    result = perform(EXPERIMENT, replace(config, parallel=settings().threads)).result
    print_table(
        f"{result.loss} loss, {result.n_iterations:,} iterations",
        ("d", "|v*|", "n", "learned", "risk", "risk, all", "accuracy", "accuracy, all", "to 99 %"),
        [
            (
                case.n_features, _range(case.weights, ","), len(case.replicas), case.n_learned,
                case.risk, _range([r.risk for r in case.replicas], ".3g"), case.accuracy,
                _range([r.test_accuracy for r in case.replicas], ".3g"),
                _range(case.reached, ",") or "not reached",
            )
            for case in result.cases
        ],
        caption="learned: 99 % accuracy at the end, over all inputs to d = 20, sampled beyond; risk and "
        "accuracy: medians, then smallest to largest.",
    )  # fmt: skip


def cases_of(
    n_features: tuple[int, ...], weights: tuple[int, ...]
) -> tuple[tuple[int, int | None], ...]:
    """Pair dimensions with weights: one for each, one for all, or none, for a uniform mask."""
    if not n_features:
        raise InputError("--weights: give the features as well, with -d.")
    if not weights:
        return tuple((d, None) for d in n_features)
    if len(weights) not in (1, len(n_features)):
        raise InputError(
            f"--weights: give one, or one for each -d ({len(n_features)}). Got {len(weights)}."
        )
    every = weights if len(weights) > 1 else weights * len(n_features)
    return tuple(zip(n_features, every, strict=True))


def _range(values: "tuple[int, ...] | list[float]", style: str) -> str:
    if not values:
        return ""
    low, high = format(min(values), style), format(max(values), style)
    return low if low == high else f"{low}–{high}"
