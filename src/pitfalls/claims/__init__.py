"""Every statement of the homework as an object: statement, derivation, and a check that tries to break it."""

from pitfalls.claims import (
    capacity,
    certificate,
    characters,
    construction,
    depth,
    landscape,
    layers,
    network_gradient,
    optimality,
    risk,
    risk_gradient,
    signal,
    sufficiency,
)
from pitfalls.claims.claim import NOTATION, Check, Claim, Effort, Evidence, Search
from pitfalls.errors import InputError

__all__ = [
    "CLAIMS",
    "NOTATION",
    "Check",
    "Claim",
    "Effort",
    "Evidence",
    "Search",
    "find_claim",
]

CLAIMS: tuple[Claim, ...] = (
    *capacity.CLAIMS,
    *risk.CLAIMS,
    *optimality.CLAIMS,
    *layers.CLAIMS,
    *landscape.CLAIMS,
    *sufficiency.CLAIMS,
    *certificate.CLAIMS,
    *construction.CLAIMS,
    *network_gradient.CLAIMS,
    *risk_gradient.CLAIMS,
    *characters.CLAIMS,
    *signal.CLAIMS,
    *depth.CLAIMS,
)
"""All claims, in the homework's order."""


def find_claim(id: str) -> Claim:  # noqa: A002  it is the claim's own word for it
    """Look a claim up.

    Raises
    ------
    InputError
        If no claim has that id; the message lists those there are.
    """
    for claim in CLAIMS:
        if claim.id == id:
            return claim
    raise InputError(
        f"find_claim: no claim is called {id!r}. There are: {', '.join(c.id for c in CLAIMS)}."
    )
