"""Verdicts on exact critical points and on what became of them, against value and Hessian alone.

    python -m benchmarks.linear.verdicts [--points 500] [--state runs/linear-verdicts.jsonl]

So many points of every variant (`benchmarks.linear.variants`). Each is a line of the state file; what is
there from the same code is not done again, so the run may be interrupted. A definite verdict that is
not the truth is wrong; 'undecided' never is, and at a point that was perturbed neither is 'not critical'.
"""

import argparse
import hashlib
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.linear.variants import VARIANTS, WELL_SCALED
from benchmarks.record import record

from pitfalls import linear, moments
from pitfalls.linear import classify

SEED = 29


def fingerprint() -> str:
    """Hash the code that the verdicts and the points come from."""
    places = [Path(linear.__file__).parent, Path(moments.__file__).parent, Path(__file__).parent]
    files = sorted(file for place in places for file in place.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def examine(name: str, index: int) -> dict[str, Any]:
    """Ask for one verdict."""
    case = VARIANTS[name](np.random.default_rng([SEED, list(VARIANTS).index(name), index]))
    start = time.perf_counter()
    found = classify(case.risk, case.weights)
    seconds = time.perf_counter() - start
    allowed = {case.truth, "undecided"} | (set() if case.critical else {"not critical"})
    return {
        "variant": name,
        "index": index,
        "truth": case.truth,
        "verdict": found.verdict,
        "wrong": found.verdict not in allowed,
        "decided_by": found.decided_by,
        "doubts": list(found.doubts),
        "origin": getattr(found.witness, "origin", None),
        "seconds": seconds,
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Count what came out."""
    told = Counter(f"{row['truth']} -> {row['verdict']}" for row in rows)
    undecided = [row for row in rows if row["verdict"] == "undecided"]
    return {
        "n": len(rows),
        "wrong": sum(row["wrong"] for row in rows),
        "undecided": len(undecided),
        "undecided_share": len(undecided) / max(len(rows), 1),
        "truth_and_verdict": dict(sorted(told.items())),
        "doubts_of_the_undecided": dict(Counter(d for row in undecided for d in row["doubts"])),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--state", type=Path, default=Path("runs/linear-verdicts.jsonl"))
    arguments = parser.parse_args()
    arguments.state.parent.mkdir(parents=True, exist_ok=True)
    code, rows = fingerprint(), []
    if arguments.state.exists():
        kept = [json.loads(line) for line in arguments.state.read_text().splitlines()]
        rows = [row for row in kept if row["code"] == code and row["index"] < arguments.points]
    done = {(row["variant"], row["index"]) for row in rows}
    with arguments.state.open("a") as state:
        for name in VARIANTS:
            for index in range(arguments.points):
                if (name, index) in done:
                    continue
                row = {"code": code, **examine(name, index)}
                rows.append(row)
                state.write(json.dumps(row) + "\n")
                state.flush()
            print(name, summary([row for row in rows if row["variant"] == name]), flush=True)
    well = [row for row in rows if row["variant"] in WELL_SCALED]
    results = {
        **summary(rows),
        "wrong_points": [row for row in rows if row["wrong"]],
        "well_scaled": {"variants": WELL_SCALED, **summary(well)},
        "witnesses_of_strict_saddles": dict(
            Counter(row["origin"].split(" (")[0] for row in rows if row["origin"])
        ),
        "median_seconds_per_verdict": float(np.median([row["seconds"] for row in rows])),
        "by_variant": {
            name: summary([row for row in rows if row["variant"] == name]) for name in VARIANTS
        },
    }
    print(record("linear-verdicts", results))


if __name__ == "__main__":
    main()
