"""``pitfalls linear ranks``."""

from pitfalls.experiments.linear_ranks import EXPERIMENT, RanksConfig
from pitfalls.frame import options, perform, print_table

__all__ = ["command"]


@options
def command(config: RanksConfig) -> None:
    """Fit networks of hidden width 1, 2, ... by descent, and judge what came out."""
    result = perform(EXPERIMENT, config).result
    scored = ("train accuracy", "test accuracy") if result.pictures else ()
    print_table(
        f"{result.data}: {result.n:,} rows, {result.n_layers} layers, hidden width = rank",
        ("rank", "risk", "least risk", "descent found", "steps", *scored),
        [
            (
                row.rank, row.risk, row.minimum, row.point.verdict, row.steps,
                *((row.train_accuracy, row.test_accuracy) if result.pictures else ()),
            )
            for row in result.rows
        ],
    )  # fmt: skip
