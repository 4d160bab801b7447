"""Attack one claim after the other."""

import time
from dataclasses import asdict

from pitfalls.claims import select_claims
from pitfalls.experiments.verify.records import ClaimVerdict, VerifyConfig, VerifyResult
from pitfalls.frame import Homework
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]


def run(config: VerifyConfig, run: Run, progress: Progress) -> VerifyResult:
    """Attack every claim; after an interruption, go on with the next one."""
    chosen = select_claims(config.claims)
    checkpoint = run.load_checkpoint()
    reached = [ClaimVerdict(**kept) for kept in checkpoint.meta["verdicts"]] if checkpoint else []
    with progress("checking claims", unit="claims") as advance:
        for step, claim in enumerate(chosen, start=1):
            advance(step - 1, len(chosen))
            if step <= len(reached):
                continue
            start = time.perf_counter()
            check = claim.check(config.effort, config.seed)
            verdict = ClaimVerdict(
                claim.id,
                claim.title,
                claim.part,
                claim.expected,
                check.holds,
                check.cases,
                check.largest_error,
                check.tolerance,
                check.counterexample,
                check.evidence.value,
                check.finding,
            )
            reached.append(verdict)
            run.log(step=step, **asdict(verdict))
            run.log_timing(step=step, claim=claim.id, seconds=time.perf_counter() - start)
            kept = [asdict(verdict) for verdict in reached]
            run.save_checkpoint(step=step, tensors={}, meta={"verdicts": kept})
        advance(len(chosen), len(chosen))
    return VerifyResult(tuple(reached))


def homework(asked: Homework) -> tuple[VerifyConfig, ...]:
    """Attack all claims, at either effort."""
    return (
        VerifyConfig(effort="quick" if asked.scale == "quick" else "thorough", seed=asked.seed),
    )
