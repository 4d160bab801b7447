"""Diagnose every set-up of the zoo; each judgement is saved at once."""

from dataclasses import dataclass

from pitfalls.diagnosis.zoo import Judgement, judge, zoo
from pitfalls.experiments.diagnosis_zoo.records import ZooConfig, ZooResult, ZooSetup
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["run"]


@dataclass(frozen=True)
class SavedJudgement:
    """One judgement as a part of the run."""

    judgement: Judgement


def run(config: ZooConfig, run: Run, progress: Progress) -> ZooResult:
    """Go through seeds and set-ups; a stopped run goes on with the next."""
    setups = zoo()
    rows: list[Judgement] = []
    total = config.n_seeds * len(setups)
    with progress("zoo", unit="diagnoses") as advance:
        for seed in range(config.n_seeds):
            for setup in setups:
                part = f"{setup.name}.{seed}"
                if not run.has(SavedJudgement, part=part):
                    judged = judge(setup, seed, budget=config.budget)
                    run.save(SavedJudgement(judged), part=part)
                rows.append(run.load(SavedJudgement, part=part).judgement)
                advance(len(rows), total)
    return ZooResult(tuple(ZooSetup(s.name, s.text, s.part, s.right) for s in setups), tuple(rows))
