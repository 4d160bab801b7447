"""Training many networks at once: seeds, masks, widths and rates side by side."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Literal

import joblib

from pitfalls.errors import DivergenceError, InputError
from pitfalls.parity.task import ParityTask
from pitfalls.parity.threads import one_torch_thread
from pitfalls.parity.training.config import LearningConfig
from pitfalls.parity.training.records import LearningResult, LearningState
from pitfalls.parity.training.stacked import train_batched
from pitfalls.parity.training.two_layer import finish, train

__all__ = ["train_ensemble"]


class _Stopped(Exception):  # noqa: N818 - a signal between our own threads, not an error
    """The main thread has left: end the replica."""


def train_ensemble(
    tasks: Sequence[ParityTask],
    config: LearningConfig | Sequence[LearningConfig] | None = None,
    *,
    device: str = "cpu",
    engine: Literal["auto", "kernel", "torch"] = "auto",
    n_threads: int | None = None,
    states: Sequence[LearningState | None] | None = None,
    on_record: Callable[[int, LearningState], None] | None = None,
    on_result: Callable[[int, LearningResult], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[LearningResult]:
    """Train one network a task, many at once.

    A replica's result is that of :func:`train` with its task and config: it depends on nothing
    else in the ensemble, nor on the number of threads. A replica that diverges ends alone; its
    result has ``diverged`` set and holds its last finite state.

    Parameters
    ----------
    tasks : sequence of ParityTask
        One a replica; their dimensions may differ.
    config : LearningConfig, or one for each task, optional
        A single config serves all: replica i then takes the seed ``config.seed + i``.
    device : str
        ``"cpu"``, or a torch device such as ``"cuda"``.
    engine : {"auto", "kernel", "torch"}
        ``kernel`` trains one replica a core by the compiled step; ``torch`` stacks replicas of
        one shape and trains them by batched matrix products, on any device. The two see the same
        inputs and agree up to rounding. ``auto`` takes the kernel on the CPU.
    n_threads : int, optional
        Replicas at a time for the kernel; all cores by default.
    states : sequence of LearningState or None, optional
        Where each replica goes on from.
    on_record : callable, optional
        Called with (replica, state) at every record, one call at a time, maybe from another
        thread.
    on_result : callable, optional
        Called with (replica, result) as each replica ends, in this thread.
    on_progress : callable, optional
        Called with (iterations done, all) over all replicas, in this thread.

    Returns
    -------
    list of LearningResult
        In the order of ``tasks``.

    Examples
    --------
    >>> tasks = [ParityTask.random(5, seed, weight=2) for seed in range(4)]
    >>> results = train_ensemble(tasks, LearningConfig(n_iterations=5_000))
    >>> [result.evaluation.accuracy for result in results]
    [1.0, 1.0, 1.0, 1.0]
    """
    tasks = list(tasks)
    if isinstance(config, LearningConfig) or config is None:
        config = config or LearningConfig()
        configs = [replace(config, seed=config.seed + i) for i in range(len(tasks))]
    else:
        configs = list(config)
    starts = list(states) if states is not None else [None] * len(tasks)
    for name, given in (("config", configs), ("states", starts)):
        if len(given) != len(tasks):
            raise InputError(
                f"train_ensemble: {name} must have one entry a task ({len(tasks)}). "
                f"Got {len(given)} instead."
            )
    if engine not in ("auto", "kernel", "torch"):
        raise InputError(
            f"train_ensemble: engine must be auto, kernel or torch. Got {engine!r} instead."
        )
    if engine == "kernel" and device != "cpu":
        raise InputError(
            f"train_ensemble: the kernel runs on the cpu. Got device {device!r}; "
            "take engine 'torch' for it."
        )
    if engine == "torch" or device != "cpu":
        return train_batched(
            tasks,
            configs,
            starts,
            device=device,
            on_record=on_record,
            on_result=on_result,
            on_progress=on_progress,
        )
    n_threads = n_threads or joblib.cpu_count()
    return _train_threaded(tasks, configs, starts, n_threads, on_record, on_result, on_progress)


def _train_threaded(
    tasks: list[ParityTask],
    configs: list[LearningConfig],
    starts: Sequence[LearningState | None],
    n_threads: int,
    on_record: Callable[[int, LearningState], None] | None,
    on_result: Callable[[int, LearningResult], None] | None,
    on_progress: Callable[[int, int], None] | None,
) -> list[LearningResult]:
    stop, one_at_a_time = threading.Event(), threading.Lock()
    done = [0 if state is None else state.step for state in starts]
    total = sum(config.n_iterations for config in configs)

    def replica(i: int) -> LearningResult:
        def record(state: LearningState) -> None:
            if on_record is not None:
                with one_at_a_time:
                    on_record(i, state)

        def progress(step: int, _: int) -> None:
            if stop.is_set():
                raise _Stopped
            done[i] = step

        try:
            return train(
                tasks[i],
                configs[i],
                state=starts[i],
                on_record=record if on_record is not None else None,
                on_progress=progress,
            )
        except DivergenceError as error:
            if not isinstance(error.last, LearningState):
                raise
            done[i] = configs[i].n_iterations
            return replace(finish(tasks[i], configs[i], error.last), diverged=True)

    results: dict[int, LearningResult] = {}
    with (
        one_torch_thread(),
        ThreadPoolExecutor(n_threads, thread_name_prefix="replica") as pool,
    ):
        try:
            futures = {pool.submit(replica, i): i for i in range(len(tasks))}
            for future in _as_they_end(
                futures, lambda: on_progress and on_progress(sum(done), total)
            ):
                i = futures[future]
                results[i] = future.result()
                if on_result is not None:
                    on_result(i, results[i])
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [results[i] for i in range(len(tasks))]


def _as_they_end(
    futures: dict[Future[LearningResult], int], meanwhile: Callable[[], object]
) -> Iterator[Future[LearningResult]]:
    pending = set(futures)
    while pending:
        # in the order of submission among those that ended together: logs are then alike
        ended, pending = wait(pending, timeout=0.1, return_when=FIRST_COMPLETED)
        yield from sorted(ended, key=futures.__getitem__)
        meanwhile()
