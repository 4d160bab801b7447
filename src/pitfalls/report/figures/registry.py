"""Which figures belong to which experiment, and how they reach the run folder."""

import importlib
import importlib.util
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from pitfalls.errors import InputError
from pitfalls.plots import Drawing, apply_style
from pitfalls.runs import Run

__all__ = ["Drawing", "draw_run", "draws", "figure_names"]

MODULES = ("verdicts",)


Draw = Callable[[Run], Drawing]
_FIGURES: dict[str, dict[str, Draw]] = {}


def draws(experiment: str, name: str) -> Callable[[Draw], Draw]:
    """Register a function ``(run) -> Drawing`` as figure ``name`` of an experiment."""

    def register(function: Draw) -> Draw:
        figures = _FIGURES.setdefault(experiment, {})
        if name in figures:
            raise InputError(f"figure {experiment}/{name} is registered already.")
        figures[name] = function
        return function

    return register


def _load() -> None:
    for module in MODULES:
        full = f"pitfalls.report.figures.{module}"
        if importlib.util.find_spec(full) is not None:
            importlib.import_module(full)


def figure_names(experiment: str) -> tuple[str, ...]:
    """Return the names of an experiment's figures, in the order they were registered."""
    _load()
    return tuple(_FIGURES.get(experiment, {}))


def draw_run(run: Run) -> list[Path]:
    """Draw every figure of a run into ``<run>/figures/`` as SVG and PNG, with its words beside it.

    A figure is drawn anew only when it is missing, or not as it was drawn. In a folder
    that may only be read nothing is drawn: the figures that are there are returned as they are.
    """
    _load()
    written = []
    folder = run.path / "figures"
    writable = os.access(folder if folder.exists() else run.path, os.W_OK)
    for name, function in _FIGURES.get(run.manifest.experiment, {}).items():
        names = [f"figures/{name}.{kind}" for kind in ("svg", "png", "json")]
        if all(map(run.has_file, names)):
            written.append(folder / f"{name}.svg")
            continue
        if not writable:
            continue
        with mpl.rc_context():
            apply_style()
            drawing = function(run)
            assert isinstance(drawing.figure, Figure)
            for kind in ("svg", "png"):
                buffer = io.BytesIO()
                drawing.figure.savefig(
                    buffer,
                    format=kind,
                    # no date, so that equal runs give equal files
                    metadata={"Date": None} if kind == "svg" else {"Software": None},
                )
                data = buffer.getvalue()
                if kind == "svg":
                    data = _make_accessible(data.decode(), drawing).encode()
                run.save_file(f"figures/{name}.{kind}", data)
        import matplotlib.pyplot as plt

        plt.close(drawing.figure)
        words = {"alt": drawing.alt, "caption": drawing.caption}
        run.save_file(f"figures/{name}.json", json.dumps(words, ensure_ascii=False, indent=2))
        written.append(folder / f"{name}.svg")
    return written


def _make_accessible(svg: str, drawing: Drawing) -> str:
    """Give the picture a role and a name that a screen reader reads out."""
    from xml.sax.saxutils import quoteattr

    return re.sub(r"<svg ", f"<svg role='img' aria-label={quoteattr(drawing.alt)} ", svg, count=1)
