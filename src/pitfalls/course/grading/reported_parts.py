"""4b and 4e's table: numbers that were reported, graded by what such numbers can be. Read, not run again."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from pitfalls.course.grading.properties import Check, Desk, Part, Wrong, shown

__all__ = ["REPORTED_PARTS"]

FILE: Final = "cifar10.py"
REPORT: Final = "answers.json"
IMAGES: Final = {"train": 50_000, "validation": 10_000}
LINEAR: Final = {"train": 0.510, "validation": 0.365}
"""What least squares gets right of CIFAR-10; copies of the data differ in the third place."""
NEAR: Final = 0.015
ROUNDED: Final = 6e-5
"""Four decimals, as the script prints them, are near enough."""
SCHEMES: Final = ("constant", "annealed", "special")
PIXELS: Final = 3072


def _read(desk: Desk, what: str) -> Any:
    content = desk.files.get(REPORT)
    if content is None:
        raise Wrong(f"{REPORT} is not there (the starter script writes it)")
    try:
        held = json.loads(content)
        return held[what]
    except (ValueError, RecursionError) as error:
        raise Wrong(f"{REPORT} is no JSON ({type(error).__name__})") from None
    except (KeyError, TypeError, IndexError):
        raise Wrong(f"{REPORT} holds no {what!r}: run the script's part that writes it") from None


def _number(found: Any, name: str) -> float:
    value = found.get(name) if isinstance(found, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise Wrong(f"{REPORT}: {name} must be a number")
    return float(value)


def _count(found: Any, name: str) -> int:
    value = _number(found, name)
    if value < 1 or value != int(value):
        raise Wrong(f"{REPORT}: {name} must be a whole number of at least 1, got {value:g}")
    return int(value)


def _share(found: Any, part: str) -> float:
    """Read an accuracy: a share of the images that were looked at, or such a share rounded."""
    value, n = _number(found, part), _count(found, f"n_{part}")
    if not 0 <= value <= 1:
        raise Wrong(f"{part} accuracy {value:g}: a share from 0 to 1 is due")
    if abs(value - round(value * n) / n) > ROUNDED:
        raise Wrong(f"{part} accuracy {value:g} is no share of {n} images: none has k/{n} near it")
    return value


def _each(desk: Desk, what: str, checks: tuple[Callable[[Any], str], ...]) -> None:
    for i, verify in enumerate(checks):
        desk.check(i, lambda verify=verify: verify(_read(desk, what)))  # type: ignore[misc]


# ------------------------------------------------------------------------------- 4b


def _of_all(found: Any) -> str:
    for part, n in IMAGES.items():
        _share(found, part)
        if _count(found, f"n_{part}") != n:
            return f"{found[f'n_{part}']} {part} images: the accuracy of all {n:,} is asked"
    return ""


def _least_squares(found: Any) -> str:
    values = {part: _share(found, part) for part in IMAGES}
    if values["train"] == values["validation"]:
        return "both accuracies are the same number: was it tested on the training images?"
    n = _count(found, "n_train")
    if n <= PIXELS and values["train"] < 1:
        return f"{n} images of {PIXELS} pixels are fitted exactly: their accuracy is 1"
    for part, due in LINEAR.items():
        if abs(values[part] - due) > NEAR:
            return (
                f"{part} accuracy {shown(values[part])}, where least squares gives about {due:.3f}"
            )
    return ""


# ------------------------------------------------------------------------ 4e's table


def _rows(found: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Wrong(f"{REPORT}: the table must be a list of rows")
    rows = {str(row.get("scheme")): row for row in found}
    missing = [name for name in SCHEMES if name not in rows]
    if missing:
        raise Wrong(f"the table has no row for {', '.join(missing)}")
    return {name: rows[name] for name in SCHEMES}


def _whole(found: Any) -> str:
    for row in _rows(found).values():
        for part in IMAGES:
            _share(row, part)
        _count(row, "epochs")
        if _number(row, "loss") <= 0:
            raise Wrong(f"{REPORT}: a mean cross-entropy is above 0, got {row['loss']}")
    return ""


def _possible(found: Any) -> str:
    """Hold each loss against its accuracy: a wrong answer has probability at most 1/2 for its class."""
    for name, row in _rows(found).items():
        wrong, loss = 1 - _share(row, "train"), _number(row, "loss")
        least = wrong * float(np.log(2))
        if loss < least - ROUNDED:
            return (
                f"{name}: {shown(wrong)} of the answers are wrong, each at a loss of log 2 or more, so "
                f"the mean is at least {shown(least)}; the table says {shown(loss)}"
            )
    return ""


def _different(found: Any) -> str:
    losses = {name: _number(row, "loss") for name, row in _rows(found).items()}
    for a, b in (SCHEMES[:2], SCHEMES[1:], SCHEMES[::2]):
        if losses[a] == losses[b]:
            return f"{a} and {b} end at the very same loss {shown(losses[a])}: is the rate used?"
    return ""


REPORTED_PARTS: Final = (
    Part(
        "4b", "Accuracy of the linear fit", FILE, (),
        (
            Check("shares of all training and validation images", 1),
            Check("what least squares gives there", 1),
        ),
        lambda desk: _each(desk, "linear", (_of_all, _least_squares)),
    ),
    Part(
        "4e-table", "The table of three schemes", FILE, (),
        (
            Check("three schemes, each with accuracies, epochs and loss", 1),
            Check("losses that go with their accuracies", 1),
            Check("three trainings, not one", 1),
        ),
        lambda desk: _each(desk, "schemes", (_whole, _possible, _different)),
    ),
)  # fmt: skip
