"""What can a network represent, and what can gradient descent find? Measure both."""

from importlib.metadata import version

__version__ = version("pitfalls")
