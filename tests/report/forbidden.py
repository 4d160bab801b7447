"""Forms that no text of the project may have, whatever the run."""

import re

from pitfalls.prose import Block, Chart, Code, Paragraph, Part, Picture, Table, plain

__all__ = ["assert_well_formed", "assert_well_told", "texts_of"]

ALONE = r"(?<![\d.,])"  # a number of its own, not the end of another

FORBIDDEN = {
    "one of many": rf"{ALONE}1 (epochs|seeds|starts|steps|images|trainings|classes|networks|points|"
    r"pixels|schemes|iterations|units|layers|rates|threads|mistakes)\b",
    "many of one": rf"{ALONE}([02-9]|\d[\d,]*\d) (epoch|seed|start|step|image|training|class|network|"
    r"pixel|scheme|iteration|unit)\b(?![ -](accuracy|images|rate|loss|set|images|test|size))",
    "a not": r"\ba not\b",
    "a raw float": r"\d\.\d*(0{6,}|9{6,})\d|\d(\.\d+)?e[-+]?\d",
    "a value that is none": r"\bNone\b(?! of)|\bTrue\b|\bFalse\b",
    "a number that is none": r"\bnan\b|\binf\b",
    "a gap": r"[^ \n]  +[^ \n]| [,.;:](?!\d)",
    "empty brackets": r"\(\s*\)|\[\s*\]",
    "a doubled mark": r"\.\.(?!\.)|,,|;;",
    "an unfilled place": r"\{\w*\}",
    "the article of a vowel": r"\ba (epoch|iteration|input|output|image|example|error|average|interval)",
    "a raw record": r"\w+\((?:\w+=|array)|dtype=|np\.|<[a-z_.]+ object",
    "a doubled word": r"\b(of|the|in|is|and|to|a|an|at|for|with|that) \1\b",
    "a list of nothing": r": \.|, and \.|\bof and\b",
}


def texts_of(blocks: tuple[Block, ...]) -> list[str]:
    """Return every text of an account as it is read."""
    texts: list[str] = []
    for block in blocks:
        match block:
            case Paragraph(text):
                texts.append(plain(text))
            case Table(header, rows, caption):
                texts += [plain(cell) for row in (header, *rows) for cell in row] + [plain(caption)]
            case Part(_, inside) | Chart(_, _, inside):
                texts += texts_of(inside)
            case Picture() | Code():
                pass
    return texts


def assert_well_formed(text: str, *, n: int | None = None) -> None:
    """Fail where a text has a forbidden form; with ``n`` = 1 where it speaks as if there were more."""
    for what, form in FORBIDDEN.items():
        found = re.search(form, text)
        assert found is None, f"{what}: {found[0]!r} in {text!r}"
    if n == 1:
        for word in ("always", "median", "standard deviation", "on average"):
            assert word not in text.lower(), f"{word!r} with n = 1 in {text!r}"


def assert_well_told(experiment, result) -> str:
    """Check all that an experiment says of a result, and return it."""
    basis = experiment.basis(result)
    said = [*texts_of(experiment.account(result)), basis.n, basis.spread, basis.data]
    for text in said:
        assert_well_formed(text)
    return "\n".join(said)
