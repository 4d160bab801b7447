"""Copies of a run for other trackers; the run folder stays the truth."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pitfalls.errors import InputError, needs_extra
from pitfalls.named import told_apart
from pitfalls.runs.run import Run

__all__ = ["export_mlflow", "export_tensorboard"]

SERIES = (
    "scheme", "network", "activation", "depth", "n_features", "weight", "n_hidden", "learning_rate",
    "case", "seed",
)  # fmt: skip
"""Fields of a log's records that tell whose they are: several trainings have the same steps."""
BATCH = 1000
"""Most records that MLflow takes at once."""
ENDS = {"complete": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
"""What MLflow calls how a run ended."""


def export_tensorboard(run: Run, folder: Path) -> Path:
    """Write a run's scalars and config as a TensorBoard event file and return its folder.

    Parameters
    ----------
    run : Run
    folder : Path
        A sub-folder named like the run is made in it; it must not exist yet, because TensorBoard
        would show both copies on top of each other.

    Raises
    ------
    InputError
        If the extra is not installed or the copy exists.
    """
    with needs_extra("tracking", "export to TensorBoard"):
        from torch.utils.tensorboard import SummaryWriter
    target = folder / run.id
    if target.exists():
        raise InputError(
            f"export to TensorBoard: {target} exists. Remove it or name another folder."
        )
    writer = SummaryWriter(str(target))
    try:
        writer.add_text("config", "\n".join(f"- {k}: `{v}`" for k, v in run.config.items()))
        for name, step, value in _scalars(run):
            writer.add_scalar(name, value, step)
    finally:
        writer.close()
    return target


def export_mlflow(run: Run, folder: Path) -> str:
    """Write a run's config, scalars and results into an MLflow store and return the MLflow run's id.

    Parameters
    ----------
    run : Run
    folder : Path
        An SQLite store ``mlflow.db`` is made or opened in it.

    Raises
    ------
    InputError
        If the extra is not installed.
    """
    with needs_extra("tracking", "export to MLflow"):
        from mlflow.entities import Metric, Param
        from mlflow.tracking import MlflowClient
    folder.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(tracking_uri=f"sqlite:///{(folder / 'mlflow.db').absolute()}")
    name = run.manifest.experiment
    experiment = client.get_experiment_by_name(name)
    identifier = experiment.experiment_id if experiment else client.create_experiment(name)
    made = client.create_run(identifier, run_name=run.path.name)
    start = made.info.start_time
    params = [Param(key, str(value)[:500]) for key, value in run.config.items()]
    client.log_batch(made.info.run_id, params=params)
    metrics = [Metric(name, value, start, step) for name, step, value in _scalars(run)]
    for first in range(0, len(metrics), BATCH):
        client.log_batch(made.info.run_id, metrics=metrics[first : first + BATCH])
    if (
        run.manifest.status in ENDS
    ):  # one that goes on, or was killed, stays as it is begun: running
        client.set_terminated(made.info.run_id, ENDS[run.manifest.status])
    return str(made.info.run_id)


def _scalars(run: Run) -> Iterator[tuple[str, int, float]]:
    """Yield (name, step, value) of every number in the metric log, then of the results.

    Of several trainings in one log each has names of its own, as ``scheme special seed 1/loss``.
    """
    lines: list[dict[str, Any]] = run.metrics()
    names = told_apart(str(line[name]) for line in lines for name in SERIES if name in line)
    for count, record in enumerate(lines):
        step = int(record.get("step", count))
        told = [name for name in SERIES if name in record and "step" in record]
        words = [f"{name} {names[str(record[name])]}" for name in told]
        series = f"{' '.join(words)}/" if told else ""
        for name, value in record.items():
            if name in ("step", *told) or isinstance(value, bool):
                continue
            if isinstance(value, int | float):
                yield f"{series}{name}", step, float(value)
    for kind, values in run.plain_results().items():
        for name, value in values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield f"results/{kind}/{name}", 0, float(value)
