"""Short training runs from one start: as the user would, at other rates, without decay."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pitfalls.diagnosis.clock import Stopwatch
from pitfalls.diagnosis.confinement import least_by_one_output
from pitfalls.diagnosis.evidence.schedule import STEPS, Knowledge, Trial
from pitfalls.diagnosis.nested import Nest, map_leaves
from pitfalls.diagnosis.run_witnesses import RunPlan, ScheduleWitness
from pitfalls.diagnosis.steps import (
    Steps,
    batches,
    knowledge,
    needs_closure,
    risk_on,
    train_steps,
)
from pitfalls.diagnosis.subject import Subject, widened
from pitfalls.diagnosis.weights import start_anew

__all__ = ["STEPS", "Bench", "plan_runs", "rated", "rates_of"]

_LARGEST_BATCH = 128
_LEAST_SEARCHED = 64
_CHEAP = 16  # examples a batch for which the time must suffice
_MOST_HELD = 512
_MOST_RISK = 256


def rated(optimizer: Any) -> list[dict[str, Any]]:
    """Return the optimizer's groups that name a rate: None stands for one of the optimizer's own."""
    return [g for g in getattr(optimizer, "param_groups", ()) if g.get("lr") is not None]


def rates_of(optimizer: Any) -> tuple[float, ...]:
    """Learning rates of the optimizer's groups; empty where it names none."""
    return tuple(float(group["lr"]) for group in rated(optimizer))


def _batch_size(subject: Subject, train: NDArray[np.int64], seconds: float) -> tuple[int, bool]:
    """Use the loader's batch, or 128 examples; fewer where steps are dear, and then say so."""
    few = train[:8]
    watch = Stopwatch()
    with subject.mode("steady"):
        subject.backward(subject.risk(few), list(subject.trainable().values()))
    each = watch.elapsed() / len(few)
    # a line search, as LBFGS makes, is of one function: without a loader it gets all examples
    wanted = subject.samples.batch_size or (len(train) if _searches(subject) else _LARGEST_BATCH)
    fits = seconds / (STEPS * max(each, 1e-6))
    if fits >= wanted:
        return int(min(wanted, len(train))), fits < _CHEAP
    return int(min(len(train), max(8, 1 << max(0, int(fits).bit_length() - 1)))), fits < _CHEAP


def _searches(subject: Subject) -> bool:
    """Whether steps search along a line, and the user names no batch."""
    optimizer = subject.optimizer
    return optimizer is not None and needs_closure(optimizer) and not subject.samples.batch_size


def plan_runs(subject: Subject, seconds_a_run: float) -> tuple[RunPlan, bool]:
    """Choose halves, batch and seed; and whether a full run is dear.

    Parameters
    ----------
    subject : Subject
    seconds_a_run : float
        Time that a full run may take; the batch shrinks to fit.
    """
    order = subject.rng.permutation(subject.n)
    half = subject.n // 2
    train, held = order[:half], order[half : half + _MOST_HELD]
    size, dear = _batch_size(subject, train, seconds_a_run)
    if _searches(subject):
        train = train[
            : max(size, _LEAST_SEARCHED)
        ]  # fewer examples rather than another function a step
        size = len(train)
    plan = RunPlan(
        tuple(map(int, train)),
        tuple(map(int, held[: max(16, 4 * size)])),
        max(1, min(_MOST_RISK, half, 4 * size)),
        size,
        int(subject.rng.integers(2**31)),
    )
    return plan, dear


