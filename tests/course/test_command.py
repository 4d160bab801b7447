import json

import pytest

from pitfalls.cli import main
from pitfalls.course.grading.sheet import Sheet
from tests.course.work import solution


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    for name, content in solution(Sheet(n_features=3)).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["grade", "nowhere"], "nowhere holds none of formulas.py"),
        (["grade", ".", "--parts", "9z"], "there is no part '9z'"),
        (["grade", ".", "--variant", "-1"], "variant must be a seed"),
        (["grade", ".", "--variant", "1", "--n-features", "4"], "not both"),
        (["grade", ".", "--n-features", "11"], "n-features must be from 2 to 10"),
        (["grade", ".", "--data", "nowhere.npz"], "must be an .npz with X and Y"),
        (["grade", ".", "--course", "nowhere"], "is no built course"),
        (["grade", ".", "--format", "moodle"], "--format"),
        (["build"], "--out"),
        (["build", "--out", "file"], "must be a folder to write into"),
        (["build", "--out", "full"], "holds something else than a course"),
        (["build", "--out", "new", "--format", "moodle"], "--format"),
        (["build", "--out", "new", "--widths", "3", "1", "3"], "must not narrow"),
        (["try", "full", "full"], "is no built course"),
        (["try", "full", "nowhere"], "must be a folder"),
    ],
)
def test_one_wrong_word_gives_one_clear_line(words, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    assert main(["course", *words]) == 2
    said = capsys.readouterr()
    assert line in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_what_was_built_is_tried_and_graded_by_its_own_sheet(work, tmp_path, capsys):
    course = str(tmp_path / "course")
    sizes = ["--n-features", "3", "--n-samples", "12"]
    assert main(["course", "build", "--format", "plain", "--out", course, *sizes]) == 0
    assert f"{course}/starter/pitfalls.py" in capsys.readouterr().out
    assert main(["course", "try", course, str(work), "--json"]) == 0
    said, *lost = capsys.readouterr().out.splitlines()
    values = {row["what"]: row["value"] for row in json.loads(said)["rows"]}
    assert values["points"] == "122 of 122"
    assert not lost
    out = tmp_path / "results.json"
    words = ["course", "grade", str(work), "--course", course, "--out", str(out)]
    assert main([*words, "--parts", "3a", "4e", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "22 of 22 points"
    found = json.loads(out.read_text())
    assert found["points"] == found["max_points"] == 22
    assert [part["name"] for part in found["parts"]] == [
        "3a-network", "3a", "4e-constant", "4e-annealed", "4e-table",
    ]  # fmt: skip
