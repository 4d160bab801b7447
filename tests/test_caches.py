"""Compiled code is that of the sources, those of other files too."""

import os
import subprocess
import sys
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pitfalls.parity

INNER = "from numba import njit\n\n@njit(cache=True)\ndef inner():\n    return {}\n"
OUTER = """
from numba import njit
from inner import inner
from pitfalls.caches import compile_anew_with

@njit(cache=True)
def outer():
    return inner()

compile_anew_with(outer, inner)
"""
ASK = "from outer import outer; print(outer(), sum(outer.stats.cache_hits.values()))"


def test_a_kernel_is_compiled_anew_where_what_it_calls_has_changed(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kept"))
    places = [str(tmp_path), *map(os.path.abspath, sys.path)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(places))
    (tmp_path / "outer.py").write_text(OUTER)
    found = []
    for value in (1, None, 20):
        if value is not None:
            (tmp_path / "inner.py").write_text(INNER.format(value))
        done = subprocess.run(
            [sys.executable, "-c", ASK], capture_output=True, text=True, check=True
        )
        found.append(tuple(map(int, done.stdout.split())))
    assert found == [(1, 0), (1, 1), (20, 0)]  # the number, and how often it was kept


def test_every_kernel_that_calls_compiled_code_of_another_file_is():
    """Those of the same file, and constants in it, numba itself looks at."""
    foreign = set()
    for info in walk_packages(pitfalls.parity.__path__, "pitfalls.parity."):
        module = import_module(info.name)
        for name, kernel in vars(module).items():
            if not hasattr(kernel, "py_func") or kernel.py_func.__module__ != info.name:
                continue
            used: list[Any] = [
                getattr(module, other, None) for other in kernel.py_func.__code__.co_names
            ]
            if any(hasattr(one, "py_func") and one.py_func.__module__ != info.name for one in used):
                foreign.add((name, len(kernel._cache._cache_file._source_stamp)))
    assert foreign == {("run_tasks", 2), ("add_units", 2)}
