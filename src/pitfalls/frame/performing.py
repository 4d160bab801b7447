"""From a command's config to a finished run, with everything said on the way."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pitfalls.escaping import shown
from pitfalls.frame.bars import TerminalProgress
from pitfalls.frame.experiment import Experiment, Finished, run_experiment
from pitfalls.frame.session import complain, current_command, remark, run_store, settings

if TYPE_CHECKING:
    from pitfalls.runs import Run

__all__ = ["perform"]

C = TypeVar("C")
R = TypeVar("R")


def perform(
    experiment: Experiment[C, R], config: C, *, command: str | None = None, draw: bool = True
) -> Finished[R]:
    """Run, continue or reuse the run of ``config``, draw its figures and say where it lies.

    Parameters
    ----------
    experiment : Experiment
    config : dataclass instance
        What is asked of it.
    command : str, optional
        What the manifest names as its command (default: the line that was typed).
    draw : bool
        Whether the run's own folder gets its figures as files.
    """
    finished = run_experiment(
        experiment,
        config,
        run_store(),
        command=command or current_command(),
        threads=settings().threads,
        fresh=settings().fresh,
        progress=TerminalProgress(),
    )
    run = finished.run
    if run.set_aside is not None:
        remark(f"a run that other code computed is kept as {run.set_aside}")
    if not run.was_opened:
        remark(f"reused the run of {run.manifest.end}; --fresh starts over")
    for warning in _warnings(run, config):
        complain(warning, kind="warning")
    if draw:
        draw_figures(experiment, finished)
    remark(f"run folder: {run.path}")
    return finished


def _warnings(run: "Run", config: object) -> list[str]:
    """Return what a run warns of; if it is reused, of its data what was warned of when they were found now.

    The same pictures may have been found otherwise: at another place, or in another form.
    """
    asked = (getattr(config, name, None) for name in ("source", "problem"))
    source = None if run.was_opened else next((one for one in asked if one is not None), None)
    if source is None:
        return run.manifest.warnings
    before = _told(run.config)
    later = [text for text in run.manifest.warnings if text not in before]
    return list(dict.fromkeys([*map(shown, source.warnings), *later]))


def _told(config: Mapping[str, Any]) -> set[str]:
    """Return what was warned of the data that a config names, at any depth."""
    inner = [_told(value) for value in config.values() if isinstance(value, Mapping)]
    return {shown(text) for text in config.get("warnings", ())}.union(*inner)


def draw_figures(experiment: Experiment[C, R], finished: Finished[R]) -> None:
    """Draw the figures of a run into ``<run>/figures/`` as SVG and PNG, with their words.

    Those that are there, as they were drawn and by the code that draws now, are kept; in a folder that
    may only be read nothing is drawn.
    """
    import json
    import os

    from pitfalls.plots import draw
    from pitfalls.runs import drawing_code

    run = finished.run
    folder = run.path / "figures"
    if not os.access(folder if folder.exists() else run.path, os.W_OK):
        return
    code = drawing_code(f"{experiment.package}.figures")
    for figure in experiment.figures():
        names = [f"figures/{figure.name}.{kind}" for kind in (*figure.kinds, "json")]
        if not figure.shown_for(finished.result):
            continue
        if all(map(run.has_file, names)) and _drawn_by(run, names[-1]) == code:
            continue
        drawn = draw(figure, finished.result)
        for kind, data in drawn.files.items():
            run.save_file(f"figures/{figure.name}.{kind}", data)
        words = {"alt": drawn.alt, "caption": drawn.caption, "code": code}
        run.save_file(
            f"figures/{figure.name}.json", json.dumps(words, ensure_ascii=False, indent=2)
        )


def _drawn_by(run: "Run", name: str) -> str | None:
    """Return the fingerprint of the code that drew a figure, from its words."""
    import json

    try:
        words = json.loads(run.read_file(name))
    except ValueError:
        return "unknown"
    return words.get("code") if isinstance(words, dict) else "unknown"
