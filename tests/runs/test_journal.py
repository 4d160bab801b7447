"""What a file of a run costs does not grow with those that are there, and a kill loses none of them."""

import os
from dataclasses import dataclass

import numpy as np
import pytest

from pitfalls.errors import RunError
from pitfalls.runs import RunStore
from tests.runs.costs import cost


@dataclass(frozen=True)
class Config:
    seed: int = 0


@dataclass(frozen=True)
class Cell:
    risk: float
    curve: np.ndarray


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


class Killed(BaseException):
    """The process ends here: nothing after it is done."""


def killed(store, work):
    """Do some work in a run and leave its folder as a killed process does."""
    run = store.open("test", Config(), command="go").__enter__()
    with pytest.raises(Killed):
        work(run)
    run._lock.release()
    run._folder.close()
    return run.path


def test_what_a_result_costs_is_the_same_beside_ten_and_beside_a_thousand(store, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    costs = []
    with store.open("test", Config()) as run:
        for number in range(1000):

            def save(number=number):
                run.save(Cell(0.5, np.arange(3.0)), part=f"cell-{number:04}")

            if number in (10, 100, 999):
                costs.append(cost(save))
            else:
                save()
    assert len(run.manifest.files) == 2000
    assert costs[0] == costs[1] == costs[2], costs


def test_what_a_killed_process_saved_is_there_for_readers_and_for_the_next_start(store):
    def work(run):
        for number in range(5):
            run.save(Cell(float(number), np.full(2, number)), part=str(number))
        run.save(Cell(9.0, np.full(2, 9)), part="3")
        raise Killed

    path = killed(store, work)
    assert (path / "files.jsonl").exists()
    seen = store.find(path)
    assert [seen.load(Cell, part=str(n)).risk for n in range(5)] == [0, 1, 2, 9, 4]
    with store.open("test", Config()) as run:
        assert [run.load(Cell, part=str(n)).risk for n in range(5)] == [0, 1, 2, 9, 4]
        assert not (path / "files.jsonl").exists()
    assert len(run.manifest.files) == 10  # not the array that was replaced
    assert store.check(path) == {path: ()}
    assert sorted(entry.name for entry in path.iterdir()) == [".lock", "manifest.json", "results"]


@pytest.mark.parametrize("cut", [1, 40, 90])
def test_a_last_line_that_was_cut_off_is_a_file_that_was_not_saved(store, cut):
    def work(run):
        run.save_arrays("a", x=np.zeros(2))
        run.save_arrays("b", x=np.ones(2))
        raise Killed

    path = killed(store, work)
    journal = path / "files.jsonl"
    journal.write_bytes(journal.read_bytes()[:-cut])
    with store.open("test", Config()) as run:
        np.testing.assert_array_equal(run.arrays("a")["x"], np.zeros(2))
        assert not run.holds("arrays/b.npz")
        run.save_arrays("b", x=np.full(2, 2.0))
    assert store.check(path) == {path: ()}


def test_any_flipped_bit_of_the_journal_is_refused_or_leaves_the_last_file_unsaved(store):
    def work(run):
        run.save_arrays("a", x=np.zeros(2))
        run.save_arrays("b", x=np.ones(2))
        raise Killed

    path = killed(store, work)
    whole = (path / "files.jsonl").read_bytes()
    first = whole.index(b"\n") + 1
    for position in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        (path / "files.jsonl").write_bytes(damaged)
        (said,) = store.check(path)[path] or ("",)
        if position < first - 1:
            assert "files.jsonl is damaged" in said
            assert "\n" not in said
        else:
            assert said == ""
            assert not store.find(path).holds("arrays/b.npz")


def test_a_journal_that_names_files_elsewhere_is_refused(store):
    def work(run):
        run._folder._journal.append("../outside", [1, "0" * 64])
        raise Killed

    path = killed(store, work)
    with pytest.raises(RunError, match="its journal names files that are no files of a run"):
        store.find(path)


def test_a_manifest_takes_the_journal_in_and_one_that_was_left_says_the_same(store):
    def work(run):
        run.save_arrays("a", x=np.zeros(2))
        run.save_arrays("a", x=np.ones(2))
        left = (run.path / "files.jsonl").read_bytes()
        run.warn("look here")
        assert not (run.path / "files.jsonl").exists()
        (run.path / "files.jsonl").write_bytes(left)  # killed before it was deleted
        raise Killed

    path = killed(store, work)
    np.testing.assert_array_equal(store.find(path).arrays("a")["x"], np.ones(2))


def test_a_line_that_could_not_be_written_whole_is_cut_off_before_the_next(store, monkeypatch):
    with store.open("test", Config()) as run:
        run.save_arrays("a", x=np.zeros(2))
        with monkeypatch.context() as patch:

            def half(self):
                with (run.path / "files.jsonl").open("ab") as file:
                    file.write(b'{"name": "arrays/b.n')
                raise OSError(28, "No space left on device")

            patch.setattr("pitfalls.runs.log.Log.sync", half)
            with pytest.raises(RunError, match="No space left"):
                run.save_arrays("b", x=np.ones(2))
        run.save_arrays("c", x=np.ones(2))
        assert set(store.find(run.path).manifest.files) >= {"arrays/a.npz", "arrays/c.npz"}
    assert store.check(run.path) == {run.path: ()}
