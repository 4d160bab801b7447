"""The runs that question 7 takes: the user's own steps, other rates, other starts, the range test."""

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pitfalls.diagnosis.clock import Stopwatch
from pitfalls.diagnosis.curvature import sharpness
from pitfalls.diagnosis.evidence.schedule import NoiseScale, RangePoint, ScheduleEvidence, Trial
from pitfalls.diagnosis.hessian import Hessian
from pitfalls.diagnosis.noise_scale import noise_scale
from pitfalls.diagnosis.reach import given_to
from pitfalls.diagnosis.schedulers import highest_rate
from pitfalls.diagnosis.steps import batches, train_steps
from pitfalls.diagnosis.subject import Subject, SubjectError
from pitfalls.diagnosis.trials import STEPS, Bench, rated, rates_of

__all__ = [
    "measure_noise",
    "measure_sharpness",
    "plain_adam",
    "with_optimizer",
    "without_optimizer",
]

LOWER = tuple(10.0**-k for k in range(1, 9))
HIGHER = tuple(10.0**k for k in range(1, 10))
_FELT = 1e-3  # share of the weights' norm: a run that moves them by less is not worth its time
_ROUNDED = 1e-7  # of weights in float32, smaller moves are lost in part
_RANGE_STEPS = 41
_USUAL_MEMORY = 0.9


def without_optimizer(subject: Subject, bench: Bench) -> ScheduleEvidence:
    """Let Adam show whether anything is learned."""
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
        optimizer=plain_adam,
    )


def plain_adam(parameters: Any) -> torch.optim.Optimizer:
    """Return an optimizer that is all but free of scales, for comparison."""
    return torch.optim.Adam(parameters, lr=3e-3)


def with_optimizer(subject: Subject, bench: Bench) -> ScheduleEvidence:
    """Take the user's steps, and where they do not learn look for what would."""
    # where sixty steps cost most of the time, they get it: the start of a run shows nothing
    watch = Stopwatch()
    own = bench.run(seconds=max(0.2, (0.8 if bench.dear else 0.4) * subject.left()))
    slow = len(LOWER) * watch.elapsed() > subject.left()
    evidence = ScheduleEvidence(
        subject.n,
        rates=rates_of(subject.optimizer),
        batch_size=bench.size,
        batch_shrunk=bench.dear,
        own=own,
        scheduled_rate=highest_rate(subject.optimizer),
        still=own.moved == 0 and bool(given_to(subject.optimizer, subject)),
    )
    if not own.long_enough and not own.learned:
        return evidence
    if rates_of(subject.optimizer):
        points, falling = _range_test(subject, bench)
        evidence = dataclasses.replace(evidence, range_test=points, largest_falling=falling)
    if own.failed:
        return evidence
    if evidence.known and not own.burst:
        return evidence
    if _memory(subject) > 1 - 1 / STEPS and not own.burst:
        evidence = dataclasses.replace(
            evidence,
            forgetful=bench.run(memory=_USUAL_MEMORY, seconds=_share(subject, 0.2)),
            longer=bench.run(steps=10 * STEPS, seconds=_share(subject, 0.4)),
        )
    if evidence.stuck:  # the rate is the first suspect, and what comes last may find no time
        evidence = _try_rates(subject, bench, own, evidence, slow=slow)
    if own.progress < 0.5:
        evidence = dataclasses.replace(
            evidence,
            plain=_adam(bench, STEPS, _share(subject, 0.15)),
            standardised=_adam(bench, STEPS, _share(subject, 0.15), standard=True),
            fresh=_adam(bench, STEPS, _share(subject, 0.15), fresh=True),
        )
    if not evidence.stuck and (own.spiked or not own.learned):
        evidence = _try_rates(subject, bench, own, evidence, slow=slow)
    if own.rate_end < 0.1 or own.rate_end > 10:
        held = bench.run(hold_rate=True, seconds=_share(subject, 0.3))
        evidence = dataclasses.replace(evidence, held_rate=held)
    fails = (own.burst or not own.learned) and evidence.cure is None
    decays = any(g.get("weight_decay", 0) for g in _groups(subject)) and own.progress < 0.5
    if decays and (fails or _shrinks(subject)) and subject.left() > 0:
        free = bench.run(decay=False, seconds=_share(subject, 0.4))
        evidence = dataclasses.replace(evidence, without_decay=free)
    if fails:
        if subject.left() > 0 and not own.burst and evidence.longer is None:
            longer = bench.run(steps=10 * STEPS, seconds=_share(subject, 0.4))
            evidence = dataclasses.replace(evidence, longer=longer)
        if subject.left() > 0 and not evidence.learnable:
            adam = _adam(bench, 10 * STEPS, _share(subject, 0.7))
            evidence = dataclasses.replace(evidence, adam=adam)
    return evidence


