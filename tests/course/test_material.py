"""Slides and notebooks: they are made from what runs, and the notebooks run."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from pitfalls.cli import main
from pitfalls.course import SlidesConfig, slides
from pitfalls.course.grading import stand_in
from pitfalls.course.grading.grade import PARTS, grade
from pitfalls.course.notebook import notebook_names, read_cells
from pitfalls.plots import Rendered, draw
from pitfalls.runs import config_to_dict
from tests.course.work import SMALL, lost, solution


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


def test_slides_for_a_place_that_takes_no_file_are_refused_before_anything_is_trained(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    for parent in (tmp_path / "file", Path("/proc"), Path("/proc/none")):
        assert main(["course", "slides", "--out", str(parent / "x.pdf")]) == 2
        assert "--out must be a file to write" in capsys.readouterr().err
    assert [place.name for place in tmp_path.iterdir()] == ["file"]


def test_slides_are_set_with_every_figure(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PITFALLS_RUNS", str(tmp_path / "runs"))
    made: dict[str, Rendered] = {}
    monkeypatch.setattr(
        slides, "draw", lambda figure, *asked: made.setdefault(figure.name, draw(figure, *asked))
    )
    out = tmp_path / "slides.pdf"
    assert main(["course", "slides", "--iterations", "400", "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    first = out.read_bytes()
    assert first.startswith(b"%PDF")
    # drawing is tried twice where figures are tested: here it is the setting of the slides
    monkeypatch.setattr(slides, "draw", lambda figure, *_: made[figure.name])
    assert main(["course", "slides", "--iterations", "400", "--out", str(out)]) == 0
    assert out.read_bytes() == first
    assert main(["course", "slides", "--out", str(tmp_path)]) == 2
    assert main(["course", "slides", "--iterations", "3"]) == 2


def test_the_solution_of_the_sheet_proves_itself_as_a_student_would_run_it(
    tmp_path, monkeypatch, capsys
):
    (tmp_path / "pitfalls.py").write_bytes(solution(SMALL)["pitfalls.py"])
    monkeypatch.setattr(sys, "argv", ["pitfalls.py", "check"])
    runpy.run_path(str(tmp_path / "pitfalls.py"), run_name="__main__")
    assert capsys.readouterr().out == "0 of 16 inputs are wrong\n"


def test_what_the_scripts_of_question_4_write_is_what_the_grader_reads(
    tmp_path, monkeypatch, sandbox
):
    """The starter's own loop, on few images and a network of one layer: its table earns its points."""
    monkeypatch.chdir(tmp_path)
    for name in ("torchvision", "torchvision.transforms"):
        monkeypatch.setitem(sys.modules, name, None)  # put back afterwards
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    stand_in.install()
    (tmp_path / "cifar10.py").write_bytes(solution(SMALL)["cifar10.py"])
    script = runpy.run_path("cifar10.py")
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (60, 32, 32, 3), dtype=np.uint8), np.arange(60) % 10
    network = lambda: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 10))  # noqa: E731
    monkeypatch.setitem(script["train_part"].__globals__, "ResNet18", network)
    data = [
        script["Pictures"](x[part], y[part], script[f"transform_{name}"])
        for part, name in ((slice(40), "train"), (slice(40, 60), "val"))
    ]
    script["train_part"](*data, 1, 8, 0)
    script["linear_part"](script["flat"](x[:40]), y[:40], script["flat"](x[40:]), y[40:])
    parts = [part for part in PARTS if part.name in ("4b", "4e-table")]
    written = {"answers.json": (tmp_path / "answers.json").read_bytes()}
    found = grade(written, sandbox, SMALL, parts)
    assert lost(found) == {"4b": 2}  # a fit of 40 images is none of all
    assert any("40 train images: the accuracy of all 50,000" in r.reason for r in found.results)


def test_every_run_of_the_lecture_follows_the_seed():
    def seeds(found):
        if isinstance(found, dict):
            own = [value for key, value in found.items() if key == "seed"]
            return [*own, *(s for value in found.values() for s in seeds(value))]
        return []

    for seed in (7, 123):
        for _, config in slides.lecture_runs(SlidesConfig(400, seed)):
            assert set(seeds(config_to_dict(config))) == {seed}
