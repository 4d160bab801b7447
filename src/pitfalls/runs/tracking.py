"""Numbers handed to a tracker while they are made: TensorBoard, MLflow, or a function of the user's own."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pitfalls.errors import InputError, needs_extra
from pitfalls.named import is_named, load_named, own_code

__all__ = ["TRACKERS", "Track", "check_tracker", "open_tracker"]

TRACKERS = ("tensorboard", "mlflow")
FOLDER = "tracking"
FLUSH = 10
"""Calls that are sent to MLflow together."""

Track = Callable[[int, Mapping[str, float]], None]
"""(step, values by name)."""


def check_tracker(who: str, name: str | None) -> None:
    """Refuse what is no tracker."""
    if name is not None and not (name in TRACKERS or is_named(name)):
        raise InputError(
            f"{who}: track must be tensorboard, mlflow, or your own function as file.py:name or "
            f"module:name. Got {name!r} instead."
        )


@contextmanager
def open_tracker(
    name: str | None, folder: Path, run_id: str, label: str, step: int, begun: str = ""
) -> Iterator[Track]:
    """Give a function that hands numbers on; without a name it does nothing.

    Parameters
    ----------
    name : str, optional
        tensorboard writes ``<folder>/tracking/tensorboard/<run>``; mlflow goes to
        ``MLFLOW_TRACKING_URI``, or ``<folder>/tracking/mlflow.db`` without it; ``file.py:name`` is a
        function (step, values) of the user's own, whose code is run.
    folder : Path
        The store of runs.
    run_id, label : str
        The run, and which of its trainings; empty where it has one.
    step : int
        Steps done before: what an interrupted run wrote after them is written again.
    begun : str
        When the run was begun: one that starts over is another, and what it gives is not that of the
        run before.

    Raises
    ------
    InputError
        If the tracker is not installed, or there is no such function.
    """
    if name is None:
        yield lambda step, values: None
    elif name == "tensorboard":
        yield from _tensorboard(folder / FOLDER / "tensorboard" / run_id / label, step)
    elif name == "mlflow":
        yield from _mlflow(folder / FOLDER, run_id, label, begun)
    else:
        function = load_named("track", name)
        prefix = f"{label}/" if label else ""

        def track(step: int, values: Mapping[str, float]) -> None:
            with own_code("track", name):
                function(step, {prefix + k: v for k, v in values.items()})

        yield track


def _tensorboard(folder: Path, step: int) -> Iterator[Track]:
    with needs_extra("tracking", "track: TensorBoard"):
        from torch.utils.tensorboard import SummaryWriter
    # what lies there of later steps is hidden: those of an interrupted run are done again
    writer = SummaryWriter(str(folder), purge_step=step + 1, flush_secs=5)

    def track(step: int, values: Mapping[str, float]) -> None:
        for key, value in values.items():
            writer.add_scalar(key, value, step)

    try:
        yield track
    finally:
        writer.close()


def _mlflow(folder: Path, run_id: str, label: str, begun: str) -> Iterator[Track]:
    with needs_extra("tracking", "track: MLflow"):
        from mlflow.entities import Metric
        from mlflow.tracking import MlflowClient
    import time

    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if uri is None:
        folder.mkdir(parents=True, exist_ok=True)
        uri = f"sqlite:///{(folder / 'mlflow.db').absolute()}"
    client = MlflowClient(tracking_uri=uri)
    theirs = _mlflow_run(client, run_id, begun)
    prefix = f"{label}/" if label else ""
    waiting: list[Any] = []
    known: dict[str, int] = {}

    def send() -> None:
        if waiting:
            client.log_batch(theirs, metrics=waiting)
            waiting.clear()

    def track(step: int, values: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        for key, value in values.items():
            if prefix + key not in known:
                before = client.get_metric_history(theirs, prefix + key)
                known[prefix + key] = max((metric.step for metric in before), default=-1)
            # a resumed run gives the very numbers again that it gave before it was interrupted
            if step > known[prefix + key]:
                waiting.append(Metric(prefix + key, value, now, step))
        if len(waiting) >= FLUSH:
            send()

    try:
        yield track
    finally:
        send()


def _mlflow_run(client: Any, run_id: str, begun: str) -> str:
    """Return MLflow's id of a run: of the one that goes on, or a new one."""
    experiment, _, name = run_id.partition("/")
    found = client.get_experiment_by_name(experiment)
    identifier = found.experiment_id if found else client.create_experiment(experiment)
    tags = {"pitfalls.run": run_id, "pitfalls.begun": begun}
    known = client.search_runs(
        [identifier], " and ".join(f"tags.`{tag}` = '{value}'" for tag, value in tags.items())
    )
    if known:
        return str(known[0].info.run_id)
    made = client.create_run(identifier, run_name=name, tags=tags)
    return str(made.info.run_id)
