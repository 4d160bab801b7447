"""Makes the theory pages from `pitfalls.claims`: one source for documentation, report and checks."""

import re
import tempfile
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import typst

from pitfalls.claims import CLAIMS, NOTATION, EvidenceLabel

QUESTIONS = {
    "2": "Deep linear networks (homework 2)",
    "3": "Parity (homework 3)",
    "4": "Images (homework 4)",
}


def to_html(markup: str) -> str:
    """Return the body that Typst's HTML export makes of a piece of markup."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.typ"
        source.write_text(NOTATION + markup, encoding="utf-8")
        page = typst.compile(source, format="html").decode()
    body = re.search(r"<body>(.*)</body>", page, flags=re.DOTALL)
    assert body is not None
    return body.group(1)


def raw(html: str) -> str:
    """Return a fenced block that Sphinx passes through."""
    return f"```{{raw}} html\n{html}\n```\n"


def page(question: str, claims: list[Any]) -> str:
    """Return one page: every claim of a question."""
    lines = [f"# {QUESTIONS[question]}\n"]
    for claim in claims:
        expected = "holds" if claim.expected else "is false as printed"
        lines += [
            f"({'claim-' + claim.id})=",
            f"## {claim.part}: {claim.title}\n",
            f"Claim `{claim.id}`, which {expected}. Check it: `pitfalls verify {claim.id}`\n",
            raw(to_html(claim.statement)),
        ]
        if claim.assumptions:
            lines += ["**Assumptions**\n", raw(to_html(" ".join(claim.assumptions)))]
        lines += ["**Derivation**\n", raw(to_html(claim.derivation))]
        if claim.source:
            lines += ["**Source**\n", raw(to_html(claim.source))]
        lines += [
            f"**How it is attacked.** {escape(claim.finding)} ({claim.expected_evidence.value})\n"
        ]
    return "\n".join(lines)


def evidence_page() -> str:
    """Return the page that says what the labels of evidence mean."""
    lines = [
        "# What a check proves\n",
        "The derivation is the proof of a claim that holds. A check looks for the case in which it fails,",
        "and its label says how it looked:\n",
        *(f"**{label.value}**\n: {label.definition}\n" for label in EvidenceLabel),
    ]
    return "\n".join(lines)


def make_pages(app: Any) -> None:
    """Write the pages before Sphinx reads its sources; unchanged pages keep their time."""
    folder = Path(app.srcdir) / "theory" / "made"
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"evidence.md": evidence_page()}
    for question, claims in groupby(CLAIMS, key=lambda claim: claim.part[0]):
        pages[f"question-{question}.md"] = page(question, list(claims))
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", make_pages)
    return {"parallel_read_safe": True}
