"""No page says where files lay on its author's machine; names and relative paths stay."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pitfalls.cli import main
from pitfalls.experiments.linear_capacity import EXPERIMENT, CapacityConfig
from pitfalls.frame.experiment import run_experiment
from pitfalls.report import build
from pitfalls.report.places import without_places
from pitfalls.runs import RunStore
from tests.kinds import there


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--data /home/me/cifar-10 --out there/b", "--data …/cifar-10 --out there/b"),
        ("--data=/home/me/cifar-10/", "--data=…/cifar-10"),
        ("--data ~/pictures", "--data …/pictures"),
        ("--data ~me/pictures", "--data …/pictures"),
        (r"--data 'C:\Users\me\my pictures'", "--data '…/my pictures'"),
        ("--data C:/pictures", "--data …/pictures"),
        ("PITFALLS_DATA='/my data/a b' pitfalls report", "PITFALLS_DATA='…/a b' pitfalls report"),
        ("diagnose /home/me/net.py:build", "diagnose …/net.py:build"),
        ("/data/a.png: is damaged. Remove /data/b.", "…/a.png: is damaged. Remove …/b."),
        ("(in /home/me/runs/demo/1), found", "(in …/1), found"),
        ("../shared/data --runs ./here", "../shared/data --runs ./here"),
        ("1/2 and/or https://a.org/b, n / m, d/dt", "1/2 and/or https://a.org/b, n / m, d/dt"),
    ],
)
def test_an_absolute_path_is_shown_by_its_name_and_other_text_as_it_is(text, shown):
    assert without_places(text) == shown


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """Make runs whose command, warning and fault hold absolute paths."""
    store, folder = RunStore(tmp_path / "runs"), tmp_path / "my pictures"
    command = (
        f"PITFALLS_DATA='{folder}' pitfalls linear capacity --data '{folder}' --runs {tmp_path}"
    )
    run = run_experiment(EXPERIMENT, CapacityConfig(), store, command=command).run
    run.manifest.warnings = [*run.manifest.warnings, f"{folder}/a.png was skipped"]
    (broken := store.root / "parity-signal" / "1").mkdir(parents=True)
    (broken / "manifest.json").write_text("{")
    return store


def test_neither_page_nor_pdf_holds_an_absolute_path(store: RunStore, tmp_path: Path) -> None:
    made = build(store, tmp_path / "report")
    page = made.page.read_text(encoding="utf-8")
    assert "--data '…/my pictures'" in page or "--data &#39;…/my pictures&#39;" in page
    texts = [page]
    if shutil.which("pdftotext") is not None:
        read: list[str | Path] = ["pdftotext", there(made.writeup), "-"]
        texts.append(subprocess.run(read, capture_output=True, text=True, check=True).stdout)
    for text in texts:
        for place in (str(tmp_path), str(Path.home()) + "/", str(Path(__file__).parents[2])):
            assert place not in re.sub(r"\s*\n\s*", "", text)
    assert any(str(tmp_path) in note for note in made.notes), "the terminal still says where"


def test_a_run_still_says_how_it_is_made_again_where_it_was_made(store: RunStore, capsys) -> None:
    (run,) = store.list("linear-capacity")
    assert main(["runs", "show", run.id, "--runs", str(store.root)]) == 0
    assert "my pictures" in capsys.readouterr().out
