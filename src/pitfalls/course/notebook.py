"""Notebooks, one a part of the sheet: plain scripts with cells marked, made into Jupyter's files."""

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

__all__ = ["notebook_bytes", "notebook_names", "read_cells", "write_notebooks"]


def notebook_names() -> tuple[str, ...]:
    """Return the parts of the sheet that have a notebook, in its order."""
    folder = files("pitfalls.course").joinpath("notebooks")
    return tuple(sorted(path.name.removesuffix(".py.txt") for path in folder.iterdir()))


def read_cells(name: str) -> tuple[tuple[str, str], ...]:
    """Return the cells of a notebook: kind (code or markdown) and text.

    Examples
    --------
    >>> read_cells("2c")[0][1].splitlines()[0]
    '# 2c. The derivative by the product'
    """
    source = files("pitfalls.course").joinpath("notebooks", f"{name}.py.txt").read_text("utf-8")
    cells = []
    for part in re.split(r"^# %%", source, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        kind = "markdown" if "markdown" in head else "code"
        if kind == "markdown":
            body = re.sub(r"^# ?", "", body, flags=re.MULTILINE)
        cells.append((kind, body.strip("\n")))
    return tuple(cells)


def write_notebooks(out: Path) -> tuple[Path, ...]:
    """Write one .ipynb a part into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name in notebook_names():
        path = out / f"{name}.ipynb"
        path.write_bytes(notebook_bytes(name, read_cells(name)))
        written.append(path)
    return tuple(written)


def notebook_bytes(name: str, contents: Sequence[tuple[str, str]]) -> bytes:
    """Return a notebook of cells, each of a kind and a text, as Jupyter's file."""
    cells = []
    for number, (kind, text) in enumerate(contents):
        cell: dict[str, Any] = {
            "cell_type": kind,
            "id": f"{name}-{number}",
            "metadata": {},
            "source": text.splitlines(keepends=True),
        }
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    held = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return (json.dumps(held, indent=1, ensure_ascii=False) + "\n").encode()
