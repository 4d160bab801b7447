"""Sections of the guides that are made from ``benchmarks/results``."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS, ROOT

__all__ = ["RESULTS", "ROOT", "machine", "read", "table", "write_sections"]


def read(name: str) -> dict[str, Any] | None:
    """Return a recorded result, None where there is none."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def machine(stored: dict[str, Any]) -> str:
    """Name processor and commit of a recorded result."""
    facts = stored["machine"]
    return f"{facts.get('processor') or facts.get('cpu') or 'processor'}, commit {stored['commit'][:7]}"


def write_sections(guide: Path, sections: Mapping[str, Callable[[], str]]) -> None:
    """Put each section between its mark and the end mark.

    Raises
    ------
    SystemExit
        If the guide lacks a mark.
    """
    text = guide.read_text()
    for name, write in sections.items():
        mark = f"<!-- measured: {name} -->"
        pattern = re.compile(re.escape(mark) + r".*?<!-- end -->", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"{guide.name} has no section {name!r}")
        block = f"{mark}\n{write()}\n<!-- end -->"
        text = pattern.sub(block.replace("\\", r"\\"), text)  # a backslash stands for itself
    guide.write_text(text)
