"""Figures: one look, and from a result to files."""

from pitfalls.plots.drawing import Drawing, Figure, Rendered, Svg, draw, verbatim
from pitfalls.plots.style import (
    BLUE,
    CLASS_COLOURS,
    COLUMN,
    CYCLE,
    GREEN,
    GREY,
    MARKERS,
    ORANGE,
    PAGE,
    PURPLE,
    RED,
    SEQUENTIAL,
    SKY,
    YELLOW,
    apply_style,
)

__all__ = [
    "BLUE",
    "CLASS_COLOURS",
    "COLUMN",
    "CYCLE",
    "GREEN",
    "GREY",
    "MARKERS",
    "ORANGE",
    "PAGE",
    "PURPLE",
    "RED",
    "SEQUENTIAL",
    "SKY",
    "YELLOW",
    "Drawing",
    "Figure",
    "Rendered",
    "Svg",
    "apply_style",
    "draw",
    "verbatim",
]
