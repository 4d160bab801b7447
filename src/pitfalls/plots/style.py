"""One look for every figure: sizes, colours, fonts."""

import matplotlib as mpl
from cycler import cycler

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
    "apply_style",
]

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


def apply_style() -> None:
    """Set matplotlib's defaults for the figures drawn from here on (use inside ``rc_context``)."""
    mpl.use("agg")
    mpl.rcParams.update(
        {
            "axes.axisbelow": True,
            "axes.edgecolor": GREY,
            "axes.grid": True,
            "axes.labelcolor": "#22262b",
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
            "font.size": 9.5,
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
            "xtick.labelcolor": "#22262b",
            "ytick.labelcolor": "#22262b",
        }
    )
