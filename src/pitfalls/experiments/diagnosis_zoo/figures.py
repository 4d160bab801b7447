"""True causes against causes named, without the part that rules were fixed on."""

import numpy as np
from matplotlib.axes import Axes

from pitfalls.experiments.diagnosis_zoo.records import ZooResult
from pitfalls.plots import PAGE, SEQUENTIAL, Drawing, Figure, panels
from pitfalls.prose import counted

__all__ = ["FIGURES"]


def causes_named(result: ZooResult, ax: Axes | None = None) -> Drawing:
    """Draw the confusion matrix."""
    cells = result.confusion()
    down = sorted({right for right, _, _ in cells})
    across = sorted({cause for _, cause, _ in cells} | set(down))
    table = np.zeros((len(down), len(across)), dtype=int)
    for right, cause, n in cells:
        table[down.index(right), across.index(cause)] = n
    figure, axis = panels(ax, figsize=(PAGE[0], 0.34 * len(down) + 2.2))
    axis.imshow(table, cmap=SEQUENTIAL, aspect="auto")
    for (i, j), n in np.ndenumerate(table):
        if n:
            light = n < 0.6 * table.max()
            axis.text(j, i, str(n), ha="center", va="center", color="white" if light else "black")
    axis.set_xticks(np.arange(len(across)), across, rotation=60, ha="right")
    axis.set_yticks(np.arange(len(down)), down)
    axis.set_xlabel("named first")
    axis.set_ylabel("what is wrong")
    axis.grid(visible=False)
    found = result.tally("reported", "blind")
    axis.set_title(f"A right cause first in {found.correct} of {found.n} diagnoses")
    text = (
        f"Causes named first against what is wrong, {counted(found.n, 'diagnosis', 'diagnoses')} of "
        f"the reported and the blind part: {found.correct} right, {found.false_alarms} alarms in "
        f"{found.healthy} of healthy set-ups."
    )
    return Drawing(figure, alt=text, caption=text)


FIGURES = (Figure("causes-named", causes_named, lambda r: r.tally("reported", "blind").n > 0),)