class Bench:
    """Runs trials of one subject: the same halves, batches and measures for all of them.

    Parameters
    ----------
    subject : Subject
    plan : RunPlan
    dear : bool
        Whether the batch had to shrink below sixteen for the time to suffice.
    """

    def __init__(self, subject: Subject, plan: RunPlan, *, dear: bool = False) -> None:
        self.subject, self.plan, self.dear = subject, plan, dear
        self.train, self.size = np.array(plan.train), plan.batch_size
        self._risk_rows = self.train[: plan.n_risk]
        self._held_rows = np.array(plan.held)
        self._seed = plan.seed
        subject.guard.rewind()
        self.before = risk_on(subject, self._risk_rows, "steady")
        self.held_before = self._knowledge()
        if self.held_before.known:  # until what one output for all would do is seen
            least = least_by_one_output(subject, self._held_rows)
            self.held_before = replace(self.held_before, constant=least)

    def start_witness(self) -> ScheduleWitness:
        """Return what can be checked of the start alone."""
        return ScheduleWitness(self.plan, self.before, {}, float("nan"), 1.0, None, ())

    def _knowledge(self) -> Knowledge:
        rng = np.random.default_rng(self._seed + 1)
        return knowledge(self.subject, self._held_rows, rng)

    def run(
        self,
        factor: float = 1.0,
        *,
        decay: bool = True,
        hold_rate: bool = False,
        memory: float | None = None,
        fresh: bool = False,
        standard: bool = False,
        steps: int = STEPS,
        seconds: float = float("inf"),
        optimizer: Any = None,
    ) -> Trial:
        """Train from the user's start and measure.

        Parameters
        ----------
        factor : float
            On every rate of the optimizer.
        decay : bool
            False sets its weight decay to zero.
        hold_rate : bool
            Whether to undo what hooks do to the rate.
        memory : float, optional
            Momentum, and Adam's first beta, are brought down to it.
        fresh : bool
            Whether every module that can is initialised anew first, by its ``reset_parameters``.
        standard : bool
            Whether inputs are standardised first, feature by feature.
        steps : int
        seconds : float
        optimizer : callable, optional
            From parameters to an optimizer of our own; the user's otherwise.
        """
        subject = self.subject
        subject.guard.rewind()
        subject.seed_numbers(self._seed)
        if fresh:
            start_anew(subject.model)
        inputs = subject.samples
        if standard:
            subject.samples = replace(inputs, x=_standardised(inputs.x))
        try:
            trial = self._run(
                factor, memory, steps, seconds, optimizer, decay=decay, hold_rate=hold_rate
            )
            return replace(trial, memory=memory)
        finally:
            subject.samples = inputs

    def _run(
        self,
        factor: float,
        memory: float | None,
        steps: int,
        seconds: float,
        optimizer: Any,
        *,
        decay: bool,
        hold_rate: bool,
    ) -> Trial:
        subject = self.subject
        trained = list(subject.trainable().values())
        used = subject.optimizer if optimizer is None else optimizer(trained)
        for group in getattr(used, "param_groups", ()):
            if group.get("lr") is not None and factor != 1:
                group["lr"] = group["lr"] * factor
            if not decay and "weight_decay" in group:
                group["weight_decay"] = 0.0
            if memory is not None:
                _forget(group, memory)
        rates = rates_of(used)
        start = [p.detach().clone() for p in trained]
        taken = train_steps(
            subject,
            used,
            batches(self.train, self.size, np.random.default_rng(self._seed)),
            steps,
            seconds=seconds,
            before_step=_hold(used, rates) if hold_rate else None,
        )
        moved = _distance(trained, start)
        ends = rates_of(used)
        return self._trial(factor, taken, moved, _ratio(rates, ends), decay=decay)

    def _trial(
        self, factor: float, taken: Steps, moved: float, rate_end: float, *, decay: bool
    ) -> Trial:
        finite = taken.finite and bool(np.isfinite(moved))
        nothing = Knowledge(float("inf"), float("nan"), 1.0, len(self._held_rows))
        return Trial(
            factor,
            decay,
            taken.losses,
            self.before,
            risk_on(self.subject, self._risk_rows, "steady") if finite else float("inf"),
            self.held_before,
            self._knowledge() if finite else nothing,
            finite,
            moved,
            rate_end,
            taken.failed,
        )


def _standardised(x: Nest) -> Nest:
    def standard(t: torch.Tensor) -> torch.Tensor:
        if not t.is_floating_point():
            return t
        spread = t.std(0, correction=0)
        return (t - t.mean(0)) / torch.where(spread > 0, spread, 1)

    return map_leaves(standard, x)


def _hold(optimizer: Any, rates: tuple[float, ...]) -> Callable[[int], None]:
    def hold(step: int) -> None:
        for group, rate in zip(rated(optimizer), rates, strict=True):
            group["lr"] = rate

    return hold


def _forget(group: dict[str, Any], memory: float) -> None:
    if "momentum" in group:
        group["momentum"] = min(group["momentum"], memory)
    if "betas" in group:
        group["betas"] = (min(group["betas"][0], memory), *group["betas"][1:])


def _distance(parameters: list[torch.nn.Parameter], start: list[torch.Tensor]) -> float:
    moved = sum(
        float(widened(p - s).square().sum()) for p, s in zip(parameters, start, strict=True)
    )
    size = sum(float(widened(s).square().sum()) for s in start)
    return float(np.sqrt(moved / size)) if size > 0 else float(np.sqrt(moved))


def _ratio(start: tuple[float, ...], end: tuple[float, ...]) -> float:
    top = max(start, default=0.0)
    return max(end, default=0.0) / top if top > 0 else 1.0
