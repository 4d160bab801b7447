"""What the parity runs say: exact networks, trainings, the gradient's signal, depth."""

import itertools
from typing import Any

from pitfalls.report.facts.registry import Facts, states
from pitfalls.runs import Run

LEARNED = 0.99
"""The accuracy from which the experiments count a parity as learned."""


@states("parity-exact")
def exact_networks(runs: tuple[Run, ...]) -> Facts:
    """One line a variant: how many masks were proved, and where it fails."""
    results = runs[0].results()
    proofs = results["proofs"]
    lines = {}
    for variant in ("printed", "corrected", "compact"):
        rows = [row for row in proofs if row["variant"] == variant]
        failing = [row for row in rows if not row["exact"]]
        lines[variant] = {
            "variant": variant,
            "dimensions": len(rows),
            "largest_d": max(row["d"] for row in rows),
            "proved": sum(row["weights_exact"] for row in rows),
            "weights": sum(row["weights"] for row in rows),
            "exact": not failing,
            "failing_dimensions": len(failing),
            "only_all_ones": all(
                row["counterexample_is_ones"] and row["weights"] - row["weights_exact"] == 1
                for row in failing
            ),
            "units_at_shown": next(
                (row["units"] for row in rows if row["d"] == results["shown"]), None
            ),
        }
    at = {row["variant"]: row for row in proofs if row["d"] == results["shown"]}
    return Facts(
        {
            **lines,
            "units_by_d": {
                str(row["d"]): row["units"] for row in proofs if row["variant"] == "corrected"
            },
            "shown": results["shown"],
            "n_inputs": results["n_inputs"],
            "sampled": results["sampled"],
            "missed_by_sampling": [
                row
                for row in results["sampled"]
                if row["variant"] == "printed" and row["wrong"] == 0
            ],
            "output_at_ones": at.get("printed", {}).get("output_at_ones"),
            "label_at_ones": at.get("printed", {}).get("label_at_ones"),
        },
        n=f"{lines['corrected']['weights']} masks a construction, each standing for all of its weight",
        spread="none, a proof by cases",
    )


@states("parity-curves")
def curves(runs: tuple[Run, ...]) -> Facts:
    """One line a case: how many trainings learned, how fast, and where the others ended."""
    results = runs[0].results()
    groups = []
    for case in results["cases"]:
        reached = [value for value in case["iterations_to_99"] if value is not None and value >= 0]
        groups.append(
            {
                "d": case["n_features"],
                "fixed": case["weight"] is not None,
                "low": min(case["weights"]),
                "high": max(case["weights"]),
                "weights": sorted(case["weights"]),
                "n": case["n"],
                "learned": case["n_learned"],
                "risk": case["median_risk"],
                "risk_low": min(case["risk"]),
                "risk_high": max(case["risk"]),
                "accuracy": case["median_accuracy"],
                "accuracy_low": min(case["accuracy"]),
                "accuracy_high": max(case["accuracy"]),
                "first": min(reached) if reached else None,
                "last": max(reached) if reached else None,
                "exact": case["exact"],
                "n_inputs": case["n_inputs"],
            }
        )
    seeds = max(case["n"] for case in results["cases"])
    return Facts(
        {
            "groups": groups,
            "n_iterations": results["n_iterations"],
            "reached": [
                {"d": case["n_features"], "m": m, "iterations": iterations}
                for case in results["cases"]
                for m, iterations in zip(case["weights"], case["iterations_to_99"], strict=True)
                if iterations is not None and iterations >= 0
            ],
            "all": [_name(g) for g in groups if g["learned"] == g["n"]],
            "some": [_name(g) for g in groups if 0 < g["learned"] < g["n"]],
            "none": [_name(g) for g in groups if g["learned"] == 0],
            "same_d_differs": [
                d
                for d in sorted({g["d"] for g in groups})
                if {g["learned"] == g["n"] for g in groups if g["d"] == d} == {True, False}
            ],
        },
        n=f"{seeds} trainings a case, each with its own mask, start and inputs",
        spread="median, smallest and largest",
    )


def _name(group: dict[str, Any]) -> dict[str, Any]:
    return {key: group[key] for key in ("d", "low", "high", "learned", "n")}


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
