"""What a run of ``verify`` says: one verdict a claim."""

from pitfalls.report.facts.registry import Facts, states
from pitfalls.runs import Run


@states("verify")
def verdicts(runs: tuple[Run, ...]) -> Facts:
    """Return the checks by claim."""
    results = runs[0].results()
    checks = results["claims"]
    return Facts(
        {"claims": checks},
        n=f"{sum(check['cases'] for check in checks.values()):,} cases",
        spread="none: a verdict, with the largest error beside its tolerance",
    )
