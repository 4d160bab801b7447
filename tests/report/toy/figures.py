"""One line."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from pitfalls.plots import Drawing, Figure
from tests.report.toy.records import ToyResult

DRAWN: list[float] = []


def line(result: ToyResult, ax: Axes | None = None) -> Drawing:
    DRAWN.append(result.risk)
    axis = plt.subplots()[1] if ax is None else ax
    axis.plot([0, result.risk])
    return Drawing(axis.figure, alt='rises & "stays" <there>', caption="n = 1")


FIGURES: tuple[Figure[ToyResult], ...] = (Figure("line", line),)
