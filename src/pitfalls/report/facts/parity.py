"""What the parity runs say: exact networks, trainings, the gradient's signal, depth."""

import itertools
from typing import Any

from pitfalls.report.facts.registry import Facts, states
from pitfalls.runs import Run

LEARNED = 0.99
"""The accuracy from which the experiments count a parity as learned."""


@states("parity-along")
def along(runs: tuple[Run, ...]) -> Facts:
    """Whether the trained target's signal rises, beside whether it is learned."""
    cases = [
        {**case, "learned": case["accuracy"] >= LEARNED} for case in runs[0].results()["cases"]
    ]
    learned = [case for case in cases if case["learned"]]
    failed = [case for case in cases if not case["learned"]]
    return Facts(
        {
            "cases": cases,
            "learned": learned,
            "failed": failed,
            "separates": bool(learned and failed)
            and min(c["own_over_mean_at_most"] for c in learned)
            > 10 * max(c["own_over_mean_at_most"] for c in failed),
        },
        n="1 training a case, the signal over all inputs at each probe",
        spread="none, one training a case",
    )


@states("parity-sweep")
def sweep(runs: tuple[Run, ...]) -> Facts:
    """Which pairs of d and m are learned in the time given, and up to which weight at each d."""
    results = runs[0].results()
    cells = results["cells"]
    pairs = _pairs(cells)
    edges = []
    for d in sorted({pair["d"] for pair in pairs}):
        mine = [pair for pair in pairs if pair["d"] == d]
        won = [pair for pair in mine if pair["learned"] == pair["n"]]
        lost = [pair for pair in mine if pair["learned"] == 0]
        edges.append(
            {
                "d": d,
                "largest_learned": max((pair["m"] for pair in won), default=None),
                "smallest_lost": lost[0]["m"] if lost else None,
                "accuracy_there": lost[0]["accuracy"] if lost else None,
            }
        )
    return Facts(
        {
            "cells": cells,
            "n_cells": len(pairs),
            "learned": sum(pair["learned"] == pair["n"] for pair in pairs),
            "lost": sum(pair["learned"] == 0 for pair in pairs),
            "none": [pair for pair in pairs if pair["learned"] == 0],
            "partly": [pair for pair in pairs if 0 < pair["learned"] < pair["n"]],
            "edges": edges,
            "falling": _falls(
                [e["smallest_lost"] for e in edges if e["smallest_lost"] is not None]
            ),
            "n_iterations": runs[0].config["training"]["n_iterations"],
        },
        n=f"{results['n_seeds']} trainings a cell",
        spread="share of the trainings that reach 99 % accuracy",
    )


def _pairs(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line for each d and m, all widths and rates together."""
    found: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for cell in cells:
        found.setdefault((cell["n_features"], cell["weight"]), []).append(cell)
    return [
        {
            "d": d,
            "m": m,
            "n": sum(cell["n"] for cell in mine),
            "learned": sum(round(cell["success"] * cell["n"]) for cell in mine),
            "accuracy": max(cell["median_accuracy"] for cell in mine),
        }
        for (d, m), mine in sorted(found.items())
    ]


def _falls(values: list[int]) -> bool:
    """Whether the values never rise and end lower than they began."""
    return (
        len(values) > 1
        and all(a >= b for a, b in itertools.pairwise(values))
        and values[0] > values[-1]
    )


@states("parity-depth")
def depth(runs: tuple[Run, ...]) -> Facts:
    """Layer gradients at the start, and what each depth and activation learned."""
    results = runs[0].results()
    config = runs[0].config
    start = results["start"]
    by_activation = {
        name: [cell for cell in results["cells"] if cell["activation"] == name] for name in start
    }
    return Facts(
        {
            "cells": results["cells"],
            "start": start,
            "shown": results["shown"],
            "d": config["n_features"],
            "weight": config["weight"],
            "width": config["width"],
            "n_iterations": config["training"]["n_iterations"],
            "lost": {
                name: [cell["depth"] for cell in cells if cell["n_learned"] == 0]
                for name, cells in by_activation.items()
            },
            "won": {
                name: [cell["depth"] for cell in cells if cell["n_learned"] == cell["n"]]
                for name, cells in by_activation.items()
            },
        },
        n=f"{config['n_seeds']} trainings a network",
        spread="median; each training in the figure",
    )
