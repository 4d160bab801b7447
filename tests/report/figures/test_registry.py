import json
import os
import re
from dataclasses import dataclass

import matplotlib.pyplot as plt
import pytest

from pitfalls.errors import InputError
from pitfalls.report.figures import Drawing, draw_run, draws, figure_names
from pitfalls.runs import RunStore

calls = []


@draws("test-figure", "line")
def line(run) -> Drawing:
    calls.append(run.id)
    fig, ax = plt.subplots()
    ax.plot(run.results()["y"])
    return Drawing(fig, alt='rises from 0 to 2 & "stays" <there>', caption="n = 1")


@dataclass(frozen=True)
class Config:
    seed: int = 0


@pytest.fixture
def run(tmp_path):
    calls.clear()
    with RunStore(tmp_path).open("test-figure", Config()) as run:
        run.save_results({"y": [0, 1, 2]})
    return run


def test_figures_are_written_once_with_their_words_and_the_same_bytes_each_time(run):
    (path,) = draw_run(run)
    svg = path.read_text()
    assert (path.parent / "line.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((path.parent / "line.json").read_text())["caption"] == "n = 1"
    assert "role='img'" in svg
    assert re.search(r"&amp; .stays. &lt;there>|&lt;there&gt;", svg)
    assert draw_run(run) == [path]
    assert len(calls) == 1
    (path.parent / "line.json").unlink()
    draw_run(run)
    assert len(calls) == 2
    assert path.read_text() == svg


def test_in_a_folder_that_may_only_be_read_nothing_is_drawn(run, monkeypatch):
    monkeypatch.setattr("pitfalls.report.figures.registry.os.access", lambda path, mode: False)
    assert draw_run(run) == []
    assert not (run.path / "figures").exists()
    monkeypatch.undo()
    (path,) = draw_run(run)
    os.utime(path.with_suffix(".json"), (0, 0))  # as after a copy: older than the run's last write
    monkeypatch.setattr("pitfalls.report.figures.registry.os.access", lambda path, mode: False)
    assert draw_run(run) == [path]
    assert len(calls) == 1


def test_names_are_listed_and_taken_once():
    assert figure_names("test-figure") == ("line",)
    assert figure_names("nothing") == ()
    with pytest.raises(InputError, match="registered already"):
        draws("test-figure", "line")(line)


def test_drawing_leaves_no_figure_open(run):
    draw_run(run)
    assert plt.get_fignums() == []
