"""``pitfalls verify``: attack the claims and show what came of it."""

from typing import Any, Literal

from pitfalls.cli.performing import perform
from pitfalls.frame.session import say, settings
from pitfalls.frame.tables import print_table


def verify(*claims: str, effort: Literal["quick", "thorough"] = "quick") -> int:
    """Check statements of the homework by trying to break them.

    Exits with 1 when a claim that should hold does not, or one that should fail holds.

    Parameters
    ----------
    claims
        Ids such as 2a-if, or homework parts such as 3c (default: all).
    effort
        quick takes seconds, thorough some minutes.
    """
    from pitfalls.claims import Evidence, select_claims
    from pitfalls.experiments.claims import VerifyConfig

    chosen = select_claims(claims)
    every = len(chosen) == len(select_claims())
    config = VerifyConfig(
        claims=() if every else tuple(claim.id for claim in chosen),
        effort=effort,
        seed=settings().seed,
    )
    run = perform(config)
    verdicts: dict[str, dict[str, Any]] = run.results()["claims"]
    words = {label.value: label.name.lower() for label in Evidence}
    seen = {v["evidence"] for v in verdicts.values()}
    seconds = sum(line["seconds"] for line in run.timings())
    print_table(
        f"{len(verdicts)} claims, {effort} checks, {seconds:.1f} s",
        ["claim", "verdict", "evidence", "cases", "largest error", "statement"],
        [
            [
                name,
                verdict_word(v),
                words[v["evidence"]],
                v["cases"],
                f"{v['largest_error']:.1e} ({v['tolerance']:.0e})" if v["tolerance"] else "exact",
                v["title"],
            ]
            for name, v in verdicts.items()
        ],
        caption="evidence: "
        + "; ".join(f"{word}: {label}" for label, word in words.items() if label in seen)
        + ". In brackets the tolerance of the largest error.",
    )
    for name, v in verdicts.items():
        if v["counterexample"] is not None:
            say(f"{name}: counterexample: {v['counterexample']}")
    wrong = [name for name, v in verdicts.items() if not v["as_expected"]]
    if wrong:
        say(
            f"{len(wrong)} of {len(verdicts)} claims did not come out as they should: {', '.join(wrong)}"
        )
        return 1
    say(f"All {len(verdicts)} claims came out as they should.")
    return 0


def verdict_word(verdict: dict[str, Any]) -> str:
    """Return the verdict in two or three words; capitals where it is not the expected one."""
    if verdict["as_expected"]:
        return "holds" if verdict["holds"] else "false (expected)"
    return "HOLDS, SHOULD NOT" if verdict["holds"] else "REFUTED"
