import warnings
from dataclasses import dataclass

import pytest

from pitfalls.errors import InputError
from pitfalls.runs import RunStore
from pitfalls.runs.export import _scalars, export_mlflow, export_tensorboard


@dataclass(frozen=True)
class Config:
    seed: int = 3


@dataclass(frozen=True)
class Found:
    risk: float
    curve: tuple[float, ...]


@pytest.fixture
def run(tmp_path):
    with RunStore(tmp_path / "runs").open("test", Config()) as run:
        for step in range(3):
            run.log(step=10 * step, risk=1 / (step + 1), learned=False)
        run.save(Found(0.75, (1.0, 2.0)))
    return run


def test_tensorboard_reads_back_every_scalar(run, tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra 'tracking'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = export_tensorboard(run, tmp_path / "tb")
    events = EventAccumulator(str(folder))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("risk")] == [
        (0, pytest.approx(1)),
        (10, pytest.approx(1 / 2)),
        (20, pytest.approx(1 / 3)),
    ]
    assert set(events.Tags()["scalars"]) == {"risk", "results/Found/risk"}
    with pytest.raises(InputError, match="exists"):
        export_tensorboard(run, tmp_path / "tb")


def test_mlflow_reads_back_config_metrics_and_results(run, tmp_path):
    pytest.importorskip("mlflow", reason="needs the extra 'tracking'")
    pytest.importorskip("sqlalchemy", reason="needs the extra 'tracking'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own deprecations are not ours to mend
        from mlflow.tracking import MlflowClient

        identifier = export_mlflow(run, tmp_path / "ml")
        client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'ml' / 'mlflow.db'}")
        found = client.get_run(identifier)
        history = client.get_metric_history(identifier, "risk")
    assert found.data.params == {"seed": "3"}
    assert found.data.metrics["results/Found/risk"] == 0.75
    assert [(m.step, m.value) for m in history] == [(0, 1), (10, 1 / 2), (20, 1 / 3)]
    assert found.info.status == "FINISHED"


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "KILLED"), (RuntimeError, "FAILED")]
)
def test_mlflow_is_not_told_that_a_run_has_finished_which_has_not(tmp_path, error, status):
    pytest.importorskip("mlflow", reason="needs the extra 'tracking'")
    pytest.importorskip("sqlalchemy", reason="needs the extra 'tracking'")
    with pytest.raises(error), RunStore(tmp_path / "runs").open("test", Config()) as run:
        run.log(step=0, risk=1.0)
        raise error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.tracking import MlflowClient

        identifier = export_mlflow(run, tmp_path / "ml")
        client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'ml' / 'mlflow.db'}")
        assert client.get_run(identifier).info.status == status


def test_trainings_in_one_log_have_names_of_their_own(tmp_path):
    with RunStore(tmp_path / "runs").open("test", Config()) as run:
        for scheme, factor in (("constant", 1.0), ("a/b.py:mine", 2.0)):
            for step in (1, 2):
                run.log(scheme=scheme, seed=3, step=step, loss=factor * step)
    found: dict[str, list[tuple[int, float]]] = {}
    for name, step, value in _scalars(run):
        found.setdefault(name, []).append((step, value))
    assert found == {
        "scheme constant seed 3/loss": [(1, 1.0), (2, 2.0)],
        "scheme mine seed 3/loss": [(1, 2.0), (2, 4.0)],
    }
