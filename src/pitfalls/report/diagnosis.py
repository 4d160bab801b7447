"""One page of one diagnosis: verdict cards, a figure for each, every number with its n."""

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from pitfalls.errors import InputError
from pitfalls.experiments.diagnosis import EXPERIMENT, DiagnosisResult, SavedCard
from pitfalls.plots import draw
from pitfalls.report.drawings import inline, picture_of
from pitfalls.report.places import without_places
from pitfalls.report.policy import policy
from pitfalls.report.rooms import speaking_of
from pitfalls.runs import Run, write_bytes

__all__ = ["build_diagnosis"]

FIGURE_OF = {
    "signal": ("permutation-histogram",),
    "units": ("layer-profile",),
    "saddle": ("spectrum", "along-the-witness"),
    "schedule": ("first-steps",),
}


def build_diagnosis(run: Run, out: str | Path) -> Path:
    """Write ``diagnosis.html`` from a finished run; nothing is computed anew.

    Parameters
    ----------
    run : Run
        Of the experiment ``diagnosis``.
    out : path
        The folder to write into.

    Returns
    -------
    Path
        Of the page: one file, without links to anything outside.

    Raises
    ------
    InputError
        If the run is of another experiment, or not finished.
    RunError
        If it is damaged, or nothing can be said of its numbers.
    """
    if run.manifest.experiment != EXPERIMENT.name or not run.complete:
        raise InputError(
            f"report --diagnosis: {run.id} is no finished diagnosis. Make one: pitfalls diagnose --help"
        )
    result = run.load(DiagnosisResult)
    path = Path(out) / "diagnosis.html"
    with speaking_of(run):
        page = _page(run, result)
    write_bytes(path, page.encode("utf-8"))
    return path


def _page(run: Run, result: DiagnosisResult) -> str:
    from jinja2 import Environment

    drawn = {}
    for place, figure in enumerate(f for f in EXPERIMENT.figures() if f.shown_for(result)):
        picture = picture_of(EXPERIMENT.name, draw(figure, result, ("svg",)))
        drawn[figure.name] = (inline(picture, f"d{place}-"), picture.caption)
    assets = files("pitfalls.report") / "assets"
    template = Environment(autoescape=True).from_string(
        (assets / "diagnosis.html.jinja").read_text(encoding="utf-8")
    )
    css = (assets / "page.css").read_text(encoding="utf-8")
    return template.render(
        result=result,
        target=without_places(result.target),
        policy=policy(styles=(css,)),
        css=css,
        version=version("pitfalls"),
        run=run.id,
        older=without_places(run.older_note),
        command=without_places(run.manifest.command),
        machine=run.manifest.machine,
        end=run.manifest.end,
        cards=[(card, _figures(card, drawn)) for card in result.cards],
        spoken=_spoken,
    )


def _figures(card: SavedCard, drawn: dict[str, tuple[str, str]]) -> list[tuple[str, str]]:
    return [drawn[name] for name in FIGURE_OF.get(card.question, ()) if name in drawn]


def _spoken(card: SavedCard) -> str:
    """Say what a card rests on: n, p and cost."""
    p = "" if card.p_value is None else f", p = {card.p_value:.3g}"
    of = "" if card.n_total in (None, card.n_examples) else f" of {card.n_total:,}"
    return (
        f"n = {card.evidence.n:,} (from {card.n_examples:,}{of} examples){p}; "
        f"{card.cost.seconds:.2f} s, {card.cost.gradients} gradients, {card.cost.products} Hessian "
        "products"
    )
