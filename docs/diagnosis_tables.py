"""Makes the diagnosis guide's tables: rules from the code, figures from the recorded benchmarks."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from pitfalls.diagnosis import RULES

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "results"


def rules() -> str:
    """Return the table of rules."""
    lines = ["| | cause | card | when | exact |", "|---|---|---|---|---|"]
    for number, rule in enumerate(RULES, 1):
        exact = "yes" if rule.exact else ""
        lines.append(f"| {number} | `{rule.cause}` | {rule.question} | {rule.text} | {exact} |")
    return "\n".join(lines) + "\n"


def zoo() -> str:
    """Return what the benchmark recorded, or that it has not been run."""
    path = RESULTS / "diagnosis_zoo.json"
    if not path.exists():
        return "The benchmark `benchmarks/diagnosis/zoo.py` has not been recorded yet.\n"
    found = json.loads(path.read_text(encoding="utf-8"))
    r = found["results"]
    reported, tuning = r["reported"], r["tuning"]
    parts = [
        f"A zoo of {len(r['setups'])} small set-ups, {_count_healthy(r)} of them healthy, at "
        f"{r['n_seeds']} seeds. The rules were fixed on one half of the set-ups and are reported on the "
        f"other. On the reported half {reported['correct']} of {reported['n']} diagnoses name a right "
        f"cause first ({reported['found']} of {reported['faults']} on faults), and "
        f"{reported['false_alarms']} of {reported['healthy']} diagnoses of healthy set-ups raise an "
        f"alarm. (On the tuning half: {tuning['correct']} of {tuning['n']}, {tuning['false_alarms']} of "
        f"{tuning['healthy']}.) State was bit-equal afterwards in {r['unchanged']} of {r['n']}, every "
        f"witness held again in {r['held']} of {r['n']}; the median diagnosis took "
        f"{r['median_seconds']:.0f} s of a budget of {r['budget']:.0f} s "
        f"({found['machine'].get('cpu', 'unnamed machine')}, {found['time'][:10]}).\n",
        _confusion(r["confusion"]),
        _setups(r["setups"]),
        _peers(r),
    ]
    return "\n".join(parts)


def _count_healthy(r: dict[str, Any]) -> int:
    return sum("healthy" in s["right"] for s in r["setups"])


def _confusion(rows: list[dict[str, Any]]) -> str:
    """Return the reported half's causes, true ones down, named ones across where any was."""
    lines = [
        "**The reported half, cause by cause**\n",
        "| what is wrong | named first |",
        "|---|---|",
    ]
    for right in sorted({row["right"] for row in rows}):
        named = ", ".join(f"`{row['cause']}` {row['n']}" for row in rows if row["right"] == right)
        lines.append(f"| `{right}` | {named} |")
    return "\n".join(lines) + "\n"


def _setups(setups: list[dict[str, Any]]) -> str:
    lines = ["**Every set-up**\n", "| set-up | half | right | named first |", "|---|---|---|---|"]
    for s in setups:
        named = ", ".join(f"`{c}` {n}" for c, n in sorted(s["causes"].items()))
        right = " or ".join(f"`{c}`" for c in s["right"])
        lines.append(f"| {s['name']}: {s['text']} | {s['half']} | {right} | {named} |")
    return "\n".join(lines) + "\n"


def _peers(r: dict[str, Any]) -> str:
    lines = ["**Beside other tools**, at one seed of each set-up they take:\n"]
    for name, found in r["peers"].items():
        if not found.get("installed"):
            lines.append(f"- {name} was not installed when this was recorded.")
            continue
        well = [row for row in found["rows"] if row["right"] == "healthy"]
        ill = [row for row in found["rows"] if row["right"] != "healthy"]
        kinds = Counter(tuple(row["alarms"]) for row in ill if row["alarms"])
        common = kinds.most_common(1)
        same = (
            f" The same alarm, {' and '.join(common[0][0])}, is given for {common[0][1]} faults."
            if common
            else ""
        )
        lines.append(
            f"- {name} {found['version']}: an alarm on {sum(bool(row['alarms']) for row in well)} of "
            f"{len(well)} healthy set-ups and on {sum(bool(row['alarms']) for row in ill)} of {len(ill)} "
            f"faults.{same}"
        )
    return "\n".join(lines) + "\n"


def write(app: Any) -> None:
    """Write both tables where the guide includes them from."""
    made = DOCS / "made"
    made.mkdir(exist_ok=True)
    (made / "diagnosis-rules.md").write_text(rules(), encoding="utf-8")
    (made / "diagnosis-zoo.md").write_text(zoo(), encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
