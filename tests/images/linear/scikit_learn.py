"""Run scikit-learn's own tests on our estimators: its test modules, loaded with one name replaced."""

import importlib.util
import inspect
import sys
from unittest import mock

from tests.kinds import there


def load_tests(module, package, name, ours, *, only=None, left_out=()):
    """Load a copy of a test module of scikit-learn in which ``package.name`` is ours.

    Returns its test functions by name, all or only some, but for those that are left out.
    """
    found = there(importlib.util.find_spec(module))
    spec = there(importlib.util.spec_from_file_location(f"{module}_of_ours", found.origin))
    copy = importlib.util.module_from_spec(spec)
    with mock.patch.object(sys.modules[package], name, ours):
        there(spec.loader).exec_module(copy)
    for test in vars(copy).values():
        for mark in getattr(test, "pytestmark", []):
            if mark.name == "parametrize" and inspect.isgenerator(mark.args[1]):
                object.__setattr__(
                    mark, "args", (mark.args[0], list(mark.args[1]))
                )  # as pytest 10 asks
    tests = {key: value for key, value in vars(copy).items() if key.startswith("test_")}
    # in the file's order: two processes must collect alike
    return {
        key: test for key, test in tests.items() if key in (only or tests) and key not in left_out
    }