def _groups(subject: Subject) -> list[dict[str, Any]]:
    return list(getattr(subject.optimizer, "param_groups", ()))


def _shrinks(subject: Subject) -> bool:
    """Whether decay alone takes the weights to less than a third within the steps."""
    groups = rated(subject.optimizer)
    return any(g["lr"] * (g.get("weight_decay") or 0) * STEPS > 1 for g in groups)


def _memory(subject: Subject) -> float:
    """Largest momentum, Adam's first beta included."""
    found = [float(g.get("momentum", 0) or 0) for g in _groups(subject)]
    found += [float(g["betas"][0]) for g in _groups(subject) if "betas" in g]
    return max(found, default=0.0)


def _share(subject: Subject, part: float) -> float:
    return max(0.2, part * subject.left())


def _try_rates(
    subject: Subject, bench: Bench, own: Trial, evidence: ScheduleEvidence, *, slow: bool
) -> ScheduleEvidence:
    """Run at other rates, the likelier side first, until the progress is past its best."""
    if not evidence.rates:
        return evidence
    rose = own.burst or (own.losses and max(own.losses) > 1.5 * own.losses[0])
    lower = _lower(evidence.largest_falling) if slow else LOWER
    sides = (lower, HIGHER) if rose or own.moved > 1 else (HIGHER, lower)
    found: list[Trial] = []
    for side in sides:
        best = own.progress
        for factor in (f for f in side if f < 1 or f * max(own.moved, _ROUNDED) >= _FELT):
            least = 0.2 if any(t.learned for t in found) or not evidence.stuck else 0.05
            if subject.left() < least * subject._seconds:
                return dataclasses.replace(evidence, tried=tuple(found), untried=True)
            trial = bench.run(factor, seconds=_share(subject, 0.3))
            found.append(trial)
            if best > 0.05 and trial.progress < 0.9 * best:
                break
            if side is HIGHER and not trial.finite:
                break
            best = max(best, trial.progress)
        if any(t.learned and t.progress > 0.02 for t in found):
            break
    return dataclasses.replace(evidence, tried=tuple(found))


def _lower(largest_falling: float) -> tuple[float, ...]:
    """Begin where the range test's loss still fell, if that is far down and time is short."""
    below = tuple(f for f in LOWER if f <= largest_falling)
    return below or LOWER


def _range_test(subject: Subject, bench: Bench) -> tuple[tuple[RangePoint, ...], float]:
    """Let the rate grow from 1e-4 to 1e4 times the user's over one stretch of steps."""
    factors = np.logspace(-4, 4, _RANGE_STEPS)
    subject.guard.rewind()
    optimizer = subject.optimizer
    own = rates_of(optimizer)

    def raise_rate(step: int) -> None:
        for group, rate in zip(rated(optimizer), own, strict=True):
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


def measure_sharpness(subject: Subject, bench: Bench) -> float:
    """Estimate the largest curvature at the start."""
    subject.guard.rewind()
    if subject.left() < 0:
        return float("nan")
    try:
        rows = bench.train[: min(64, 2 * bench.size)]
        hessian = Hessian(subject, rows, precise=not bench.dear)
        found = sharpness(hessian, subject.rng, seconds=0.5 * subject.left())
    except SubjectError:
        return float("nan")
    return float("nan") if found is None else found.value


def measure_noise(subject: Subject, bench: Bench, most: int = 16) -> NoiseScale | None:
    """Estimate the noise scale at the start from gradients of disjoint batches."""
    size = min(bench.size, 32, len(bench.train) // 4)
    if size < 1 or subject.left() < 0:
        return None
    subject.guard.rewind()
    trained = list(subject.trainable().values())
    rows: list[Tensor] = []
    with subject.mode("eval"):
        for at in range(min(most, len(bench.train) // size)):
            part = bench.train[at * size : (at + 1) * size]
            gradient = subject.backward(subject.risk(part), trained)
            flat = torch.cat([g.flatten() for g in gradient]).cpu()
            rows.append(flat if flat.dtype == torch.float64 else flat.float())
            if at >= 3 and subject.left() < 0:
                break
    if len(rows) < 4:
        return None
    table = torch.stack(rows)
    largest = float(table.abs().max())
    if not 0 < largest < float("inf"):
        return None
    table = (table / largest).float()  # a ratio of squares: it is that of gradients of any size
    return noise_scale((table @ table.T).double().numpy(), size)
