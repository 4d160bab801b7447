"""The slides of one lecture, their figures drawn from runs of this project's experiments."""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from pitfalls.course.options import SlidesConfig
from pitfalls.errors import RunError
from pitfalls.experiments import experiment_named
from pitfalls.frame import Experiment, Finished
from pitfalls.plots import CYCLE, Drawing, Figure, Rendered, draw, panels

__all__ = ["FIGURES", "lecture_runs", "write_slides"]

FIGURES = (
    "escape-line", "plane", "staircase", "exact-networks", "loss-curves", "signal-by-dimension", "rates",
)  # fmt: skip
"""The figures that the lecture shows, in its order."""


def lecture_runs(config: SlidesConfig) -> list[tuple[Experiment[Any, Any], Any]]:
    """Return what the lecture's figures need: experiments with their configs, seconds each."""
    from pitfalls.experiments.parity_curves import CurvesConfig
    from pitfalls.experiments.parity_exact import ExactConfig
    from pitfalls.experiments.parity_signal import SignalConfig
    from pitfalls.parity import LearningConfig

    seed = config.seed
    configs: dict[str, Any] = {
        "linear-landscape": _linear("linear-landscape", seed),
        "linear-tour": _linear("linear-tour", seed),
        "parity-exact": ExactConfig(seed=seed),
        "parity-curves": CurvesConfig(
            cases=((5, None), (10, None), (30, None)),
            n_seeds=1,
            training=LearningConfig(n_iterations=config.iterations, seed=seed),
        ),
        "parity-signal": SignalConfig(n_features=(2, 4, 6, 8, 10), n_seeds=5, seed=seed),
    }
    return [(experiment_named(name), asked) for name, asked in configs.items()]


def _linear(name: str, seed: int) -> Any:
    """Return the usual config of an experiment on the planted problem, both of this seed."""
    usual = experiment_named(name).config()
    source = replace(usual.problem.source, seed=seed)
    return replace(usual, problem=replace(usual.problem, source=source), seed=seed)


def write_slides(
    runs: Sequence[tuple[Experiment[Any, Any], Finished[Any]]], out: Path
) -> tuple[Rendered, ...]:
    """Draw the figures of finished runs and set the slides; equal runs give equal bytes.

    Parameters
    ----------
    runs : sequence of pairs
        Experiments with what came of them.
    out : Path
        The PDF to write.

    Raises
    ------
    RunError
        If a figure is missing or the slides cannot be set.
    """
    import typst

    drawn = {"rates": draw(Figure("rates", _rates), None, ("svg",), "slides")}
    for experiment, finished in runs:
        for figure in experiment.figures():
            if figure.name in FIGURES:
                drawn[figure.name] = draw(figure, finished.result, ("svg",), "slides")
    missing = [name for name in FIGURES if name not in drawn]
    if missing:
        raise RunError(f"course slides: no run has the figure {', '.join(missing)}.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "figures").mkdir()
        for figure_name in FIGURES:
            path = folder / "figures" / f"{figure_name}.svg"
            path.write_bytes(drawn[figure_name].files["svg"])
        words = {figure_name: drawn[figure_name].alt for figure_name in FIGURES}
        (folder / "figures.json").write_text(json.dumps(words), encoding="utf-8")
        source = files("pitfalls.course").joinpath("formats", "slides.typ").read_text("utf-8")
        (folder / "main.typ").write_text(source, encoding="utf-8")
        try:
            paper = typst.Compiler(
                folder / "main.typ", root=folder, ignore_system_fonts=True
            ).compile(format="pdf", timestamp=0)
        except typst.TypstError as error:
            raise RunError(f"course slides: the slides cannot be set: {error.message}") from error
    if not isinstance(paper, bytes):
        raise RunError("course slides: Typst gave no PDF. This is a fault of pitfalls.")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(paper)
    return tuple(drawn[figure_name] for figure_name in FIGURES)


def _rates(_: object, ax: Any = None, /) -> Drawing:
    """Draw the three schemes of question 4e over their first epochs."""
    from pitfalls.images.training import annealed_schedule, constant_schedule, special_schedule

    n_batches, epochs = 391, 8
    schemes: dict[str, Callable[[float, int, int, int], float]] = {
        "constant": constant_schedule(),
        "annealed": annealed_schedule(),
        "special": special_schedule(epochs),
    }
    canvas, axes = panels(ax, figsize=(8.5, 4.2), layout="constrained")
    for (name, scheme), colour in zip(schemes.items(), CYCLE, strict=False):
        rate, times, rates = 0.01, [], []
        for step in range(epochs * n_batches):
            rate = scheme(rate, *divmod(step, n_batches), n_batches)
            times.append(step / n_batches)
            rates.append(max(rate, 1e-8))
        axes.plot(times, rates, color=colour, label=name)
    axes.set(yscale="log", ylim=(1e-6, 0.3), xlabel="epoch", ylabel="learning rate")
    axes.set_title("The annealed rate loses 98 % in every epoch")
    axes.legend()
    return Drawing(
        canvas,
        "Three learning-rate schemes over eight epochs of 391 steps, on a logarithmic scale: constant, "
        "annealed by 0.99 at each step, and rising to a peak and falling again.",
        "Question 4e's schemes, batch size 128.",
    )
