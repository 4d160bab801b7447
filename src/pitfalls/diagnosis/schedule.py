"""Question 7: do sixty steps of the user's own optimizer learn, and if not, would others?"""

import dataclasses

import numpy as np

from pitfalls.diagnosis.cards import Card
from pitfalls.diagnosis.evidence.schedule import ScheduleEvidence, Trial
from pitfalls.diagnosis.optimizer_record import record_optimizer
from pitfalls.diagnosis.run_witnesses import RepeatedRun, ScheduleWitness
from pitfalls.diagnosis.schedule_runs import (
    measure_noise,
    measure_sharpness,
    plain_adam,
    with_optimizer,
    without_optimizer,
)
from pitfalls.diagnosis.subject import Subject
from pitfalls.diagnosis.trials import STEPS, Bench, plan_runs
from pitfalls.diagnosis.weights import take_weights

__all__ = ["schedule_card", "verdict_of_rates"]

TOO_LOW = 300.0  # a cure at fewer times the rate is a matter of patience
_LEAST = 16


def schedule_card(subject: Subject) -> Card:
    """Answer the question for an examination that is under way."""
    if subject.n < _LEAST:
        reason = f"{subject.n} examples are too few to train on half; {_LEAST} are needed."
        evidence = ScheduleEvidence(subject.n, (reason,))
        return Card("schedule", "undecided", evidence, None, None, subject.cost())
    plan, dear = plan_runs(subject, 0.3 * subject.left())
    bench = Bench(subject, plan, dear=dear)
    if subject.optimizer is None:
        evidence = without_optimizer(subject, bench)
    else:
        evidence = with_optimizer(subject, bench)
    evidence = dataclasses.replace(
        evidence, noise=measure_noise(subject, bench), sharpness=measure_sharpness(subject, bench)
    )
    verdict, findings = _verdict(evidence)
    evidence = dataclasses.replace(evidence, findings=findings)
    own = evidence.own or evidence.adam
    witness = _witness(bench, evidence, verdict) if verdict != "undecided" else None
    matter = own is not None and own.held_after.labels_matter
    p = own.held_after.p_value if own is not None and matter else None
    subject.guard.rewind()
    return Card("schedule", verdict, evidence, witness, p, subject.cost())


def _witness(bench: Bench, e: ScheduleEvidence, verdict: str) -> ScheduleWitness:
    """Keep the runs on which the verdict rests, and where the one ends that learns."""
    shown = _shown(e, verdict)
    start = bench.start_witness()
    if bench.dear:
        return start
    record = record_optimizer(bench.subject) if e.own is not None else None
    if record is not None:
        runs = [e.own] if shown is None or shown is e.own else [e.own, shown]
        start = dataclasses.replace(
            start, optimizer=record, runs=tuple(_as_repeated(run, e) for run in runs if run)
        )
    if shown is None:
        return start
    again = bench.run(
        shown.factor,
        decay=shown.decay,
        hold_rate=shown is e.held_rate,
        memory=shown.memory,
        steps=len(shown.losses),
        optimizer=plain_adam if shown is e.adam else None,
    )
    if not again.learned:
        return start  # it does not repeat to the bit: nothing is claimed of it
    weights = take_weights(bench.subject)
    return dataclasses.replace(
        start, weights=weights, after=again.after, p_value=again.held_after.p_value
    )


def _as_repeated(run: Trial, e: ScheduleEvidence) -> RepeatedRun:
    return RepeatedRun(
        own=run is not e.adam,
        factor=run.factor,
        decay=run.decay,
        hold_rate=run is e.held_rate,
        memory=run.memory,
        steps=len(run.losses),
        learned=run.learned,
        burst=run.burst,
    )


def _shown(e: ScheduleEvidence, verdict: str) -> Trial | None:
    """Return the run that shows what the verdict says; None where none learned."""
    if verdict == "learns":
        return e.own if e.own is not None else e.adam
    cure = e.cure
    if verdict == "rate-too-high":
        if cure is not None and cure.factor < 0.5:
            return cure
        return next((t for t in (e.without_decay, e.forgetful, e.tamed) if t is not None), None)
    if verdict == "rate-too-low":
        return cure if cure is not None and cure.factor >= TOO_LOW else e.held_rate
    return None


