"""What is built for each platform: whole, without the solution, its results as the platform reads them."""

import ast
import json
import os
import stat
import subprocess
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from pitfalls.course.building import build_course
from pitfalls.course.grading.grade import PARTS, grade
from pitfalls.course.grading.reporting import PLATFORMS, results_for, write_results
from pitfalls.course.grading.sheet import Sheet, draw_sheet, read_sheet
from pitfalls.course.options import CourseOptions
from pitfalls.course.playing import Container, play
from pitfalls.course.starter import SCRIPTS, render_script
from pitfalls.errors import DataError, InputError, ResourceError
from tests.course.work import SMALL, solution

SCHEMAS = Path(__file__).parent / "schemas"


def check_schema(value: object, name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(value, schema)


def contents(folder: Path) -> dict[str, bytes]:
    """All files, those inside the zip as well."""
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    for name in [name for name in found if name.endswith(".zip")]:
        with zipfile.ZipFile(folder / name) as archive:
            found |= {f"{name}/{inner}": archive.read(inner) for inner in archive.namelist()}
    return found


def holds(check) -> bool:
    try:
        check()
    except AssertionError as failure:
        return not str(failure)
    return True


def hand_in(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_course_holds_the_gaps_and_no_solution_unless_asked(platform, tmp_path):
    build_course(SMALL, platform, tmp_path / "course")
    found = contents(tmp_path / "course")
    for line in ("np.outer(active, x)", "output.reshape(-1) * labels", "previous * factor\n", "padding=4)", "0.5, 4.0"):  # fmt: skip
        holders = [n for n, c in found.items() if line.encode() in c and "/grading/" not in n]
        assert not holders
        assert any(line in render_script(name, SMALL, solution=True) for name in SCRIPTS)
    for name in SCRIPTS:
        text = found[f"starter/{name}"].decode()
        ast.parse(text)
        assert "solution" not in text
        assert "@" not in text.replace("@torch", "").replace(" @ ", "")
    build_course(SMALL, platform, tmp_path / "with", solution=True)
    assert f"solution/{SCRIPTS[0]}" in contents(tmp_path / "with")
    with pytest.raises(InputError, match="holds a solution of an earlier build"):
        build_course(SMALL, platform, tmp_path / "with")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_equal_courses_are_equal_bytes_and_variants_differ(platform, tmp_path):
    data = np.ones((6, 2)), np.ones((6, 1))
    for name in ("a", "b", "a"):
        build_course(draw_sheet(3), platform, tmp_path / name, data)
    build_course(draw_sheet(4), platform, tmp_path / "other", data)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "other")
    assert read_sheet(tmp_path / "a" / "sheet.json") == draw_sheet(3)


def test_what_gradescope_asks_for_stands_at_the_zips_root_and_can_be_run(tmp_path):
    build_course(SMALL, "gradescope", tmp_path)
    with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
        for name in ("setup.sh", "run_autograder"):
            assert archive.read(name).startswith(b"#!/usr/bin/env bash\n")
            assert archive.getinfo(name).external_attr >> 16 & stat.S_IXUSR
            (tmp_path / name).write_bytes(archive.read(name))
            subprocess.run(["bash", "-n", str(tmp_path / name)], check=True)


def test_the_configurations_are_as_the_platforms_say(tmp_path):
    build_course(SMALL, "prairielearn", tmp_path / "p")
    check_schema(json.loads((tmp_path / "p/question/info.json").read_text()), "prairielearn_info")
    assert os.access(tmp_path / "p/question/tests/run.sh", os.X_OK)
    build_course(SMALL, "otter", tmp_path / "o")
    check_schema(json.loads((tmp_path / "o/otter_config.json").read_text()), "otter_config")
    assert len(list((tmp_path / "o/tests").iterdir())) == len(PARTS)
    # Otter grades one notebook, and writes one zip: several scripts, or a folder, it refuses
    assert [path.name for path in (tmp_path / "o/starter").glob("*.ipynb")] == ["homework.ipynb"]
    assert "-o autograder.zip" in (tmp_path / "o/generate.sh").read_text()


@pytest.mark.parametrize("platform", ["gradescope", "prairielearn", "plain"])
def test_played_as_the_platform_would_the_results_are_valid_and_within_its_machine(
    platform, tmp_path
):
    build_course(SMALL, platform, tmp_path / "course")
    files = solution()
    files["formulas.py"] = files["formulas.py"].replace(b"    return 0.5 * np.sum(", b"    return np.sum(")  # fmt: skip
    files["cifar10.py"] = b"import os\nos._exit(0)\n"
    played = play(tmp_path / "course", hand_in(tmp_path / "work", files))
    check_schema(played.results, platform)
    assert played.platform == platform
    assert 0 < played.peak_mb < 768
    assert 0 < played.container_seconds < 600
    text = json.dumps(played.results, ensure_ascii=False)
    assert "leaving out the ½ gives just that" in text
    assert "ended itself with exit code 0" in text
    assert len(text) < 1_000_000
    if platform == "gradescope":
        lost = sum(test["max_score"] - test["score"] for test in played.results["tests"])
        assert lost == 9 + 16
    if platform == "prairielearn":
        assert played.results["score"] == pytest.approx(1 - 25 / 122)


def test_a_container_that_is_too_small_is_said_in_one_line(tmp_path):
    build_course(SMALL, "plain", tmp_path / "course")
    work = hand_in(tmp_path / "work", solution())
    with pytest.raises(ResourceError, match=r"the container has 60\. Give --memory-mb more"):
        play(tmp_path / "course", work, Container(memory_mb=60))
    with pytest.raises(ResourceError, match="minutes are used up"):
        play(tmp_path / "course", work, Container(minutes=0.0001))
    with pytest.raises(DataError, match="is no built course"):
        play(work, work)


def test_the_zip_that_otters_script_wrote_is_not_taken_for_gradescopes(tmp_path):
    build_course(SMALL, "otter", tmp_path / "course")
    (tmp_path / "course/autograder.zip").write_bytes(b"of Otter")
    work = hand_in(tmp_path / "work", solution())
    with pytest.raises(ResourceError, match="minutes are used up"):  # it began to grade
        play(tmp_path / "course", work, Container(minutes=0.0001))


@pytest.mark.parametrize("asked", [{"processors": 0}, {"minutes": -1}, {"memory_mb": 0}])
def test_a_container_of_nothing_is_refused(asked):
    with pytest.raises(InputError, match=f"{next(iter(asked))} must be above 0"):
        Container(**asked)


def test_otters_tests_ask_the_grader_and_fail_with_its_reason(tmp_path, monkeypatch):
    build_course(SMALL, "otter", tmp_path / "course")
    files = solution()
    files["pitfalls.py"] = files["pitfalls.py"].replace(b"min=0).mean()", b"min=0).sum()")
    work = hand_in(tmp_path / "work", files)
    (work / "grader").symlink_to(tmp_path / "course/grader")
    cases = []

    def test_case(**said):
        assert set(said) <= {"name", "points", "hidden", "success_message", "failure_message"}
        return lambda function: cases.append((said, function))

    module: Any = types.ModuleType("otter.test_files")
    module.test_case = test_case
    monkeypatch.setitem(sys.modules, "otter", types.ModuleType("otter"))
    monkeypatch.setitem(sys.modules, "otter.test_files", module)
    monkeypatch.chdir(work)
    namespace: dict[str, object] = {}
    exec((tmp_path / "course/tests/q3b.py").read_text(), namespace)
    assert (namespace["OK_FORMAT"], namespace["name"]) == (False, "3b")
    lost = sum(said["points"] for said, function in cases if not holds(function))
    assert lost == 7
    assert sum(said["points"] for said, _ in cases) == 12


def test_hidden_reasons_do_not_reach_the_student(sandbox):
    broken = {"pitfalls.py": b"def myLoss(output, labels):\n    return output\n"}
    found = grade(broken, sandbox, SMALL)
    for platform in PLATFORMS:
        check_schema(results_for(found, platform), platform.replace("otter", "plain"))
    shown = results_for(found, "prairielearn")["tests"]
    hidden = [t for t, r in zip(shown, found.results, strict=True) if r.hidden]
    assert {test["message"] for test in hidden} == {"a check of your answer in other cases"}
    tests = results_for(found, "gradescope")["tests"]
    assert all((t["visibility"] == "after_published") == r.hidden for t, r in zip(tests, found.results, strict=True))  # fmt: skip


def test_results_replace_a_link_and_do_not_follow_it(tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("mine")
    (tmp_path / "results.json").symlink_to(kept)
    write_results({"score": 0}, tmp_path / "results.json")
    assert kept.read_text() == "mine"
    assert json.loads((tmp_path / "results.json").read_text()) == {"score": 0}


def test_the_rubric_names_every_check_and_what_a_person_reads(tmp_path):
    build_course(Sheet(), "plain", tmp_path)
    text = (tmp_path / "rubric.md").read_text()
    for part in PARTS:
        assert all(check.name.replace("|", r"\|") in text for check in part.checks)
    assert "Checked by the grader: 122 points" in text
    assert "Read by a person" in text


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("earlier", PLATFORMS)
def test_of_an_earlier_build_nothing_stays_that_is_not_of_the_present_one(
    earlier, platform, tmp_path
):
    data = np.ones((6, 2)), np.ones((6, 1))
    build_course(draw_sheet(3), earlier, tmp_path / "again", data)
    (tmp_path / "again" / "notes.txt").write_text("a lecturer's own")
    for name in ("again", "new"):
        build_course(draw_sheet(4), platform, tmp_path / name)
    found = contents(tmp_path / "again")
    assert found.pop("notes.txt") == b"a lecturer's own"
    assert found == contents(tmp_path / "new")
    assert CourseOptions().built(tmp_path / "again") == (draw_sheet(4), None)
