"""Question 7: do sixty steps of the user's own optimizer learn, and if not, would others?"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pitfalls.diagnosis.cards import Card, Evidence
from pitfalls.diagnosis.noise_scale import NoiseScale, noise_scale
from pitfalls.diagnosis.steps import batches, risk_on, train_steps
from pitfalls.diagnosis.subject import Subject
from pitfalls.diagnosis.trials import STEPS, Bench, Trial, rates_of

__all__ = ["RangePoint", "ScheduleEvidence", "ScheduleWitness", "schedule_card"]

LOWER = (0.1, 0.01, 1e-3, 1e-4, 1e-5)
HIGHER = (10.0, 100.0, 1e3, 1e4, 1e5, 1e6)
KNOWN = 0.1  # share of the loss under permuted labels that a network has learned before
TOO_LOW = 300.0  # a cure at fewer times the rate is a matter of patience
_RANGE_STEPS = 41
_LEAST = 16


@dataclass(frozen=True)
class RangePoint:
    """One step of the range test: the rate over the user's, and the loss before the step."""

    factor: float
    loss: float


@dataclass(frozen=True)
class ScheduleEvidence(Evidence):
    """What short runs say of optimizer, rate and decay.

    Parameters
    ----------
    rates : tuple of float
        The optimizer's.
    batch_size : int
    own : Trial or None
        Sixty steps as the user would take them.
    tried : tuple of Trial
        From the same start, at other rates.
    without_decay, held_rate : Trial or None
        At the user's rate without weight decay, and with the rate kept where it started.
    plain, standardised, fresh : Trial or None
        Sixty steps of Adam at 0.003, which is all but free of scales: as given, on standardised
        inputs, and from weights initialised anew. Whether scale or start hold the network up.
    longer, adam : Trial or None
        More steps of the user's optimizer, and of Adam: whether patience or another optimizer learns.
    range_test : tuple of RangePoint
        Losses while the rate grows step by step.
    largest_falling : float
        Largest factor on the rate at which the range test's loss still fell.
    noise : NoiseScale or None
    scheduled_rate : float
        Largest rate that an attached scheduler started from; 0 without one.
    """

    rates: tuple[float, ...] = ()
    batch_size: int = 0
    own: Trial | None = None
    tried: tuple[Trial, ...] = ()
    without_decay: Trial | None = None
    held_rate: Trial | None = None
    plain: Trial | None = None
    standardised: Trial | None = None
    fresh: Trial | None = None
    longer: Trial | None = None
    adam: Trial | None = None
    range_test: tuple[RangePoint, ...] = ()
    largest_falling: float = float("nan")
    noise: NoiseScale | None = None
    scheduled_rate: float = 0.0

    @property
    def cure(self) -> Trial | None:
        """The smallest change of rate that learns and makes half the best progress or more."""
        working = [t for t in self.tried if t.learned and t.progress > 0.02]
        best = max((t.progress for t in working), default=0.0)
        good = [t for t in working if t.progress >= 0.5 * best]
        return min(good, key=lambda t: abs(np.log(t.factor)), default=None)

    @property
    def learned(self) -> bool:
        """Whether the user's own steps learned."""
        return self.own is not None and self.own.learned and not self.own.burst

    @property
    def known(self) -> bool:
        """Whether the network knew labels before a step was taken."""
        if self.own is None:
            return False
        before = self.own.held_before
        return before.p_value <= 1e-3 and before.gain > KNOWN

    @property
    def held_up(self) -> bool:
        """Whether Adam's steps go much further from a fresh start or on standardised inputs.

        By a tenth of what it costs to know nothing, on unseen examples.
        """
        if self.plain is None:
            return False
        others = [t for t in (self.standardised, self.fresh) if t is not None and t.learned]
        best = min((t.held_after.loss for t in others), default=float("inf"))
        nothing = abs(self.plain.held_before.permuted)
        return best < self.plain.held_after.loss - 0.1 * nothing

    @property
    def learnable(self) -> bool:
        """Whether any run learned."""
        more = [self.own, self.without_decay, self.held_rate, self.longer, self.adam, *self.tried]
        more += [self.standardised, self.fresh]
        return any(t is not None and t.learned for t in more)


