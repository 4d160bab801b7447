"""Everything that looking at a network may touch, kept and put back bit for bit.

A diagnosis works on the user's own objects: a copy would lose what refers to them (an optimizer's
own lists of parameters, a penalty in the loss, tied weights, hooks). So their state is taken aside
first and put back at the end, whatever happens in between.
"""

import copy
import random
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.grad_mode import _unsafe_preserve_version_counter

from pitfalls.diagnosis.schedulers import schedulers_of
from pitfalls.generators import seed_generators

__all__ = ["GlobalGenerators", "StateGuard", "same_numbers", "seed_all", "uninterrupted"]

SAME_NUMBERS = 0x70697466
"""A seed for evaluations that must draw the same numbers, and not those of a user's seed."""

_CONTAINERS = (list, dict, set, deque)


class GlobalGenerators:
    """State of the generators of torch (every device in use), numpy and Python."""

    def __init__(self) -> None:
        self._torch = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
        self._mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
        self._numpy = np.random.get_state()  # noqa: NPY002 - the global one is what users draw from
        self._python = random.getstate()

    def restore(self) -> None:
        """Put all of them back."""
        torch.set_rng_state(self._torch)
        if self._cuda is not None:
            torch.cuda.set_rng_state_all(self._cuda)
        if self._mps is not None:
            torch.mps.set_rng_state(self._mps)
        np.random.set_state(self._numpy)  # noqa: NPY002
        random.setstate(self._python)


@contextmanager
def same_numbers(own: Sequence[Any] = (), seed: int = SAME_NUMBERS) -> Iterator[None]:
    """Let a network that draws numbers draw the same ones each time; those drawn after go on as before.

    Parameters
    ----------
    own : sequence of generator objects
        That the network draws from beside the global ones.
    seed : int
    """
    before = GlobalGenerators()
    kept: list[tuple[Any, Any]] = []
    for generator in own:
        keep_generator(generator, kept)
    seed_all(own, seed)
    try:
        yield
    finally:
        before.restore()
        restore_generators(kept)


