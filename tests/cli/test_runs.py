from dataclasses import dataclass

import pytest

from pitfalls.cli import main
from pitfalls.runs import RunStore


@dataclass(frozen=True)
class Config:
    seed: int = 0


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("PITFALLS_RUNS", str(tmp_path))
    return RunStore()


def test_list_show_and_remove(store, capsys):
    with store.open("test", Config(), command="pitfalls test") as run:
        run.save_results({"risk": 0.25})
        run.warn("made of [digits]")
    with pytest.raises(KeyboardInterrupt), store.open("other", Config()):
        raise KeyboardInterrupt
    assert main(["runs", "list"]) == 0
    listed = capsys.readouterr().out
    assert run.id in listed
    assert "interrupted" in listed
    assert main(["runs", "show", run.id]) == 0
    shown = capsys.readouterr().out
    for text in ("pitfalls test", '"risk": 0.25', "made of [digits]", '"seed": 0'):
        assert text in shown
    assert main(["runs", "remove", run.id]) == 0
    assert not run.path.exists()
    assert [r.manifest.experiment for r in store.list()] == ["other"]


def test_a_killed_run_is_said_to_be_killed(store, capsys):
    run = store.open("test", Config())
    run.__enter__()
    assert main(["runs", "list"]) == 0
    assert "running" in capsys.readouterr().out
    run._lock.release()  # what the operating system does when the process dies
    assert main(["runs", "list"]) == 0
    assert "killed, can be continued" in capsys.readouterr().out


def test_remove_without_a_name_is_refused(store, capsys):
    assert main(["runs", "remove"]) == 2
    assert "name at least one run" in capsys.readouterr().err


def test_remove_deletes_nothing_when_one_of_the_names_is_wrong(store, capsys):
    with store.open("test", Config()) as run:
        pass
    assert main(["runs", "remove", run.id, "nosuch"]) == 2
    assert "no run is called 'nosuch'" in capsys.readouterr().err
    assert run.path.exists()


def test_remove_takes_two_names_of_one_run(store, capsys):
    with store.open("test", Config()) as run:
        pass
    assert main(["runs", "remove", run.id, str(run.path)]) == 0
    assert capsys.readouterr().out == f"removed {run.id}\n"
    assert not run.path.exists()


def test_list_of_an_experiment_without_runs_says_so(store, capsys):
    with store.open("test", Config()):
        pass
    assert main(["runs", "list", "/abs"]) == 0
    assert capsys.readouterr().out.startswith("no runs of /abs in ")
