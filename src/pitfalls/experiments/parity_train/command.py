"""``pitfalls parity train``."""

from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from pitfalls.errors import InputError
from pitfalls.experiments.parity_curves import Replica
from pitfalls.experiments.parity_train import EXPERIMENT, ParityTrainConfig
from pitfalls.frame import Whole, options, perform, print_table, settings

__all__ = ["command"]


@options
def command(
    config: ParityTrainConfig,
    *,
    n_features: Annotated[Whole | None, Parameter(alias="-d")] = None,
    weight: Whole | None = None,
    mask: str | None = None,
) -> None:
    """Train one network on one parity.

    Parameters
    ----------
    n_features
        Features (default: 10).
    weight
        Ones of the mask (default: each feature counts with chance one half).
    mask
        The mask itself, zeros and ones such as 10110, in place of -d and --weight.
    """
    config = replace(config, mask=_mask(n_features, weight, mask))
    result = perform(EXPERIMENT, config).result
    last = result.replica
    print_table(
        f"Parity of {last.weight} of {last.n_features} features",
        ("mask", "units", "risk", "accuracy", "inputs", "spread",
         "99 % from", *(() if result.fresh else ("training set at 99 % from",))),
        [
            (
                "".join(map(str, result.mask)), result.n_hidden, last.risk, last.test_accuracy,
                last.n_inputs, _spread(last),
                last.reached, *(() if result.fresh else (last.fitted,)),
            )
        ],
        caption="risk and accuracy: of the last network, over the inputs stated. 99 % from: the first "
        "record with that accuracy on "
        + ("its fresh batches." if result.fresh else "test inputs, not the training set."),
    )  # fmt: skip


def _spread(last: Replica) -> str:
    """Say how far the accuracy may be off: where all or none are right, by the rule of three."""
    if last.exact:
        return "exact"
    if last.accuracy_error == 0:
        return f"within {3 / last.n_inputs:.1g} (95 %)"
    return f"± {last.accuracy_error:.1g}"


def _mask(n_features: int | None, weight: int | None, mask: str | None) -> tuple[int, ...]:
    from pitfalls.parity import ParityTask

    if mask is None:
        d = 10 if n_features is None else n_features
        return ParityTask.random(d, settings().seed, weight).mask
    if not mask or set(mask) - {"0", "1"}:
        raise InputError(f"--mask must be zeros and ones, such as 10110. Got {mask!r} instead.")
    if weight is not None or n_features is not None:
        raise InputError(
            "--mask and -d or --weight exclude each other: a mask has its length and its ones."
        )
    return tuple(int(bit) for bit in mask)
