"""Makes the reference: for every public name a page of its own, listed by package."""

from collections.abc import Mapping
from importlib import import_module
from inspect import ismodule
from pathlib import Path
from typing import Any

PACKAGES = {
    "pitfalls.linear": "Deep linear networks",
    "pitfalls.parity": "Parity",
    "pitfalls.images": "Pictures",
    "pitfalls.images.data": "Data of pictures",
    "pitfalls.diagnosis": "Diagnosis",
    "pitfalls.diagnosis.zoo": "Set-ups with known faults",
    "pitfalls.diagram": "Diagrams of networks",
    "pitfalls.moments": "Second moments",
    "pitfalls.claims": "Claims",
    "pitfalls.runs": "Run folders",
    "pitfalls.report": "Report",
    "pitfalls.frame": "The frame of an experiment",
    "pitfalls.plots": "Figures",
    "pitfalls.clusters": "Many machines",
    "pitfalls.downloads": "Downloads",
    "pitfalls.errors": "Errors",
}


def page() -> str:
    """Return the page that lists every public name."""
    lines = [
        "# Library\n",
        "Each name has a page of its own; `pitfalls.diagnose` is at the root.\n",
    ]
    listed: set[int] = set()
    for package, title in PACKAGES.items():
        module = import_module(package)
        names = [
            name
            for name in module.__all__
            # a name that two packages offer is shown where it first stands
            if not ismodule(getattr(module, name)) and _is_new(getattr(module, name), listed)
        ]
        lines += [
            f"## {title}\n",
            f"`{package}`: {(module.__doc__ or '').strip().splitlines()[0]}\n",
            "```{eval-rst}",
            ".. autosummary::",
            "   :toctree: api",
            "   :nosignatures:",
            "",
            *(f"   {package}.{name}" for name in names),
            "```\n",
        ]
    return "\n".join(lines)


def _is_new(thing: object, listed: set[int]) -> bool:
    if not callable(thing):
        return not isinstance(thing, Mapping)  # its own documentation is that of every dict
    if not getattr(thing, "__module__", "").startswith("pitfalls"):
        return False  # a type of another library, or only a name for one
    new = id(thing) not in listed
    listed.add(id(thing))
    return new


def make_page(app: Any) -> None:
    """Write the page before Sphinx reads its sources, and before autosummary looks for names."""
    path = Path(app.srcdir) / "made" / "library.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = page()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", make_page, priority=100)
    return {"parallel_read_safe": True}
