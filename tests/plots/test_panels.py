"""A figure is drawn on new axes, or in the place that a reader gives."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.plots import Drawing, Figure, Svg, apply_style, draw, panels, plot


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_one_panel_is_drawn_on_the_axes_given_and_nothing_else_is_made():
    figure, ax = plt.subplots()
    canvas, axis = panels(ax, figsize=(3, 2))
    assert axis is ax
    assert canvas is figure
    assert plt.get_fignums() == [figure.number]


def test_several_panels_divide_the_place_given():
    figure, (left, right) = plt.subplots(1, 2)
    _, axes = panels(right, 2, 1, figsize=(3, 2))
    figure.canvas.draw()
    assert len(axes) == 2
    assert left in figure.axes
    assert right not in figure.axes
    for axis in axes:  # all in the right half, one above the other
        assert axis.get_position().x0 < axis.get_position().x1
        assert axis.get_window_extent().x0 > left.get_window_extent().x1
    assert axes[0].get_window_extent().y0 > axes[1].get_window_extent().y1


def test_a_place_that_cannot_be_divided_is_refused():
    ax = plt.figure().add_axes((0.1, 0.1, 0.8, 0.8))
    with pytest.raises(InputError, match=r"cannot be divided. Give axes made by plt.subplots"):
        panels(ax, 1, 2, figsize=(3, 2))


def curve(result, ax=None):
    figure, axis = panels(ax, figsize=(3, 2))
    axis.plot(result, label="x")
    axis.set_title("A title")
    return Drawing(figure, alt="a curve")


def test_styles_differ_in_what_they_promise():
    with plt.rc_context():
        apply_style("page")
        page = plt.rcParams["font.size"], plt.rcParams["lines.linewidth"]
    with plt.rc_context():
        apply_style("slides")
        slides = plt.rcParams["font.size"], plt.rcParams["lines.linewidth"]
    assert slides[0] > 1.2 * page[0]
    assert slides[1] > 1.2 * page[1]
    one = Figure("curve", curve)
    files = {style: draw(one, [1, 2], ("svg",), style).files["svg"] for style in ("page", "print")}
    assert b"<text" in files["print"]  # text that can be searched
    assert b"<text" not in files["page"]  # the same look without the font
    with pytest.raises(InputError, match="style: expected one of page, print, slides"):
        draw(one, [1, 2], ("svg",), "poster")  # type: ignore[arg-type]


def test_a_plot_leaves_the_readers_settings_and_backend_alone():
    before = dict(plt.rcParams), plt.get_backend()
    _, ax = plt.subplots()
    assert plot(Figure("curve", curve), [1, 2], ax) == [ax]
    assert (dict(plt.rcParams), plt.get_backend()) == before
    assert np.allclose(ax.lines[0].get_ydata(), [1, 2])


def test_an_svg_is_no_plot_and_has_the_other_forms_too():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"></svg>'
    made = Figure("drawn", lambda result, ax=None: Drawing(Svg(svg), alt=""), kinds=("svg",))
    with pytest.raises(InputError, match="is an SVG and cannot be drawn on axes"):
        plot(made, None)
    assert draw(made, None).files == {"svg": svg}
    files = draw(made, None, ("png", "pdf")).files
    assert (files["png"][1:4], files["pdf"][:4]) == (b"PNG", b"%PDF")
