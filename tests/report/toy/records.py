"""What is asked of the experiment, and what it finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ToyConfig:
    seed: int = 0
    fails: bool = False
    needs_another: bool = False


@dataclass(frozen=True)
class ToyResult:
    risk: float
