"""Every benchmark can be imported, and those with options say what they are: ``make bench-smoke``."""

import contextlib
import io
import runpy
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
OWN_ENVIRONMENT = {"benchmarks.diagnosis.deepchecks_alone"}
"""Of a library that takes an environment of its own."""


def modules() -> list[str]:
    """Return the benchmarks, as modules."""
    found = sorted(Path(__file__).parent.rglob("*.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in found]
    return [name for name in names if name not in OWN_ENVIRONMENT and name != __spec__.name]


def has_options(name: str) -> bool:
    """Say whether a benchmark reads its command line."""
    path = ROOT / (name.replace(".", "/") + ".py")
    return "argparse" in path.read_text(encoding="utf-8")


def usage(name: str) -> str:
    """Return what a benchmark answers to ``--help``."""
    said, kept = io.StringIO(), sys.argv
    sys.argv = [name, "--help"]
    try:
        with contextlib.redirect_stdout(said):
            runpy.run_module(name, run_name="__main__", alter_sys=False)
    except SystemExit as end:
        if end.code not in (0, None):
            raise
    finally:
        sys.argv = kept
    return said.getvalue()


if __name__ == "__main__":
    for name in modules():
        import_module(name)
        if has_options(name):
            if "usage:" not in usage(name):
                sys.exit(f"{name} has options but no usage.")
            print(f"{name}: imported, and its options are read")
        else:
            print(f"{name}: imported")
