"""Witness of the schedule: the optimizer as a record, so that its steps can be taken again without it.

Records without torch; each imports what measures when it is checked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pitfalls.diagnosis.subject import Subject

from pitfalls.display import Displayed

__all__ = ["OptimizerRecord", "RepeatedRun", "RunPlan", "ScheduleWitness"]


@dataclass(frozen=True)
class RunPlan:
    """What all runs share.

    Parameters
    ----------
    train, held : tuple of int
        Examples that steps are taken on, and unseen ones.
    n_risk : int
        How many of the first the loss before and after is measured on.
    batch_size, seed : int
        The seed draws batches, dropout and the permutations of labels.
    """

    train: tuple[int, ...]
    held: tuple[int, ...]
    n_risk: int
    batch_size: int
    seed: int


@dataclass(frozen=True)
class OptimizerRecord:
    """An optimizer of ``torch.optim`` before its first step, as names and numbers.

    Parameters
    ----------
    kind : str
        Its class: ``"SGD"``.
    groups : tuple of tuple of str
        Names of the parameters in each group.
    settings : tuple of str
        Of each group, as JSON.
    """

    kind: str
    groups: tuple[tuple[str, ...], ...]
    settings: tuple[str, ...]

    def build(self, subject: "Subject") -> Any:
        """Make the optimizer for the parameters of a subject."""
        import torch

        parameters = subject.parameters()
        groups = []
        for names, values in zip(self.groups, self.settings, strict=True):
            settings = {
                key: tuple(value) if isinstance(value, list) else value
                for key, value in json.loads(values).items()
            }
            groups.append({"params": [parameters[name] for name in names], **settings})
        return getattr(torch.optim, self.kind)(groups)


@dataclass(frozen=True)
class RepeatedRun:
    """A run that the verdict rests on, and what came of it.

    Parameters
    ----------
    own : bool
        By the recorded optimizer; otherwise by Adam at 0.003.
    factor : float
        On its rates.
    decay, hold_rate : bool
    memory : float or None
        As in `Trial` and `Bench.run`.
    steps : int
    learned, burst : bool
    """

    own: bool
    factor: float
    decay: bool
    hold_rate: bool
    memory: float | None
    steps: int
    learned: bool
    burst: bool


@dataclass(frozen=True, eq=False, repr=False)
class ScheduleWitness(Displayed):
    """Where the runs start, the optimizer, and the runs that the verdict rests on.

    `check` makes the optimizer anew from its record and takes the steps again. Where the optimizer is
    of a class of one's own, has hooks or has taken steps before, there is no record: then the weights
    with which the run ended that learns show that such weights exist, and no more.

    Parameters
    ----------
    plan : RunPlan
    before : float
        Loss on training examples at the start.
    weights : dict of str to ndarray
        Parameters and buffers at the end of the run that learns; empty where none did.
    after : float
        Loss on training examples there.
    p_value : float
        Of the unseen labels there.
    optimizer : OptimizerRecord or None
    runs : tuple of RepeatedRun
    """

    plan: RunPlan
    before: float
    weights: Mapping[str, np.ndarray]
    after: float
    p_value: float
    optimizer: OptimizerRecord | None
    runs: tuple[RepeatedRun, ...]

    def check(self, subject: "Subject") -> bool:
        """Measure the start again, then the weights, then take the steps again."""
        from pitfalls.diagnosis.trials import Bench

        if max(self.plan.train + self.plan.held) >= subject.n:
            return False
        bench = Bench(subject, self.plan)
        if not np.isclose(bench.before, self.before, 1e-3):
            return False
        return self._weights_hold(bench) and all(self._again(bench, run) for run in self.runs)

    def _weights_hold(self, bench: Any) -> bool:
        from pitfalls.diagnosis.steps import knowledge, risk_on
        from pitfalls.diagnosis.weights import put_weights

        if not self.weights:
            return True
        subject = bench.subject
        if not put_weights(subject, self.weights):
            return False
        after = risk_on(subject, np.array(self.plan.train[: self.plan.n_risk]), "steady")
        rng = np.random.default_rng(self.plan.seed + 1)
        held = knowledge(subject, np.array(self.plan.held), rng)
        same = np.isclose(after, self.after, 1e-2, 1e-4)
        return bool(same and held.learned_since(bench.held_before))

    def _again(self, bench: Any, run: RepeatedRun) -> bool:
        from pitfalls.diagnosis.schedule_runs import plain_adam

        record = self.optimizer
        trial = bench.run(
            run.factor,
            decay=run.decay,
            hold_rate=run.hold_rate,
            memory=run.memory,
            steps=run.steps,
            optimizer=(lambda _: record.build(bench.subject))
            if run.own and record is not None
            else plain_adam,
        )
        return bool(trial.learned == run.learned and trial.burst == run.burst)
