"""Submissions to grade: the solution, and what becomes of it by one change."""

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pitfalls.course.grading.grade import PARTS, Grade
from pitfalls.course.grading.properties import Desk, Part, Result
from pitfalls.course.grading.sandbox import Visit
from pitfalls.course.grading.sheet import Sheet
from pitfalls.course.starter import SCRIPTS, render_script
from tests.course.variants import VARIANTS

SMALL = Sheet(n_features=4, widths=(3, 4, 3), n_samples=10)
"""A sheet on which everything is tried in a moment."""


def curves() -> bytes:
    noise = 0.05 * np.random.default_rng(0).normal(size=250)
    falling = np.linspace(1, 0, 250) ** 4
    held = {"5": falling, "10": np.linspace(1, 0.2, 250), "30": 1 + noise}
    return json.dumps({name: list(curve) for name, curve in held.items()}).encode()


def answers() -> bytes:
    """What cifar10.py writes: 4b's accuracies, and 4e's table as a short run on a subset gave it."""
    linear = {"train": 0.50998, "n_train": 50_000, "validation": 0.3647, "n_validation": 10_000}
    counts = {"epochs": 1, "n_train": 1280, "n_validation": 512}
    table = [
        {
            "scheme": "constant",
            "train": 224 / 1280,
            "validation": 101 / 512,
            "loss": 2.2114,
            **counts,
        },
        {
            "scheme": "annealed",
            "train": 303 / 1280,
            "validation": 141 / 512,
            "loss": 2.0871,
            **counts,
        },
        {
            "scheme": "special",
            "train": 282 / 1280,
            "validation": 96 / 512,
            "loss": 2.1620,
            **counts,
        },
    ]
    return json.dumps({"linear": linear, "schemes": table}).encode()


def solution(sheet: Sheet = SMALL) -> dict[str, bytes]:
    scripts = {n: render_script(n, sheet, solution=True).encode() for n in SCRIPTS}
    return scripts | {"losses.json": curves(), "answers.json": answers()}


def changed(name: str, old: str, new: str) -> dict[str, bytes]:
    """Make one change in one file of the solution."""
    files = solution()
    text = files[name].decode()
    assert old in text, old
    return files | {name: text.replace(old, new, 1).encode()}


def parts_of(name: str) -> tuple[Part, ...]:
    return tuple(part for part in PARTS if part.file == name)


def styled(name: str) -> dict[str, bytes]:
    """Write one file of the solution in another style."""
    file, changes = VARIANTS[name]
    text = solution()[file].decode()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return solution() | {file: text.encode()}


def graded_again(
    parts: Sequence[Part], files: Mapping[str, bytes], sheet: Sheet, visit: Visit, seed: int
) -> list[Result]:
    """Grade parts of a file that is loaded, with the questions that a seed draws."""
    results: list[Result] = []
    for part in parts:
        desk = Desk(part, sheet, np.random.default_rng(seed), visit, files)
        part.examine(desk)
        results += desk.results("not reached")
    return results


def lost(grade: Grade) -> dict[str, int]:
    """Points lost, by part, where any are."""
    return lost_of(grade.results)


def lost_of(results: Iterable[Result]) -> dict[str, int]:
    """Points lost in these results, by part, where any are."""
    found: dict[str, int] = {}
    for result in results:
        if not result.passed:
            found[result.part] = found.get(result.part, 0) + result.max_points - result.points
    return found
