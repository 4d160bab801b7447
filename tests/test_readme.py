import re
import sys
from pathlib import Path

from pitfalls.cli import main
from pitfalls.runs import RunStore

ROOT = Path(__file__).resolve().parents[1]


def test_the_measured_table_is_what_the_recorded_results_say(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    from benchmarks.readme_table import insert

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("<!-- measured -->") == 2
    assert insert(text) == text


def test_every_path_in_the_readme_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), target


def test_the_readme_names_every_command_of_every_lab():
    from pitfalls.cli import app

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for lab in ("linear", "parity", "images"):
        (row,) = re.findall(rf"^\| `{lab}` \| ([^|]*) \|", text, flags=re.MULTILINE)
        commands = {name for name in app[lab] if not name.startswith("-")}
        assert set(re.findall("`([^`]+)`", row)) == commands
    (row,) = re.findall(r"^\| `diagnosis` \| ([^|]*) \|", text, flags=re.MULTILINE)
    asked = {f"diagnose {name}" for name in app["diagnose"] if not name.startswith("-")}
    assert set(re.findall("`([^`]+)`", row)) == {"diagnose", *asked}
    (row,) = re.findall(r"^\| all \| ([^|]*) \|", text, flags=re.MULTILINE)
    labs = {"linear", "parity", "images", "diagnose"}
    alone = {name for name in app if not name.startswith("-")} - labs
    assert set(re.findall("`([^`]+)`", row)) == alone


def test_one_seed_has_no_standard_deviation():
    import json

    for path in (ROOT / "benchmarks" / "results").glob("images-fast-*.json"):
        results = json.loads(path.read_text(encoding="utf-8"))["results"]
        assert (results["sd_accuracy"] is None) == (results["n"] == 1), path.name


def test_what_the_wheel_shows_of_the_readme_has_no_link_that_leads_nowhere():
    import re
    import tomllib

    hooks = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](docs/" in text
    for change in hooks["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(change["pattern"], change["replacement"], text)
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert [target for target in targets if not target.startswith("https://")] == []
    assert "The exact gradient signal of parity" in text


def test_a_summary_is_a_run_and_the_readme_counts_it_not_among_what_keeps_none(tmp_path):
    assert main(["--runs", str(tmp_path), "images", "summary", "--model", "linear"]) == 0
    assert len(RunStore(tmp_path).list("images-diagram")) == 1
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (sentence,) = re.findall(r"`doctor`[^.]*keep none\.", text)
    assert "summary" not in sentence
