"""The starter scripts, made from one source: the solution with its gaps marked."""

import re
from importlib.resources import files
from typing import Final

from pitfalls.course.grading.sheet import Sheet
from pitfalls.errors import InputError

__all__ = ["SCRIPTS", "render_script"]

SCRIPTS: Final = ("formulas.py", "pitfalls.py", "cifar10.py")

REGION: Final = re.compile(
    r"^(?P<indent> *)# --- solution(?:: (?P<instead>[^\n]*))?\n(?P<body>.*?)^ *# --- end\n",
    re.MULTILINE | re.DOTALL,
)
GAP: Final = "raise NotImplementedError  # your code here"


def render_script(name: str, sheet: Sheet, *, solution: bool) -> str:
    """Make one starter script, or its solution, of the sizes of a sheet.

    Parameters
    ----------
    name : str
        One of ``SCRIPTS``.
    sheet : Sheet
    solution : bool
        Fill the gaps instead of leaving them.

    Raises
    ------
    InputError
        If there is no such script.

    Examples
    --------
    >>> print(render_script("cifar10.py", Sheet(), solution=False)[:60])
    \"\"\"Question 4: CIFAR-10 by linear methods and by a ResNet18.
    """
    if name not in SCRIPTS:
        raise InputError(f"course: there is no script {name!r}. There are {', '.join(SCRIPTS)}.")
    text = files("pitfalls.course").joinpath("templates", f"{name}.txt").read_text("utf-8")
    for word, value in (
        ("widths", str(sheet.widths)),
        ("d", str(sheet.d)),
        ("k", str(sheet.k)),
        ("mask", ", ".join(sheet.example_mask)),
    ):
        text = text.replace(f"@{word}@", value)

    def fill(region: re.Match[str]) -> str:
        gap = f"{region['indent']}{region['instead'] or GAP}\n"
        return region["body"] if solution else gap

    return REGION.sub(fill, text)
