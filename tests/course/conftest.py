from collections.abc import Iterator

import pytest

from pitfalls.course.grading.confinement import Limits
from pitfalls.course.grading.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One process with torch for all submissions; each still gets a fresh one of its own."""
    with Sandbox(Limits(call_seconds=60)) as held:
        yield held
