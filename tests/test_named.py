"""A user's own part by name: loaded, called, fingerprinted without being run."""

import sys

import pytest

from pitfalls.errors import InputError
from pitfalls.named import build_named, is_named, load_named, named_digest, read_arguments

PART = """
from helper import FACTOR

def double(x):
    return FACTOR * x

def build(width=1, *, n_classes=10):
    return width, n_classes
"""


@pytest.fixture
def part(tmp_path):
    (tmp_path / "part.py").write_text(PART)
    (tmp_path / "helper.py").write_text("FACTOR = 2")
    return f"{tmp_path / 'part.py'}:"


def test_a_function_is_loaded_with_what_it_imports_and_leaves_no_module(part):
    assert load_named("scale", f"{part}double")(4) == 8
    assert not {"part", "helper", "_part_of_the_user"} & set(sys.modules)


def test_a_callable_is_offered_what_it_takes_and_no_more(part):
    assert build_named("model", f"{part}build", n_classes=3, in_channels=1) == (1, 3)
    assert build_named("model", f"{part}build", ["width=5", "n_classes=7"], n_classes=3) == (5, 7)


@pytest.mark.parametrize("wrong", ["width", "=3", "a b=3", "1=2"])
def test_arguments_that_are_no_pairs_are_refused(wrong):
    with pytest.raises(InputError, match="key=value"):
        read_arguments("model", [wrong])
    with pytest.raises(InputError, match="each key once"):
        read_arguments("model", ["a=1", "a=2"])


def test_the_fingerprint_follows_the_file_and_what_it_imports_and_runs_nothing(part, tmp_path):
    (tmp_path / "part.py").write_text("raise SystemExit\n" + PART)
    first = named_digest(f"{part}double")
    assert named_digest("sgd", f"{part}double") == first
    assert named_digest(f"{part}build") != first
    (tmp_path / "helper.py").write_text("FACTOR = 3")
    second = named_digest(f"{part}double")
    assert second != first
    (tmp_path / "beside.py").write_text("not imported")
    assert named_digest(f"{part}double") == second
    assert named_digest("sgd", "special") == ""
    assert named_digest("torch.optim:AdamW")  # an installed module, not imported for this


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing.py:Net", "no such file"),
        ("no_such_module.at_all:Net", "no such module"),
        (":Net", "file.py:name"),
        ("part.py:", "file.py:name"),
    ],
)
def test_names_that_lead_nowhere_are_refused_in_one_line(name, says):
    assert is_named(name)
    with pytest.raises(InputError, match=says) as raised:
        named_digest(name)
    assert "\n" not in str(raised.value)
    with pytest.raises(InputError):
        load_named("part", name)


@pytest.mark.parametrize(
    "line", ["import pack.inner", "from pack.inner import f", "import pack.inner as p"]
)
def test_the_fingerprint_follows_packages_around_what_is_imported(line, tmp_path, monkeypatch):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("WIDTH = 1")
    (tmp_path / "pack" / "inner.py").write_text("def f(): pass")
    (tmp_path / "own.py").write_text(f"{line}\ndef part(): pass")
    monkeypatch.chdir(tmp_path)
    names = (f"{tmp_path / 'own.py'}:part", "pack.inner:f")
    before = [named_digest(name) for name in names]
    (tmp_path / "pack" / "__init__.py").write_text("WIDTH = 2")
    after = [named_digest(name) for name in names]
    assert before[0] != after[0]
    assert before[1] != after[1]
