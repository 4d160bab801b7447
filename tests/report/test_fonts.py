"""Names in any writing: set where a font has them, and said where none has."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pitfalls.report import FrontMatter, build, build_handin
from pitfalls.report.fonts import fonts_for

NOWHERE = "\U0010fff0\U0010fffc"  # for private use: no font has them


def test_what_the_fonts_inside_have_needs_no_others() -> None:
    for text in ("Ñandú", "Ωμέγα", "Жук", "שלום", "≤ 10⁻¹⁶ − 3 × 2", "", "\n\x1b\udcff"):
        assert not fonts_for({"author": text}).system


def test_what_they_lack_is_looked_for_on_the_machine() -> None:
    found = fonts_for({"classes": ["a", {"cat": "猫"}], "more": "x猫 犬"})
    assert found.system
    assert set(found.boxes) <= {"猫", "犬"}


def pages_of(pdf: Path) -> str:
    if shutil.which("pdftotext") is None:
        pytest.skip("needs poppler's pdftotext")
    done = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True)
    return " ".join(done.stdout.split())


def test_a_character_that_no_font_has_is_said_in_the_pdf_and_in_the_notes(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    front = FrontMatter(author=f"A. {NOWHERE}")
    made = build_handin(tmp_path / "runs", tmp_path, front=front)
    assert f"No font here has {NOWHERE}: the PDF has a box for each." in " ".join(made.notes)
    said = "characters in names are in no font of the machine that made this file"
    assert f"2 {said}" in pages_of(made.writeup)
    plain = build_handin(tmp_path / "runs", tmp_path, front=FrontMatter(author="A. Ωμέγα"))
    assert said not in pages_of(plain.writeup)
    assert not any("No font here" in note for note in plain.notes)


def test_a_name_without_a_blank_stays_on_the_paper(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    front = FrontMatter(collaborators="Ж" * 400)
    handin = build_handin(tmp_path / "runs", tmp_path, front=front).writeup
    for pdf in (handin, build(tmp_path / "runs", tmp_path, front=front).writeup):
        assert pages_of(pdf).count("Ж") == 400
