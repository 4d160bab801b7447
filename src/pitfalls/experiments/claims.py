"""Checking the claims: an experiment like any other, with one verdict a claim."""

import time
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pitfalls.claims import select_claims
from pitfalls.experiments.registry import experiment
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["VerifyConfig", "homework_runs", "verify_claims"]


@dataclass(frozen=True)
class VerifyConfig:
    """Which claims to attack, and how hard.

    Attributes
    ----------
    claims : tuple of str
        Ids or homework parts; empty for all.
    effort : {"quick", "thorough"}
        Seconds, or minutes.
    seed : int
        Of the adversary.
    """

    claims: tuple[str, ...] = ()
    effort: Literal["quick", "thorough"] = "quick"
    seed: int = 0


@experiment("verify")
def verify_claims(config: VerifyConfig, run: Run, progress: Progress) -> None:
    """Attack every claim and save its verdict; after an interruption, go on with the next claim."""
    chosen = select_claims(config.claims)
    checkpoint = run.load_checkpoint()
    verdicts: dict[str, Any] = dict(checkpoint.meta["verdicts"]) if checkpoint else {}
    with progress("checking claims", unit="claims") as advance:
        for step, claim in enumerate(chosen, start=1):
            advance(step - 1, len(chosen))
            if claim.id in verdicts:
                continue
            start = time.perf_counter()
            check = claim.check(config.effort, config.seed)
            verdict = {
                "title": claim.title,
                "part": claim.part,
                "expected": claim.expected,
                "as_expected": check.holds == claim.expected,
                **asdict(check),
            }
            verdicts[claim.id] = verdict
            run.log(step=step, claim=claim.id, **verdict)
            run.log_timing(step=step, claim=claim.id, seconds=time.perf_counter() - start)
            run.save_checkpoint(step=step, tensors={}, meta={"verdicts": verdicts})
        advance(len(chosen), len(chosen))
    run.save_results(
        {
            "claims": verdicts,
            "tried": len(verdicts),
            "as_expected": sum(v["as_expected"] for v in verdicts.values()),
            "cases": sum(v["cases"] for v in verdicts.values()),
        }
    )


def homework_runs(scale: Literal["quick", "full"], seed: int = 123) -> tuple[VerifyConfig, ...]:
    """Return the runs that the homework's report is made of: all claims, attacked at either effort."""
    return (VerifyConfig(effort="quick" if scale == "quick" else "thorough", seed=seed),)
