import csv
from dataclasses import dataclass

import pytest

from pitfalls.cli import main
from pitfalls.experiments.linear_minimum import MinimumResult
from pitfalls.runs import RunStore
from tests.runs.forged import rewrite_manifest


@dataclass(frozen=True)
class Config:
    seed: int = 0


@dataclass(frozen=True)
class Found:
    risk: float


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("PITFALLS_RUNS", str(tmp_path))
    return RunStore()


def test_list_show_and_remove(store, capsys):
    with store.open("test", Config(), command="pitfalls test") as run:
        run.save(Found(0.25))
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


def test_check_names_what_is_damaged_and_ends_with_1(store, capsys):
    with store.open("test", Config(), command="pitfalls test") as run:
        run.save(Found(0.25))
    with store.open("other", Config()):
        pass
    assert main(["runs", "check"]) == 0
    assert "2 runs in " in capsys.readouterr().out
    result = run.path / "results/Found.json"
    result.write_text(result.read_text().replace("0.25", "0.35"))
    assert main(["runs", "check", "other"]) == 0
    capsys.readouterr()
    assert main(["runs", "check"]) == 1
    printed = capsys.readouterr()
    assert printed.out.endswith("1 damaged\n")
    assert f"{run.id}: results/Found.json is damaged" in printed.err
    assert "pitfalls test --fresh" in printed.err
    assert main(["runs", "show", run.id]) == 1
    assert "results/Found.json is damaged" in capsys.readouterr().out


def test_a_run_whose_manifest_is_damaged_is_named_in_the_list(store, capsys):
    with store.open("test", Config()) as run:
        pass
    (run.path / "manifest.json").write_text("{")
    assert main(["runs", "list"]) == 0
    assert "manifest.json: is damaged" in capsys.readouterr().err
    assert main(["runs", "check"]) == 1


def test_remove_deletes_nothing_when_one_of_the_runs_is_held(store, capsys):
    with store.open("test", Config()) as good:
        pass
    with store.open("other", Config()) as held:
        assert main(["runs", "remove", good.id, held.id]) == 1
        assert "another process is working on it" in capsys.readouterr().err
        assert good.path.exists()


def test_what_came_with_data_is_shown_escaped(store, capsys):
    with store.open("test", Config()) as run:
        run.warn("of \x1b[31mred\x1b[0m\nand \udcff")
    assert main(["runs", "show", run.id]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert r"\x1b[31mred" in printed
    assert r"and \xff" in printed


@pytest.fixture
def minimum(store, capsys):
    assert main(["linear", "minimum", "--modes", "3", "2", "1"]) == 0
    capsys.readouterr()
    return store.list()[0]


def test_a_table_leaves_as_csv_and_is_not_written_over(minimum, tmp_path, capsys):
    folder = tmp_path / "my tables"
    asked = ["runs", "export", minimum.id, "--to", "csv", "--folder", str(folder)]
    assert main(asked) == 0
    (made,) = folder.iterdir()
    assert str(made) in capsys.readouterr().out
    with made.open(newline="") as file:
        rows = list(csv.DictReader(file))
    result = minimum.load(MinimumResult)
    assert [float(row["risk"]) for row in rows] == [row.risk for row in result.rows]
    assert main(asked) == 2
    assert "Remove it or name another folder" in capsys.readouterr().err
    assert main([*asked, "--table", "data"]) == 2
    assert "expected a field of records or arrays. Got 'data'; those are" in capsys.readouterr().err
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("kind", "head"), [("pdf", b"%PDF"), ("png", b"\x89PNG"), ("svg", b"<?xml")]
)
def test_figures_leave_as_files_in_a_style(minimum, tmp_path, kind, head):
    for style in ("print", "slides"):
        folder = tmp_path / style
        asked = [
            "runs",
            "export",
            minimum.id,
            "--to",
            kind,
            "--folder",
            str(folder),
            "--style",
            style,
        ]
        assert main(asked) == 0
        (made,) = folder.iterdir()
        assert made.name == f"{minimum.path.name}-minimum-by-rank.{kind}"
        assert made.read_bytes().startswith(head)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--to", "csv", "--style", "print"), "--style goes with --to svg, png or pdf"),
        (("--to", "pdf", "--table", "rows"), "--table goes with --to csv"),
    ],
)
def test_an_option_of_another_export_is_refused(minimum, tmp_path, capsys, options, told):
    assert main(["runs", "export", minimum.id, *options, "--folder", str(tmp_path)]) == 2
    assert told in capsys.readouterr().err


def test_what_an_older_run_exports_is_said_to_be_older(minimum, tmp_path, capsys):
    asked = ["runs", "export", minimum.id, "--to", "csv", "--folder"]
    assert main([*asked, str(tmp_path / "present")]) == 0
    assert "older" not in capsys.readouterr().err
    rewrite_manifest(minimum, code="0" * 12)
    assert main([*asked, str(tmp_path / "later")]) == 0
    assert f"warning: The run {minimum.id} is older: other code" in capsys.readouterr().err


def test_what_an_unfinished_run_exports_is_said_to_be_all_there_is(store, tmp_path, capsys):
    pytest.importorskip("tensorboard", reason="needs the extra 'tracking'")
    with pytest.raises(KeyboardInterrupt), store.open("test", Config()) as run:
        run.log(step=1, risk=0.5)
        raise KeyboardInterrupt
    asked = ["runs", "export", run.id, "--to", "tensorboard", "--folder", str(tmp_path / "tb")]
    assert main(asked) == 0
    assert "is not finished (it is interrupted)" in capsys.readouterr().err


def test_a_check_of_nothing_does_not_say_that_all_is_well(store, tmp_path, capsys):
    assert main(["runs", "check", "--runs", str(tmp_path / "typo")]) == 0
    assert capsys.readouterr().out.startswith("nothing was compared: ")
    with store.open("test", Config()) as run:
        assert main(["runs", "check", run.id]) == 0
        assert capsys.readouterr().out.startswith("nothing was compared: ")
    assert main(["runs", "check"]) == 0
    assert "everything is as it was written" in capsys.readouterr().out
