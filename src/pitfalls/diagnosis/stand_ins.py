"""What makes a gradient differ from the slope on purpose: stops, hooks, and steps that it stands in for."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from pitfalls.diagnosis.reach import graph_nodes
from pitfalls.diagnosis.subject import Subject, SubjectError
from pitfalls.diagnosis.trace import Operations

__all__ = ["takes_steps", "without_stops"]

_STEPS = ("sign", "sgn", "round", "floor", "ceil", "trunc", "heaviside", "argmax", "argmin", "topk")


class _LetsThrough(TorchFunctionMode):
    """Lets gradients through where the user's code detaches, and puts no hooks on them."""

    def __init__(self) -> None:
        super().__init__()
        self._off = 0  # blocks without gradients that were entered

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        named = kwargs or {}
        if (func in (Tensor.detach, torch.detach) and len(args) == 1) or func == _DATA:
            return args[0].view_as(args[0])
        if func is torch._C._set_grad_enabled:
            self._off = max(0, self._off + (-1 if args[0] else 1))
            return None
        if func is Tensor.register_hook:
            return _NoHandle()
        if named.get("scale_grad_by_freq"):
            named = {**named, "scale_grad_by_freq": False}
        name = getattr(func, "__name__", "")
        if self._off and (name == "__setitem__" or (name.endswith("_") and name[-2:] != "__")):
            with torch.no_grad():  # what is written in such a block would take the graph along
                return func(*args, **named)
        return func(*args, **named)


_DATA = Tensor.data.__get__  # type: ignore[attr-defined]


class _NoHandle:
    """In the place of a hook's handle."""

    def remove(self) -> None:
        """Do nothing: there is no hook."""


@contextmanager
def without_stops(subject: Subject, rows: NDArray[np.int64]) -> Iterator[None]:
    """Let nothing stop or change a gradient on purpose.

    No ``detach``, no ``no_grad``, no hook within the network (those on weights stay), no share by
    frequency; and functions with a backward pass of their own that hand on what they are given, as a
    reversed gradient's does, do nothing.
    """
    nodes = graph_nodes(subject.risk(rows))
    kinds = {getattr(type(node), "_forward_cls", None) for node in nodes} - {None}
    parts = [part for part in (subject.model, subject.loss) if isinstance(part, nn.Module)]
    modules = [m for part in parts for m in part.modules()]
    hooks: list[Any] = [h for m in modules for h in (m._backward_hooks, m._backward_pre_hooks)]
    hooks += [p._post_accumulate_grad_hooks for part in parts for p in part.parameters()]
    with ExitStack() as stack:
        for held in filter(None, hooks):
            stack.callback(held.update, dict(held))
            held.clear()
        for kind in kinds:
            stack.enter_context(_hands_on(kind))
        stack.enter_context(_LetsThrough())
        yield


@contextmanager
def _hands_on(kind: Any) -> Iterator[None]:
    """Let a function whose result is what it was given, untouched, do nothing on the way back either."""
    own, apply = vars(kind).get("apply"), kind.apply

    def watched(*args: Any, **named: Any) -> Any:
        given = next((t for t in args if isinstance(t, Tensor)), None)
        version = None if given is None else given._version
        out = apply(*args, **named)
        if given is None or not isinstance(out, Tensor) or given._version != version:
            return out
        same = out.data_ptr() == given.data_ptr() and out.shape == given.shape
        return given.view_as(given) if same and out.stride() == given.stride() else out

    kind.apply = staticmethod(watched)
    try:
        yield
    finally:
        if own is None:
            del kind.apply
        else:
            kind.apply = own


def _is_step(name: str, args: tuple[Any, ...], out: Any) -> bool:
    """Whether an operation goes in steps where autograd looks away, as inside a function of one's own."""
    if "fake_quantize" in name:  # torch's own, with a gradient of its own
        return True
    return not torch.is_grad_enabled() and (name in _STEPS or _from_a_mask(name, args, out))


def _from_a_mask(name: str, args: tuple[Any, ...], out: Any) -> bool:
    """Whether numbers are made of a comparison alone: a mask as numbers, or one of two constants."""
    if name == "_to_copy":
        return bool(args[0].dtype == torch.bool and out.is_floating_point())
    return name == "where" and len(args) == 3 and all(t.numel() == 1 for t in args[1:])


def takes_steps(subject: Subject, rows: NDArray[np.int64]) -> bool:
    """Whether a function with a backward pass of its own goes in steps: signs, rounded numbers, spikes."""
    found = False

    def told(name: str, args: tuple[Any, ...], out: Any) -> None:
        nonlocal found
        found |= _is_step(name.rstrip("_"), args, out)

    with suppress(SubjectError), without_stops(subject, rows), Operations(told):
        subject.risk(rows)
    return found
