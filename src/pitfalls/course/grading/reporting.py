"""Grades in the form that each platform reads."""

import json
import os
from pathlib import Path
from typing import Any, Final

from pitfalls.course.grading.grade import PARTS, Grade
from pitfalls.errors import InputError

__all__ = ["PLATFORMS", "results_for", "write_results"]

PLATFORMS: Final = ("gradescope", "prairielearn", "otter", "plain")

TITLES: Final = {part.name: part.title for part in PARTS}


def results_for(grade: Grade, platform: str) -> dict[str, Any]:
    """Put a grade into a platform's form.

    Parameters
    ----------
    grade : Grade
    platform : str
        One of ``PLATFORMS``.

    Raises
    ------
    InputError
        If there is no such platform.
    """
    makers = {"gradescope": _gradescope, "prairielearn": _prairielearn}
    if platform not in PLATFORMS:
        raise InputError(f"course: format must be one of {', '.join(PLATFORMS)}, got {platform!r}.")
    return makers.get(platform, _plain)(grade)


def write_results(results: dict[str, Any], path: Path) -> None:
    """Write results at once and whole, over whatever lies there: a link is replaced, not followed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + f".new-{os.getpid()}")
    new.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    new.replace(path)


def _notes(grade: Grade) -> str:
    return "\n".join(f"Seen, and without effect: {notice}" for notice in grade.notices)


def _gradescope(grade: Grade) -> dict[str, Any]:
    """Results of gradescope-autograders.readthedocs.io, Autograder specifications."""
    tests = [
        {
            "name": f"{result.part} {TITLES[result.part]}: {result.name}",
            "number": f"{result.part}.{number}",
            "score": result.points,
            "max_score": result.max_points,
            "status": "passed" if result.passed else "failed",
            "output": result.reason,
            "output_format": "text",
            "visibility": "after_published" if result.hidden else "visible",
        }
        for number, result in enumerate(grade.results, 1)
    ]
    return {
        "output": _notes(grade),
        "output_format": "text",
        "execution_time": round(grade.seconds),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {"layers": list(grade.layers), "notices": list(grade.notices)},
    }


def _prairielearn(grade: Grade) -> dict[str, Any]:
    """Results of PrairieLearn's documentation, External grading."""
    # hidden checks count, and their reasons stay with the staff: one line a part stands for them
    return {
        "gradable": True,
        "score": grade.points / max(grade.max_points, 1),
        "message": _notes(grade),
        "output": "",
        "images": [],
        "tests": [
            {
                "name": f"{result.part} {result.name}",
                "description": TITLES[result.part],
                "points": result.points,
                "max_points": result.max_points,
                "message": "a check of your answer in other cases"
                if result.hidden
                else result.reason,
                "output": "",
                "images": [],
            }
            for result in grade.results
        ],
    }


def _plain(grade: Grade) -> dict[str, Any]:
    return {
        "points": grade.points,
        "max_points": grade.max_points,
        "parts": [
            {
                "name": name,
                "title": title,
                "points": sum(result.points for result in results),
                "max_points": sum(result.max_points for result in results),
                "checks": [
                    {
                        "name": result.name,
                        "points": result.points,
                        "max_points": result.max_points,
                        "hidden": result.hidden,
                        "reason": result.reason,
                    }
                    for result in results
                ],
            }
            for name, title in TITLES.items()
            if (results := [result for result in grade.results if result.part == name])
        ],
        "notices": list(grade.notices),
        "layers": list(grade.layers),
        "seconds": round(grade.seconds, 2),
        "cpu_seconds": round(grade.cpu_seconds, 2),
        "peak_mb": round(grade.peak_mb, 1),
    }