@dataclass(frozen=True)
class ScheduleWitness:
    """The user's run and the run that mends it, from one seed.

    `check` has no optimizer, so it does not repeat the runs: it measures where they start.

    Parameters
    ----------
    rows : tuple of int
        Training examples of the losses.
    before : float
        Loss on them at the start.
    own_after, cure_after : float
    cure_factor : float
    """

    rows: tuple[int, ...]
    before: float
    own_after: float
    cure_after: float
    cure_factor: float

    def check(self, subject: Subject) -> bool:
        """Measure the loss at the start again."""
        return bool(np.isclose(risk_on(subject, np.array(self.rows), "steady"), self.before, 1e-3))


def schedule_card(subject: Subject) -> Card:
    """Answer the question for an examination that is under way."""
    if subject.n < _LEAST:
        reason = f"{subject.n} examples are too few to train on half; {_LEAST} are needed."
        evidence = ScheduleEvidence(subject.n, (reason,))
        return Card("schedule", "undecided", evidence, None, None, subject.cost())
    bench = Bench(subject, 0.3 * subject.left())
    if subject.optimizer is None:
        evidence = _without_optimizer(subject, bench)
    else:
        evidence = _with_optimizer(subject, bench)
    evidence = dataclasses.replace(evidence, noise=_noise(subject, bench))
    verdict, findings = _verdict(evidence)
    evidence = dataclasses.replace(evidence, findings=findings)
    own, cure = evidence.own or evidence.adam, evidence.cure
    witness = None
    if own is not None and verdict != "undecided":
        witness = ScheduleWitness(
            tuple(map(int, bench._risk_rows)),
            bench.before,
            own.after,
            cure.after if cure else float("nan"),
            cure.factor if cure else float("nan"),
        )
    p = own.held_after.p_value if own is not None else None
    subject.guard.rewind()
    return Card("schedule", verdict, evidence, witness, p, subject.cost())


def _without_optimizer(subject: Subject, bench: Bench) -> ScheduleEvidence:
    adam = _adam(bench, 3 * STEPS, max(0.2, 0.8 * subject.left()))
    return ScheduleEvidence(subject.n, batch_size=bench.size, adam=adam)


def _adam(
    bench: Bench, steps: int, seconds: float, *, standard: bool = False, fresh: bool = False
) -> Trial:
    return bench.run(
        steps=steps,
        seconds=seconds,
        standard=standard,
        fresh=fresh,
        optimizer=lambda parameters: torch.optim.Adam(parameters, lr=3e-3),
    )


def _with_optimizer(subject: Subject, bench: Bench) -> ScheduleEvidence:
    own = bench.run(seconds=max(0.2, 0.4 * subject.left()))
    evidence = ScheduleEvidence(
        subject.n,
        rates=rates_of(subject.optimizer),
        batch_size=bench.size,
        own=own,
        scheduled_rate=max(
            (float(g["initial_lr"]) for g in _groups(subject) if "initial_lr" in g), default=0.0
        ),
    )
    if rates_of(subject.optimizer):
        points, falling = _range_test(subject, bench)
        evidence = dataclasses.replace(evidence, range_test=points, largest_falling=falling)
    if own.failed:
        return evidence
    if evidence.known and not own.burst:
        return evidence
    if own.progress < 0.5:
        evidence = dataclasses.replace(
            evidence,
            plain=_adam(bench, STEPS, _share(subject, 0.15)),
            standardised=_adam(bench, STEPS, _share(subject, 0.15), standard=True),
            fresh=_adam(bench, STEPS, _share(subject, 0.15), fresh=True),
        )
    if own.burst or own.spiked or own.progress < 0.02 or not own.learned:
        tried = _try_rates(subject, bench, own)
        evidence = dataclasses.replace(evidence, tried=tried)
    if own.rate_end < 0.1 or own.rate_end > 10:
        held = bench.run(hold_rate=True, seconds=_share(subject, 0.3))
        evidence = dataclasses.replace(evidence, held_rate=held)
    if (own.burst or not own.learned) and evidence.cure is None:
        if any(g.get("weight_decay", 0) for g in _groups(subject)) and subject.left() > 0:
            free = bench.run(decay=False, seconds=_share(subject, 0.4))
            evidence = dataclasses.replace(evidence, without_decay=free)
        if subject.left() > 0 and not own.burst:
            longer = bench.run(steps=10 * STEPS, seconds=_share(subject, 0.4))
            evidence = dataclasses.replace(evidence, longer=longer)
        if subject.left() > 0 and not evidence.learnable:
            adam = _adam(bench, 10 * STEPS, _share(subject, 0.7))
            evidence = dataclasses.replace(evidence, adam=adam)
    return evidence


