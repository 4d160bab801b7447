"""Every set-up of the zoo at several seeds: right causes, false alarms, bits unchanged, witnesses held.

Rules were fixed on the set-ups marked "tuning"; those marked "blind" were written before the last of
them and diagnosed once after it. What they missed then led to better rules: the count of that first time
is kept from record to record, beside what the present rules find.

Run: python -m benchmarks.diagnosis.zoo --seeds 5   (an hour on two idle cores; goes on where it was)
"""

import argparse
import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS, record

from pitfalls.diagnosis.zoo import Judgement, judge, tally, zoo


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--parts", nargs="*", default=["blind", "reported", "tuning"])
    parser.add_argument("--log", type=Path, default=Path("diagnosis-zoo.jsonl"))
    asked = parser.parse_args()
    done: dict[tuple[str, int], Judgement] = {}
    if asked.log.exists():
        for line in asked.log.read_text().splitlines():
            values = json.loads(line)
            values["right"], values["causes"] = tuple(values["right"]), tuple(values["causes"])
            done[values["setup"], values["seed"]] = Judgement(**values)
    for seed in range(asked.seeds):
        for setup in zoo():
            if (setup.name, seed) in done or setup.part not in asked.parts:
                continue
            found = judge(setup, seed, budget=asked.budget)
            done[setup.name, seed] = found
            with asked.log.open("a") as log:
                log.write(json.dumps(dataclasses.asdict(found)) + "\n")
            print("ok " if found.correct else "BAD", setup.name, seed, found.causes, flush=True)
    rows = list(done.values())
    record(
        "diagnosis_zoo",
        {
            "budget": asked.budget,
            "setups": [
                {
                    "name": s.name,
                    "text": s.text,
                    "right": s.right,
                    "part": s.part,
                    "causes": dict(Counter(r.cause for r in rows if r.setup == s.name)),
                    "correct": sum(r.correct for r in rows if r.setup == s.name),
                    "n": sum(r.setup == s.name for r in rows),
                }
                for s in zoo()
            ],
            "blind_at_first": blind_at_first(),
            "parts": {
                part: {
                    "n_seeds": len({r.seed for r in rows if r.part == part}),
                    **dataclasses.asdict(tally(r for r in rows if r.part == part)),
                }
                for part in ("blind", "reported", "tuning")
            },
            "unchanged": sum(r.unchanged for r in rows),
            "held": sum(r.held for r in rows),
            "n": len(rows),
            "median_seconds": sorted(r.seconds for r in rows)[len(rows) // 2],
            "confusion": [
                {"right": right, "cause": cause, "n": count}
                for (right, cause), count in sorted(
                    Counter((r.right[0], r.cause) for r in rows if r.part != "tuning").items()
                )
            ],
            "judgements": [dataclasses.asdict(row) for row in rows],
        },
    )


def blind_at_first() -> dict[str, Any]:
    """Return the count of the blind part when it was diagnosed for the first time."""
    before = json.loads((RESULTS / "diagnosis_zoo.json").read_text())["results"]
    kept: dict[str, Any] = before.get("blind_at_first") or before["parts"]["blind"]
    return kept


if __name__ == "__main__":
    main()
