import ast

import pytest

from pitfalls.report.listings import BY_HAND, EXCERPTS, by_hand, listing


@pytest.mark.parametrize("where", sorted(EXCERPTS.values()))
def test_every_excerpt_is_found_parses_and_has_no_docstring(where: str) -> None:
    found = listing(where)
    tree = ast.parse(found.text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            assert ast.get_docstring(node) is None
    assert found.name == where.replace(":", ".")


@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_every_part_by_hand_is_found_in_its_script_and_parses(name: str) -> None:
    file, *parts = BY_HAND[name]
    found = by_hand(file, *parts)
    ast.parse(found.text)
    assert '"""' not in found.text
    assert "noqa" not in found.text
    assert all(part in found.text for part in parts)
    assert found.name.startswith("examples/cs189/")


def test_comments_and_layout_stay() -> None:
    found = listing("tests.report.test_listings:_example")
    assert found.text.splitlines() == [
        "def _example(x: int) -> int:",
        "    # why",
        "    return x  # and how",
    ]


def _example(x: int) -> int:
    """Say nothing.

    At length.
    """
    # why
    return x  # and how
