"""``pitfalls parity prove``."""

from typing import Literal

from pitfalls.cli.parity import app
from pitfalls.errors import InputError
from pitfalls.frame import Whole, say

__all__ = ["prove"]


@app.command
def prove(
    *,
    mask: str,
    variant: Literal["corrected", "printed", "compact"] = "corrected",
    n_hidden: Whole | None = None,
) -> None:
    """Prove one network that is set by hand for one mask (homework 3a), or show where it fails.

    Either is an answer, and the exit code is 0; it is 2 where the question makes no sense, as with
    fewer units than the construction needs.

    Parameters
    ----------
    mask
        Zeros and ones, such as 10110.
    variant
        Which construction.
    n_hidden
        Hidden units (default: as many as it needs).
    """
    if not mask or set(mask) - {"0", "1"}:
        raise InputError(f"--mask must be zeros and ones, such as 10110. Got {mask!r} instead.")
    from pitfalls.parity import exact_network, verify_exact

    bits = [int(bit) for bit in mask]
    network = exact_network(bits, variant, n_hidden)
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
