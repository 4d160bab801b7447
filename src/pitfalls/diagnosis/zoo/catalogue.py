"""All set-ups of the zoo, in order."""

from difflib import get_close_matches

from pitfalls.diagnosis.zoo import (
    blind_healthy,
    blind_training,
    blind_wiring,
    faults_training,
    faults_wiring,
    healthy,
)
from pitfalls.diagnosis.zoo.setup import Setup, registered
from pitfalls.errors import InputError

__all__ = ["find_setup", "zoo"]

_PARTS = (
    healthy,
    faults_wiring,
    faults_training,
    blind_healthy,
    blind_wiring,
    blind_training,
)


def zoo() -> tuple[Setup, ...]:
    """Return every set-up; those that were diagnosed once come last."""
    return tuple(sorted(registered(), key=lambda setup: setup.part == "blind"))


def find_setup(name: str) -> Setup:
    """Return one set-up by name."""
    for setup in zoo():
        if setup.name == name:
            return setup
    near = get_close_matches(name, [setup.name for setup in zoo()])
    like = f" Near it: {', '.join(near)}." if near else ""
    raise InputError(
        f"find_setup: there is no set-up {name!r}.{like} To list all: pitfalls diagnose examples."
    )