def _groups(subject: Subject) -> list[dict[str, Any]]:
    return list(getattr(subject.optimizer, "param_groups", ()))


def _share(subject: Subject, part: float) -> float:
    return max(0.2, part * subject.left())


def _try_rates(subject: Subject, bench: Bench, own: Trial) -> tuple[Trial, ...]:
    """Run at other rates, the likelier side first, until the progress is past its best."""
    if not rates_of(subject.optimizer):
        return ()
    rose = own.burst or (own.losses and max(own.losses) > 1.5 * own.losses[0])
    sides = (LOWER, HIGHER) if rose or own.moved > 1 else (HIGHER, LOWER)
    found: list[Trial] = []
    for side in sides:
        best = own.progress
        for factor in side:
            if subject.left() < 0.2 * subject._seconds:
                return tuple(found)
            trial = bench.run(factor, seconds=_share(subject, 0.3))
            found.append(trial)
            if best > 0.05 and trial.progress < 0.9 * best:
                break
            if side is HIGHER and not trial.finite:
                break
            best = max(best, trial.progress)
        if any(t.learned and t.progress > 0.02 for t in found):
            break
    return tuple(found)


def _range_test(subject: Subject, bench: Bench) -> tuple[tuple[RangePoint, ...], float]:
    """Let the rate grow from 1e-4 to 1e4 times the user's over one stretch of steps."""
    factors = np.logspace(-4, 4, _RANGE_STEPS)
    subject.guard.rewind()
    optimizer = subject.optimizer
    own = rates_of(optimizer)

    def raise_rate(step: int) -> None:
        groups = (g for g in optimizer.param_groups if "lr" in g)
        for group, rate in zip(groups, own, strict=True):
            group["lr"] = rate * factors[step]

    lowest = [float("inf")]

    def burst(step: int, loss: float) -> bool:
        lowest[0] = min(lowest[0], loss)
        return loss > lowest[0] + 3 * max(abs(lowest[0]), 1e-6)

    taken = train_steps(
        subject,
        optimizer,
        batches(bench.train, bench.size, np.random.default_rng(0)),
        _RANGE_STEPS,
        before_step=raise_rate,
        until=burst,
        seconds=_share(subject, 0.25),
    )
    losses = np.array(taken.losses)
    points = tuple(RangePoint(float(f), float(v)) for f, v in zip(factors, losses, strict=False))
    falling = float("nan")
    if len(losses) > 6:
        smooth = np.convolve(losses, np.ones(3) / 3, mode="valid")
        if smooth.min() < 0.98 * smooth[0]:
            falling = float(factors[int(smooth.argmin()) + 1])
    return points, falling


