"""The HTML page: the compiled text, its figures inline, the interactive parts, one file."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from pitfalls.errors import RunError
from pitfalls.escaping import shown, shown_within
from pitfalls.report.drawings import DrawnPicture, inline
from pitfalls.report.policy import EMPTY_STYLE, policy

__all__ = ["LivePart", "render"]

SCRIPTS = ("embedding.js", "charts.js", "confusion.js")
LIVE = "playground-part"
TOKENS = ("a", "b", "c", "d", "e")


@dataclass(frozen=True)
class Entry:
    """A line of the contents list."""

    level: int
    id: str
    title: str


@dataclass(frozen=True)
class LivePart:
    """A part of the page that an ES module builds.

    Attributes
    ----------
    title : str
        Plain text.
    body : str
        What stands in its place until the module has built it; HTML.
    module, style : str
    """

    title: str
    body: str
    module: str
    style: str


def render(
    body: str,
    equation_style: str,
    *,
    title: str,
    author: str,
    scale: str,
    pictures: Sequence[DrawnPicture],
    explorers: Mapping[str, Any],
    live: LivePart | None = None,
) -> str:
    """Return the whole page.

    Parameters
    ----------
    body, equation_style : str
        What `compile_html` returned.
    title, author, scale : str
        Plain text for the head of the page.
    pictures : sequence of DrawnPicture
        The figures that the body has places for.
    explorers : mapping
        The data of each interactive part, plain JSON values.
    live : LivePart, optional
        Stands at the end of the page.
    """
    from jinja2 import Environment

    assets = files("pitfalls.report") / "assets"

    def asset(name: str) -> str:
        return (assets / name).read_text(encoding="utf-8")

    scripts = [asset("page.js")]
    if explorers:
        # only the charts need plotly, and it weighs five megabytes
        if set(explorers) - {"embedding", "confusion"}:
            scripts.append(_plotly())
        scripts += [asset(name) for name in SCRIPTS]
    css = equation_style + asset("page.css") + (live.style if live else "")
    modules = [live.module] if live else []
    theme = asset("theme.js").strip()
    template = Environment(autoescape=True).from_string(asset("page.html.jinja"))
    return template.render(
        policy=policy(styles=(css, EMPTY_STYLE), scripts=(theme, *scripts, *modules)),
        theme=theme,
        title=title,
        author=shown(author),
        scale=shown(scale),
        version=version("pitfalls"),
        css=css,
        body=_place(_mend(body), {p.file: p for p in pictures}),
        contents=[*_contents(body), *([Entry(2, LIVE, live.title)] if live else [])],
        live=live,
        live_id=LIVE,
        data=[(name, _script_json(values)) for name, values in explorers.items()],
        scripts=scripts,
    )


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    source: str = get_plotlyjs()
    # one line of the library's own text could end the script element
    source = re.sub(r"</(?=script)", r"<\\/", source, flags=re.IGNORECASE)
    # nor may it put a style sheet for maps, which no chart has, and style attributes into the page
    source = re.sub(r'!document\.getElementById\("[0-9a-f]{64}"\)', "false", source)
    return source.replace('.attr("style","")', '.attr("style",null)')


def _script_json(values: Any) -> str:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(
        shown_within(values), allow_nan=False, separators=(",", ":"), ensure_ascii=True
    )
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _place(body: str, pictures: Mapping[str, DrawnPicture]) -> str:
    """Put each figure into its place; a figure that is shown twice gets ids for each."""
    count = 0

    def draw(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        picture = pictures.get(html.unescape(match[1]))
        if picture is None:
            raise RunError(f"report: the text asks for a figure {match[1]} that no run has drawn.")
        return f'<div class="drawing">{inline(picture, f"f{count}-")}</div>'

    return re.sub(r'<div class="drawing" data-drawing="([^"]*)"></div>', draw, body)


def _mend(body: str) -> str:
    """Adapt Typst's page to a reader's screen: wide equations scroll, code follows the theme."""
    body = re.sub(
        r"<math\b[^>]*\bdisplay=\"block\"[^>]*>.*?</math>",
        lambda m: f'<div class="equation">{m[0]}</div>',
        body,
        flags=re.DOTALL,
    )
    # no line begins with the stop that belongs to an equation
    body = re.sub(
        r"(<math>(?:(?!</math>).)*</math>)([.,;:)\]])",
        r'<span class="whole">\1\2</span>',
        body,
        flags=re.DOTALL,
    )
    # a paragraph cannot hold the box around a displayed equation
    body = re.sub(r"<p>(\s*<div class=\"equation\">.*?</div>\s*)</p>", r"\1", body, flags=re.DOTALL)
    # the content policy takes no style but the page's own sheet
    body = body.replace(' style="white-space: pre-wrap"', ' class="kept"')
    # the selector that asks for the text shape of a calligraphic letter shows as a box in some fonts
    body = body.replace("\ufe00", "").replace("\ufe01", "")
    colours: dict[str, str] = {}

    def token(match: re.Match[str]) -> str:
        return (
            f'<span class="tok-{colours.setdefault(match[1], TOKENS[len(colours) % len(TOKENS)])}">'
        )

    return re.sub(r'<span style="color: (#[0-9a-f]{6})">', token, body)


def _contents(body: str) -> list[Entry]:
    found = re.findall(r'<h([23]) id="([^"]+)">(.*?)</h\1>', body, flags=re.DOTALL)
    return [
        Entry(int(level), anchor, re.sub(r"</?a\b[^>]*>", "", title))
        for level, anchor, title in found
    ]
