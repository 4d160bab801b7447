"""Every statement of the homework as an object: statement, derivation, and a check that attacks it."""

from pitfalls.claims.catalogue import CLAIMS, find_claim, select_claims
from pitfalls.claims.claim import NOTATION, Check, Claim, Effort, EvidenceLabel, Search

__all__ = [
    "CLAIMS",
    "NOTATION",
    "Check",
    "Claim",
    "Effort",
    "EvidenceLabel",
    "Search",
    "find_claim",
    "select_claims",
]
