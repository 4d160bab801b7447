"""``pitfalls parity sweep``."""

from dataclasses import replace

from pitfalls.experiments.parity_sweep import EXPERIMENT, SweepConfig
from pitfalls.frame import options, perform, print_table, settings

__all__ = ["command"]


@options
def command(config: SweepConfig) -> None:
    """Map which parities are learned: a cell for each d, |v*|, width and rate.

    Every finished cell is saved at once; an interrupted sweep goes on where it was.
    """
    config = replace(config, n_jobs=config.n_jobs or settings().threads)
    result = perform(EXPERIMENT, config).result
    print_table(
        f"Learned, of {result.n_seeds} trainings of {result.n_iterations:,} iterations",
        ("d", "|v*|", "k", "rate", "learned", "accuracy", "iterations to 99 %"),
        [
            (
                cell.n_features, cell.weight, cell.n_hidden, cell.learning_rate,
                f"{cell.n_learned} of {cell.n}", cell.median_accuracy, cell.median_iterations,
            )
            for cell in result.cells
        ],
        caption="accuracy: of the last networks; iterations to 99 %: of the first record with that accuracy "
        "on inputs as the task draws them, where there was one. Both are medians.",
    )  # fmt: skip
