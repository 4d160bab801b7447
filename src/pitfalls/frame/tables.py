"""What a command prints: tables, on a terminal or as JSON."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pitfalls.escaping import shown
from pitfalls.frame.session import settings
from pitfalls.frame.terminal import as_json

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["format_cell", "print_record", "print_table"]


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    caption: str | None = None,
) -> None:
    """Print a table; numbers are set to the right, and no cell is read as markup.

    With --json it is one line of JSON instead: title, rows as objects by column, caption.

    Parameters
    ----------
    title, caption : str
        Above and below the table.
    columns : sequence of str
        The heads.
    rows : sequence of sequences
        Cells; a float is shown with four significant digits.
    """
    if settings().json:
        records = [dict(zip(columns, map(_json_value, row), strict=True)) for row in rows]
        print(as_json({"title": title, "rows": records, "caption": caption}), flush=True)
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    numeric = [
        bool(rows) and all(isinstance(row[i], int | float | None) for row in rows)
        for i in range(len(columns))
    ]
    for name, right in zip(columns, numeric, strict=True):
        table.add_column(Text(shown(name)), justify="right" if right else "left")
    for row in rows:
        table.add_row(*(Text(shown(format_cell(cell))) for cell in row))
    # title and caption stand outside the table, which would fold them to its own width
    console = _console()
    console.print(Text(shown(title), style="bold"))
    console.print(table)
    if caption:
        console.print(Text(shown(caption, keep="\n")))


def format_cell(value: object) -> str:
    """Return a cell's text: yes/no, four significant digits, or the text itself."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def print_record(title: str, values: Mapping[str, object]) -> None:
    """Print named values as a table of two columns; with --json as one object."""
    print_table(title, ("", "value"), list(values.items()))


def _json_value(value: object) -> object:
    """Return what JSON has for a cell; a number that it has not becomes text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, int | float | str | None) else str(value)


def _console() -> "Console":
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    if console.is_terminal:
        return console
    # a file or a pipe has no width: do not fold what a program may read
    return Console(highlight=False, markup=False, width=4000)
