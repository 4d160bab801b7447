"""``pitfalls parity exact``."""

from pitfalls.experiments.parity_exact import EXPERIMENT, ExactConfig
from pitfalls.frame import options, perform, print_table

__all__ = ["command"]


@options
def command(config: ExactConfig) -> None:
    """Prove networks that equal parity at every input, for every mask (homework 3a).

    Every construction for every mask of 1 to 12, 20 and 30 features, the homework's misprint shown,
    and the homework's own check on random inputs. For one mask of your own: pitfalls parity prove.
    """
    result = perform(EXPERIMENT, config).result
    print_table(
        "Networks against all 2^d inputs, for every mask",
        ("d", "construction", "units", "mask weights", "exact for", "f(1)", "due"),
        [
            (
                proof.n_features,
                proof.variant,
                proof.n_units,
                proof.weights,
                proof.weights_exact,
                proof.output_at_ones,
                proof.label_at_ones,
            )
            for proof in result.proofs
        ],
        caption="f(1): the output at v = x = 1, the one place where the printed construction fails.",
    )
    print_table(
        f"The homework's check: {result.n_inputs:,} random inputs, d = {result.n_features}",
        ("mask", "ones", "construction", "wrong"),
        [(row.mask, row.weight, row.variant, row.n_wrong) for row in result.sampled],
    )  # fmt: skip
