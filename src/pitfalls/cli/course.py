"""``pitfalls course``: starter scripts, graders, and what a platform does with them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from pitfalls.course.options import CourseOptions
from pitfalls.frame.options import options
from pitfalls.frame.session import remark, say
from pitfalls.frame.tables import print_table

if TYPE_CHECKING:
    from pitfalls.course.grading.grade import Grade

app = App(name="course", help="Teach with this sheet: starter scripts, graders, slides.")

Platform = Literal["gradescope", "prairielearn", "otter", "plain"]


@app.command
@options
def grade(
    submission: Path,
    *,
    course: Path | None = None,
    parts: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
    format: Platform = "plain",  # noqa: A002
    out: Path | None = None,
    which: CourseOptions,
) -> None:
    """Grade a submission here, by the tests that a platform would run.

    Parameters
    ----------
    submission
        The folder that holds formulas.py, pitfalls.py, cifar10.py and losses.json, or some of them.
    course
        The folder of a built course: its sheet holds.
    parts
        Only the parts whose names begin so, such as 3a 3b.
    format
        The form of the results that --out writes.
    out
        Write the results here as JSON.
    """
    from pitfalls.course.grading.grade import FILES, parts_named
    from pitfalls.course.grading.grade import grade as grade_work
    from pitfalls.course.grading.reporting import results_for, write_results
    from pitfalls.course.grading.sandbox import Sandbox, read_submission
    from pitfalls.errors import DataError

    sheet, data = which.built(course)
    chosen = parts_named(parts or [])
    files = read_submission(submission, FILES)
    if not files:
        raise DataError(f"course grade: {submission} holds none of {', '.join(FILES)}.")
    with Sandbox() as sandbox:
        found = grade_work(files, sandbox, sheet, chosen, data)
    if out is not None:
        write_results(results_for(found, format), out)
        remark(f"results written to {out}")
    _show(found)


def _show(found: "Grade") -> None:
    print_table(
        f"{found.points} of {found.max_points} points",
        ["part", "check", "points", "of", "reason"],
        [[r.part, r.name, r.points, r.max_points, r.reason] for r in found.results],
        f"confined by {', '.join(found.layers) or 'nothing'}; {found.cpu_seconds:.1f} s of the "
        f"processor, {found.peak_mb:.0f} MB at most",
    )
    for notice in found.notices:
        say(f"seen, and without effect: {notice}")
