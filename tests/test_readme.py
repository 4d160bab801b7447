import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_measured_table_is_what_the_recorded_results_say(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    from benchmarks.readme_table import insert

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count("<!-- measured -->") == 2
    assert insert(text) == text


def test_every_path_in_the_readme_exists():
    import re

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
