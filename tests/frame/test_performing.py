import json
import re

import pytest

from pitfalls.frame.experiment import run_experiment
from pitfalls.frame.performing import draw_figures
from pitfalls.progress import silent
from pitfalls.runs import RunStore
from tests.report.toy import EXPERIMENT, ToyConfig
from tests.report.toy.figures import DRAWN
from tests.report.toy.run import CALLS


@pytest.fixture
def finished(tmp_path):
    DRAWN.clear()
    return run_experiment(EXPERIMENT, ToyConfig(), RunStore(tmp_path))


def test_figures_are_written_once_with_their_words_and_the_same_bytes_each_time(finished):
    draw_figures(EXPERIMENT, finished)
    folder = finished.run.path / "figures"
    svg = (folder / "line.svg").read_text()
    assert (folder / "line.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((folder / "line.json").read_text())["caption"] == "n = 1"
    assert re.search(r"role=.img", svg)
    assert re.search(r"&amp; .*stays.* &lt;there(>|&gt;)", svg)
    draw_figures(EXPERIMENT, finished)
    assert len(DRAWN) == 1
    (folder / "line.json").unlink()
    draw_figures(EXPERIMENT, finished)
    assert len(DRAWN) == 2
    assert (folder / "line.svg").read_text() == svg


@pytest.mark.parametrize("words", ["changed", "{", "[]"])
def test_figures_that_other_code_drew_are_drawn_anew(finished, monkeypatch, words):
    """Their titles and captions are that code's, and may say what is no longer said."""
    draw_figures(EXPERIMENT, finished)
    if words == "changed":
        monkeypatch.setattr("pitfalls.runs.code.drawing_code", lambda entry: "0" * 12)
        monkeypatch.setattr("pitfalls.runs.drawing_code", lambda entry: "0" * 12, raising=False)
    else:
        finished.run.save_file("figures/line.json", words)
    for _ in range(2):
        draw_figures(EXPERIMENT, finished)
        assert len(DRAWN) == 2


def test_in_a_folder_that_may_only_be_read_nothing_is_drawn(finished, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    draw_figures(EXPERIMENT, finished)
    assert not (finished.run.path / "figures").exists()
    assert DRAWN == []


def test_a_finished_run_is_reused_unless_it_is_asked_for_anew(tmp_path):
    CALLS.clear()
    store = RunStore(tmp_path)
    run_experiment(EXPERIMENT, ToyConfig(), store)
    assert not run_experiment(EXPERIMENT, ToyConfig(), store).run.was_opened
    assert CALLS == [0]
    assert run_experiment(EXPERIMENT, ToyConfig(), store, fresh=True).run.was_opened
    assert CALLS == [0, 0]


def test_work_that_nobody_watches_reports_to_nobody():
    with silent("x") as advance:
        advance(1, 1)
