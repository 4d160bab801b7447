"""``pitfalls linear minimum``."""

from pitfalls.experiments.linear_minimum import EXPERIMENT, MinimumConfig
from pitfalls.frame import options, perform, print_table

__all__ = ["command"]


@options
def command(config: MinimumConfig) -> None:
    """Find the least risk of every rank (reduced-rank regression)."""
    result = perform(EXPERIMENT, config).result
    strengths = [None, *map(float, result.modes)]
    print_table(
        f"{result.data}: {result.n:,} rows, {result.n_features} features, "
        f"{result.n_outputs} outputs",
        ("rank", "mode added", "least risk", "unique on the data"),
        [(row.rank, strengths[row.rank], row.risk, row.unique) for row in result.rows],
        caption=f"rank of X {result.rank_x}, rank of Y'X {result.rank_yx}; least squares "
        f"leaves {result.left}",
    )
