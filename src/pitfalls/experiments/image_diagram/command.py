"""``pitfalls images diagram | summary``."""

from dataclasses import replace

from pitfalls.experiments.image_diagram import EXPERIMENT, DiagramConfig, DiagramResult
from pitfalls.frame import Finished, options, perform, say

__all__ = ["command", "summary"]


@options
def command(config: DiagramConfig) -> None:
    """Draw a network with C×H×W on its edges, as SVG, PNG and PDF (homework 4c)."""
    finished = _draw(config)
    result = finished.result
    say(f"{result.class_name}: {result.n_parameters:,} parameters")
    for kind in ("svg", "png", "pdf"):
        say(str(finished.run.path / "figures" / f"diagram.{kind}"))


@options
def summary(config: DiagramConfig) -> None:
    """Print a network's layers, shapes and parameters (homework 4c)."""
    say(_draw(config).result.summary)


def _draw(config: DiagramConfig) -> Finished[DiagramResult]:
    from pitfalls.experiments.named_networks import describe_model

    images = config.images
    digest = describe_model(config.model, images.shape, images.example(), images.n_classes)
    return perform(EXPERIMENT, replace(config, digest=digest))
