"""``pitfalls parity depth``."""

from pitfalls.experiments.parity_depth import EXPERIMENT, DepthConfig
from pitfalls.frame import options, perform, print_table

__all__ = ["command"]


@options
def command(config: DepthConfig) -> None:
    """Compare deep sigmoid and ReLU networks (homework 3d)."""
    result = perform(EXPERIMENT, config).result
    print_table(
        f"Before training, {result.shown} hidden layers",
        ("activation", "a layer multiplies the message by", "bound", "first over last gradient"),
        [
            (start.activation, start.factor_a_layer, start.bound_a_layer, start.first_over_last)
            for start in result.starts
        ],
    )
    print_table(
        f"Parity of {result.weight} of {result.n_features} features after "
        f"{result.n_iterations:,} iterations",
        ("activation", "hidden layers", "n", "learned", "median accuracy", "to 99 %"),
        [
            (
                cell.activation, cell.depth, cell.n, cell.n_learned, cell.median_accuracy,
                f"{min(cell.reached):,}–{max(cell.reached):,}" if cell.reached else "not reached",
            )
            for cell in result.trained
        ],
        caption="to 99 %: the first record with that accuracy on inputs as the task draws them, smallest and "
        "largest.",
    )  # fmt: skip
