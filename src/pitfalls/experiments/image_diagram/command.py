"""``pitfalls images diagram | summary``."""

from dataclasses import replace

from pitfalls.experiments.image_diagram import EXPERIMENT, DiagramConfig, DiagramResult
from pitfalls.frame import Finished, options, perform, say

__all__ = ["command", "summary"]


@options
def command(config: DiagramConfig) -> None:
    """Draw a network with C×H×W on its edges, as SVG, for the data's images (homework 4c)."""
    finished = _draw(config)
    result = finished.result
    say(f"{result.class_name}: {result.n_parameters:,} parameters")
    say(str(finished.run.path / "figures" / "diagram.svg"))


@options
def summary(config: DiagramConfig) -> None:
    """Print a network's layers, shapes and parameters for the data's images (homework 4c)."""
    say(_draw(config).result.summary)


def _draw(config: DiagramConfig) -> Finished[DiagramResult]:
    from pitfalls.experiments.named_networks import describe_model

    digest = describe_model(config.model, config.images.shape)
    return perform(EXPERIMENT, replace(config, digest=digest))
