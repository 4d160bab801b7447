"""Whatever the graders draw: does a mistake lose its points, and right work none?

    python -m benchmarks.grading [--draws 1000] [--seconds 20]

The graders draw their questions afresh for each submission. Each mistake, each right work in another
style, and the solution of several sheets are graded again and again, each time with another draw, until
there were so many draws or seconds. Writes ``grading-draws.json`` and its line in the teaching guide.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.record import record
from benchmarks.sections import ROOT, machine, read, write_sections
from tests.course.mutants import MUTANTS
from tests.course.variants import VARIANTS
from tests.course.work import SMALL, changed, graded_again, lost_of, parts_of, solution, styled

from pitfalls.course.grading.confinement import Limits
from pitfalls.course.grading.properties import Part
from pitfalls.course.grading.sandbox import Sandbox, Visit
from pitfalls.course.grading.sheet import Sheet, draw_sheet
from pitfalls.course.starter import SCRIPTS

NAME = "grading-draws"


@dataclass(frozen=True)
class Case:
    """Files that are graded, what they lose by part, and words of the reason for it."""

    name: str
    file: str
    files: Mapping[str, bytes]
    sheet: Sheet
    lost: dict[str, int]
    reason: str = ""

    def parts(self) -> tuple[Part, ...]:
        """Name the parts that lose points; of right work all of its file."""
        return tuple(p for p in parts_of(self.file) if not self.lost or p.name in self.lost)


def cases() -> list[Case]:
    """List mistakes, right work in other styles, and the solution of several sheets."""
    wrong = [
        Case(m.name, m.file, changed(m.file, m.old, m.new), SMALL, m.lost, m.reason)
        for m in MUTANTS
    ]
    styles = [Case(name, file, styled(name), SMALL, {}) for name, (file, _) in VARIANTS.items()]
    sheets = [SMALL, Sheet(), *(draw_sheet(seed) for seed in range(1, 5))]
    solved = [
        Case(f"the solution, sheet {i}", file, solution(sheet), sheet, {})
        for i, sheet in enumerate(sheets)
        for file in SCRIPTS
    ]
    return [*wrong, *styles, *solved]


def outcome(case: Case, visit: Visit, seed: int) -> str:
    """Grade once; returns what is not as it should be, and nothing where all is."""
    results = graded_again(case.parts(), case.files, case.sheet, visit, seed)
    lost, reasons = lost_of(results), " / ".join(r.reason for r in results if r.reason)
    if lost != case.lost:
        return f"lost {lost} where {case.lost} is due: {reasons[:200]}"
    return "" if case.reason in reasons else f"another reason than {case.reason!r}: {reasons[:200]}"


def graded(case: Case, sandbox: Sandbox, draws: int, seconds: float) -> dict[str, Any]:
    """Grade a case again and again."""
    start, n, off = time.monotonic(), 0, []
    with sandbox.visit(case.files) as visit:
        visit.load(case.file.removesuffix(".py"))
        while n < draws and time.monotonic() - start < seconds:
            found = outcome(case, visit, n)
            off += [{"seed": n, "found": found}] if found else []
            n += 1
    return {"case": case.name, "right": not case.lost, "draws": n, "off": off}


def section() -> str:
    """Return the guide's line."""
    stored = read(NAME)
    assert stored is not None
    rows = stored["results"]["rows"]
    right = [row for row in rows if row["right"]]
    off = sum(len(row["off"]) for row in rows)
    return (
        f"Recorded: {len(rows) - len(right)} mistakes and {len(right)} right files, "
        f"{sum(row['draws'] for row in rows):,} gradings, at least {min(row['draws'] for row in rows)} "
        f"of each with questions drawn anew. In {off} of them a mistake lost other points than its own, or "
        f"right work lost one ({machine(stored)})."
    )


def main() -> None:
    """Grade every case and record it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    rows = []
    with Sandbox(Limits(call_seconds=60, total_seconds=1e6)) as sandbox:
        for case in cases():
            rows.append(graded(case, sandbox, options.draws, options.seconds))
            print(rows[-1], flush=True)
    record(NAME, {"draws": options.draws, "seconds": options.seconds, "rows": rows})
    write_sections(ROOT / "docs/guides/teaching.md", {"draws": section})


if __name__ == "__main__":
    main()
