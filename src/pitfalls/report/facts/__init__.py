"""Facts: what the chapters may quote of each experiment, computed from its run folders."""

from pitfalls.report.facts.registry import (
    Facts,
    facts_of,
    known_experiments,
    plain,
    states,
)

__all__ = ["Facts", "facts_of", "known_experiments", "plain", "states"]
