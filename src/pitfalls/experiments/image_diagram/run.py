"""Build a network and draw what one image goes through in it."""

import html

from pitfalls.diagram import diagram, summary
from pitfalls.experiments.image_diagram.records import DiagramConfig, DiagramResult
from pitfalls.experiments.named_networks import build_model
from pitfalls.frame import Homework
from pitfalls.progress import Progress
from pitfalls.runs import Run

__all__ = ["homework", "run"]


def run(config: DiagramConfig, run: Run, progress: Progress) -> DiagramResult:
    """Summarise and draw the network; a stopped run starts again."""
    images = config.images
    shape, example = images.shape, images.example()
    for warning in () if config.source is None else config.source.warnings:
        run.warn(warning)
    with progress("diagram", unit="networks") as advance:
        model = build_model(config.model, images.n_classes, shape[0], shape[1:])
        text = summary(model, shape, inputs=example, depth=config.depth)
        svg = diagram(model, shape, inputs=example)
        advance(1, 1)
    return DiagramResult(
        model=config.model,
        class_name=type(model).__name__,
        n_parameters=sum(parameter.numel() for parameter in model.parameters()),
        shape=images.words,
        n_classes=images.n_classes,
        summary=text,
        svg=svg,
        alt=html.unescape(svg.partition("<desc>")[2].partition("</desc>")[0]),
    )


def homework(asked: Homework) -> tuple[DiagramConfig, ...]:
    """Draw the homework's network for the homework's images, whatever the data."""
    return (DiagramConfig(),)
