import subprocess
import sys
from pathlib import Path

import pytest

import pitfalls
from tests.public_api import SNAPSHOT, written

PACKAGES = (
    "pitfalls",
    "pitfalls.diagnosis",
    "pitfalls.linear",
    "pitfalls.parity",
    "pitfalls.images",
    "pitfalls.diagram",
)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_can_be_had_and_is_no_module_of_the_same_name(package):
    module = sys.modules[package] if package in sys.modules else getattr(pitfalls, package[9:])
    folder = Path(str(module.__file__)).parent
    assert list(module.__all__) == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None
        if package != "pitfalls":  # an import of the module would hide the name
            assert not (folder / f"{name}.py").exists()
            assert not (folder / name).exists()


def test_the_root_and_the_labs_load_nothing_heavy_before_a_name_is_asked_for():
    heavy = "torch", "numba", "scipy", "sklearn", "matplotlib", "numpy"
    code = (
        "import sys, pitfalls\n"
        "pitfalls.linear, pitfalls.parity, pitfalls.images\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_names_and_signatures_are_those_of_the_snapshot():
    # if the change is meant: python -m tests.public_api, and a line in CHANGELOG.md
    assert written().splitlines() == SNAPSHOT.read_text(encoding="utf-8").splitlines()
