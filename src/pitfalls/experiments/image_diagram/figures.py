"""The network as a diagram."""

from matplotlib.axes import Axes

from pitfalls.experiments.image_diagram.records import DiagramResult
from pitfalls.plots import Drawing, Figure, Svg

__all__ = ["FIGURES"]


def diagram(result: DiagramResult, ax: Axes | None = None) -> Drawing:
    """Show what one image goes through; it is an SVG, which axes do not hold."""
    return Drawing(
        Svg(result.svg.encode()),
        alt=result.alt,
        caption=f"{result.class_name} as one input of shape {result.shape} runs through it: boxes are "
        "layers, arrows carry shapes, channels × height × width of images.",
    )


FIGURES = (Figure("diagram", diagram, kinds=("svg", "png", "pdf")),)
