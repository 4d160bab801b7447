"""The figures in the examples of docstrings: who has one, and that its code draws it."""

import inspect
import textwrap
from importlib import import_module

import matplotlib.pyplot as plt
import pytest
from docs.reference_pages import PACKAGES

PLOTTED = (
    "diagnosis.diagnose",
    "images.CCA",
    "images.PCA",
    "images.ResNet18",
    "images.TrainResult",
    "images.evaluate",
    "images.learning_rate_range",
    "images.schedule",
    "linear.classify",
    "linear.descend",
    "linear.mode_strength",
    "linear.risk_on_plane",
    "parity.exact_network",
    "parity.gradient_signal",
    "parity.layer_gradients",
    "parity.target_signal",
    "parity.train",
)


def code_of_plots(thing: object) -> list[str]:
    """Return the code below each plot directive of a docstring."""
    codes = []
    for block in (inspect.getdoc(thing) or "").split("\n.. plot::\n")[1:]:
        lines = []
        for line in block.splitlines():
            if line and not line.startswith(" "):
                break
            if not line.lstrip().startswith(":"):
                lines.append(line)
        codes.append(textwrap.dedent("\n".join(lines)).strip())
    return codes


def test_the_public_names_with_a_figure_in_their_examples_are_the_ones_listed_here():
    # a page of its own has each name where it stands first; pitfalls.diagnose is at the root as well
    found = {
        f"{package.removeprefix('pitfalls.')}.{name}"
        for package in PACKAGES
        for name in import_module(package).__all__
        if code_of_plots(getattr(import_module(package), name))
    }
    assert found == set(PLOTTED)


@pytest.mark.parametrize("name", PLOTTED)
def test_the_code_in_a_docstring_draws_one_figure_whose_axes_say_what_they_show(name):
    package, _, attribute = name.rpartition(".")
    (code,) = code_of_plots(getattr(import_module(f"pitfalls.{package}"), attribute))
    plt.close("all")
    try:
        exec(compile(code, name, "exec"), {"__name__": name})
        (number,) = plt.get_fignums()
        axes = plt.figure(number).axes
        plt.figure(number).canvas.draw()
        assert axes
        for axis in axes:
            assert axis.has_data()
            assert axis.get_ylabel()
            named = any(label.get_text() for label in axis.get_xticklabels())
            assert axis.get_xlabel() or named or axis.get_label() == "<colorbar>"
    finally:
        plt.close("all")