def _noise(subject: Subject, bench: Bench, most: int = 16) -> NoiseScale | None:
    """Estimate the noise scale at the start from gradients of disjoint batches."""
    size = min(bench.size, 32, len(bench.train) // 4)
    if size < 1 or subject.left() < 0:
        return None
    subject.guard.rewind()
    trained = list(subject.trainable().values())
    rows: list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = []
    with subject.mode("eval"):
        for at in range(min(most, len(bench.train) // size)):
            part = bench.train[at * size : (at + 1) * size]
            gradient = subject.backward(subject.risk(part), trained)
            rows.append(torch.cat([g.flatten() for g in gradient]).float().cpu().numpy())
            if at >= 3 and subject.left() < 0:
                break
    if len(rows) < 4:
        return None
    table = np.stack(rows)
    return noise_scale((table @ table.T).astype(np.float64), size)


def _verdict(e: ScheduleEvidence) -> tuple[str, tuple[str, ...]]:
    own = e.own
    if own is None:
        tried = _said(e.adam) if e.adam is not None else "was not tried."
        verdict = "learns" if e.learnable else "undecided"
        return verdict, (f"No optimizer was given. {STEPS * 3} steps of Adam at 0.003 {tried}",)
    said = (f"The optimizer's own {len(own.losses)} steps {_said(own)}", *_more(e))
    if own.failed:
        return "undecided", (own.failed,)
    return verdict_of_rates(e), said


def verdict_of_rates(e: ScheduleEvidence) -> str:
    """Judge the rates by what changing them does."""
    own, cure = e.own, e.cure
    assert own is not None
    if cure is not None and cure.factor < 0.5:
        size = min(abs(own.before), abs(own.after))
        better = not own.finite or cure.after < own.after - 0.1 * size
        if better and (own.burst or not own.learned):
            return "rate-too-high"
        if own.spiked and (cure.after < 0.5 * own.after or _unseen_burst(own, cure)):
            return "rate-too-high"
    # a warm-up that starts low is no fault
    warms_up = e.scheduled_rate >= 10 * max(e.rates, default=0.0)
    slow = cure is not None and own.progress < 0.02 * cure.progress
    if cure is not None and cure.factor >= TOO_LOW and slow and not warms_up:
        return "rate-too-low"
    held = e.held_rate
    fades = held is not None and own.rate_end < 0.1 and held.learned
    if held is not None and fades and own.progress < 0.5 * held.progress:
        return "rate-too-low"
    free = e.without_decay
    if free is not None and free.learned and free.progress > max(0.02, 2 * own.progress):
        return "rate-too-high"
    if own.burst:
        return "undecided"
    return "learns" if own.learned else "does not learn yet"


def _unseen_burst(own: Trial, cure: Trial) -> bool:
    """Whether the loss on unseen examples rose above the start, and by twice what the cure leaves."""
    here, there = own.held_after.loss, cure.held_after.loss
    return here > own.held_before.loss and there < 0.5 * here


def _said(trial: Trial) -> str:
    end = (
        "burst"
        if not trial.finite
        else f"take the loss from {trial.before:.4g} to {trial.after:.4g}"
    )
    return (
        f"{end}; unseen labels are fitted with p = {trial.held_after.p_value:.3g} "
        f"(n = {trial.held_after.n})."
    )


def _more(e: ScheduleEvidence) -> tuple[str, ...]:
    said = []
    if e.cure is not None:
        said.append(f"At {e.cure.factor:g} times the rate they {_said(e.cure)}")
    if e.plain is not None:
        said.append(f"{len(e.plain.losses)} steps of Adam at 0.003 {_said(e.plain)}")
    if e.standardised is not None:
        said.append(f"On standardised inputs Adam's {_said(e.standardised)}")
    if e.fresh is not None:
        said.append(f"From weights initialised anew Adam's {_said(e.fresh)}")
    if e.without_decay is not None:
        said.append(f"Without weight decay they {_said(e.without_decay)}")
    if e.held_rate is not None and e.own is not None:
        said.append(
            f"The rate ends at {e.own.rate_end:.3g} of its start; kept where it was, they "
            f"{_said(e.held_rate)}"
        )
    if e.longer is not None:
        said.append(f"{len(e.longer.losses)} steps {_said(e.longer)}")
    if e.adam is not None:
        said.append(f"{len(e.adam.losses)} steps of Adam at 0.003 {_said(e.adam)}")
    if np.isfinite(e.largest_falling):
        said.append(
            f"In the range test the loss falls up to {e.largest_falling:.3g} times the rate."
        )
    if e.noise is not None:
        low, high = e.noise.interval
        said.append(
            f"The gradient's noise scale is {e.noise.value:.3g} examples "
            f"({low:.3g} to {high:.3g}; {e.noise.n_batches} batches of {e.noise.batch_size})."
        )
    return tuple(said)
