"""What the linear runs say: capacity, derivatives, verdicts, descent."""

import itertools
from math import sqrt
from typing import Any

from pitfalls.report.facts.registry import Facts, states
from pitfalls.report.passages import NEAR, passages
from pitfalls.runs import Run


@states("linear-homework")
def homework(runs: tuple[Run, ...]) -> Facts:
    """Give the parts of question 2 worked on numbers."""
    results = runs[0].results()
    layers = results["c"]["relative_error_by_layer"]
    return Facts(
        {
            **results,
            "c": {**results["c"], "largest_layer_error": max(layers), "n_layers": len(layers)},
            "critical": [row for row in results["e"] if row["verdict"] != "not critical"],
            "not_global": [
                row
                for row in results["e"]
                if row["verdict"] not in ("not critical", "global minimum")
            ],
        },
        n="one planted problem a part, 1,800 segments for convexity",
        spread="none, exact comparisons on one problem",
        data="planted",
    )


@states("linear-capacity")
def capacity(runs: tuple[Run, ...]) -> Facts:
    """Whether one target fits through the narrowest layer, and how far off it is where not."""
    results = runs[0].results()
    return Facts(
        {**results, "widths_text": "-".join(map(str, results["widths"]))},
        n="1 target",
        spread="none, one target",
        data="random target",
    )


@states("linear-landscape")
def landscape(runs: tuple[Run, ...]) -> Facts:
    """Give a strict saddle and a global minimum with the plane through both."""
    results = runs[0].results()
    saddle, minimum = results["points"]
    return Facts(
        {**results, "saddle": saddle, "lowest": minimum},
        n="1 saddle and 1 minimum",
        spread="none, exact values",
        data=results["data"],
    )


@states("linear-descend")
def descent(runs: tuple[Run, ...]) -> Facts:
    """One flow beside its closed form, and whether its own widths hold the best map."""
    results = runs[0].results()
    modes = runs[0].arrays("trajectory")["modes"]
    rank = len(modes)
    capacity = min(results["widths"])
    return Facts(
        {
            **results,
            "found": results["end"]["verdict"] == "global minimum",
            "rank": rank,
            "capacity": capacity,
            "representable": rank <= capacity,
            "widths_text": "-".join(map(str, results["widths"])),
        },
        n="1 flow",
        spread="none, one start",
        data=results["data"],
    )


@states("linear-tour")
def tour(runs: tuple[Run, ...]) -> Facts:
    """Name the saddles that the flow passes, by depth."""
    results = runs[0].results()
    found = passages(runs[0])
    tours = [
        {
            "depth": passage.depth,
            "passed": len(passage.passed),
            "passed_ranks": [v["rank"] for v in passage.passed],
            "non_strict": sum(v["verdict"] == "non-strict saddle" for v in passage.passed),
            "leaves_zero": passage.leaves_zero,
            "arrives": passage.arrives,
        }
        for passage in found
    ]
    by_depth = sorted(found, key=lambda passage: passage.depth)
    return Facts(
        {
            **{key: results[key] for key in ("data", "modes", "levels", "size")},
            "tours": tours,
            "n_between": max(0, len(results["levels"]) - 2),
            "near": NEAR * results["modes"][0],
            "longer_near_zero_with_depth": len(by_depth) > 1
            and all(
                a.leaves_zero is not None
                and b.leaves_zero is not None
                and a.leaves_zero < b.leaves_zero
                for a, b in itertools.pairwise(by_depth)
            ),
        },
        n=f"1 flow a depth, {len(tours)} depths",
        spread="none, one start a depth",
        data=results["data"],
    )


@states("linear-ranks")
def ranks(runs: tuple[Run, ...]) -> Facts:
    """State what the best map of each rank sees, and whether descent found it."""
    results = runs[0].results()
    rows: list[dict[str, Any]] = results["rows"]
    found = [row for row in rows if row["verdict"] == "global minimum"]
    return Facts(
        {
            **results,
            "first": rows[0],
            "last": rows[-1],
            "found": len(found),
            "tried": len(rows),
            "missed": [row for row in rows if row["verdict"] != "global minimum"],
            "largest_excess": max(row["relative_excess"] for row in rows),
            **_last_gain(rows, results),
        },
        n=f"1 descent a rank, {len(rows)} ranks",
        spread="none, one start a rank",
        data=results["data"],
    )


def _last_gain(rows: list[dict[str, Any]], results: dict[str, Any]) -> dict[str, float]:
    """Return what the last rank adds to the test accuracy, with the standard error of that.

    The two accuracies come from the same pictures, so their errors are as a rule alike and the
    error of two independent ones, which is taken here, is on the safe side.
    """
    if not results["has_accuracy"] or len(rows) < 2:
        return {}
    before, after = rows[-2]["test_accuracy"], rows[-1]["test_accuracy"]
    variance = (before * (1 - before) + after * (1 - after)) / results["n_test"]
    return {"last_gain": after - before, "last_gain_error": sqrt(variance)}
