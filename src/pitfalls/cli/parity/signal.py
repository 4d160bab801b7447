"""``pitfalls parity exact``."""

from typing import Annotated, Literal

from cyclopts import Parameter

from pitfalls.cli.parity import app
from pitfalls.cli.performing import perform
from pitfalls.errors import InputError
from pitfalls.frame.session import say, settings
from pitfalls.frame.tables import print_table

__all__ = ["exact"]


@app.command
def exact(
    *,
    d: Annotated[int, Parameter(alias="-d")] = 10,
    mask: str | None = None,
    variant: Literal["corrected", "printed", "compact"] = "corrected",
    k: int | None = None,
) -> None:
    """Prove networks that equal a parity at every input (homework 3a).

    Without --mask: every construction for every mask of 1 to 12, 20 and 30 features, the
    homework's misprint shown, and the homework's own check on random inputs.

    Parameters
    ----------
    d
        Features of the network that is drawn and checked on random inputs.
    mask
        Zeros and ones, such as 10110: prove one network for this mask instead.
    variant
        Which construction, with --mask.
    k
        Hidden units, with --mask (default: as many as it needs).
    """
    if mask is not None:
        _prove_one(mask, variant, k)
        return
    if variant != "corrected" or k is not None:
        raise InputError("pitfalls parity exact: --variant and --k go with --mask 0110...")
    from pitfalls.experiments.parity_exact import ExactConfig

    run = perform(ExactConfig(shown=d, seed=settings().seed))
    results = run.results()
    print_table(
        "Networks against all 2^d inputs, for every mask",
        ["d", "construction", "units", "mask weights", "exact for", "f(1)", "due"],
        [
            [
                row["d"],
                row["variant"],
                row["units"],
                row["weights"],
                row["weights_exact"],
                row["output_at_ones"],
                row["label_at_ones"],
            ]
            for row in results["proofs"]
        ],
        caption="f(1): the output at v = x = 1, the one place where the printed construction fails.",
    )
    print_table(
        f"The homework's check: {results['n_inputs']:,} random inputs, d = {d}",
        ["mask", "ones", "construction", "wrong"],
        [[r["mask"], r["weight"], r["variant"], r["wrong"]] for r in results["sampled"]],
    )


def _prove_one(
    mask: str, variant: Literal["corrected", "printed", "compact"], k: int | None
) -> None:
    if not mask or set(mask) - {"0", "1"}:
        raise InputError(f"--mask must be zeros and ones, such as 10110. Got {mask!r} instead.")
    from pitfalls.parity import exact_network, verify_exact

    bits = [int(bit) for bit in mask]
    network = exact_network(bits, variant, k)
    proof = verify_exact(network, bits)
    size = f"{variant} network, d = {len(bits)}, k = {network.n_hidden}, |v| = {sum(bits)}"
    if proof:
        say(
            f"{size}: exact at all 2^{len(bits)} inputs (proved by {proof.method}, "
            f"{proof.n_checked} checked)."
        )
        return
    assert proof.counterexample is not None
    x = "".join(map(str, proof.counterexample))
    say(f"{size}: not exact. At x = {x} it gives {proof.output:g} where {proof.label:g} is due.")
