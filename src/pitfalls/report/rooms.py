"""What an experiment says of its run, made fit for the chapters: blocks, figures, charts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pitfalls.errors import RunError
from pitfalls.frame import Experiment
from pitfalls.plots import Rendered, draw
from pitfalls.prose import Basis, Block, Chart, Code, Markup, Paragraph, Part, Picture, Table
from pitfalls.report.evidence import ReportEvidence
from pitfalls.report.playground.links import Links, links_of
from pitfalls.report.verdicts import Answer, ChapterVerdict
from pitfalls.runs import Run

__all__ = [
    "Account",
    "account_of",
    "block_values",
    "markup_values",
    "speaking_of",
    "verdict_values",
]


PARTIAL = "what follows is what it had saved"


@dataclass(frozen=True)
class Account:
    """What the report prints of one experiment.

    Attributes
    ----------
    note : str
        Why it says nothing, or with what reserve it must be read; else empty.
    result : object or None
        What was found; None where there is no run to believe.
    blocks : tuple of Block
    basis : Basis or None
    figures : tuple of Rendered
    charts : mapping
        Data of the page's interactive parts by name, plain values.
    links : mapping
        The playground's states that show a figure, by its name.
    """

    note: str
    result: Any = None
    blocks: tuple[Block, ...] = ()
    basis: Basis | None = None
    figures: tuple[Rendered, ...] = ()
    charts: Mapping[str, Any] | None = None
    links: Links = field(default_factory=dict)


def account_of(experiment: Experiment[Any, Any], found: ReportEvidence) -> Account:
    """Read the run that stands for an experiment, once, and let the experiment speak of it.

    A run that is not finished, whose bytes are not those that were written, or of whose numbers
    nothing can be said, gives a note in its place and no number.
    """
    if found.run is None or not found.run.complete:
        optional = experiment.question is None and found.run is None
        return Account(
            "" if optional else found.note.replace(PARTIAL, "its numbers are not printed")
        )
    try:
        result = found.run.load(experiment.result)
        with speaking_of(found.run):
            return Account(
                found.note,
                result,
                experiment.account(result),
                experiment.basis(result),
                tuple(
                    draw(figure, result, ("svg",))
                    for figure in experiment.figures()
                    if figure.shown_for(result)
                ),
                experiment.charts(result),
                links_of(experiment.name, found.run.manifest.config, result),
            )
    except RunError as error:
        text = f"{str(error).rstrip('.')}. No number from it is printed. {found.note}"
        return Account(text.strip())


@contextmanager
def speaking_of(*runs: Run) -> Iterator[None]:
    """Turn what fails over the numbers of runs into one line that names them.

    Checksums find accidents: a folder from elsewhere may have right ones over numbers that no run of
    ours returns, and words and figures divide by them.

    Raises
    ------
    RunError
        If what is done inside fails in a way that numbers can bring about.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        names = ", ".join(run.id for run in runs)
        commands = {run.manifest.command or "the command that made it" for run in runs}
        again = " and ".join(f"{command} --fresh" for command in sorted(commands))
        raise RunError(
            f"run {names}: its numbers cannot be put into words ({reason}). Make it anew: {again}"
        ) from error


def markup_values(markup: Markup) -> list[dict[str, str]]:
    """Return a sentence as the chapters take it."""
    return [{"kind": span.kind, "text": span.text} for span in markup]


def block_values(block: Block) -> dict[str, Any]:
    """Return a block as the chapters take it."""
    match block:
        case Paragraph(text):
            return {"kind": "paragraph", "text": markup_values(text)}
        case Table(header, rows, caption, words):
            return {
                "kind": "table",
                "header": [markup_values(cell) for cell in header],
                "rows": [[markup_values(cell) for cell in row] for row in rows],
                "caption": markup_values(caption),
                "words": list(words),
            }
        case Picture(figure):
            return {"kind": "picture", "figure": figure}
        case Code(name):
            return {"kind": "code", "name": name}
        case Part(name, blocks):
            return {"kind": "part", "name": name, "blocks": [block_values(one) for one in blocks]}
        case Chart(kind, label, instead):
            inside = [block_values(part) for part in instead]
            return {"kind": "chart", "chart": kind, "label": label, "instead": inside}


def verdict_values(verdict: ChapterVerdict) -> dict[str, Any]:
    """Return a verdict as the chapters take it."""
    return {
        "title": verdict.title,
        "sources": list(verdict.sources),
        "rows": [
            {
                "function": markup_values(row.function),
                "answers": [_answer(row.represented), _answer(row.found)],
            }
            for row in verdict.rows
        ],
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {"tone": answer.tone, "word": answer.word, "evidence": markup_values(answer.evidence)}
