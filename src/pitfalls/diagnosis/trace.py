"""What every activation of a network does on a batch: module or function, whatever it is called by."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = [
    "SIGMOIDAL",
    "Activation",
    "LinearInput",
    "Operations",
    "Trace",
    "last_function",
    "rounding_unit",
    "trace",
]

_SATURATES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
SIGMOIDAL = (*_SATURATES, "hardsigmoid", "hardtanh")
_SOFT = {"gelu": -4.0, "silu": -12.0, "elu": -7.0}
"""Functions that are as dead as a ReLU below these inputs; the exact slope does not matter."""
_ROUNDED = 1e-6  # of what is read: a spread over examples below it is rounding, in float32
_LINEAR = ("addmm", "mm", "bmm", "convolution", "linear")


@dataclass(frozen=True)
class Activation:
    """One activation function at one place of the computation.

    Parameters
    ----------
    place : str
        Module in which it ran, and the function: ``"body.1 (relu)"``.
    kind : str
        ``"relu"`` (``relu6``, ``threshold`` and a clamp at zero too), ``"gelu"``, ``"silu"``, ``"elu"``,
        ``"tanh"``, ``"sigmoid"``, ``"hardsigmoid"`` or ``"hardtanh"``.
    values : Tensor of shape (n, units)
        Per example and unit; for pictures and sequences the units are channels and the value is the
        one farthest from being dead or saturated over positions.
    slopes : Tensor of shape (n, units)
        Largest slope of the function over positions: 0 where dead or saturated.
    last : bool
        Whether its values are the network's outputs.
    at_kink : float
        Share of inputs that are exactly zero, where a ReLU has no derivative.
    """

    place: str
    kind: str
    values: Tensor
    slopes: Tensor
    last: bool
    at_kink: float


@dataclass(frozen=True)
class LinearInput:
    """What the last linear layer reads, one row an example."""

    place: str
    features: Tensor


@dataclass(frozen=True)
class Trace:
    """Activations in order of computation, and sizes of what passes the linear operations.

    Parameters
    ----------
    activations : tuple of Activation
    scales : tuple of (str, float)
        Place and root mean square of the output of every matrix product or convolution.
    entrance : float
        Standard deviation over examples of what the first of these reads that reads not the very same
        for all, over its root mean square; 0 where there is none, or it is no more than rounding.
    last_linear : LinearInput or None
    """

    activations: tuple[Activation, ...]
    scales: tuple[tuple[str, float], ...]
    entrance: float
    last_linear: LinearInput | None


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation below autograd, so functional calls as well as modules."""

    def __init__(self, where: Callable[[], str], n: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._where, self._n = where, n
        self.activations: list[tuple[str, str, Tensor, Tensor, Tensor, float, bool]] = []
        self.scales: list[tuple[str, float]] = []
        self.entrance: float | None = None
        self._entered = False  # whether anything that differs between examples was read
        self.last_linear: tuple[str, Tensor] | None = None
        self._convolved = False  # whether the last linear operation was a convolution

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = func.overloadpacket.__name__.rstrip("_")
        kind, low, high = _kind(name, args[1:])
        watched = kind in SIGMOIDAL or kind in _SOFT or kind == "relu"
        if name.startswith("clamp") and not self.scales:
            watched = False  # what is clamped are inputs: no layer has given anything yet
        linear = any(name.startswith(known) for known in _LINEAR)
        given = args[1 if name == "addmm" else 0] if args else None
        before = given if isinstance(given, Tensor) and given.is_floating_point() else None
        if before is not None and before.ndim < 2:
            before = None
        if before is not None and watched:
            before = before.clone()  # the operation may work in place
        if before is not None and linear:
            self._linear(name, before)
        out = func(*args, **(kwargs or {}))
        if before is not None and isinstance(out, Tensor):
            if watched:
                slope = _slope(kind, low, high, before, out)
                zero = float((before == 0).double().mean())
                place, values = f"{self._where()} ({kind})", out.detach().clone()
                self.activations.append((place, kind, values, slope, out, zero, self._convolved))
            elif linear:
                scale = float(out.detach().double().square().mean().sqrt())
                self.scales.append((self._where(), scale))
        return out

    def _linear(self, name: str, reads: Tensor) -> None:
        self._convolved = name.startswith("convolution")
        # what is exactly the same for all may be learned (queries, say): the input comes in later
        if not self.entrance and not self._entered and len(reads) % self._n == 0 and self._n > 1:
            rows = reads.detach().double().reshape(self._n, -1)
            size = float(rows.square().mean().sqrt())
            spread = float(rows.std(0, correction=0).max())
            rounding = min(_ROUNDED, 8 * torch.finfo(reads.dtype).eps)
            self.entrance = spread / size if spread > rounding * size else 0.0
            self._entered = spread > 0
        if name in ("addmm", "mm", "linear") and reads.ndim == 2 and len(reads) == self._n:
            self.last_linear = (self._where(), reads.detach().clone())


def _kind(name: str, more: tuple[Any, ...]) -> tuple[str, float, float]:
    """Name an activation, and the inputs between which it has a slope where those are sharp."""
    if name == "relu":
        return name, 0.0, float("inf")
    if name == "threshold":
        return "relu", float(more[0]), float("inf")
    if name in ("clamp", "clamp_min"):
        return _clamped(*more[:2])
    if name == "hardsigmoid":
        return name, -3.0, 3.0
    if name == "hardtanh":
        low, high = (*more, *(-1.0, 1.0)[len(more) :])[:2]
        return "relu" if low == 0 else name, float(low), float(high)  # relu6 begins at zero
    return name, float("nan"), float("nan")


def _clamped(low: Any = None, high: Any = None) -> tuple[str, float, float]:
    """Name what a clamp is by hand: a ReLU where it begins at zero, else a Hardtanh, if it has two ends."""
    ends = [end for end in (low, high) if end is not None]
    if not all(isinstance(end, int | float) for end in ends) or (low != 0 and len(ends) < 2):
        return "clamp", float("nan"), float("nan")
    return ("relu" if low == 0 else "hardtanh"), float(low), float("inf" if high is None else high)


def _slope(kind: str, low: float, high: float, before: Tensor, after: Tensor) -> Tensor:
    if low < high:
        return ((before > low) & (before < high)).to(before)
    if kind in _SOFT:
        return (before > _SOFT[kind]).to(before)
    least, most = _SATURATES[kind]
    # relative to the steepest slope, at the middle of the range
    place = (after.detach() - least) / (most - least)
    return 4 * place * (1 - place)


def _by_unit(
    values: Tensor, slopes: Tensor, n: int, *, channels_first: bool
) -> tuple[Tensor, Tensor] | None:
    """Bring (n, units, positions...) or (n, positions, units) to (n, units)."""
    if len(values) != n:
        return None
    if values.ndim <= 2:
        return values.reshape(n, -1), slopes.reshape(n, -1)
    if values.ndim == 3 and not channels_first:
        values, slopes = values.transpose(1, 2), slopes.transpose(1, 2)
    values, slopes = values.reshape(*values.shape[:2], -1), slopes.reshape(*values.shape[:2], -1)
    at = slopes.argmax(-1, keepdim=True)
    return values.gather(-1, at).squeeze(-1), slopes.amax(-1)


@contextmanager
def _module_names(model: nn.Module) -> Iterator[Callable[[], str]]:
    """Know in which module the computation is."""
    names = {id(m): name or "model" for name, m in model.named_modules()}
    stack: list[str] = []

    def enter(module: nn.Module, args: Any) -> None:
        stack.append(names.get(id(module), stack[-1] if stack else "model"))

    def leave(module: nn.Module, args: Any, out: Any) -> None:
        if stack:
            stack.pop()

    handles = [register_module_forward_pre_hook(enter), register_module_forward_hook(leave)]
    try:
        yield lambda: stack[-1] if stack else "model"
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def trace(model: nn.Module, forward: Callable[[], Any], n: int) -> Trace:
    """Run a forward pass of n examples and record its activations.

    Parameters
    ----------
    model : Module
        For the names of places.
    forward : callable
        Runs the model once and returns its outputs.
    n : int
        Examples in the batch.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # fused kernels hide what happens inside
    try:
        with _module_names(model) as where:
            watch = _Watch(where, n)
            with watch:
                outputs = forward()
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    final = outputs if isinstance(outputs, Tensor) else None
    activations = []
    for place, kind, values, slopes, out, zero, convolved in watch.activations:
        shaped = _by_unit(values, slopes, n, channels_first=convolved)
        if shaped is not None:
            last = final is not None and _same_memory(out, final)
            activations.append(Activation(place, kind, *shaped, last, zero))
    read = LinearInput(*watch.last_linear) if watch.last_linear else None
    entrance = 1.0 if watch.entrance is None else watch.entrance
    return Trace(tuple(activations), tuple(watch.scales), entrance, read)


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tells a function of every operation below autograd: its name, its arguments and what it gave."""

    def __init__(self, told: Callable[[str, tuple[Any, ...], Any], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._told = told

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        self._told(func.overloadpacket.__name__, args, out)
        return out


@torch.no_grad()
def rounding_unit(forward: Callable[[], Any]) -> float:
    """Return the spacing at 1 of the coarsest numbers that a forward pass casts to; 0 without a cast."""
    coarsest = 0.0

    def told(_: str, args: tuple[Any, ...], out: Any) -> None:
        nonlocal coarsest
        if not (isinstance(out, Tensor) and out.is_floating_point()):
            return
        unit = torch.finfo(out.dtype).eps
        given = (t for t in args if isinstance(t, Tensor) and t.is_floating_point())
        # labels made into numbers lose nothing: what counts is a loss of digits
        if any(torch.finfo(t.dtype).eps < unit for t in given):
            coarsest = max(coarsest, unit)

    with Operations(told):
        forward()
    return coarsest


@torch.no_grad()
def last_function(forward: Callable[[], Any]) -> str | None:
    """Name the confining function whose values are the outputs themselves, if there is one."""
    found: list[tuple[str, Tensor]] = []

    def told(name: str, _: tuple[Any, ...], out: Any) -> None:
        if isinstance(out, Tensor) and name.strip("_") in ("softmax", "sigmoid", "tanh", "relu"):
            found.append((name.strip("_"), out))

    with Operations(told):
        outputs = forward()
    if not isinstance(outputs, Tensor):
        return None
    for name, values in reversed(found):
        if values.numel() == outputs.numel() and _same_memory(values, outputs):
            return name
    return None


def _same_memory(a: Tensor, b: Tensor) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
