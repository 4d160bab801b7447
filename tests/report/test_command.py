"""``pitfalls report`` as a newcomer types it, on a small experiment in place of the homework's."""

from pathlib import Path
from typing import Any

import pytest

from pitfalls.cli import main
from pitfalls.experiments.catalogue import experiment_named
from pitfalls.experiments.linear_capacity import CapacityConfig
from pitfalls.frame import Experiment
from pitfalls.frame.experiment import run_experiment
from pitfalls.runs import RunStore
from tests.report.toy import EXPERIMENT, ToyConfig
from tests.report.toy.run import CALLS

Parts = list[tuple[Experiment[Any, Any], Any]]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Parts:
    CALLS.clear()
    parts: Parts = [
        (experiment_named("linear-capacity"), CapacityConfig()),
        (EXPERIMENT, ToyConfig(1)),
        (EXPERIMENT, ToyConfig(2)),
    ]
    monkeypatch.setattr("pitfalls.experiments.homework_configs", lambda asked: tuple(parts))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PITFALLS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("PITFALLS_DATA", "digits")
    return parts


def test_it_runs_what_is_missing_and_writes_both_files(
    parts: Parts, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--author", "A. <b>Student</b>"]) == 0
    assert CALLS == [1, 2]
    said = capfd.readouterr()
    assert said.out.split() == ["report/index.html", "report/writeup.pdf"]
    assert "[3/3] question 3: toy" in said.err
    page = Path("report/index.html").read_text(encoding="utf-8")
    assert "A. &lt;b&gt;Student&lt;/b&gt;" in page
    assert Path("report/writeup.pdf").read_bytes().startswith(b"%PDF")
    assert main(["report"]) == 0
    assert CALLS == [1, 2], "finished runs are reused"


def test_a_part_that_fails_stops_no_other_and_shows_in_the_exit_code(parts: Parts, capfd) -> None:
    parts.insert(0, (EXPERIMENT, ToyConfig(9, fails=True)))
    assert main(["report"]) == 1
    assert CALLS == [9, 1, 2]
    assert Path("report/index.html").exists()
    assert "toy: toy: needs 99 GB" in capfd.readouterr().err


def test_a_part_that_needs_a_failed_one_stops_no_other_either(parts: Parts, capfd) -> None:
    parts.insert(0, (EXPERIMENT, ToyConfig(9, fails=True)))
    parts.insert(1, (EXPERIMENT, ToyConfig(8, needs_another=True)))
    assert main(["report"]) == 1
    assert CALLS == [9, 8, 1, 2]
    assert "holds no network" in capfd.readouterr().err


def test_bad_input_stops_at_the_first_part(parts: Parts, capfd) -> None:
    parts.insert(0, (EXPERIMENT, ToyConfig(8, needs_another=True)))
    assert main(["report"]) == 2
    assert CALLS == [8]
    assert capfd.readouterr().err.count("error:") == 1


def test_the_command_of_a_run_is_what_makes_it_again_whoever_writes_the_report(
    parts: Parts, tmp_path: Path
) -> None:
    assert main(["report", "--author", "A. Student", "--out", "there"]) == 0
    for run in RunStore(tmp_path / "runs").list():
        assert run.manifest.command == "PITFALLS_DATA=digits pitfalls report --quick"


def test_from_runs_nothing(parts: Parts, tmp_path: Path) -> None:
    run_experiment(EXPERIMENT, ToyConfig(5), RunStore(tmp_path / "other"))
    CALLS.clear()
    assert main(["report", "--from", str(tmp_path / "other"), "--out", "there"]) == 0
    assert CALLS == []
    assert Path("there/index.html").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--quick", "--full"], "exclude each other"),
        (["--out", "/dev/null"], "--out must be a folder"),
        (["--out", "/dev/null/there"], "--out must be a folder"),
        (["--from", "nowhere"], "no folder of runs at nowhere"),
        (["--from", ".", "--data", "digits"], "--from runs nothing"),
        (["--from", ".", "--all-thumbnails"], "--from runs nothing that would make them"),
        (["--homework", "--all-thumbnails"], "--homework has no page"),
        (["--from", "."], "holds no runs"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_exit_code_2(
    parts: Parts, capfd: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert main(["report", *arguments]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert complaint in lines[0]
    assert not Path("report").exists()


def test_the_same_runs_give_the_same_bytes(parts: Parts) -> None:
    for name in ("one", "two"):
        assert main(["report", "--out", name]) == 0
    for file in ("index.html", "writeup.pdf"):
        assert Path("one", file).read_bytes() == Path("two", file).read_bytes()
