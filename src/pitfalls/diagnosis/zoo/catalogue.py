"""All set-ups of the zoo, in order."""

from pitfalls.diagnosis.zoo import faults_training, faults_wiring, healthy
from pitfalls.diagnosis.zoo.setup import Setup, registered
from pitfalls.errors import InputError

__all__ = ["find_setup", "zoo"]

_PARTS = (healthy, faults_wiring, faults_training)


def zoo() -> tuple[Setup, ...]:
    """Return every set-up, in the order of the modules that hold them."""
    return registered()


def find_setup(name: str) -> Setup:
    """Return one set-up by name."""
    for setup in zoo():
        if setup.name == name:
            return setup
    known = ", ".join(setup.name for setup in zoo())
    raise InputError(f"find_setup: there is no set-up {name!r}. There are {known}.")
