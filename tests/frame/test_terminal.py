import json
import os
import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitfalls.errors import DataError, DivergenceError, InputError, ResourceError, RunError
from pitfalls.escaping import shown
from pitfalls.frame.terminal import as_json, typed

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)


@given(ANYTHING)
def test_what_is_shown_has_no_control_character_and_can_be_encoded(text):
    result = shown(text)
    result.encode()
    assert "\x1b" not in result
    assert "\n" not in result
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in result)
    assert not any(c in "\u2028\u2029\u202e\u2066" for c in result)


@given(st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=30))
def test_ordinary_text_of_any_script_is_left_alone(text):
    assert shown(text) == text


def test_bytes_that_are_no_utf8_are_shown_by_their_value():
    assert shown(os.fsdecode(b"d\xff\x1b[0m")) == r"d\xff\x1b[0m"
    assert shown("two\nlines", keep="\n") == "two\nlines"


@given(
    st.lists(st.binary(min_size=1, max_size=8).filter(lambda b: b"\0" not in b), max_size=3).map(
        lambda words: [os.fsdecode(word) for word in words]
    )
)
def test_a_typed_command_is_harmless_to_see(words):
    line = typed(words)
    assert shown(line) == line


@pytest.mark.parametrize(
    "words",
    [["a b", "c"], ["it's", 'say "x"'], [os.fsdecode(b"d\xff'\\n"), "\x1b[2J\\", "\u202e'"]],
)
def test_a_typed_command_is_what_the_shell_takes(words):
    out = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {typed(words)}"],
        capture_output=True,
        env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
    ).stdout
    assert out.split(b"\0")[:-1] == [os.fsencode(word) for word in words]
    plain = [word for word in words if shown(word) == word]
    assert shlex.split(typed(plain)) == plain


@given(st.dictionaries(ANYTHING, ANYTHING | st.integers(), max_size=3))
def test_json_is_read_back_and_harmless(value):
    text = as_json(value)
    assert shown(text, keep="\n") == text
    assert json.loads(text) == value


@given(ANYTHING)
def test_every_error_of_ours_is_one_line_whatever_it_quotes(name):
    for kind in (InputError, DataError, RunError, DivergenceError, ResourceError):
        text = str(kind(f"load: {name} is not there."))
        assert shown(text) == text
        assert "\n" not in text
