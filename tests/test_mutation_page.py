"""docs/mutation.md says what the recorded mutants came to, and what lives has a reason."""

import json

from benchmarks.mutants.page import ALIVE, PAGE, RESULTS, page, reasons


def tried():
    parts = json.loads(RESULTS.read_text(encoding="utf-8"))["results"]["parts"]
    return {name: of["end"] for part in parts.values() for name, of in part["tried"].items()}


def test_the_page_is_the_one_that_the_results_make():
    assert PAGE.read_text(encoding="utf-8") == page()


def test_enough_mutants_were_drawn_and_nearly_all_that_live_have_a_reason():
    ends = tried()
    assert len(ends) >= 400
    alive = {name for name, end in ends.items() if end in ALIVE}
    assert len(alive - set(reasons())) <= 0.04 * len(ends)


def test_no_place_of_the_machine_is_in_the_results():
    assert "/tmp" not in RESULTS.read_text(encoding="utf-8")
