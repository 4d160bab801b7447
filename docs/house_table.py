"""Makes the table of docs/architecture.md: what the house is made of, before and now."""

import sys
from pathlib import Path
from typing import Any

BEFORE = ("22,200", "171", "220 (805)", "40", "20", "12", "77")
"""Of the first house, counted by an outside reader who did not part flags by place from named ones."""


def table() -> str:
    """Return the table."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from benchmarks.house import counts

    rows = [
        f"| {what} | {before} | {now} |"
        for before, (what, now) in zip(BEFORE, counts().items(), strict=True)
    ]
    places = "| places to touch for a new experiment | 8 | 2: its folder, a line in the catalogue |"
    return "\n".join(["| | before | now |", "|---|---|---|", *rows, places]) + "\n"


def make_table(app: Any) -> None:
    """Write the table before Sphinx reads its sources."""
    folder = Path(app.srcdir) / "made"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "house.md").write_text(table(), encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", make_table, priority=100)
    return {"parallel_read_safe": True}