def _verdict(e: ScheduleEvidence) -> tuple[str, tuple[str, ...]]:
    own = e.own
    if own is None:
        tried = _said(e.adam) if e.adam is not None else "was not tried."
        verdict = "learns" if e.learnable else "undecided"
        return verdict, (f"No optimizer was given. {STEPS * 3} steps of Adam at 0.003 {tried}",)
    said = (f"The optimizer's own {len(own.losses)} steps {_said(own)}", *_more(e))
    if own.failed:
        return "undecided", (own.failed,)
    if not own.long_enough and not own.learned:
        return "undecided", (*said, f"The time allows no {STEPS} steps: give it a larger budget.")
    return verdict_of_rates(e), said


def verdict_of_rates(e: ScheduleEvidence) -> str:
    """Judge the rates by what changing them does."""
    own, cure = e.own, e.cure
    assert own is not None
    lower = cure is not None and cure.factor < 0.5 and _too_high(own, cure)
    if lower or _never_settles(e) or e.tamed is not None:
        return "undecided" if e.batch_shrunk else "rate-too-high"
    slow = cure is not None and own.progress < 0.02 * cure.progress
    if cure is not None and slow and cure.factor >= TOO_LOW * _rises(e):
        return "rate-too-low"
    waits = e.scheduled_rate > max(e.rates, default=0.0)
    if e.still and e.leaves_its_start and not (waits or e.known):
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


def _rises(e: ScheduleEvidence) -> float:
    """By how much an attached scheduler raises the rate: a warm-up that starts low is no fault."""
    rate = max(e.rates, default=0.0)
    return max(1.0, e.scheduled_rate / rate) if rate > 0 else 1.0


def _never_settles(e: ScheduleEvidence) -> bool:
    """Whether ten times as many steps with a long memory end worse than these with a usual one."""
    short, longer = e.forgetful, e.longer
    if short is None or longer is None or not short.learned:
        return False
    if len(longer.losses) < 5 * STEPS and longer.finite:
        return False
    gain = short.before - short.after
    worse = longer.after - short.after > 0.3 * gain
    return gain > 0.02 * abs(short.before) and (worse or not longer.finite)


def _too_high(own: Trial, cure: Trial) -> bool:
    """Whether steps at a lower rate do clearly better where the own ones burst, fail or spike."""
    if not own.finite:
        return True
    nothing = abs(own.held_before.permuted)
    unseen = own.held_after.loss - cure.held_after.loss
    failed = own.burst or (own.held_after.p_value > 0.05 and not own.learned)
    if failed and cure.after < own.after and unseen > 0.05 * nothing:
        return True
    # the loss rose by far more than there is to gain, and did not come back
    gain = cure.before - cure.after
    if not own.losses or max(own.losses) - own.losses[0] < 3 * gain:
        return False
    ended_high = own.after - cure.after > 0.3 * gain
    return ended_high or (own.held_after.loss > own.held_before.loss and unseen > 0.5 * gain)


def _said(trial: Trial) -> str:
    end = (
        "burst"
        if not trial.finite
        else f"take the loss from {trial.before:.4g} to {trial.after:.4g}"
    )
    known = trial.held_after
    if not known.labels_matter:
        return f"{end}; on unseen examples it ends at {known.loss:.4g} (n = {known.n})."
    return f"{end}; unseen labels are fitted with p = {known.p_value:.3g} (n = {known.n})."


def _more(e: ScheduleEvidence) -> tuple[str, ...]:
    said = ["They move no weight."] if e.still else []
    if e.cure is not None:
        said.append(f"At {e.cure.factor:g} times the rate they {_said(e.cure)}")
    elif e.tamed is not None:
        said.append(f"At {e.tamed.factor:g} times the rate they {_said(e.tamed)}")
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
    if e.forgetful is not None:
        said.append(f"With momentum of {e.forgetful.memory:g} they {_said(e.forgetful)}")
    if e.longer is not None:
        said.append(f"{len(e.longer.losses)} steps {_said(e.longer)}")
    if e.adam is not None:
        said.append(f"{len(e.adam.losses)} steps of Adam at 0.003 {_said(e.adam)}")
    if np.isfinite(e.largest_falling):
        said.append(
            f"In the range test the loss falls up to {e.largest_falling:.3g} times the rate."
        )
    if e.sharpness > 0:
        said.append(
            f"The largest curvature is {e.sharpness:.4g} or more: plain descent at a rate above "
            f"{2 / e.sharpness:.3g} climbs along it."
        )
    if e.noise is not None:
        low, high = e.noise.interval
        said.append(
            f"The gradient's noise scale is {e.noise.value:.3g} examples "
            f"({low:.3g} to {high:.3g}; {e.noise.n_batches} batches of {e.noise.batch_size})."
        )
    return tuple(said)
