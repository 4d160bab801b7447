"""``pitfalls parity signal``."""

from pitfalls.experiments.parity_signal import EXPERIMENT, SignalConfig
from pitfalls.frame import options, perform, print_table

__all__ = ["command"]


@options
def command(config: SignalConfig) -> None:
    """Measure exactly how much the gradient says about the target, against d (homework 3c)."""
    result = perform(EXPERIMENT, config).result
    print_table(
        f"Signal in the gradient at initialisation, {config.loss} loss, median of {config.n_seeds}",
        ("d", "k", "signal", "E|g|²", "least", "largest", "C″/E|g|²", "C′/E|g|²", "C_p/E|g|²",
         f"signal/noise, batch {config.batch_size}", "exact"),
        [
            (
                row.n_features, row.n_hidden, row.signal, row.mean_square, row.mean_square_least,
                row.mean_square_largest, row.by_moments_over, row.by_unit_over,
                row.by_homework_over, row.signal_to_noise, row.exact,
            )
            for row in result.rows
        ],
        caption="signal = E_v|∇R_v - a|² = E|g|²/2^d: an equality, over all 2^d targets v.",
    )  # fmt: skip
