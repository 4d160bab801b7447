"""Claims have no figures of their own."""

from pitfalls.experiments.verify.records import VerifyResult
from pitfalls.plots import Figure

__all__ = ["FIGURES"]

FIGURES: tuple[Figure[VerifyResult], ...] = ()
