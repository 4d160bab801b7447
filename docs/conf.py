"""Sphinx settings; the pages are MyST Markdown, warnings are errors."""

import re
import sys
from importlib.metadata import version as package_version
from pathlib import Path

import matplotlib as mpl

from pitfalls.plots import apply_style

sys.path.insert(0, str(Path(__file__).parent))

project = "pitfalls"
author = "The pitfalls maintainers"
release = version = package_version("pitfalls")
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "cyclopts.ext.sphinx",
    "matplotlib.sphinxext.plot_directive",
    "mathml",
    "theory_pages",
    "diagnosis_tables",
    "reference_pages",
    "gallery_pages",
    "house_table",
    "speed_page",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = [
    "_build",
    "made/diagnosis-*",
    "made/house.md",
    "made/speed-*",
    "made/gallery-runs",
    "templates",
]
templates_path = ["templates"]
autosummary_generate = ["made/library.md"]
html_math_renderer = "mathml"  # no script, no network
plot_include_source = True
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = ["svg"]
with mpl.rc_context():
    apply_style()
    # the report's look; the backend is the builder's
    plot_rcparams = {
        name: value
        for name, value in mpl.rcParams.items()
        if name != "backend" and value != mpl.rcParamsDefault[name]
    }
html_theme = "furo"
html_title = f"pitfalls {release}"
myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    # scikit-learn's metadata routing, the same on every estimator
    "exclude-members": "set_fit_request,set_partial_fit_request,set_score_request",
}
autodoc_typehints = "none"
napoleon_numpy_docstring = True
napoleon_google_docstring = False
# two classes have an attribute called weights; neither name is a link target worth a warning
suppress_warnings = ["ref.python"]


def escape_prose(app, what, name, obj, options, lines):
    """Keep |x| and names_ that end in an underscore from being read as reStructuredText."""
    plot = False
    for i, line in enumerate(lines):
        plot = line.startswith(".. plot::") or (plot and line[:1] in ("", " "))
        if plot or line.lstrip().startswith((">>>", "...")):
            continue
        pieces = re.split(r"(`+[^`]*`+_?)", line)
        pieces[::2] = [re.sub(r"\\?\|", r"\\|", p) for p in pieces[::2]]
        pieces[::2] = [re.sub(r"(?<=\w)_(?=\W|$)", r"\\_", p) for p in pieces[::2]]
        lines[i] = "".join(pieces)


def setup(app):
    """Connect to Sphinx."""
    # before napoleon (priority 500), whose own marks must stay as they are
    app.connect("autodoc-process-docstring", escape_prose, priority=400)
