"""Names of folders that came with data: spaces, letters of any script, bytes that are no letters."""

import os
import shutil
import subprocess

import pytest

from pitfalls.cli import main
from pitfalls.report import build
from tests.images.data.makers import class_folders

NAMES = [
    "my data",
    "Bilder ä",
    os.fsdecode(b"d\xff"),
    "a\x1b[2Jb",
    "x\ny",
    "\u202egnp",
    r"a\1\g<0>",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_data_folder_of_any_name_works_and_is_shown_escaped(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        class_folders(tmp_path / name, n=12)
    except OSError:
        pytest.skip("this file system has no such names")
    for command in ("regress", "embed") if "\udcff" in name else ("regress",):
        assert main(["images", command, "--data", name]) == 0
        said = capsys.readouterr()
        for text in (said.out, said.err):
            assert "unexpected" not in text
            assert not any(ord(c) < 32 and c != "\n" for c in text)
            assert "\u202e" not in text
            text.encode()
    assert main(["runs", "check"]) == 0


def test_the_report_of_such_runs_is_written_and_shows_no_control_characters(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    name = "d\x1b[2J \u202e"
    class_folders(tmp_path / name, n=12)
    assert main(["images", "regress", "--data", name]) == 0
    report = build(tmp_path / "runs", tmp_path / "out")
    page = report.page.read_text(encoding="utf-8")
    assert r"d\x1b[2J \u202e" in page
    assert not any(ord(c) < 32 and c not in "\n\t\r" for c in page)
    assert "\u202e" not in page
    if shutil.which("pdftotext"):
        paper = subprocess.check_output(["pdftotext", report.writeup, "-"], text=True)
        assert r"\x1b[2J" in paper
        assert r"\u202e" in paper
        assert not any(ord(c) < 32 and c not in "\n\t\r\f" for c in paper)
        assert "\u202e" not in paper
