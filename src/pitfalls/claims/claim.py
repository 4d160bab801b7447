"""What a claim is, what a check says about it, and the search that tries to break it."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

import numpy as np

from pitfalls.errors import InputError

__all__ = ["NOTATION", "Check", "Claim", "Effort", "EvidenceLabel", "Search"]

Effort = Literal["quick", "thorough"]
"""How long a check may search: seconds, or minutes."""

NOTATION = r"""
#let Wbar = $macron(W)$
#let dmin = $d_*$
#let Sxx = $S_(x x)$
#let Syx = $S_(y x)$
#let Sxy = $S_(x y)$
#let Syy = $S_(y y)$
#let rank = math.op("rank")
#let range = math.op("range")
#let relu = math.op("relu")
#let spread = math.op("diag")
#let ind = $bold(1)$
#let inner(a, b) = $lr(chevron.l #a, #b chevron.r)$
"""
"""Typst definitions that every statement, assumption and derivation relies on."""


class EvidenceLabel(StrEnum):
    """What a verdict rests on: a label, and what the label means.

    The derivation is the proof of a claim that holds; a check looks for the case in which it fails,
    and the label says how it looked.

    Attributes
    ----------
    definition : str
        What the label promises, in plain text.

    Examples
    --------
    >>> EvidenceLabel.SAMPLED.value
    'exact, on sampled cases'
    """

    definition: str

    def __new__(cls, label: str, definition: str) -> "EvidenceLabel":  # noqa: D102
        member = str.__new__(cls, label)
        member._value_ = label
        member.definition = definition
        return member

    COUNTEREXAMPLE = (
        "refuted by a counterexample",
        "One case in which the statement is false. The case is printed and can be recomputed; it "
        "settles the matter.",
    )
    BOUNDED = (
        "exact for all cases up to a bound, beyond by the derivation",
        "Every case up to the size that is named was tried in integers or fractions, larger ones on a "
        "sample. That the statement holds at every size rests on the derivation.",
    )
    SYMBOLIC = (
        "symbolic identity",
        "Both sides are the same polynomial, with an unknown in every place, at the small sizes that "
        "are tried; larger sizes were tried with integers. Every size rests on the derivation.",
    )
    SAMPLED = (
        "exact, on sampled cases",
        "Integers or fractions, no rounding and no tolerance, on cases drawn at random and on listed "
        "ones meant to be hard.",
    )
    NUMERIC = (
        "numeric to tolerance",
        "Floating point, on sampled cases; the error that came closest to its tolerance is printed "
        "beside it.",
    )


@dataclass(frozen=True)
class Check:
    """What came of trying to break a claim.

    Attributes
    ----------
    holds : bool
        Whether the claim survived.
    cases : int
        How many cases were tried, up to the first counterexample.
    largest_error : float
        The error that came closest to its tolerance; 0 where only exact comparisons were made.
    tolerance : float
        The tolerance that goes with it; 0 means exact arithmetic.
    counterexample : str or None
        The first case in which the claim is false, in plain text.
    evidence : EvidenceLabel
        What the verdict rests on. Where a library function is compared in floating point beside the
        exact attack, the largest error and its tolerance are that function's.
    finding : str
        What was compared with what, over which cases, in one plain sentence.
    """

    holds: bool
    cases: int
    largest_error: float
    tolerance: float
    counterexample: str | None
    evidence: EvidenceLabel
    finding: str


class _RefutedError(Exception):
    """Ends a search at the first counterexample."""


class Search:
    """Collects what an attempt to break a claim has seen; ends at the first counterexample.

    Parameters
    ----------
    effort : {"quick", "thorough"}
        How long to search.
    seed : int
        Where the adversary's random choices come from.

    Attributes
    ----------
    random : numpy.random.Generator
        The adversary's source of chance.
    cases, largest_error, tolerance, counterexample
        As in `Check`.
    """

    def __init__(self, effort: Effort = "quick", seed: int = 0) -> None:
        if effort not in ("quick", "thorough"):
            raise InputError(f"check: effort must be quick or thorough. Got {effort!r} instead.")
        self.effort = effort
        self.random = np.random.default_rng(seed)
        self.cases = 0
        self.largest_error = 0.0
        self.tolerance = 0.0
        self.counterexample: str | None = None

    def pick(self, quick: int, thorough: int) -> int:
        """Return the number that goes with the effort."""
        return quick if self.effort == "quick" else thorough

    def require(self, condition: bool, case: str) -> None:
        """Count a case; if ``condition`` is false, it is the counterexample and the search ends."""
        self.cases += 1
        if not condition:
            self.counterexample = case
            raise _RefutedError

    def compare(self, error: float, tolerance: float, case: str) -> None:
        """Count a case that holds if ``error <= tolerance``; NaN never does."""
        within = error <= tolerance
        if math.isnan(error) or self._share(error, tolerance) >= self._share(
            self.largest_error, self.tolerance
        ):
            self.largest_error, self.tolerance = error, tolerance
        self.require(within, f"{case}: error {error:.3g} > {tolerance:.3g}")

    @staticmethod
    def _share(error: float, tolerance: float) -> float:
        if tolerance > 0:
            return error / tolerance
        return 0.0 if error == 0 else math.inf


@dataclass(frozen=True)
class Claim:
    """A statement of the homework, with its derivation and the search that tries to break it.

    Statement, assumptions, derivation and source are Typst markup and need `NOTATION` in scope;
    everything else is plain text.

    Attributes
    ----------
    id : str
        Short name, the homework part first: ``2a-if``.
    title : str
        One line, plain text.
    part : str
        The part of the homework it belongs to: ``2a``.
    statement : str
        The claim in our words.
    derivation : str
        Why it holds, or why it fails, step by step and complete.
    source : str
        Where the statement comes from.
    assumptions : tuple of str
        What must hold for it.
    attack : callable
        ``(subject, search) -> None``: tries to break the claim and reports to the search.
    subject : object
        The formula, construction or library function under attack. A wrong one, handed in with
        `about`, must be refuted by the same attack.
    evidence : EvidenceLabel
        What an attack that fails leaves behind.
    finding : str
        What the attack compares, in one plain sentence.
    expected : bool
        Whether the claim should hold. False for a statement that was printed wrong.

    Examples
    --------
    >>> from pitfalls.claims import find_claim
    >>> claim = find_claim("2a-if")
    >>> check = claim.check("quick", seed=0)
    >>> check.holds, check.evidence.value
    (True, 'exact for all cases up to a bound, beyond by the derivation')
    """

    id: str
    title: str
    part: str
    statement: str
    derivation: str
    source: str
    assumptions: tuple[str, ...]
    attack: Callable[[Any, Search], None] = field(repr=False)
    subject: Any = field(repr=False)
    evidence: EvidenceLabel
    finding: str
    expected: bool = True

    def check(self, effort: Effort = "quick", seed: int = 0) -> Check:
        """Try to break the claim.

        Parameters
        ----------
        effort : {"quick", "thorough"}
            Seconds or minutes.
        seed : int
            The same seed tries the same cases.
        """
        search = Search(effort, seed)
        with suppress(_RefutedError):
            self.attack(self.subject, search)
        return Check(
            holds=search.counterexample is None,
            cases=search.cases,
            largest_error=search.largest_error,
            tolerance=search.tolerance,
            counterexample=search.counterexample,
            evidence=EvidenceLabel.COUNTEREXAMPLE if search.counterexample else self.evidence,
            finding=self.finding,
        )

    @property
    def expected_evidence(self) -> EvidenceLabel:
        """What the verdict rests on when the claim comes out as it should."""
        return self.evidence if self.expected else EvidenceLabel.COUNTEREXAMPLE

    def about(self, subject: Any) -> "Claim":
        """Return the claim made of another formula or construction, under the same attack."""
        return replace(self, subject=subject)
