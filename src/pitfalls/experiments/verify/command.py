"""``pitfalls verify``."""

from dataclasses import replace

from pitfalls.experiments.verify import EXPERIMENT, VerifyConfig
from pitfalls.frame import options, perform, print_table, say

__all__ = ["command"]


@options
def command(*claims: str, config: VerifyConfig) -> int:
    """Check statements of the homework by trying to break them.

    Exits with 1 when a claim that should hold does not, or one that should fail holds.

    Parameters
    ----------
    claims
        Ids such as 2a-if, or homework parts such as 3c (default: all).
    """
    from pitfalls.claims import EvidenceLabel, select_claims

    chosen = select_claims(claims)
    every = len(chosen) == len(select_claims())
    # the same claims asked for in another way are the same run
    config = replace(config, claims=() if every else tuple(claim.id for claim in chosen))
    finished = perform(EXPERIMENT, config)
    verdicts, wrong = finished.result.verdicts, finished.result.wrong
    words = {label.value: label.name.lower() for label in EvidenceLabel}
    seen = {verdict.evidence for verdict in verdicts}
    seconds = sum(line["seconds"] for line in finished.run.timings())
    print_table(
        f"{len(verdicts)} claims, {config.effort} checks, {seconds:.1f} s",
        ("claim", "verdict", "evidence", "cases", "largest error", "statement"),
        [
            (
                v.claim,
                v.word,
                words[v.evidence],
                v.cases,
                f"{v.largest_error:.1e} ({v.tolerance:.0e})" if v.tolerance else "exact",
                v.title,
            )
            for v in verdicts
        ],
        caption="evidence: "
        + "; ".join(f"{word}: {label}" for label, word in words.items() if label in seen)
        + ". In brackets the tolerance of the largest error.",
    )
    for verdict in verdicts:
        if verdict.counterexample is not None:
            say(f"{verdict.claim}: counterexample: {verdict.counterexample}")
    if wrong:
        names = ", ".join(verdict.claim for verdict in wrong)
        say(f"{len(wrong)} of {len(verdicts)} claims did not come out as they should: {names}")
        return 1
    say(f"All {len(verdicts)} claims came out as they should.")
    return 0
