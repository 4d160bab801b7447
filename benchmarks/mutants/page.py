"""Write docs/mutation.md anew from ``benchmarks/results/mutants.json``: no count is typed in.

python -m benchmarks.mutants.page
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.reliability.page import table
from scipy.stats import binomtest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "mutants.json"
REASONS = Path(__file__).with_name("reasons.json")
PAGE = ROOT / "docs" / "mutation.md"
ALIVE = ("survived", "untested")
NAMES = {"images linear": "linear methods of images", "parity": "mathematics of parity"}


def reasons() -> dict[str, str]:
    """Return why each mutant that lives may live, by its name."""
    grouped: dict[str, list[str]] = json.loads(REASONS.read_text(encoding="utf-8"))
    return {name: reason for reason, names in grouped.items() for name in names}


def counts(tried: Mapping[str, Mapping[str, Any]]) -> Counter[str]:
    """Count the ends of mutants; the living are split by whether a reason is known."""
    known = reasons()
    return Counter(
        ("reasoned" if name in known else "open") if of["end"] in ALIVE else of["end"]
        for name, of in tried.items()
    )


def row(name: str, possible: int, found: Counter[str]) -> tuple[object, ...]:
    """Return a row of the table."""
    n = sum(found.values())
    dead = binomtest(found["killed"] + found["too long"], n)
    low, high = dead.proportion_ci(method="wilson")
    share = f"{100 * dead.statistic:.0f} % ({100 * low:.0f}–{100 * high:.0f})"
    ends = (found[end] for end in ("killed", "too long", "reasoned", "open"))
    return (name, possible, n, *ends, share)


def summary(results: Mapping[str, Any]) -> str:
    """Return the table of parts."""
    parts = {name: (of["possible"], counts(of["tried"])) for name, of in results["parts"].items()}
    rows = [row(NAMES.get(name, name), *of) for name, of in parts.items()]
    whole = sum((found for _, found in parts.values()), Counter[str]())
    rows.append(row("all", sum(possible for possible, _ in parts.values()), whole))
    head = (
        "part",
        "changes",
        "drawn",
        "killed",
        "too long",
        "live, with a reason",
        "live",
        "killed of drawn",
    )
    return table(head, rows)


def living(results: Mapping[str, Any]) -> str:
    """List the mutants that live by their reasons."""
    known = reasons()
    by_reason: dict[str, list[str]] = {}
    for of in results["parts"].values():
        for name, end in of["tried"].items():
            if end["end"] in ALIVE:
                by_reason.setdefault(
                    known.get(name, "No reason is known: a test is missing."), []
                ).append(name)
    lines = []
    for reason, names in sorted(by_reason.items()):
        lines += [f"- {reason}", *(f"  - `{name.replace('`', '')}`" for name in sorted(names))]
    return "\n".join(lines)


def page() -> str:
    """Return the page's text."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))["results"]
    return (
        Path(__file__)
        .with_name("page.md")
        .read_text(encoding="utf-8")
        .format(
            table=summary(results),
            alive=living(results),
            enough=f"{results['settings']['enough_s']:g}",
            count=results["settings"]["count"],
        )
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE.relative_to(ROOT))
