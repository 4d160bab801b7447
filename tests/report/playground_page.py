"""The playground's page in headless Chromium, opened from the disk."""

from collections.abc import Iterator
from typing import Any

import pytest

from pitfalls.report.playground import build_playground
from tests.report.browser import chromium, console_errors, resize


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("playground")
    file = build_playground(folder / "playground.html")
    with chromium(folder / "profile") as session:
        resize(session, 1280, 800)
        session.address = file.as_uri()
        session.get(session.address)
        yield session
        assert console_errors(session) == []


def visit(page: Any, fragment: str = "") -> None:
    """Open the page afresh: the same address with another fragment is no new page."""
    page.get("about:blank")
    page.get(page.address + fragment)


def settle(page: Any) -> None:
    """Wait until the page has taken the steps that its address asks for."""
    page.execute_async_script(
        "const done = arguments[0], look = () => (pitfallsPlayground.state.running ? "
        "setTimeout(look, 20) : done()); look()"
    )


def ask(page: Any, script: str, *values: Any) -> Any:
    """Run a script to which p is the playground and m its mathematics."""
    return page.execute_script(
        f"const p = pitfallsPlayground, m = p.mathematics; {script}", *values
    )
