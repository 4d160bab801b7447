"""What a result becomes outside: a table for any program, and its figures as files."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pitfalls.errors import InputError
from pitfalls.frame.experiment import Finished
from pitfalls.frame.result import Result

if TYPE_CHECKING:
    from pitfalls.plots import Kind, Style

__all__ = ["export_csv", "export_figures"]


def export_csv(finished: Finished[Any], folder: Path, field: str | None = None) -> Path:
    """Write a result's table and return the file: one line a row, the names first.

    Parameters
    ----------
    finished : Finished
    folder : Path
        Made if it is missing; a file of the run's name and ``.csv`` is written in it.
    field : str, optional
        Which table (default: the result's main one).

    Raises
    ------
    InputError
        If the file exists or the result has no such table.
    """
    columns = _result(finished).table(field)
    name = f"{finished.run.path.name}{f'-{field}' if field else ''}.csv"
    target = _fresh(folder / name)
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return target


def export_figures(
    finished: Finished[Any], folder: Path, kind: "Kind", style: "Style" = "page"
) -> list[Path]:
    """Draw every figure of a result anew and return the files.

    Parameters
    ----------
    finished : Finished
    folder : Path
        Made if it is missing; the files have the run's and the figure's name.
    kind : {"svg", "png", "pdf"}
    style : {"page", "print", "slides"}

    Raises
    ------
    InputError
        If the result has no figure or a file exists.
    """
    from pitfalls.plots import draw

    result = _result(finished)
    figures = [one for one in result.experiment().figures() if one.shown_for(result)]
    if not figures:
        raise InputError(f"export: {finished.run.id} has no figure.")
    made = []
    for figure in figures:
        target = _fresh(folder / f"{finished.run.path.name}-{figure.name}.{kind}")
        target.write_bytes(draw(figure, result, (kind,), style).files[kind])
        made.append(target)
    return made


def _result(finished: Finished[Any]) -> Result:
    if not isinstance(finished.result, Result):
        raise InputError(f"export: {finished.run.id} holds no result that could be exported.")
    return finished.result


def _fresh(target: Path) -> Path:
    if target.exists():
        raise InputError(f"export: {target} exists. Remove it or name another folder.")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target
