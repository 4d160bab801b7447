"""One look for every figure: sizes, colours, fonts."""

from typing import Any, Literal, get_args

import matplotlib as mpl
from cycler import cycler

from pitfalls.errors import InputError

__all__ = [
    "BASE_SIZE",
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
    "Style",
    "apply_style",
]

Style = Literal["page", "print", "slides"]
"""``page``: the report's; ``print``: black on white with text that stays text; ``slides``: larger text
and stronger lines, to be read from the last row."""

# Okabe and Ito's eight colours, told apart by readers with any common colour blindness
# (M. Okabe, K. Ito, Color Universal Design, 2008).
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
RED, SKY, YELLOW, GREY = "#D55E00", "#56B4E9", "#F0E442", "#5F6670"
CYCLE = (BLUE, RED, GREEN, ORANGE, PURPLE, SKY, GREY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")

CLASS_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#B8860B",
    "#56B4E9",
    "#7F3C8D",
    "#8A9A1B",
    "#3A3F47",
    "#E68310",
)
"""Ten colours for ten classes; always used with labels or markers too."""

SEQUENTIAL = "cividis"
"""Colour map of heat maps: even in lightness, safe for colour-blind readers."""

COLUMN = (6.4, 3.8)
"""Inches: a figure as wide as the text."""

PAGE = (8.6, 4.2)
"""Inches: a figure with two panels side by side."""


BASE_SIZE = 9.5
"""Points: the text of a figure on the page."""

INK = "#22262b"

STYLES: dict[str, dict[str, Any]] = {
    "page": {},
    "print": {
        "axes.edgecolor": "black",
        "axes.labelcolor": "black",
        "pdf.fonttype": 42,  # TrueType, which publishers ask for
        "savefig.dpi": 600,
        "svg.fonttype": "none",
        "xtick.color": "black",
        "xtick.labelcolor": "black",
        "ytick.color": "black",
        "ytick.labelcolor": "black",
    },
    "slides": {
        "axes.linewidth": 1.4,
        "axes.titlesize": 15,
        "font.size": 12.5,
        "grid.linewidth": 0.9,
        "lines.linewidth": 2.6,
        "lines.markersize": 8,
        "savefig.dpi": 220,
    },
}
"""What each style sets beyond the page's."""


def apply_style(style: Style = "page") -> None:
    """Set matplotlib's defaults for the figures drawn from here on (use inside ``rc_context``).

    Raises
    ------
    InputError
        If the style is unknown.
    """
    if style not in STYLES:
        raise InputError(f"style: expected one of {', '.join(get_args(Style))}. Got {style!r}.")
    mpl.rcParams.update(
        {
            "axes.axisbelow": True,
            "axes.edgecolor": GREY,
            "axes.grid": True,
            "axes.labelcolor": INK,
            "axes.prop_cycle": cycler(color=CYCLE),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "figure.constrained_layout.use": True,
            "figure.dpi": 110,
            "figure.facecolor": "white",
            "font.family": "DejaVu Sans",
            "font.size": BASE_SIZE,
            "grid.color": "#dfe3e8",
            "grid.linewidth": 0.6,
            "legend.frameon": False,
            "lines.linewidth": 1.6,
            "savefig.bbox": "tight",
            "savefig.dpi": 160,
            "svg.fonttype": "path",
            "svg.hashsalt": "pitfalls",
            "xtick.color": GREY,
            "ytick.color": GREY,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
        }
    )
    mpl.rcParams.update(STYLES[style])  # type: ignore[arg-type]  # its keys are names of settings
