"""The homework's scripts as modules: one of them has the package's own name."""

import importlib.util
import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples/cs189"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"cs189_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_refused(
    name: str,
    line: str,
    says: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Run a script by its path, as a person types it in ``folder``: here, for a start takes seconds."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [str(FOLDER / f"{name}.py"), *line.split()])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(sys.argv[0], run_name="__main__")
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    assert said.err.startswith(f"{name}.py: error: ")
    assert said.err.count("\n") == 1
    assert says in said.err


def n_lines(name: str) -> int:
    return len((FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines())
