"""An SVG file as a PNG or PDF file, by Typst, which draws alike on every machine."""

import tempfile
from pathlib import Path
from typing import Literal

__all__ = ["convert_svg"]

PAGE = "#set page(width: auto, height: auto, margin: 0pt, fill: white)\n#image({file})"
DOTS_AN_INCH = 192  # two for one of the SVG's pixels


def convert_svg(svg: bytes, kind: Literal["png", "pdf"]) -> bytes:
    """Return the picture in another form; equal pictures give equal bytes.

    Parameters
    ----------
    svg : bytes
        An SVG document. Its letters are drawn in a font that Typst brings along.
    kind : {"png", "pdf"}
        Two dots for each of its pixels on a white ground, or lines and letters.

    Examples
    --------
    >>> square = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"></svg>'
    >>> convert_svg(square, "png")[1:4], convert_svg(square, "pdf")[:4]
    (b'PNG', b'%PDF')
    """
    import typst

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "picture.svg").write_bytes(svg)
        (folder / "main.typ").write_text(PAGE.format(file='"picture.svg"'))
        compiler = typst.Compiler(folder / "main.typ", root=folder, ignore_system_fonts=True)
        if kind == "png":
            made = compiler.compile(format="png", ppi=DOTS_AN_INCH)
        else:
            made = compiler.compile(format="pdf", timestamp=0)
    (page,) = made if isinstance(made, list) else [made]
    assert isinstance(page, bytes)
    return page
