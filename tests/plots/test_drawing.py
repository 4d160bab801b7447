import io
import struct

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure as MplFigure

from pitfalls.plots import Drawing, Figure, draw, plot
from pitfalls.plots.style import apply_style


def sketch(n, ax=None):
    figure, (left, right) = plt.subplots(1, 2, figsize=(6, 3))
    left.plot(range(n), [10.0**-i for i in range(n)], label="a curve")
    left.set(yscale="log", xlabel="x", ylabel="a long label of an axis")
    left.set_title("The finding")
    image = right.imshow([[0, 1], [2, n]])
    figure.colorbar(image, ax=right)
    figure.legend(loc="outside lower left")
    return Drawing(figure, "a sketch")


SKETCH = Figure("sketch", sketch)


def test_a_figure_is_drawn_once_for_each_of_its_files(monkeypatch):
    drawn, original = [], MplFigure.draw

    def counted(figure, renderer):
        drawn.append(renderer)
        return original(figure, renderer)

    monkeypatch.setattr(MplFigure, "draw", counted)
    files = draw(SKETCH, 5, ("svg", "png", "pdf")).files
    assert list(files) == ["svg", "png", "pdf"]
    assert len(drawn) == 3
    assert plt.get_fignums() == []


def fails(n, ax=None):
    sketch(n, ax)
    raise ValueError(n)


@pytest.mark.parametrize("how", [draw, plot])
def test_a_figure_that_fails_half_way_is_not_kept(how):
    mine = plt.figure()
    try:
        with pytest.raises(ValueError, match="5"):
            how(Figure("fails", fails), 5)
        assert plt.get_fignums() == [mine.number]
    finally:
        plt.close(mine)


@pytest.mark.parametrize("style", ["page", "print", "slides"])
def test_it_has_the_size_that_matplotlibs_own_layout_and_tight_box_give(style):
    with mpl.rc_context():
        mpl.use("agg")
        apply_style(style)
        figure = sketch(5).figure
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        plt.close(figure)
    ours = draw(SKETCH, 5, ("png",), style).files["png"]
    sizes = [struct.unpack(">II", png[16:24]) for png in (ours, buffer.getvalue())]
    dpi = {"page": 160, "print": 600, "slides": 220}[style]
    for side in (0, 1):  # text is measured in whole pixels: a fiftieth of an inch
        assert abs(sizes[0][side] - sizes[1][side]) <= 0.02 * dpi
