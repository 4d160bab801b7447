import pytest

from pitfalls.errors import InputError
from pitfalls.prose import Span, listed, number, plain, say, table


def test_a_value_is_text_and_never_mathematics_code_or_a_place():
    hostile = "$x$ `rm` *b* {name} #panic()"
    assert say("Class {name}.", name=hostile) == (
        Span("text", "Class "),
        Span("value", hostile),
        Span("text", "."),
    )


def test_mathematics_takes_whole_numbers_only():
    assert say("$d = {d}$", d=30) == (Span("math", "d = 30"),)
    for wrong in ("30", 3.0, True, None):
        with pytest.raises(InputError, match="whole number"):
            say("$d = {d}$", d=wrong)


def test_a_place_without_a_value_and_a_value_without_a_place_are_refused():
    with pytest.raises(InputError, match="must match"):
        say("{a} and {b}", a=1)
    with pytest.raises(InputError, match="must match"):
        say("{a}", a=1, b=2)


def test_values_are_printed_in_one_style():
    shown = plain(say("{a} {b} {c} {d} {e}", a=1_234_567, b=-0.00001234, c=True, d=None, e=-3))
    assert shown == f"1,234,567 {number(-0.00001234)} yes – −3"


def test_code_and_strong_words_keep_their_kind():
    kinds = [span.kind for span in say("a `b` *c* $d$")]
    assert kinds == ["text", "code", "text", "strong", "text", "math"]


def test_lists_are_joined_by_commas_and_a_last_word():
    assert plain(listed(["a", "b", "c"], last="or")) == "a, b or c"
    assert plain(listed(["a", "b"])) == "a and b"
    assert listed([]) == ()


def test_a_table_has_a_cell_for_each_head():
    made = table(("$d$", "word"), [(1, "x"), (2, None)], "Shown.")
    assert [plain(cell) for row in made.rows for cell in row] == ["1", "x", "2", "–"]
    with pytest.raises(InputError, match="2 cells"):
        table(("a", "b"), [(1,)], "Shown.")