def seed_all(own: Sequence[Any], seed: int) -> None:
    """Seed the global generators and these, each of these with a seed of its own."""
    seed_generators(seed)
    for place, generator in enumerate(own, start=1):
        seed_generator(generator, seed + place)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until the block is through."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[Any] = []
    before = signal.signal(signal.SIGINT, lambda *args: waiting.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if waiting and callable(before):
            before(*waiting[0])


class _Tensors:
    """Contents of tensors. They go through ``.data``: its writes leave a user's own graph valid."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        # those made in inference mode cannot be written into here, by anybody
        own = [tensor for tensor in tensors if not tensor.is_inference()]
        self._kept = [(tensor, tensor.data, tensor.detach().clone()) for tensor in own]

    @torch.no_grad()
    def restore(self) -> None:
        for tensor, data, copied in self._kept:
            # a conversion in place (.double(), .to) swaps the storage: the old one comes back first
            dense = tensor.layout == torch.strided  # the others lie in several places
            if tensor.dtype != copied.dtype or (dense and tensor.data_ptr() != data.data_ptr()):
                tensor.data = data
            tensor.data.copy_(copied)


class _Modules:
    """Attributes, hooks, registered names and modes of all modules.

    Parameters
    ----------
    roots : sequence of Module
    known : iterable of Tensor
        That are kept elsewhere.
    """

    def __init__(self, roots: Sequence[nn.Module], known: Iterable[Tensor]) -> None:
        modules = {id(m): m for root in roots for m in root.modules()}
        self._modes = [(m, m.training) for m in modules.values()]
        self._attributes: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._containers: list[tuple[Any, Any]] = []
        self._generators: list[tuple[Any, Any]] = []
        self._arrays: list[tuple[Any, Any]] = []
        loose: list[Tensor] = []
        # by identity, and held so that no identity is given twice
        seen: dict[int, Any] = {id(t): t for t in known}
        for module in modules.values():
            if isinstance(module, torch.jit.ScriptModule):
                continue  # its attributes live in C++; parameters and buffers are kept as tensors
            self._attributes.append((vars(module), dict(vars(module))))
            for held in _all_held(vars(module).values(), seen):
                if isinstance(held, _CONTAINERS):
                    self._containers.append((held, copy.copy(held)))
                elif isinstance(held, Tensor):
                    loose.append(held)
                elif isinstance(held, np.ndarray):
                    self._arrays.append((held, held.copy()))
                else:
                    keep_generator(held, self._generators)
        self._loose = _Tensors(loose)

    @property
    def generators(self) -> tuple[Any, ...]:
        """Generator objects that modules hold, each once."""
        return tuple({id(found): found for found, _ in self._generators}.values())

    def restore(self) -> None:
        for attributes, kept in self._attributes:
            attributes.clear()
            attributes.update(kept)
        for container, kept in self._containers:
            container.clear()
            container.extend(kept) if isinstance(container, list | deque) else container.update(
                kept
            )
        for array, kept in self._arrays:
            if array.flags.writeable and array.shape == kept.shape:
                array[...] = kept
        for module, training in self._modes:
            module.training = training
        restore_generators(self._generators)
        self._loose.restore()


def _all_held(values: Iterable[Any], seen: dict[int, Any]) -> Iterator[Any]:
    """Go through values and what containers among them hold, to any depth, each once."""
    left = list(values)
    while left:
        value = left.pop()
        if id(value) in seen or isinstance(value, str | bytes | int | float | None):
            continue
        seen[id(value)] = value
        yield value
        if isinstance(value, (*_CONTAINERS, tuple)):
            left.extend(value.values() if isinstance(value, dict) else value)


def _roots_of(parts: Sequence[Any]) -> list[nn.Module]:
    """Return the modules among model and loss, and those that their attributes hold unregistered."""
    roots = [part for part in parts if isinstance(part, nn.Module)]
    seen: dict[int, Any] = {id(m): m for root in roots for m in root.modules()}
    for root in roots:  # which grows
        for module in root.modules():
            if isinstance(module, torch.jit.ScriptModule):
                continue
            hidden = [v for v in _all_held(vars(module).values(), seen) if isinstance(v, nn.Module)]
            roots += hidden
            seen |= {id(m): m for found in hidden for m in found.modules()}
    return roots


def keep_generator(value: Any, kept: list[tuple[Any, Any]]) -> None:
    """Note the state of a generator object; anything else is passed over."""
    if isinstance(value, torch.Generator):
        kept.append((value, value.get_state()))
    elif isinstance(value, np.random.Generator):
        kept.append((value, copy.deepcopy(value.bit_generator.state)))
    elif isinstance(value, np.random.RandomState):
        kept.append((value, value.get_state()))
    elif isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
        kept.append((value, value.getstate()))


def seed_generator(generator: Any, seed: int) -> None:
    """Begin a generator object anew, from a seed."""
    if isinstance(generator, torch.Generator):
        generator.manual_seed(seed)
    elif isinstance(generator, np.random.Generator):
        bits: Any = generator.bit_generator
        bits.state = type(bits)(seed).state
    elif isinstance(generator, np.random.RandomState):
        generator.seed(seed % 2**32)
    elif isinstance(generator, random.Random):
        generator.seed(seed)


def restore_generators(kept: Sequence[tuple[Any, Any]]) -> None:
    """Put generator objects back to the states noted."""
    for generator, state in kept:
        if isinstance(generator, np.random.Generator):
            generator.bit_generator.state = state
        elif isinstance(generator, random.Random):
            generator.setstate(state)
        else:
            generator.set_state(state)


class _Optimizer:
    """An optimizer's attributes. Copies are worked with; the originals come back untouched."""

    def __init__(self, optimizer: Any, parameters: Sequence[Tensor]) -> None:
        self._optimizer = optimizer
        self._originals = dict(vars(optimizer))
        self._parameters = parameters
        self._schedulers = [(s, dict(vars(s))) for s in schedulers_of(optimizer)]
        self.work_on_copies()

    def work_on_copies(self) -> None:
        same: dict[int, Any] = {id(p): p for p in self._parameters}
        for group in self._originals.get("param_groups", ()):
            same.update({id(p): p for p in group["params"]})
        same[id(self._optimizer)] = self._optimizer
        same.update({id(scheduler): scheduler for scheduler, _ in self._schedulers})
        for scheduler, kept in self._schedulers:
            vars(scheduler).clear()
            vars(scheduler).update(_copied(kept, same))
        attributes = vars(self._optimizer)
        attributes.clear()
        attributes.update(_copied(self._originals, same))

    def restore(self) -> None:
        for scheduler, kept in self._schedulers:
            vars(scheduler).clear()
            vars(scheduler).update(kept)
        attributes = vars(self._optimizer)
        attributes.clear()
        attributes.update(self._originals)


def _copied(attributes: dict[str, Any], memo: dict[int, Any]) -> dict[str, Any]:
    copied = {}
    for name, value in attributes.items():
        try:
            copied[name] = copy.deepcopy(value, memo)
        except (TypeError, RuntimeError, AttributeError):
            copied[name] = value  # a lock, a handle of a foreign library: shared, not copied
    return copied


class StateGuard:
    """Keeps the state of model, loss, optimizer and generators between ``with`` and its end.

    Parameters
    ----------
    model : Module
    loss : callable
        Kept too where it is a module.
    optimizer : Optimizer or None
    generators : sequence of generator objects
        Of a data loader, say.

    Notes
    -----
    Kept: contents of parameters, buffers, and of tensors, arrays and containers that are attributes;
    which tensors require a gradient; gradients (set aside, None inside the block; without an optimizer
    so are hooks that act when one is there, as those that step within the backward pass); attributes, hooks
    and training mode of every module, registered or held by an attribute alone; the optimizer's state
    and groups, and its schedulers; the global generators.
    """

    def __init__(
        self, model: nn.Module, loss: Any, optimizer: Any, generators: Sequence[Any] = ()
    ) -> None:
        roots = _roots_of((model, loss))
        found = {id(p): p for root in roots for p in root.parameters()}
        self._parameters: list[Tensor] = list(found.values())
        for group in getattr(optimizer, "param_groups", ()):
            known = {id(p) for p in self._parameters}
            self._parameters += [p for p in group["params"] if id(p) not in known]
        buffers = list({id(b): b for root in roots for b in root.buffers()}.values())
        self._generators: list[tuple[Any, Any]] = []
        for generator in generators:
            keep_generator(generator, self._generators)
        self._global = GlobalGenerators()
        self._tensors = _Tensors([*self._parameters, *buffers])
        # bits come back, so a graph that the user kept is still right: its versions come back too
        counted = tuple(t for t in (*self._parameters, *buffers) if not t.is_inference())
        self._versions = _unsafe_preserve_version_counter(counted)
        self._flags = [(p, p.requires_grad, p.grad) for p in self._parameters]
        # without an optimizer, these may be one: it would step, and keep its state, at every pass
        held = () if optimizer is not None else self._parameters
        hooks: list[dict[Any, Any]] = [p._post_accumulate_grad_hooks or {} for p in held]
        self._steppers = [(found, dict(found)) for found in hooks]
        given = [p.grad for p in self._parameters if p.grad is not None]
        # sparse ones have no storage of one kind; nobody writes into them while they are set aside
        self._gradients = _Tensors([g for g in given if not g.is_sparse])
        self._modules = _Modules(roots, [*self._parameters, *buffers])
        self._optimizer: _Optimizer | None = None
        self._of = optimizer

    def __enter__(self) -> "StateGuard":
        with uninterrupted():
            if self._of is not None and hasattr(self._of, "__dict__"):
                self._optimizer = _Optimizer(self._of, self._parameters)
            self._set_gradients_aside()
            for hooks, _ in self._steppers:
                hooks.clear()
            self._versions.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with uninterrupted():
            self._restore_model()
            if self._optimizer is not None:
                self._optimizer.restore()
            self._gradients.restore()
            for parameter, _, gradient in self._flags:
                parameter.grad = gradient
            for hooks, kept in self._steppers:
                hooks.update(kept)
            restore_generators(self._generators)
            self._global.restore()
            self._versions.__exit__(kind, error, trace)

    def rewind(self) -> None:
        """Put model, loss and optimizer back to the start and clear the gradients."""
        with uninterrupted():
            self._restore_model()
            self._set_gradients_aside()
            if self._optimizer is not None:
                self._optimizer.work_on_copies()

    def keep(self, leaves: Iterable[Tensor]) -> None:
        """Keep the gradients of tensors that a loss reaches beside the model, and set them aside."""
        known = {id(p) for p in self._parameters}
        new = [leaf for leaf in leaves if id(leaf) not in known]
        self._parameters += new
        self._flags += [(leaf, leaf.requires_grad, leaf.grad) for leaf in new]
        for leaf in new:
            leaf.grad = None

    @property
    def had_gradients(self) -> bool:
        """Whether any parameter came with a gradient."""
        return any(gradient is not None for _, _, gradient in self._flags)

    @property
    def own_generators(self) -> tuple[Any, ...]:
        """Generator objects of model and loss: what they draw from beside the global ones."""
        return self._modules.generators

    def _restore_model(self) -> None:
        self._modules.restore()
        self._tensors.restore()
        for parameter, requires, _ in self._flags:
            parameter.requires_grad_(requires)

    def _set_gradients_aside(self) -> None:
        for parameter in self._parameters:
            parameter.grad = None
