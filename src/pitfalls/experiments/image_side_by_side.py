"""Trainings side by side on workers: each is kept when it arrives, and one whose worker died starts anew."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pitfalls.clusters import run_jobs
from pitfalls.errors import DivergenceError, RunError
from pitfalls.experiments.image_curves import Clock, Diverged
from pitfalls.experiments.image_member import Member, Outcome, train_member
from pitfalls.experiments.image_trained import keep_weights
from pitfalls.experiments.image_workers import Workers
from pitfalls.images.data import ImageDataset
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["Ended", "save_logits", "train_side_by_side"]


@dataclass(frozen=True)
class Ended:
    """That a training on a worker has ended, and how."""

    diverged: bool
    clock: Clock


def train_side_by_side(
    members: Sequence[Member],
    workers: Workers,
    data: ImageDataset,
    run: Run,
    progress: Progress,
    *,
    go_on: bool,
) -> list[Clock | None]:
    """Train the members that are not kept yet on workers; keep each as it arrives.

    Returns
    -------
    list of Clock or None
        One a member; None where it diverged.

    Raises
    ------
    RunError
        If the run was begun one training after another.
    """
    if run.load_checkpoint() is not None:
        raise RunError(
            f"run {run.id} was begun one training after another. Go on with --backend here, or begin "
            "anew with --fresh."
        )
    left = [k for k in range(len(members)) if not run.has(Ended, part=str(k))]
    done = len(members) - len(left)
    with progress("trainings", unit="trainings") as advance:

        def keep(place: int, outcome: Outcome) -> None:
            nonlocal done
            k = left[place]
            _keep_outcome(run, k, members[k], outcome, data, go_on=go_on)
            done += 1
            advance(done, len(members))

        run_jobs(
            train_member,
            [(members[k],) for k in left],
            backend=workers.backend,  # type: ignore[arg-type]
            address=workers.address,
            n_jobs=workers.n_jobs or -1,
            on_result=keep,
        )
    ends = []
    for k in range(len(members)):
        for line in run.arrays(f"log-{k}")["lines"].tolist():
            run.log(**json.loads(line))
        ended = run.load(Ended, part=str(k))
        ends.append(None if ended.diverged else ended.clock)
    return ends


def _keep_outcome(
    run: Run, k: int, member: Member, outcome: Outcome, data: ImageDataset, *, go_on: bool
) -> None:
    for warning in outcome.warnings:
        run.warn(warning)
    if outcome.training is None:
        if not go_on:
            raise DivergenceError(outcome.why)
        run.save(Diverged(member.training.scheme, member.training.seed, outcome.why), part=str(k))
    else:
        save_logits(run, k, outcome.logits, data)
        run.save(outcome.training, part=str(k))
        keep_weights(
            run, k, outcome.weights, member.network, member.source, data, outcome.temperature,
            outcome.code,
        )  # fmt: skip
        run.log_timing(
            **member.label, step=outcome.training.n_steps, seconds=outcome.clock.seconds,
            cpu_seconds=outcome.clock.cpu_seconds,
        )  # fmt: skip
    run.save_arrays(f"log-{k}", lines=np.array([json.dumps(line) for line in outcome.log]))
    run.save(Ended(outcome.training is None, outcome.clock), part=str(k))


def save_logits(run: Run, k: int, logits: NDArray[Any], data: ImageDataset) -> None:
    """Save what training number k says of the test images."""
    run.save_arrays(f"test-{k}", logits=logits, labels=data.test_labels, indices=data.test_indices)
