"""Every command that a page shows is one that the command line takes."""

import re
import shlex
from pathlib import Path

import pytest

from pitfalls.cli import app

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = (
    ROOT / "README.md",
    *sorted(page for page in DOCS.rglob("*.md") if "made" not in page.parts),
    *sorted(DOCS.glob("*.py")),
)
"""The programs that write pages stand for what they make, which is there only once the docs are built."""


def shown() -> list[tuple[str, str]]:
    """Return (page, what follows ``pitfalls``) of console lines and of whole commands in texts."""
    found = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines()]
        # in a text the bare name of a command stands for it; one with an option is meant to be typed
        lines += re.findall(r"`([^`\n]*\bpitfalls [a-z][^`\n]* --?[a-z][^`\n]*)`", text)
        for line in lines:
            words = shlex.split(line, comments=True)
            if "pitfalls" in words and "..." not in words:
                found.add((page.name, shlex.join(words[words.index("pitfalls") + 1 :])))
    return sorted(found)


def test_commands_are_found_on_the_pages():
    pages = [page for page, _ in shown()]
    assert {"README.md", "start.md", "linear.md", "parity.md", "training.md"} <= set(pages)
    assert len(pages) > 50


@pytest.mark.parametrize(("page", "command"), shown())
def test_a_command_that_a_page_shows_is_taken_by_the_command_line(page, command):
    app.meta.parse_args(shlex.split(command), exit_on_error=False, print_error=False)
    app.parse_args(shlex.split(command), exit_on_error=False, print_error=False)
