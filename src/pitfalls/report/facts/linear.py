"""What the linear runs say: capacity, derivatives, verdicts, descent."""

import itertools
from typing import Any

from pitfalls.report.facts.registry import Facts, states
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
    """One flow beside its closed form."""
    results = runs[0].results()
    return Facts(
        {**results, "found": results["end"]["verdict"] == "global minimum"},
        n="1 flow",
        spread="none, one start",
        data=results["data"],
    )


@states("linear-tour")
def tour(runs: tuple[Run, ...]) -> Facts:
    """Name the saddles that the flow passes, by depth."""
    results = runs[0].results()
    scale = results["modes"][0]
    tours = []
    for found in results["tours"]:
        # near: closer to the saddle than a tenth of the strongest mode
        passed = [v for v in found["visits"] if v["distance"] < 0.1 * scale]
        tours.append(
            {
                "depth": found["depth"],
                "passed": len(passed),
                "levels": len(results["levels"]),
                "strict": sum(v["verdict"] == "strict saddle" for v in passed),
                "non_strict": sum(v["verdict"] == "non-strict saddle" for v in passed),
                "at_minimum": any(v["verdict"] == "global minimum" for v in passed),
                "first_leave": found["visits"][0],
                "visits": found["visits"],
                "time_to_end": max(v["time"] for v in found["visits"]),
            }
        )
    return Facts(
        {
            **{key: results[key] for key in ("data", "modes", "levels", "size")},
            "tours": tours,
            "n_modes": len(results["modes"]),
            "all_steps": all(t["passed"] == t["levels"] for t in tours),
            "slower_with_depth": all(
                a["time_to_end"] < b["time_to_end"] for a, b in itertools.pairwise(tours)
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
        },
        n=f"1 descent a rank, {len(rows)} ranks",
        spread="none, one start a rank",
        data=results["data"],
    )
