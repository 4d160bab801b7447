"""Processes to be killed, forked from one that has imported what they need.

An import takes them longer than their work. What a start itself does is tested with true starts, in
``tests/cli``.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess

__all__ = ["start"]

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        *("torch._dynamo", "sklearn.base", "matplotlib.pyplot", "pitfalls.cli"),
        *("pitfalls.images.training", "pitfalls.linear", "pitfalls.parity"),
        *("tests.experiments.killed_training", "tests.experiments.killed_parity"),
    ]
)


def start(function: Callable[..., object], *arguments: object) -> BaseProcess:
    """Call a function in a process of its own, which says nothing; a number returned is its exit code."""
    process = _CONTEXT.Process(target=_call, args=(function, *arguments))
    process.start()
    return process


def _call(function: Callable[..., object], *arguments: object) -> None:
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    done = function(*arguments)
    sys.exit(done if isinstance(done, int) else 0)
