"""The claims, with the verdicts that a run of ``verify`` reached."""

import re
from dataclasses import asdict
from typing import Any

from pitfalls.experiments.verify import VerifyResult

__all__ = ["claim_entries", "evidence_labels", "proof_of"]


def claim_entries(
    found: VerifyResult | None,
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return what the chapters print of each claim, and its markup by file name.

    Statements, assumptions, derivations and sources are the library's own Typst markup; a verdict
    and its counterexample come from the run, as text.
    """
    from pitfalls.claims import CLAIMS, NOTATION

    checks = {} if found is None else {verdict.claim: verdict for verdict in found.verdicts}
    entries, markup = [], {}
    for claim in CLAIMS:
        check = checks.get(claim.id)
        agrees = None if check is None else check.as_expected
        entries.append(
            {
                "id": claim.id,
                "title": claim.title,
                "part": claim.part,
                "expected": claim.expected,
                "check": None if check is None else asdict(check),
                "assumed": bool(claim.assumptions),
                "source": bool(claim.source),
                "standing": {
                    None: "unchecked",
                    True: "holds" if claim.expected else "misprint",
                }.get(agrees, "failed"),
                "tone": {None: "open", True: "yes" if claim.expected else "partly"}.get(
                    agrees, "no"
                ),
            }
        )
        for kind, text in (
            ("statement", claim.statement),
            ("assumptions", "; ".join(text.rstrip(". ") for text in claim.assumptions) + "."),
            ("derivation", claim.derivation),
            ("proof", proof_of(claim.derivation)),
            ("source", claim.source),
        ):
            markup[f"{claim.id}-{kind}.typ"] = NOTATION + text
    return entries, markup


def proof_of(derivation: str) -> str:
    """Return a derivation up to the mark that ends its proof: what goes beyond the claim is left out.

    Examples
    --------
    >>> proof_of("It is so. $square$ It is so in general.")
    'It is so. $square$'
    """
    end = re.search(r"\$square\$|quad square\s*\$", derivation)
    return derivation[: end.end()] if end else derivation


def evidence_labels() -> list[dict[str, str]]:
    """Return what each label of evidence means."""
    from pitfalls.claims import EvidenceLabel as Label

    return [{"label": label.value, "meaning": label.definition} for label in Label]
