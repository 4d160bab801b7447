"""docs/reliability.md says what the recorded results say, and they say that nothing was wrong."""

import json
import subprocess

import pytest
from benchmarks.reliability.fuzz import all_readers
from benchmarks.reliability.mutations import targets
from benchmarks.reliability.page import PAGE, RECORDS, RESULTS, page

SAMPLED = {
    *("page of a diagnosis, signed", "x and y of a linear problem"),
    *("data of a diagnosis", "one picture"),
}
"""Readers of which every test run takes a sample, and which are not yet recorded."""


def recorded(name):
    return json.loads((RESULTS / f"reliability-{name}.json").read_text())["results"]


def test_the_page_is_the_one_that_the_results_make():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_enough_was_tried_and_nothing_was_wrong(tmp_path):
    faults, again, power = recorded("faults"), recorded("faults-again"), recorded("power")
    fuzz, kept = recorded("fuzz"), recorded("fuzz-kept")
    assert faults["faults"] >= 3000
    assert len(faults["by_kind"]) >= 6
    assert again["by_kind"]["report"]["calls"] >= 100
    assert (faults["wrong"], again["wrong"], power["wrong"]) == (0, 0, 0)
    # every call of a training of images, with every fault that can make a difference
    images, cuts = recorded("faults-images"), recorded("power-images")
    calls = images["by_mode"]["interrupted call"]
    assert images["by_kind"]["images train"]["calls"] == calls >= 300
    assert images["by_mode"]["input/output error"] == calls
    changing = images["by_mode"]["kill before"]
    writes = images["by_mode"]["short write"]
    assert images["faults"] == 2 * calls + 4 * changing + 2 * writes >= 1600
    assert cuts["by_kind"]["images train"] >= 1000
    assert (images["wrong"], cuts["wrong"]) == (0, 0)
    more = recorded("fuzz-more")
    assert (fuzz["faults"], kept["faults"], more["faults"]) == ({}, {}, {})
    data = recorded("data-readers") | recorded("data-more")
    assert set(data) == set(targets(tmp_path))
    for of in data.values():
        assert of["cases"] >= 10_000
        assert of["read"] + of["refused"] == of["cases"]
        assert (of["ran"], of["crashed"], of["too_slow"], of["too_much_memory"]) == (0, 0, 0, 0)
    readers = fuzz["readers"] | kept["readers"] | more["readers"]
    assert min(of["tried"] for of in readers.values()) >= 10_000
    names = {reader.name for reader in all_readers(tmp_path / "readers")}
    assert names - set(readers) <= SAMPLED


@pytest.mark.parametrize("name", RECORDS)
def test_no_place_of_the_machine_is_in_the_results(name):
    text = (RESULTS / f"reliability-{name}.json").read_text()
    assert "/dev/shm" not in text
    assert "/tmp" not in text


def test_the_sources_that_were_tried_are_those_of_commits():
    def git(*words):
        done = subprocess.run(["git", "-C", str(RESULTS), *words], capture_output=True, text=True)
        return done.stdout.split() if done.returncode == 0 else None

    if git("rev-parse", "--is-shallow-repository") != ["false"]:
        pytest.skip("needs the history")
    commits = git("log", "--format=%H:src", "--", ":/src")
    known = set(git("rev-parse", *commits))
    again, kept, more = recorded("faults-again"), recorded("fuzz-kept"), recorded("data-more")
    fuzzed = kept["readers"] | recorded("fuzz-more")["readers"]
    tried = {of["source"] for of in fuzzed.values()} | set(again["by_source"])
    for name in ("faults-images", "power-images"):
        tried |= set(recorded(name)["by_source"])
    assert tried.union(*(of["by_source"] for of in more.values())) <= known
