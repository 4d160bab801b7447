"""Train each case once and measure the gradient's signal on the way, over all inputs."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pitfalls.experiments.parity_along.records import AlongConfig, AlongResult, Passage
from pitfalls.experiments.parity_curves.run import replica_of
from pitfalls.frame import Homework
from pitfalls.parity import (
    LearningConfig,
    LearningState,
    ParityTask,
    gradient_signal,
    initial_state,
    target_signal,
    train,
)
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]


def run(config: AlongConfig, run: Run, progress: Progress) -> AlongResult:
    """Train what is not there yet; a finished case is kept."""
    total = len(config.cases) * len(config.probed)
    with progress("signal along training", unit="probes") as advance:
        for c, (d, weight) in enumerate(config.cases):
            if run.has(Passage, part=str(c)):
                continue
            task = ParityTask.random(d, config.training.seed, weight)

            def report(done: int, before: int = c * len(config.probed)) -> None:
                advance(before + done, total)

            run.save(_follow(task, config, report), part=str(c))
    passages = tuple(run.load(Passage, part=str(c)) for c in range(len(config.cases)))
    for c, passage in enumerate(passages):
        for step, mean, own in zip(passage.step, passage.mean, passage.own, strict=True):
            run.log(step=int(step), case=c, mean_signal=float(mean), own_signal=float(own))
    return AlongResult(passages, config.training.record_every, config.training.loss)


def homework(asked: Homework) -> tuple[AlongConfig, ...]:
    """Follow a mask of few ones and one of many, at one d."""
    base = LearningConfig(seed=asked.seed)
    if asked.scale == "quick":
        return (AlongConfig(training=replace(base, n_iterations=12_000), n_probes=9),)
    cases = ((10, 3), (18, 3), (18, 9), (18, 18))
    return (AlongConfig(cases=cases, training=replace(base, n_iterations=50_000)),)


def _follow(task: ParityTask, config: AlongConfig, advance: Callable[[int], None]) -> Passage:
    rows: list[tuple[float, ...]] = []
    training, at = config.training, set(config.probed)

    def probe(state: LearningState) -> None:
        if state.step in at:
            network = state.network(task.n_features)
            signal = gradient_signal(network, training.loss)
            own = target_signal(network, task, training.loss)
            rows.append((state.step, signal.signal, own, float(np.sum(signal.shared**2))))
            advance(len(rows))

    probe(initial_state(task, training))
    result = train(task, training, on_record=probe)
    step, mean, own, shared = np.array(rows, dtype=np.float64).T
    return Passage(replica_of(result), step.astype(np.int64), mean, own, shared)
