"""What a platform's container runs: ``python -m pitfalls.course.grading FORMAT GRADER WORK RESULTS``.

GRADER is the folder that holds ``sheet.json`` (and ``data.npz``, where the lecturer gave data).
"""

import sys
from pathlib import Path

from pitfalls.course.grading.grade import FILES, PARTS, grade, parts_named
from pitfalls.course.grading.reporting import results_for, write_results
from pitfalls.course.grading.sandbox import Sandbox, read_submission
from pitfalls.course.grading.sheet import read_data, read_sheet

__all__ = ["main"]


def main(platform: str, grader: Path, work: Path, results: Path, *names: str) -> None:
    """Grade the work in a folder and write the results."""
    sheet = read_sheet(grader / "sheet.json")
    given = grader / "data.npz"
    data = read_data(given) if given.exists() else None
    files = read_submission(work, FILES)
    with Sandbox() as sandbox:
        found = grade(files, sandbox, sheet, parts_named(names) if names else PARTS, data)
    # last of all, when no process of the work is left
    write_results(results_for(found, platform), results)


if __name__ == "__main__":
    grader, work, results = map(Path, sys.argv[2:5])
    main(sys.argv[1], grader, work, results, *sys.argv[5:])
