"""Numbers handed to trackers while they are made."""

import pytest

from pitfalls.errors import InputError
from pitfalls.runs import check_tracker, open_tracker

RUN = "images-train/special-0123456789ab"


def give(name, folder, steps, label=""):
    with open_tracker(name, folder, RUN, label, steps[0] - 1) as track:
        for step in steps:
            track(step, {"loss": 1.0 / step, "rate": 0.1})


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_shows_each_step_once_also_after_an_interruption(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra: pitfalls[tracking]")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    give("tensorboard", tmp_path, [1, 2, 3, 4])
    give("tensorboard", tmp_path, [3, 4, 5])  # gone on from the checkpoint of step 2
    events = EventAccumulator(str(tmp_path / "tracking" / "tensorboard" / RUN))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [1, 2, 3, 4, 5]
    assert events.Scalars("loss")[4].value == pytest.approx(0.2)


@pytest.mark.filterwarnings("ignore")
def test_mlflow_holds_each_step_once_also_after_an_interruption(tmp_path, monkeypatch):
    pytest.importorskip("mlflow", reason="needs the extra: pitfalls[tracking]")
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    give("mlflow", tmp_path, [1, 2, 3], "cosine-1")
    give("mlflow", tmp_path, [2, 3, 4], "cosine-1")
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'tracking' / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("images-train").experiment_id])
    history = client.get_metric_history(run.info.run_id, "cosine-1/loss")
    assert sorted(metric.step for metric in history) == [1, 2, 3, 4]


def test_a_function_of_ones_own_is_told_by_name(tmp_path):
    (tmp_path / "own.py").write_text(
        "def tell(step, values):\n"
        "    with open(__file__ + '.log', 'a') as log:\n"
        "        print(step, values, file=log)\n"
    )
    give(f"{tmp_path / 'own.py'}:tell", tmp_path, [1, 2], "vit-3")
    lines = (tmp_path / "own.py.log").read_text().splitlines()
    assert lines == ["1 {'vit-3/loss': 1.0, 'vit-3/rate': 0.1}",
                     "2 {'vit-3/loss': 0.5, 'vit-3/rate': 0.1}"]  # fmt: skip


def test_without_a_tracker_nothing_is_written_and_an_unknown_one_is_refused(tmp_path):
    give(None, tmp_path, [1])
    assert list(tmp_path.iterdir()) == []
    check_tracker("X", None)
    with pytest.raises(InputError, match="X: track must be tensorboard, mlflow"):
        check_tracker("X", "wandb")


@pytest.mark.filterwarnings("ignore")
def test_a_run_that_starts_over_is_another_to_mlflow_and_its_numbers_are_its_own(
    tmp_path, monkeypatch
):
    pytest.importorskip("mlflow", reason="needs the extra: pitfalls[tracking]")
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for begun, factor in (("2026-01-01", 1.0), ("2026-01-02", 10.0)):
        with open_tracker("mlflow", tmp_path, RUN, "", 0, begun=begun) as track:
            for step in (1, 2):
                track(step, {"loss": factor * step})
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'tracking' / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("images-train").experiment_id])
    told = [[m.value for m in client.get_metric_history(r.info.run_id, "loss")] for r in runs]
    assert sorted(told) == [[1.0, 2.0], [10.0, 20.0]]
