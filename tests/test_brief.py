"""An error's line quotes the ends of what is very long."""

import pytest

from pitfalls.cli import main
from pitfalls.errors import InputError
from pitfalls.escaping import brief


def test_a_long_word_keeps_its_ends_and_a_short_text_is_as_it_was():
    usual = "factorize: rank(target) is 3. " * 10
    assert brief(usual) == usual
    cut = brief(f"mask {'1' * 2500}{'0' * 2500} is long")
    assert cut == f"mask {'1' * 120}...(4,760 more)...{'0' * 120} is long"
    assert brief(cut) == cut


def test_a_long_text_of_short_words_keeps_its_ends():
    cut = brief("word " * 2000 + "end")
    assert len(cut) < 3000
    assert cut.startswith("word word")
    assert cut.endswith("word end")
    assert brief(cut) == cut


def test_an_error_of_ours_is_brief_whatever_it_quotes():
    assert len(str(InputError(f"read: {'x' * 5000} is not there. Name another."))) < 400


@pytest.mark.parametrize(
    "arguments",
    [
        ["parity", "train", "--mask", "2" * 5000],
        ["parity", "train", "--weight", "x" * 5000],
        ["parity", "train", "--" + "x" * 5000],
        ["linear", "descend", "--data", "/no/" + "y" * 5000],
        ["runs", "show", "z" * 5000],
        ["w" * 5000],
    ],
    ids=lambda arguments: " ".join(word[:12] for word in arguments),
)
def test_the_command_line_quotes_no_argument_of_thousands_of_characters(arguments, capsys):
    assert main(arguments) != 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert len(said) < 1500, len(said)
