"""``pitfalls parity targets``."""

from pitfalls.experiments.parity_targets import EXPERIMENT, TargetsConfig
from pitfalls.frame import options, perform, print_table

__all__ = ["command"]


@options
def command(config: TargetsConfig) -> None:
    """Compute the gradient for all 2^d targets, and what it says about each Hamming weight."""
    result = perform(EXPERIMENT, config).result
    print_table(
        f"|∇R_v - a|² by the weight of the mask, d = {result.n_features}, k = {result.n_hidden}, "
        f"n = {result.n}",
        ("|v|", "masks", "mean", "least", "largest", "mean/signal", "share of the signal"),
        [
            (
                row.weight, row.n_masks, row.mean, row.least, row.largest, row.over_signal,
                row.share,
            )
            for row in result.rows
        ],
        caption=f"signal, the mean over all masks: {result.signal:.4g} (median over networks)",
    )  # fmt: skip
