"""Networks by name: the library's own, and a user's from a file or a module."""

import sys

import pytest

from pitfalls.errors import InputError
from pitfalls.experiments.named_networks import build_model, describe_model

NET = """
from dataclasses import dataclass
from torch import nn
from blocks import W

@dataclass
class Size:
    kernel: "int" = {kernel}

def Net():
    return nn.Conv2d(3, W, Size().kernel)
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "net2.py").write_text(NET.format(kernel=1))
    (tmp_path / "blocks.py").write_text("W = 4")
    return tmp_path


@pytest.fixture(params=["file", "current folder", "PYTHONPATH"])
def own(request, project, monkeypatch):
    """Name the project's network in each of the ways to reach it."""
    if request.param == "file":
        return f"{project / 'net2.py'}:Net"
    if request.param == "PYTHONPATH":
        monkeypatch.syspath_prepend(project)
    else:
        monkeypatch.chdir(project)
    return "net2:Net"


def test_users_own_network_finds_what_it_imports_and_leaves_no_trace(own, project):
    path, modules = list(sys.path), set(sys.modules)
    assert build_model(own).out_channels == 4
    assert sys.path == path
    assert not {"net2", "blocks", "_part_of_the_user"} & set(sys.modules)
    assert set(sys.modules) >= modules
    assert not (project / "__pycache__").exists()


def test_files_of_the_same_name_in_two_projects_are_told_apart(project):
    other = project / "other"
    other.mkdir()
    (other / "net2.py").write_text(NET.format(kernel=1))
    (other / "blocks.py").write_text("W = 6")
    assert build_model(f"{project / 'net2.py'}:Net").out_channels == 4
    assert build_model(f"{other / 'net2.py'}:Net").out_channels == 6


def test_network_of_an_installed_package_is_built_and_stays_imported():
    assert build_model("torch.nn:Identity") is not None
    assert "torch.nn" in sys.modules
    assert describe_model("resnet18") == ""


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("resnet19", "must be resnet18"),
        ("no_such_module:Net", "could not be built"),
        ("missing.py:Net", "could not be built"),
        ("torch.nn:Linear", "could not be built"),
        ("builtins:dict", "not a torch nn.Module"),
    ],
)
def test_wrong_network_is_refused_in_one_line(model, message):
    with pytest.raises(InputError, match=message) as raised:
        build_model(model)
    assert "\n" not in str(raised.value)
