"""What a claim is, what a check says about it, and the search that tries to break it."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

import numpy as np

from pitfalls.errors import InputError

__all__ = ["NOTATION", "Check", "Claim", "Effort", "Evidence", "Search"]

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


class Evidence(StrEnum):
    """How a verdict was reached."""

    EXHAUSTION = "proved by exhaustion"
    SYMBOLIC = "symbolic identity"
    NUMERIC = "numeric to tolerance"


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
    evidence : Evidence
        What kind of evidence the verdict rests on.
    finding : str
        What was compared with what, over which cases, in one plain sentence.
    """

    holds: bool
    cases: int
    largest_error: float
    tolerance: float
    counterexample: str | None
    evidence: Evidence
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
    evidence : Evidence
        What kind of evidence an attack that fails leaves behind.
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
    (True, 'proved by exhaustion')
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
    evidence: Evidence
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
            evidence=self.evidence,
            finding=self.finding,
        )

    def about(self, subject: Any) -> "Claim":
        """Return the claim made of another formula or construction, under the same attack."""
        return replace(self, subject=subject)
