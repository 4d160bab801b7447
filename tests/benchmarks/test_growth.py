"""Curves of cost: they run and go on, and what is said of them is borne by their numbers."""

import json
import math

import pytest
from benchmarks.growth import __main__ as command
from benchmarks.growth.curves import CURVES
from benchmarks.growth.words import account, distance, read_part, title, why
from benchmarks.record import medians
from docs import speed_page

from benchmarks import ratios


def stored_part(sizes, ours, limit, *, part=None, axis="n", clock="median_cpu_s", **facts):
    """A record as the benchmark writes it, three turns each."""

    def turns(seconds):
        return medians(
            [0.9 * seconds, seconds, 1.1 * seconds], [0.9 * seconds, seconds, 1.1 * seconds]
        )

    rows = [
        {
            "size": size,
            "ours": turns(ours[i]),
            "limit": turns(limit[i]),
            **({} if part is None else {"part": turns(part[i])}),
            **{name: values[i] for name, values in facts.items()},
        }
        for i, size in enumerate(sizes)
    ]
    words = {"axis": axis, "what": "a pass", "limit": "one product", "part": "a piece of it"}
    return {**words, "clock": clock, "fixed": {"d": 8}, "rows": rows}


def part_of(*arguments, name="moments", **named):
    return read_part(name, stored_part(*arguments, **named))


@pytest.fixture
def no_record(monkeypatch):
    """Nothing may be recorded of toy sizes."""

    def refuse(*_):
        raise AssertionError("recorded")

    monkeypatch.setattr(command, "record", refuse)


def test_the_small_sizes_run_record_nothing_and_are_gone_on_with(tmp_path, no_record, capsys):
    import numba
    import torch

    threads = torch.get_num_threads(), numba.get_num_threads()
    kept = tmp_path / "state.json"
    try:
        command.main(["--largest", "small", "--state", str(kept), "--part", "walsh"])
        state = json.loads(kept.read_text())
        assert list(state["parts"]) == ["walsh"]
        command.main(["--largest", "small", "--state", str(kept)])
        said = capsys.readouterr().out
        assert "walsh: done before" in said
        assert "nothing is recorded" in said
        again = json.loads(kept.read_text())
        assert again["parts"]["walsh"] == state["parts"]["walsh"]
        assert set(again["parts"]) == {curve.name for curve in CURVES}
        kept.write_text(json.dumps({**again, "largest": "full"}))
        command.main(["--largest", "small", "--state", str(kept), "--part", "walsh"])
        assert "measured anew" in capsys.readouterr().out
    finally:
        torch.set_num_threads(threads[0])
        numba.set_num_threads(threads[1])
    for curve in CURVES:
        part = read_part(curve.name, again["parts"][curve.name])
        assert [row.size for row in part.rows] == list(curve.small.sizes)
        assert all(row.ours > 0 and row.limit > 0 and row.n >= command.LEAST for row in part.rows)
        assert account(part)
        assert title(part)


def test_a_record_is_written_when_every_part_is_there_and_not_before(monkeypatch, tmp_path, capsys):
    asked = []
    monkeypatch.setattr(command, "curve", lambda curve, largest: {"name": curve.name})
    monkeypatch.setattr(command, "record", lambda name, results: asked.append((name, results)))
    names = [curve.name for curve in CURVES]
    kept = ["--state", str(tmp_path / "state.json")]
    command.main([*kept, "--part", *names[1:]])
    assert asked == []
    assert f"not recorded yet: {names[0]}" in capsys.readouterr().out
    command.main(kept)
    assert not (tmp_path / "state.json").exists()  # what is recorded is not recorded again
    ((name, results),) = asked
    assert (name, results["largest"], list(results["parts"])) == ("growth", "full", names)


def test_a_first_turn_that_takes_long_counts_and_a_short_one_only_warms_up():
    called = []
    many = command.turns({"ours": lambda: called.append(0)}, 60.0)
    assert many["ours"]["n"] == command.MOST == len(called) - 1
    called.clear()
    few = command.turns({"ours": lambda: called.append(0)}, 0.0)
    assert few["ours"]["n"] == command.LEAST == len(called)


def test_the_title_says_how_the_seconds_grow():
    assert (
        title(part_of((1, 10, 100), (1, 1, 10), (1, 1, 1)))
        == "Seconds grow as n to the power 1.00 from n = 10 on"
    )
    doubling = part_of((10, 20, 22), (1, 1, 4), (1, 1, 1), axis="d")
    assert title(doubling) == "Each feature multiplies the seconds by 2 from d = 20 on"
    level = part_of((10, 100, 1000), (1, 1, 1.1), (1, 1, 1))
    assert title(level) == "The seconds hardly depend on n from n = 100 on"
    two = part_of((1, 2), (1, 0.5), (1, 0.5), axis="processes")
    assert title(two) == "2 processes do 2 times the work of one"
    assert title(part_of((1,), (3,), (2,), axis="processes")) == "1 process: 1.5 times the limit"


def test_without_a_bend_no_reason_is_given():
    steady = part_of((1, 10), (2.0, 20.0), (1.0, 9.0), part=(2.0, 19.0))
    assert distance(steady) == "It keeps its distance from the limit: 2 to 2.2 times it."
    assert why(steady) == ""


