"""The text: Typst chapters with the values of the runs, compiled to PDF and to HTML."""

import json
import re
import shutil
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal

from pitfalls.errors import RunError
from pitfalls.escaping import shown_within

__all__ = ["compile_handin", "compile_html", "compile_pdf", "lay_out"]


def lay_out(
    folder: Path,
    document: Mapping[str, Any],
    *,
    figures: Mapping[str, bytes],
    claims: Mapping[str, str],
) -> None:
    """Write everything that the chapters need into a folder of its own.

    Parameters
    ----------
    folder : Path
        Empty, and of this build alone.
    document : mapping
        What ``values.json`` says: all of it reaches the page as text, none of it as markup.
    figures : mapping of str to bytes
        SVG files by name.
    claims : mapping of str to str
        Typst markup of the claims, by file name.
    """
    with as_file(files("pitfalls.report") / "chapters") as chapters:
        shutil.copytree(chapters, folder, dirs_exist_ok=True)
    values = json.dumps(shown_within(document), allow_nan=False)
    (folder / "values.json").write_text(values, encoding="utf-8")
    for name, place in ((figures, "figures"), (claims, "claims")):
        (folder / place).mkdir(exist_ok=True)
        for file, content in name.items():
            data = content if isinstance(content, bytes) else content.encode("utf-8")
            (folder / place / file).write_bytes(data)


def compile_pdf(folder: Path) -> bytes:
    """Typeset the write-up; the same folder gives the same bytes."""
    return _compile(folder, "pdf")


def compile_handin(folder: Path) -> bytes:
    """Typeset the hand-in: the shortest complete answers."""
    return _compile(folder, "pdf", kind="handin")


def compile_html(folder: Path) -> tuple[str, str]:
    """Return the body of the page and the style sheet that its equations need."""
    page = _compile(folder, "html").decode("utf-8")
    body = re.search(r"<body>(.*)</body>", page, flags=re.DOTALL)
    style = re.search(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    if body is None:
        raise RunError("report: Typst wrote a page without a body. This is a fault of pitfalls.")
    return body.group(1), style.group(1) if style else ""


def _compile(
    folder: Path, target: Literal["pdf", "html"], kind: Literal["report", "handin"] = "report"
) -> bytes:
    import typst

    try:
        result = typst.Compiler(
            folder / ("main.typ" if kind == "report" else "handin.typ"),
            root=folder,
            # the fonts inside the wheel, so that every machine sets alike what they have
            ignore_system_fonts=not _values(folder).get("fonts", {}).get("system", False),
            sys_inputs={"target": target, "kind": kind},
        ).compile(format=target, timestamp=0)
    except typst.TypstError as error:
        raise RunError(f"report: {_explain(error)}") from error
    if not isinstance(result, bytes):
        raise RunError(f"report: Typst gave no {target}. This is a fault of pitfalls.")
    return result


def _values(folder: Path) -> dict[str, Any]:
    held: dict[str, Any] = json.loads((folder / "values.json").read_text(encoding="utf-8"))
    return held


def _explain(error: Any) -> str:
    panic = re.fullmatch(r"panicked with: (.*)", str(error.message), flags=re.DOTALL)
    if panic:
        return panic.group(1).strip('"')
    place = re.search(r"┌─ (\S+)", str(error.diagnostic))
    where = f" ({Path(place.group(1)).name})" if place else ""
    return f"the text cannot be set: {error.message}{where}"
