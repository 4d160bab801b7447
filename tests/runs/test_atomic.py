import json
import os
import subprocess
import sys

import pytest

from pitfalls.errors import RunError
from pitfalls.runs import write_bytes, write_json, write_text


def test_write_replaces_the_whole_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    write_text(path, "first, and longer")
    write_text(path, "second")
    assert path.read_text() == "second"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_a_failed_rename_keeps_the_old_file_and_removes_the_temporary_one(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_bytes(path, b"old")

    def refuse(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(RunError, match="No space left"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_json_that_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.json"
    write_json(path, {"a": 1})
    with pytest.raises(RunError, match="JSON"):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}


def test_what_killed_writes_left_is_dropped_and_what_others_are_writing_is_not(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = tmp_path / f".page.html.{gone.pid}.new"
    theirs = tmp_path / f".page.html.{os.getppid()}.new"
    other = tmp_path / f".page.{gone.pid}.new"
    for path in (left, theirs, other):
        path.write_text("half")
    write_text(tmp_path / "page.html", "whole")
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "page.html", theirs, other])
