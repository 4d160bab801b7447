"""From run folders to the page and the PDF."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pitfalls.experiments import all_experiments
from pitfalls.report.drawings import DrawnPicture, picture_of
from pitfalls.report.evidence import ReportEvidence, gather
from pitfalls.report.findings import banner_of, findings_of
from pitfalls.report.fonts import fonts_for
from pitfalls.report.front import FrontMatter
from pitfalls.report.listings import listings
from pitfalls.report.page import render
from pitfalls.report.places import without_places, without_places_in
from pitfalls.report.playground import live_part
from pitfalls.report.rooms import (
    Account,
    account_of,
    block_values,
    markup_values,
    speaking_of,
    verdict_values,
)
from pitfalls.report.statements import claim_entries, evidence_labels
from pitfalls.report.values import json_values
from pitfalls.report.verdicts import sentences_of, verdicts_of
from pitfalls.report.writeup import compile_handin, compile_html, compile_pdf, lay_out
from pitfalls.runs import Run, RunStore, write_bytes

__all__ = ["Handin", "Report", "build", "build_handin"]

TITLE = "Promises and pitfalls of neural networks"


@dataclass(frozen=True)
class Report:
    """What `build` wrote.

    Attributes
    ----------
    page, writeup : Path
        The HTML page and the PDF.
    notes : tuple of str
        What is missing, unfinished or stale, and characters without a font; the same is said in place.
    """

    page: Path
    writeup: Path
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Handin:
    """What `build_handin` wrote.

    Attributes
    ----------
    writeup : Path
        The PDF.
    notes : tuple of str
        What is missing, unfinished or stale, and characters without a font.
    """

    writeup: Path
    notes: tuple[str, ...]


def build(
    runs: RunStore | str | Path | Iterable[Run],
    out: str | Path = "report",
    *,
    front: FrontMatter | None = None,
    scale: str = "",
    failures: Mapping[str, str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Write ``index.html`` and ``writeup.pdf`` from finished runs; nothing is computed anew.

    Parameters
    ----------
    runs : RunStore, path of a run store, or iterable of Run
        What to quote; see `pitfalls.report.gather`.
    out : path
        The folder to write into.
    front : FrontMatter, optional
        The homework's first section.
    scale : str
        How large the runs are, in words, for the head of the page.
    failures : mapping of str to str, optional
        What went wrong with an experiment that was asked for: said in its place.
    on_progress : callable, optional
        Called with (steps done, steps in all).

    Returns
    -------
    Report
        The two files, and what a reader is told is missing.

    Raises
    ------
    RunError
        If a run is damaged, or lacks a number that the text prints.
    """
    front = front or FrontMatter()
    steps = iter(range(1, 5))

    def advance() -> None:
        if on_progress is not None:
            on_progress(next(steps), 4)

    told = _tell(runs, front, scale, failures)
    advance()
    with _folder(told) as folder:
        writeup = compile_pdf(folder)
        advance()
        body, style = compile_html(folder)
        advance()
    page = render(
        body,
        style,
        title=TITLE,
        author=front.author,
        scale=scale,
        pictures=told.pictures,
        explorers=json_values(told.charts),
        live=live_part(),
    )
    out = Path(out)
    write_bytes(out / "writeup.pdf", writeup)
    write_bytes(out / "index.html", page.encode("utf-8"))
    advance()
    return Report(out / "index.html", out / "writeup.pdf", told.notes)


def build_handin(
    runs: RunStore | str | Path | Iterable[Run],
    out: str | Path = "report",
    *,
    front: FrontMatter | None = None,
    scale: str = "",
    failures: Mapping[str, str] | None = None,
) -> Handin:
    """Write ``homework.pdf``, the answers as a grader wants them; nothing is computed anew.

    Parameters
    ----------
    runs, out, front, scale, failures
        As of `build`.

    Returns
    -------
    Handin
        The file, and what a reader is told is missing.

    Raises
    ------
    RunError
        If a run is damaged, or lacks a number that the text prints.
    """
    told = _tell(runs, front or FrontMatter(), scale, failures)
    with _folder(told) as folder:
        handin = compile_handin(folder)
    path = Path(out) / "homework.pdf"
    write_bytes(path, handin)
    return Handin(path, told.notes)


@dataclass(frozen=True)
class _Told:
    """All that the runs say, as the chapters take it."""

    document: Mapping[str, Any]
    pictures: list[DrawnPicture]
    charts: Mapping[str, Any]
    claims: Mapping[str, str]
    notes: tuple[str, ...]


