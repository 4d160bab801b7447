"""The process that runs untrusted work: it imports, it calls, it sends values back. It knows no answer.

Started once, it imports numpy and torch, then forks a fresh child for each submission. The child is
confined before a line of the work runs. Nothing that it says is believed: the grader that started it
poses fresh questions and computes the verdict from the values.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from pitfalls.course.grading import channel, confinement, libraries, watching

SEND_LIMIT = 1 << 26
"""Bytes of one frame from the grader; the channel's other direction has the grader's own limit."""


# ------------------------------------------------------------------ the process that forks


def main(control: int) -> None:
    """Serve the grader: start a child, or end one, until the grader closes."""
    import torch

    torch.set_num_threads(1)
    _provide_transforms()
    with contextlib.suppress(OSError, AttributeError):
        confinement.LIBC.unshare(0x40000000)  # no network, where that is ours to say
    with socket.socket(fileno=control) as orders:
        orders.sendall(b"ready\n")
        while True:
            data, descriptors, _, _ = socket.recv_fds(orders, 1 << 16, 2)
            if not data:
                return
            order = json.loads(data)
            if order["do"] == "start":
                number = _fork(orders, order, descriptors)
                for descriptor in descriptors:
                    os.close(descriptor)
                answer: dict[str, Any] = {"process": number}
            else:
                answer = _end(order["process"], order["grace"])
            orders.sendall(json.dumps(answer).encode() + b"\n")


def _fork(orders: socket.socket, order: dict[str, Any], descriptors: list[int]) -> int:
    number = os.fork()
    if number:
        return number
    try:
        orders.close()
        _live(order, descriptors)
    finally:
        os._exit(0)


def _end(process: int, grace: float) -> dict[str, Any]:
    """End a child and all it started; says how it had ended by itself, if it had."""
    ended, status, usage = 0, 0, None
    until = time.monotonic() + grace
    while not ended and time.monotonic() < until:
        ended, status, usage = os.wait4(process, os.WNOHANG)
        if not ended:
            time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    if not ended:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        _, _, usage = os.wait4(process, 0)
    assert usage is not None
    return {
        "code": os.waitstatus_to_exitcode(status) if ended else None,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_kb": usage.ru_maxrss,
    }


def _provide_transforms() -> None:
    """Import torchvision, or put transforms that a right answer may be made of in its place."""
    try:
        importlib.import_module("torchvision.transforms")
    except Exception:
        from pitfalls.course.grading import stand_in

        stand_in.install()


# ------------------------------------------------------------------------ the child


def _live(order: dict[str, Any], descriptors: list[int]) -> None:
    os.setsid()
    talk, said = descriptors
    null = os.open(os.devnull, os.O_RDONLY)
    for new, old in ((0, null), (1, said), (2, said)):
        os.dup2(old, new)
    stream = socket.socket(fileno=os.dup(talk))
    for descriptor in (*descriptors, null):
        os.close(descriptor)
    folder = order["folder"]
    os.chdir(folder)
    for name in [name for name in sys.modules if name.split(".")[0] == "pitfalls"]:
        del sys.modules[name]
    # of this project's files Python finds none; among installed packages Landlock hides them
    sys.path[:] = [p for p in sys.path if p.endswith("-packages") or not _holds_project(p)]
    limits = confinement.Limits(**order["limits"])
    memory = confinement.open_memory()
    layers = confinement.confine(limits, folder, order["user"], memory)
    libraries.lend_folder(folder)
    message = _first(stream, folder, layers)
    confinement.limit_memory(limits.memory_mb, memory)
    os.close(memory)
    _serve(stream, folder, message)


def _holds_project(place: str) -> bool:
    return not place or os.path.isdir(os.path.join(place, "pitfalls"))


def _first(stream: socket.socket, folder: str, layers: list[str]) -> dict[str, Any] | None:
    """Say what holds here, wait for the first order, and import the libraries that it needs."""
    stream.sendall(channel.pack({"layers": layers}))
    message = channel.unpack(stream, SEND_LIMIT)
    if message is not None and message["do"] == "import":
        libraries.import_libraries(folder, message["name"])
    return message


def _serve(stream: socket.socket, folder: str, message: dict[str, Any] | None) -> None:
    told: set[str] = set()

    def tell(notice: str) -> None:
        if notice not in told and len(told) < 20:
            told.add(notice)
            stream.sendall(channel.pack({"notice": notice}))

    before = watching.survey()
    watching.watch(folder, tell)
    work = _Work(folder)
    while message is not None:
        answer = work.answer(message)
        for notice in before.changes():
            tell(notice)
        stream.sendall(channel.pack(answer | {"number": message["number"]}))
        message = channel.unpack(stream, SEND_LIMIT)


class _Work:
    """The submission as Python sees it: its modules, and the objects it was asked to keep."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.module: Any = None
        self.kept: dict[str, Any] = {}

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        if message["do"] == "import":
            return self._guarded(lambda: self._import(message["name"]))
        _seed(int(message["seed"]))
        return {"outcomes": [self._guarded(self._caller(call)) for call in message["calls"]]}

    def _caller(self, call: dict[str, Any]) -> Callable[[], dict[str, Any]]:
        return lambda: self._call(call)

    def _guarded(self, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return act()
        except BaseException as error:
            # by name, as the grader has not the work's classes
            kinds = [k.__name__ for k in type(error).__mro__ if k.__module__ == "builtins"]
            return {"error": self._describe(error), "kinds": kinds}

    def _describe(self, error: BaseException) -> str:
        """Say what went wrong, and in which line of the work."""
        text = " ".join(f"{type(error).__name__}: {error}".split())[:400].rstrip(": ")
        for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
            name = frame.f_code.co_filename
            if name.startswith(self.folder):
                return f"{text} ({os.path.basename(name)}, line {line})"
        return text

    def _import(self, name: str) -> dict[str, Any]:
        sys.path.insert(0, self.folder)
        self.module = importlib.import_module(name)
        return {"names": [n for n in vars(self.module) if not n.startswith("_")]}

    def _call(self, call: dict[str, Any]) -> dict[str, Any]:
        leaves: list[Any] = []
        arguments = [self._receive(argument, leaves) for argument in call["arguments"]]
        before = [np.array(a, copy=True) if isinstance(a, np.ndarray) else None for a in arguments]
        function = self._function(call["function"])
        value: Any = None
        repeat = int(call["repeat"])
        if repeat:
            value = np.stack([_plain(function(*arguments)) for _ in range(repeat)])
        else:
            value = function(*arguments)
        if call["keep"]:
            self.kept[call["keep"]] = value
            return {"value": None}
        changed = [
            b is not None and not np.array_equal(a, b, equal_nan=True)
            for a, b in zip(arguments, before, strict=True)
        ]
        found: dict[str, Any] = {"value": _plain(value), "changed": changed}
        if leaves:
            found |= _gradients(value, leaves)
        return found

    def _function(self, name: str) -> Callable[..., Any]:
        own: dict[str, Callable[..., Any]] = {
            ":forward": lambda network, x: network(x),
            ":shapes": lambda network: [list(p.shape) for p in network.parameters()],
            ":values": lambda network: [p.detach() for p in network.parameters()],
            ":fill": _fill,
            ":get": lambda attribute: getattr(self.module, attribute),
        }
        return own[name] if name in own else getattr(self.module, name)

    def _receive(self, argument: Any, leaves: list[Any]) -> Any:
        import torch

        if isinstance(argument, channel.Kept):
            return self.kept[argument.name]
        if isinstance(argument, channel.Tensor):
            tensor = torch.from_numpy(argument.array)
            if argument.gradient:
                leaves.append(tensor.requires_grad_())
                # a network's output is no leaf: it may be changed in place, which a leaf may not
                return tensor.clone()
            return tensor
        if isinstance(argument, channel.Image):
            from PIL import Image

            return Image.fromarray(argument.array)
        if isinstance(argument, list | tuple):
            return type(argument)(self._receive(item, leaves) for item in argument)
        if isinstance(argument, np.ndarray) and argument.ndim == 0:
            return argument.item()
        return argument


def _seed(seed: int) -> None:
    """Seed every generator: a child of a fork would draw what every other child draws."""
    import random

    import torch

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the work may use numpy's global generator
    torch.default_generator.manual_seed(seed)


def _plain(value: Any) -> Any:
    """Turn tensors, at any depth, into arrays."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().numpy()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if type(value).__name__ == "Image" or type(value).__module__.startswith("PIL."):
        return np.asarray(value)
    return value


def _fill(network: Any, arrays: list[Any]) -> None:
    import torch

    with torch.no_grad():
        for parameter, values in zip(network.parameters(), arrays, strict=True):
            parameter.copy_(values if torch.is_tensor(values) else torch.from_numpy(values))


def _gradients(value: Any, leaves: list[Any]) -> dict[str, Any]:
    """Differentiate the sum of a result by the leaves, if it still hangs on them."""
    import torch

    if not isinstance(value, torch.Tensor) or not value.requires_grad:
        return {"graph": False}
    found = torch.autograd.grad(value.sum(), leaves, allow_unused=True)
    return {"graph": True, "gradients": [None if g is None else g.numpy() for g in found]}


if __name__ == "__main__":
    main(int(sys.argv[1]))
