"""One line."""

import matplotlib.pyplot as plt

from pitfalls.plots import Drawing, Figure
from tests.report.toy.records import ToyResult

DRAWN: list[float] = []


def line(result: ToyResult) -> Drawing:
    DRAWN.append(result.risk)
    figure, axis = plt.subplots()
    axis.plot([0, result.risk])
    return Drawing(figure, alt='rises & "stays" <there>', caption="n = 1")


FIGURES = (Figure("line", line),)
