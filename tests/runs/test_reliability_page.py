"""docs/reliability.md says what the recorded results say, and they say that nothing was wrong."""

import json

import pytest
from benchmarks.reliability.page import PAGE, RESULTS, page


def recorded(name):
    return json.loads((RESULTS / f"reliability-{name}.json").read_text())["results"]


def test_the_page_is_the_one_that_the_results_make():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_enough_was_tried_and_nothing_was_wrong():
    faults, power, fuzz = recorded("faults"), recorded("power"), recorded("fuzz")
    assert faults["faults"] >= 3000
    assert len(faults["by_kind"]) >= 6
    assert (faults["wrong"], power["wrong"], fuzz["faults"]) == (0, 0, {})
    assert all(of["cases"] >= 10_000 for of in recorded("data-readers").values())
    for of in recorded("data-readers").values():
        assert of["read"] + of["refused"] == of["cases"]
        assert (of["ran"], of["crashed"], of["too_slow"], of["too_much_memory"]) == (0, 0, 0, 0)
    assert min(of["tried"] for of in fuzz["readers"].values()) >= 10_000


@pytest.mark.parametrize("name", ["faults", "power", "fuzz", "data-readers"])
def test_no_place_of_the_machine_is_in_the_results(name):
    text = (RESULTS / f"reliability-{name}.json").read_text()
    assert "/dev/shm" not in text
    assert "/tmp" not in text
