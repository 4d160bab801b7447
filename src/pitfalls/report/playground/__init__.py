"""Live training in the page: its scripts as one module, its style, and a page of its own."""

import re
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from pitfalls.errors import InputError
from pitfalls.report.page import LivePart
from pitfalls.report.policy import EMPTY_STYLE, policy
from pitfalls.runs import write_bytes

__all__ = ["build_playground", "live_part", "module", "style"]

BODY = """<p>Both labs compute as the library does, with the same initial weights, the same batches and
the same arithmetic in double precision: after any number of steps the network here and the one that
<code>pitfalls</code> trains are equal up to rounding. The address of the page holds what is on the
screen.</p>
<div id="playground"><p>The playground runs in a browser with JavaScript.</p></div>
"""
"""What stands in the page where the scripts build the playground."""

_HERE = files("pitfalls.report.playground")
_IMPORT = re.compile(r'^import [^;]*? from "\./(\w+)\.js";\n', re.MULTILINE)

# what a reader of the sources needs and a browser does not: comments of a whole line, indents, exports
_MARGIN = re.compile(r"^(?:[ ]*//.*\n|[ ]+|export (?=const |function )|\n)", re.MULTILINE)
# blanks and ends of lines around signs, outside texts; around + and - only where they cannot join. Every
# statement of the sources ends in a semicolon or a block, no loop is empty, no template stands in another.
_TEXT = r"(\"(?:\\.|[^\"\\])*\"|`(?:\\.|[^`\\])*`)"
_BLANKS = re.compile(
    rf"[ ]*{_TEXT}|[ \n]*((?:[=,?:{{}}()[\]*<>&|;%!][ \n]*)+)|(?<=[\w)\]]) ([-+/]) (?=[\w(\[])"
)
# among signs what ends a list or the last statement of a block; brackets around one parameter
_ENDS = re.compile(r"[ \n]|;[ \n]*(?=\})|,[ \n]*(?=[})\]])")
_ARROW = re.compile(rf"{_TEXT}|\((\w+)\)=>")


def module() -> str:
    """Return all scripts as one ES module: a file opened from a disk may not import another."""
    done: dict[str, str] = {}

    def add(name: str) -> None:
        text = _read(f"{name}.js")
        done[name] = ""  # a place in the order, lest a circle go on for ever
        for needed in _IMPORT.findall(text):
            if needed not in done:
                add(needed)
        del done[name]
        text = _MARGIN.sub("", _IMPORT.sub("", text))
        done[name] = _ARROW.sub(
            lambda found: found[1] or f"{found[2]}=>", _BLANKS.sub(_shortened, text)
        )

    add("start")
    return "\n".join(done.values())


def _shortened(found: re.Match[str]) -> str:
    return found[1] or found[3] or _ENDS.sub("", found[2])


def style() -> str:
    """Return the style sheet; it builds on the report's."""
    return re.sub(r" *([{};:,])\s+", r"\1", _read("playground.css")).replace(";}", "}")


def live_part() -> LivePart:
    """Return the playground as a part of the report's page."""
    return LivePart("Playground", BODY, module(), style())


def build_playground(out: str | Path) -> Path:
    """Write the playground as a page of its own: one file, without links to anything outside.

    Parameters
    ----------
    out : path
        The file to write.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    InputError
        If the place is a folder.
    RunError
        If it cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     build_playground(Path(folder) / "playground.html").name
    'playground.html'
    """
    from jinja2 import Environment

    path = Path(out)
    if path.is_dir():
        raise InputError(
            f"playground: --out must be a file to write. Got the folder {path}; "
            f"give {path / 'playground.html'}."
        )
    assets = files("pitfalls.report") / "assets"
    css = (assets / "page.css").read_text(encoding="utf-8") + style()
    theme = (assets / "theme.js").read_text(encoding="utf-8").strip()
    modules = (module(), _read("theme_button.js"))
    page = (
        Environment(autoescape=True)
        .from_string(_read("playground.html.jinja"))
        .render(
            policy=policy(styles=(css, EMPTY_STYLE), scripts=(theme, *modules)),
            version=version("pitfalls"),
            css=css,
            theme=theme,
            body=BODY,
            modules=modules,
        )
    )
    write_bytes(path, page.encode("utf-8"))
    return path


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
