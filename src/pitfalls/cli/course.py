"""``pitfalls course``: starter scripts, graders, and what a platform does with them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from pitfalls.course import Container, CourseOptions, SlidesConfig
from pitfalls.frame import options, print_table, remark, say

if TYPE_CHECKING:
    from pitfalls.course import Grade

app = App(name="course", help="Teach with this sheet: starter scripts, graders, slides.")

Platform = Literal["gradescope", "prairielearn", "otter", "plain"]


@app.command
@options
def build(
    *,
    format: Platform = "plain",  # noqa: A002
    out: Path,
    solution: Annotated[bool, Parameter(negative="")] = False,
    which: CourseOptions,
) -> None:
    """Write starter scripts, grader and rubric, in the form of a platform.

    Parameters
    ----------
    format
        What it is for: gradescope (a zip to upload), prairielearn (a question's folder), otter (tests to
        generate from), plain (a folder with one command).
    out
        An empty folder, or one of an earlier build.
    solution
        Write the solution as well, in a folder of its own.
    """
    from pitfalls.course import build_course

    built = build_course(which.chosen(), format, out, which.own_data(), solution=solution)
    for name in built.files:
        if "/pitfalls/" not in name:
            say(str(built.folder / name))


@app.command(name="try")
@options
def try_(course: Path, submission: Path, *, container: Container) -> None:
    """Grade a submission as the platform would: its files and paths, its limits, no network.

    Parameters
    ----------
    course
        The folder of a built course.
    submission
        The folder handed in.
    """
    from pitfalls.course import play

    played = play(course, submission, container)
    print_table(
        f"as {played.platform} would run it",
        ["what", "value"],
        [
            ["points", _points(played.results)],
            ["processor seconds", round(played.cpu_seconds, 1)],
            ["seconds at that share of a processor", round(played.container_seconds, 1)],
            ["memory of all processes, MB", round(played.peak_mb)],
            ["network", "off" if played.offline else "could not be taken away here"],
        ],
    )
    for line in _lost(played.results):
        say(line)


@app.command
@options
def slides(*, out: Path = Path("slides.pdf"), config: SlidesConfig) -> None:
    """Write the slides of one lecture; their figures are drawn from runs, made where they are missing.

    Parameters
    ----------
    out
        The PDF to write.
    """
    from pitfalls.course import lecture_runs, write_slides
    from pitfalls.frame import perform

    _require_file(out)
    runs = [(e, perform(e, asked, draw=False)) for e, asked in lecture_runs(config)]
    write_slides(runs, out)
    say(str(out))


@app.command
def notebooks(*, out: Path = Path("notebooks")) -> None:
    """Write one Jupyter notebook for each part of the sheet; each runs in seconds.

    Parameters
    ----------
    out
        The folder to write into.
    """
    from pitfalls.course import write_notebooks
    from pitfalls.errors import InputError

    try:
        written = write_notebooks(out)
    except OSError as error:
        raise InputError(
            f"course notebooks: --out must be a folder to write into. Got {out} ({error.strerror})."
        ) from None
    for path in written:
        say(str(path))


def _require_file(out: Path) -> None:
    """Refuse a place that cannot be written before minutes have gone into it."""
    from pitfalls.cli.places import refusal
    from pitfalls.errors import InputError

    if out.is_dir() or refusal(out.parent) is not None:
        raise InputError(f"course: --out must be a file to write, got {out}.")


def _points(results: dict[str, Any]) -> str:
    checks = _checks(results)
    got, most = (sum(float(check.get(k, 0)) for check in checks) for k in ("points", "max_points"))
    return f"{got:g} of {most:g}"


def _checks(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Read the checks of any platform's results, under one set of names."""
    parts = results.get("parts")
    tests = results.get("tests") if parts is None else [c for p in parts for c in p["checks"]]
    names = {"score": "points", "max_score": "max_points", "output": "reason", "message": "reason"}
    return [{names.get(k, k): v for k, v in test.items() if v != ""} for test in tests or ()]


def _lost(results: dict[str, Any]) -> list[str]:
    return [
        f"lost: {check['name']}: {check.get('reason', '')}"
        for check in _checks(results)
        if check.get("points") != check.get("max_points")
    ]


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
    from pitfalls.course import (
        FILES,
        Sandbox,
        parts_named,
        read_submission,
        results_for,
        write_results,
    )
    from pitfalls.course import grade as grade_work
    from pitfalls.errors import DataError, InputError

    if out is None and format != "plain":
        raise InputError("course grade: --format is of what --out writes. Give --out as well.")
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
