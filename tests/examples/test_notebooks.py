"""The notebooks run from the first cell to the last, and end as they say."""

import ast
import json
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "examples" / "notebooks"


def cells(name):
    book = json.loads((NOTEBOOKS / name).read_text(encoding="utf-8"))
    assert all(
        not cell.get("outputs") for cell in book["cells"]
    )  # what is shown is made by the reader
    return ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]


def run(name):
    """Run every cell and show the value of its last line as a notebook would."""
    space: dict[str, object] = {}
    shown = []
    for source in cells(name):
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec"), space)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), name, "eval"), space)
            shown.append(value._repr_html_() if hasattr(value, "_repr_html_") else repr(value))
    return space, shown


@pytest.fixture(autouse=True)
def figures(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    yield
    plt.close("all")


def test_the_lecture_shows_what_it_says(capsys):
    space, shown = run("lecture.ipynb")
    printed = capsys.readouterr().out
    assert space["verdict"].verdict == "global minimum"
    assert "'strict saddle'" in shown
    assert "True\n" in printed
    assert "(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)" in shown
    accuracy = {
        line.split()[0]: float(line.split()[-1]) for line in printed.splitlines() if "bits" in line
    }
    assert accuracy["2"] > 0.99
    assert accuracy["16"] < 0.7
    signals = [float(line.split()[-1]) for line in printed.splitlines() if line.startswith("d =")]
    assert signals == sorted(signals, reverse=True)


def test_the_model_of_your_own_is_diagnosed_and_its_witnesses_hold():
    space, shown = run("own_model.ipynb")
    assert space["found"].cause != "healthy"
    assert "True" in shown[1]
    assert "False" not in shown[1]
    assert "'healthy'" in shown
