"""Makes the gallery: real runs of real commands, each figure with the command that makes it."""

import contextlib
import io
import shlex
import shutil
from pathlib import Path
from typing import Any

from pitfalls.cli import main
from pitfalls.experiments.catalogue import experiment_named
from pitfalls.plots import draw
from pitfalls.runs import Run, RunStore

COMMANDS = {
    "Deep linear networks": (
        "linear capacity --widths 8 3 8",
        "linear minimum --data digits",
        "linear landscape",
        "linear descend",
        "linear tour --depths 2 3",
        "linear ranks --data digits --max-rank 9",
    ),
    "Parity": (
        "parity exact",
        "parity curves -d 5 10 --n-seeds 2",
        "parity signal -d 2 4 6 8 10 12 14",
        "parity targets -d 8",
        "parity train --mask 11100000",
    ),
    "Pictures": (
        "images embed --data digits",
        "images regress --data digits",
        "images lr-find --data digits --model fastnet --widths 8 8 8",
        "images compare --data digits --model fastnet --widths 8 8 8 --epochs 2",
        "images diagram --model fastnet --data digits",
    ),
    "Diagnosis": ("diagnose zoo:parity-30 --budget 10",),
}
"""On the digits and small problems: what a laptop does in a minute or two."""


def page(folder: Path) -> str:
    """Return the page; the runs and pictures lie in ``folder`` and are made once."""
    store = RunStore(folder / "gallery-runs")
    lines = [
        "# Gallery\n",
        "Every figure here was drawn from a real run when these pages were built. The line above it makes",
        "it again, into a run folder; `pitfalls runs export RUN --to pdf --style slides --folder FOLDER`",
        "gives it as a file for a talk, and `result.plot(ax=...)` puts it on axes of your own.\n",
    ]
    for title, commands in COMMANDS.items():
        lines.append(f"## {title}\n")
        for command in commands:
            lines += [
                f"```console\npitfalls {command}\n```\n",
                *_figures(folder, perform(command, store)),
            ]
    return "\n".join(lines)


def perform(command: str, store: RunStore) -> Run:
    """Do what the command line does, and return its run."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        code = main([*shlex.split(command), "--runs", str(store.root), "--device", "cpu"])
    if code:
        raise RuntimeError(f"gallery: pitfalls {command} ended with {code}: {told.getvalue()}")
    asked = shlex.join(["pitfalls", *shlex.split(command)])
    (run,) = [
        run for run in store.list() if not run.is_older and run.manifest.command.startswith(asked)
    ]
    return run


def _figures(folder: Path, run: Run) -> list[str]:
    experiment = experiment_named(run.manifest.experiment)
    result = run.load(experiment.result)
    lines = []
    for figure in experiment.figures():
        if not figure.shown_for(result):
            continue
        drawn = draw(figure, result, ("svg",))
        path = folder / "gallery" / f"{run.path.name}-{figure.name}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawn.files["svg"])
        alt = drawn.alt.replace("\n", " ").replace("]", "\\]")
        lines += [f"![{alt}](gallery/{path.name})\n", f"*{drawn.caption}*\n"]
    return lines


def make_page(app: Any) -> None:
    """Write the page before Sphinx reads its sources."""
    folder = Path(app.srcdir) / "made"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(
        folder / "gallery", ignore_errors=True
    )  # the runs stay; a picture is drawn in no time
    (folder / "gallery.md").write_text(page(folder), encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", make_page, priority=100)
    return {"parallel_read_safe": True}
