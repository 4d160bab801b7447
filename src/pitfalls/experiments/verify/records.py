"""Which claims are attacked, and what came of it."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pitfalls.errors import InputError
from pitfalls.frame import HIDDEN, Result

__all__ = ["ClaimVerdict", "VerifyConfig", "VerifyResult"]


@dataclass(frozen=True)
class VerifyConfig:
    """Which claims to attack, and how hard.

    Parameters
    ----------
    claims : tuple of str
        Ids or homework parts; empty for all.
    effort : {"quick", "thorough"}
        quick takes seconds, thorough some minutes.
    seed : int
        Of the adversary.
    """

    claims: Annotated[tuple[str, ...], HIDDEN] = ()
    effort: Literal["quick", "thorough"] = "quick"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.effort not in ("quick", "thorough"):
            raise InputError(
                f"VerifyConfig: effort must be quick or thorough. Got {self.effort!r} instead."
            )


@dataclass(frozen=True)
class ClaimVerdict:
    """What came of trying to break one claim.

    Attributes
    ----------
    claim, title, part : str
        Its id, what it states in short, and the homework's part.
    expected : bool
        Whether it should hold.
    holds : bool
        Whether it survived.
    cases : int
        How many cases were tried, up to the first counterexample.
    largest_error, tolerance : float
        The error that came closest to its tolerance, and that tolerance; 0 means exact arithmetic.
    counterexample : str or None
        The first case in which it is false.
    evidence : str
        The label of `pitfalls.claims.EvidenceLabel`.
    finding : str
        What was compared with what.
    """

    claim: str
    title: str
    part: str
    expected: bool
    holds: bool
    cases: int
    largest_error: float
    tolerance: float
    counterexample: str | None
    evidence: str
    finding: str

    @property
    def as_expected(self) -> bool:
        """Whether what should hold holds, or what should fail fails."""
        return self.holds == self.expected

    @property
    def word(self) -> str:
        """The verdict in two or three words; capitals where it is not the expected one."""
        if self.as_expected:
            return "holds" if self.holds else "false (expected)"
        return "HOLDS, SHOULD NOT" if self.holds else "REFUTED"


@dataclass(frozen=True, repr=False)
class VerifyResult(Result):
    """One verdict a claim, in the order of the list of claims."""

    TABLE = "verdicts"

    verdicts: tuple[ClaimVerdict, ...]

    @property
    def wrong(self) -> tuple[ClaimVerdict, ...]:
        """Those that did not come out as they should."""
        return tuple(verdict for verdict in self.verdicts if not verdict.as_expected)

    @property
    def refuted(self) -> tuple[ClaimVerdict, ...]:
        """Those that should fail, and do."""
        return tuple(v for v in self.verdicts if v.as_expected and not v.holds)

    @property
    def cases(self) -> int:
        """How many cases were tried for all of them."""
        return sum(verdict.cases for verdict in self.verdicts)