def _tell(
    runs: RunStore | str | Path | Iterable[Run],
    front: FrontMatter,
    scale: str,
    failures: Mapping[str, str] | None,
) -> _Told:
    evidence = gather(runs, failures)
    slots: dict[str, Any] = {}
    pictures: list[DrawnPicture] = []
    charts: dict[str, Any] = {}
    results: dict[str, Any] = {}
    notes: list[str] = []
    for experiment in all_experiments():
        found = evidence.get(experiment.name, ReportEvidence(experiment.name))
        account = account_of(experiment, found)
        drawn = [picture_of(experiment.name, figure) for figure in account.figures]
        pictures += drawn
        charts.update(account.charts or {})
        if account.result is not None:
            results[experiment.name] = account.result
        slots[experiment.name] = _slot(found, account, drawn)
        notes += [account.note] if account.note else []
    with speaking_of(*(evidence[name].runs[0] for name in results)):
        entries, markup = claim_entries(results.get("verify"))
        verdicts = {lab: verdict_values(found) for lab, found in verdicts_of(results).items()}
        between = {place: markup_values(text) for place, text in sentences_of(results).items()}
        banner = banner_of(results)
        findings = findings_of(results)
    document = {
        "front": asdict(front),
        "scale": scale,
        "banner": None if banner is None else markup_values(banner),
        "findings": [{**asdict(found), "text": markup_values(found.text)} for found in findings],
        "slots": slots,
        "verdicts": verdicts,
        "between": between,
        "claims": entries,
        "evidence": evidence_labels(),
        "code": {name: asdict(item) for name, item in listings().items()},
        "explorers": sorted(charts),
        "runs": [_provenance(run) for found in evidence.values() for run in found.runs],
    }
    fonts = fonts_for(document)
    if fonts.boxes:
        notes.append(
            f"No font here has {fonts.boxes}: the PDF has a box for each. The page shows what the reader's "
            "browser can."
        )
    return _Told(document | {"fonts": asdict(fonts)}, pictures, charts, markup, tuple(notes))


@contextmanager
def _folder(told: _Told) -> Iterator[Path]:
    """Lay everything out in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="pitfalls-") as folder:
        lay_out(
            Path(folder),
            json_values(told.document),
            figures={p.file: p.svg for p in told.pictures},
            claims=told.claims,
        )
        yield Path(folder)


def _slot(found: ReportEvidence, account: Account, pictures: list[DrawnPicture]) -> dict[str, Any]:
    basis = account.basis
    shown = None if found.run is None or account.result is None else found.run
    return {
        "state": found.state,
        "note": without_places(account.note),
        "blocks": [block_values(block) for block in account.blocks],
        "n": basis.n if basis else "",
        "spread": basis.spread if basis else "",
        "source": None if shown is None else _provenance(shown, basis.data if basis else ""),
        "warnings": without_places_in(found.run.manifest.warnings) if found.run else [],
        "figures": [
            {key: value for key, value in asdict(p).items() if key != "svg"} for p in pictures
        ],
        "live": {figure: [asdict(link) for link in made] for figure, made in account.links.items()},
    }


def _provenance(run: Run, data: str = "") -> dict[str, Any]:
    manifest = run.manifest
    return {
        "id": run.id,
        "experiment": manifest.experiment,
        "command": without_places(manifest.command or "not recorded"),
        "seed": _seed(manifest.seed, manifest.config),
        "data": data,
        "status": manifest.status,
        "starts": len(manifest.starts),
        "end": manifest.end,
        "seconds": manifest.seconds,
        "warnings": without_places_in(manifest.warnings),
        "versions": manifest.versions,
        "machine": manifest.machine,
        "threads": manifest.threads,
        "commit": manifest.commit,
        "config": ", ".join(_settings(without_places_in(manifest.identity))),
    }


def _seed(named: int | None, config: Mapping[str, Any]) -> int | None:
    """Return the seed of a run: its own, or that of the training or data within its config."""
    if named is not None:
        return named
    for part in config.values():
        if isinstance(part, Mapping) and isinstance(part.get("seed"), int):
            return int(part["seed"])
    return None


def _settings(config: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """Name every setting of a config: ``training.epochs=5``."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _settings(value, f"{within}{key}.")
        else:
            yield f"{within}{key}={json.dumps(value, ensure_ascii=False)}"
