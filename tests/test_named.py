"""A user's own part by name: loaded, called, fingerprinted without being run."""

import sys

import pytest

from pitfalls.errors import DataError, InputError
from pitfalls.named import (
    _sources,
    build_named,
    is_named,
    load_named,
    named_digest,
    read_arguments,
    require_unchanged,
)

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


@pytest.mark.parametrize("where", ["the current folder", "the path"])
@pytest.mark.parametrize(
    "line",
    [
        "from blocks.inner import WIDTH",
        "import blocks.inner as b; WIDTH = b.WIDTH",
        "from blocks import WIDTH",
        "import importlib; WIDTH = importlib.import_module('blocks.inner').WIDTH",
        "WIDTH = __import__('blocks.inner').inner.WIDTH",
    ],
)
def test_the_fingerprint_follows_what_python_finds_elsewhere(line, where, tmp_path, monkeypatch):
    """A repository's package beside the folder of the part, or one that PYTHONPATH leads to."""
    library, project = tmp_path / "library", tmp_path / "project"
    (library / "blocks").mkdir(parents=True)
    (project / "models").mkdir(parents=True)
    (library / "blocks" / "__init__.py").write_text("from .inner import WIDTH")
    (project / "models" / "net.py").write_text(f"{line}\ndef part(): return WIDTH")
    here = where == "the current folder"
    monkeypatch.chdir(library if here else project)
    monkeypatch.syspath_prepend("" if here else str(library))
    name, found = f"{project}/models/net.py:part", []
    for width in (1, 2):
        (library / "blocks" / "inner.py").write_text(f"WIDTH = {width}")
        found.append((named_digest(name), load_named("part", name)()))
    assert [width for _, width in found] == [1, 2]
    assert found[0][0] != found[1][0]


def test_the_fingerprint_of_a_module_follows_its_package_wherever_it_lies(tmp_path, monkeypatch):
    (tmp_path / "away").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "away" / "net.py").write_text("from away.layers import f")
    digests = set()
    for inside, layers in (("", "f = 1"), ("", "f = 2"), ("A = 1", "f = 2")):
        (tmp_path / "away" / "__init__.py").write_text(inside)
        (tmp_path / "away" / "layers.py").write_text(layers)
        digests.add(named_digest("away.net:f"))
    assert len(digests) == 3
    with pytest.raises(InputError, match="no such module"):
        named_digest("away.nothing:f")


def test_a_line_that_moves_from_one_file_to_another_is_another_code(tmp_path):
    a, b = tmp_path / "a.py", tmp_path / "b.py"
    a.write_text("A = 1\n")
    b.write_text("A = 2\nfrom a import *\ndef f(): return A\n")
    name = f"{b}:f"
    before, value = named_digest(name), load_named("part", name)()
    a.write_text("A = 1\nA = 2\n")
    b.write_text("from a import *\ndef f(): return A\n")
    assert (value, load_named("part", name)()) == (1, 2)
    assert named_digest(name) != before


def test_the_fingerprint_does_not_follow_what_is_installed_or_ours_and_bears_any_import(tmp_path):
    own = tmp_path / "own.py"
    own.write_text("import torch, json, pitfalls.images\nfrom ...... import far\ndef f(): pass")
    (file,) = _sources([(own, tmp_path)], tmp_path)
    assert file == own


def test_code_that_was_edited_meanwhile_is_refused_by_its_name(part, tmp_path):
    code = named_digest("sgd", f"{part}double")
    require_unchanged(code, "sgd", f"{part}double")
    (tmp_path / "helper.py").write_text("FACTOR = 3")
    with pytest.raises(DataError, match=r"part\.py:double: the code was edited"):
        require_unchanged(code, "sgd", f"{part}double")
