"""Small networks, healthy and broken, to measure the diagnosis by and to learn from."""

from pitfalls.diagnosis.zoo.catalogue import find_setup, zoo
from pitfalls.diagnosis.zoo.setup import Case, Setup

__all__ = ["Case", "Setup", "find_setup", "zoo"]
