"""Characters that the write-up's fonts lack: set in the machine's, and named where those lack them too."""

import json
import re
import tempfile
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pitfalls.escaping import shown_within

__all__ = ["Fonts", "fonts_for"]

PLAIN = "\u024f"
"""The last character of what every font here has: Latin with its accents."""

UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")
"""Categories of what leaves no mark: controls, joiners, blanks."""

LACKED = "\U0010fffd"  # for private use, at the very end: no font has it

PAGES = """#set page(width: 20pt, height: 20pt, margin: 0pt)
#set text(font: "Libertinus Serif")
#for c in json("characters.json") { page(c) }
"""


@dataclass(frozen=True)
class Fonts:
    """What a document is set in.

    Attributes
    ----------
    system : bool
        Whether the machine's fonts stand in for those inside the typesetter, which set alike everywhere.
    boxes : str
        The characters that none has: the PDF has a box for each.
    """

    system: bool = False
    boxes: str = ""


def fonts_for(document: Mapping[str, Any]) -> Fonts:
    """Find fonts for all that a document says.

    Examples
    --------
    >>> fonts_for({"author": "Ωμέγα Жук", "classes": ["≤ 3"]})
    Fonts(system=False, boxes='')
    """
    text = json.dumps(shown_within(document), ensure_ascii=False)
    found = sorted({c for c in text if c > PLAIN and unicodedata.category(c) not in UNSEEN})
    lacked = _lacked(found, system=False) if found else ""
    return Fonts(bool(lacked), _lacked(list(lacked), system=True) if lacked else "")


def _lacked(characters: list[str], *, system: bool) -> str:
    """Set each on a page of its own, and return those that look as one does that no font has."""
    import typst

    with tempfile.TemporaryDirectory(prefix="pitfalls-") as name:
        folder = Path(name)
        (folder / "characters.json").write_text(json.dumps([LACKED, *characters]), "utf-8")
        (folder / "pages.typ").write_text(PAGES, "utf-8")
        compiler = typst.Compiler(folder / "pages.typ", root=folder, ignore_system_fonts=not system)
        pages = compiler.compile(format="svg")
    assert isinstance(pages, list)
    box, *glyphs = (set(re.findall(rb'href="#(g\w+)"', page)) for page in pages)
    return "".join(c for c, drawn in zip(characters, glyphs, strict=True) if drawn & box)
