"""Slides and notebooks: they are made from what runs, and the notebooks run."""

import json
import subprocess

import pytest

from pitfalls.cli import main
from pitfalls.course.notebook import notebook_names, read_cells
from tests.course.work import SMALL, solution


@pytest.mark.parametrize("name", notebook_names())
def test_every_notebook_runs_from_top_to_bottom(name, capsys):
    cells = read_cells(name)
    assert cells[0][0] == "markdown"
    assert cells[0][1].startswith(f"# {name}. ")
    namespace: dict[str, object] = {}
    for kind, text in cells:
        if kind == "code":
            exec(compile(text, name, "exec"), namespace)
    assert capsys.readouterr().out


def test_notebooks_are_written_for_each_part_in_jupyters_form(tmp_path, capsys):
    assert main(["course", "notebooks", "--out", str(tmp_path / "n")]) == 0
    assert notebook_names() == (
        "2a", "2b", "2c", "2d", "2e", "2f", "3a", "3b", "3c", "3d", "4a", "4b", "4c", "4d", "4e",
    )  # fmt: skip
    for name in notebook_names():
        held = json.loads((tmp_path / "n" / f"{name}.ipynb").read_text())
        assert (held["nbformat"], held["nbformat_minor"]) == (4, 5)
        for cell in held["cells"]:
            assert set(cell) >= {"cell_type", "id", "metadata", "source"}
            assert ("outputs" in cell) == (cell["cell_type"] == "code")
            assert "".join(cell["source"])
    (tmp_path / "file").touch()
    assert main(["course", "notebooks", "--out", str(tmp_path / "file")]) == 2
    assert "must be a folder" in capsys.readouterr().err


def test_slides_are_set_with_every_figure(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PITFALLS_RUNS", str(tmp_path / "runs"))
    out = tmp_path / "slides.pdf"
    assert main(["course", "slides", "--iterations", "400", "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    first = out.read_bytes()
    assert first.startswith(b"%PDF")
    assert main(["course", "slides", "--iterations", "400", "--out", str(out)]) == 0
    assert out.read_bytes() == first
    assert main(["course", "slides", "--out", str(tmp_path)]) == 2
    assert main(["course", "slides", "--iterations", "3"]) == 2


def test_the_solution_of_the_sheet_proves_itself_as_a_student_would_run_it(tmp_path):
    import sys

    for name, content in solution(SMALL).items():
        (tmp_path / name).write_bytes(content)
    said = subprocess.check_output(
        [sys.executable, "pitfalls.py", "check"], cwd=tmp_path, text=True
    )
    assert said == "0 of 16 inputs are wrong\n"
