"""Every linear experiment, small."""

import pytest

from pitfalls.experiments.linear_source import Planted, Problem, find_source
from pitfalls.runs import RunStore

__all__ = ["DIGITS", "planted", "store"]

DIGITS = Problem(find_source("digits"))


def planted(*modes, **kept):
    """Return a planted problem of these modes."""
    return Problem(Planted(modes=modes, **kept))


@pytest.fixture
def store(tmp_path):
    """Return an empty store."""
    return RunStore(tmp_path)