def test_a_bend_is_explained_by_its_piece_only_where_the_piece_is_large():
    bent = part_of((1, 10), (5.0, 12.0), (1.0, 10.0), part=(4.0, 4.0))
    assert "farthest at n = 1, 5 times" in distance(bent)
    assert (
        why(bent)
        == "There 80 % of the time is what a piece of it takes, which does not grow with n."
    )
    grows = part_of((1, 10), (5.0, 12.0), (1.0, 10.0), part=(4.0, 8.0))
    assert why(grows) == "There 80 % of the time is what a piece of it takes."
    faint = part_of((1, 10), (5.0, 12.0), (1.0, 10.0), part=(1.0, 1.0))
    assert why(faint) == "What bends it there was not measured."


def test_a_floor_is_named_where_ours_stands_still_and_the_limit_does_not():
    still = part_of(
        (10, 14, 18), (0.002, 0.0021, 0.01), (1e-5, 1e-4, 1e-2), axis="d", name="signal"
    )
    assert "a call's own cost, about 2 ms" in why(still)
    moves = part_of((10, 14, 18), (0.002, 0.02, 0.1), (1e-5, 3e-4, 1e-2), axis="d", name="signal")
    assert why(moves) == "What bends it there was not measured."


def test_the_transform_names_caches_only_where_the_rates_of_memory_say_so():
    named = {"axis": "d", "name": "walsh", "bytes_moved": (1e9, 1e9)}
    small = part_of((10, 24), (0.1, 0.2), (0.01, 0.1), **named)
    assert "100 GB a second there and 10 at d = 24" in why(small)
    large = part_of((10, 24), (0.02, 1.0), (0.01, 0.1), **named)
    assert "fall from 100 to 10 GB a second" in why(large)
    level = part_of((10, 24), (0.2, 0.1), (0.1, 0.1), **named)
    assert "GB" not in why(level)


def test_depth_and_processes_hold_their_growth_against_the_limits():
    deep = part_of((2, 4, 8), (1, 4, 16), (1, 2, 4), axis="L", name="depth")
    assert why(deep) == (
        "The verdict's seconds grow as L to the power 2.00, the product's as L to the power 1.00."
    )
    both = part_of((1, 2), (1, 0.6), (1, 0.5), axis="processes", name="processes", clock="median_s")
    said = account(both)
    assert "Bare products gain 2 times from 2 processes, cells 1.67 times." in said


def test_noise_makes_no_share_above_the_whole():
    assert part_of((1,), (1.0,), (1.0,), part=(1.3,)).rows[0].share == 1.0


def whole_record(parts):
    return {
        "time": "2026-01-02T03:04:05+00:00",
        "machine": {"processor": "Made", "cores": 2},
        "commit": "0123456789ab",
        "results": {"largest": "full", "threads": 1, "parts": parts},
    }


def test_the_page_draws_what_is_recorded_and_names_what_is_not(tmp_path):
    parts = {
        "moments": stored_part(
            (100, 1_000, 10_000), (5.0, 8.0, 40.0), (1.0, 5.0, 35.0), part=(4, 4, 4)
        ),
        "walsh": stored_part((10, 20), (1.0, 2.0), (0.5, 0.6), axis="d", bytes_moved=(1e9, 1e9)),
    }
    page = speed_page.curves(whole_record(parts), tmp_path / "speed")
    assert "(Made, commit 0123456, 2026-01-02)" in page
    assert "toy sizes" not in page
    assert "](../made/speed/moments.svg)" in page
    assert "farthest at n = 100, 5 times" in page
    assert "medians of n = 3 turns" in page
    assert "`signal` has not been recorded yet." in page
    assert sorted(path.name for path in (tmp_path / "speed").iterdir()) == [
        "moments.svg",
        "walsh.svg",
    ]
    svg = (tmp_path / "speed" / "moments.svg").read_text()
    assert "aria-label" in svg
    # a ground of its own, so that dark pages do not swallow its ink
    assert "fill: #ffffff" in svg


def test_the_page_says_in_one_line_that_nothing_is_recorded(tmp_path):
    assert speed_page.curves(None, tmp_path) == speed_page.MISSING
    toy = whole_record({})
    toy["results"]["largest"] = "small"
    assert "toy sizes" in speed_page.curves(toy, tmp_path)


def test_the_table_of_ratios_names_missing_results(monkeypatch):
    monkeypatch.setattr(ratios, "read", lambda name: None)
    assert ratios.ratio_table().startswith("Not recorded: `parity_signal`, `parity_walsh`")


def test_a_ratio_is_the_peers_seconds_over_ours_and_a_limit_comes_from_the_curve_at_that_size(
    monkeypatch,
):
    timed = {"ours": {"median_cpu_s": 2.0, "n": 3}, "theirs": {"median_cpu_s": 5.0, "n": 3}}
    machine = {"machine": {"processor": "Made", "cores": 2}}
    three = {**machine, "results": {"timed": timed, "shape": [50_000, 3072]}}
    images = stored_part((10_000, 50_000), (1.0, 4.0), (0.5, 3.0), axis="images")
    recorded = {"images-linear-three": three, "growth": whole_record({"images": images})}
    monkeypatch.setattr(ratios, "read", recorded.get)
    row = ratios.ratio_table(short=True).splitlines()[2]
    assert (
        "| 1 (2 s) | 2.5 (scikit-learn's LinearRegression alone) | 0.75 (one product; n = 3, another run)"
        in row
    )
    del recorded["growth"]
    assert "| — |" in ratios.ratio_table(short=True)


def test_every_ratio_that_is_recorded_is_a_positive_number():
    found = list(ratios.ratios())
    assert found
    for name, _, row in found:
        assert row.ours > 0, name
        assert row.peers, name
        assert all(math.isfinite(taken) and taken > 0 for taken in row.peers.values()), name
