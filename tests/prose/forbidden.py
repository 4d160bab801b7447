"""Forms that no text of the report may have, whatever a run found."""

import re
from collections.abc import Iterator

from pitfalls.prose import Chart, Paragraph, Part, Table, plain

__all__ = ["assert_clean", "assert_clean_account", "texts_of"]

SINGULAR = "epoch|seed|step|class|run|image|mode|network|unit|case|mask"
NOUNS = (
    "accuracies|batches|cases|cells|claims|classes|columns|copies|critical points|depths|dimensions|"
    "directions|epochs|examples|features|images|inputs|iterations|layers|learning rates|masks|minima|"
    "modes|networks|outputs|parameters|pictures|points|probes|runs|samples|schemes|seeds|starts|steps|"
    "targets|trainings|units|"
    "values|weights"
)

FORBIDDEN = {
    "one of many": rf"(?<![\d.,\u202f−^_])1 (?:{NOUNS})\b",
    "many of one": rf"(?<![\d.,])(?:[2-9]|\d{{2,}}) (?:{SINGULAR})\b(?! (?:of|size|rate))",
    "the article of a negation": r"\ba not\b",
    "the article of a vowel": r"\ba (?:epoch|iteration|input|output|image|example|error|average|interval)",
    "a raw float": r"\d\.\d{9,}|\d(?:\.\d+)?e[-+]?\d",
    "a raw value": r"\b(?:None|nan|inf|True|False)\b|nan%",
    "a raw record": r"\w+\((?:\w+=|array)|dtype=|np\.|<[a-z_.]+ object",
    "an unfilled place": r"\{\w*\}|\{\}",
    "empty brackets": r"\(\s*\)|\[\s*\]",
    "a doubled space": r"\S {2,}\S",
    "a doubled word": r"\b(of|the|in|is|and|to|a|an|at|for|with|that) \1\b",
    "punctuation that collides": r"[,;:] ?[.,;:]|\.\.(?!\.)|\s[,;:.](?:\s|$)",
    "a list of nothing": r": \.|, and \.|\bof and\b|\band and\b",
}


def assert_clean(text: str) -> None:
    """Fail, with the place, where a text has a forbidden form."""
    for what, pattern in FORBIDDEN.items():
        found = re.search(pattern, text)
        assert found is None, f"{what}: {found[0]!r} in {text!r}"


def texts_of(blocks) -> Iterator[str]:
    """Yield every text of an account: sentences, heads, cells and captions."""
    for block in blocks:
        if isinstance(block, Paragraph):
            yield plain(block.text)
        elif isinstance(block, Table):
            yield plain(block.caption)
            yield from (plain(cell) for row in (block.header, *block.rows) for cell in row)
        elif isinstance(block, Part):
            yield from texts_of(block.blocks)
        elif isinstance(block, Chart):
            yield block.label
            yield from texts_of(block.instead)


def assert_clean_account(experiment, result) -> str:
    """Check all that an experiment says of a result, and return it."""
    said = [*texts_of(experiment.account(result))]
    basis = experiment.basis(result)
    said += [basis.n, basis.spread, basis.data]
    for text in said:
        assert_clean(text)
    return "\n".join(said)
