"""Watch one forward pass: which operations ran, on what, in which module.

The network runs on zeros, for one image and for two, while every call into torch is noted. Python
around the calls may do what it likes (loops, conditions on shapes, its own helpers), so this works for
networks that a symbolic tracer refuses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from pitfalls.diagram.example_run import (
    Inputs,
    example_of,
    plain_module,
    run_once,
    tensors_of,
    watched_modules,
)
from pitfalls.diagram.operation_labels import WRITE, Kind, label_operation
from pitfalls.errors import InputError

__all__ = ["Operation", "trace"]

# Calls that hand their argument on: they are no step of the network.
TRANSPARENT = {
    "contiguous", "to", "detach", "clone", "float", "type", "requires_grad_", "cpu", "copy_",
}  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One step of a forward pass.

    Parameters
    ----------
    kind, label : str
        What it is, for drawing and for reading: ``"conv"``, ``"conv 3×3, 64"``.
    inputs : tuple of int
        Positions of the operations whose results enter.
    shape : tuple of int
        Of the result, without the batch axis where that is known.
    module : str
        Dotted name of the module that called it, "" for the network itself.
    container : str
        Dotted name of the innermost module with modules of its own around it.
    parameters : int
        Number of values of the parameters that entered.
    """

    kind: Kind
    label: str
    inputs: tuple[int, ...]
    shape: tuple[int, ...]
    module: str = ""
    container: str = ""
    parameters: int = 0


def trace(
    model: nn.Module, input_shape: Sequence[int], *, inputs: Inputs | None = None
) -> list[Operation]:
    """Run ``model`` in evaluation mode and without gradients, and return its operations.

    Parameters
    ----------
    model : nn.Module
        Any network. Its mode and its buffers stay as they are.
    input_shape : sequence of int
        (C, H, W) of one image, or the shape of whatever one example is.
    inputs : Tensor, sequence or mapping, optional
        What to call the network with instead. Which of their axes counts examples is not known:
        shapes then have all axes.

    Returns
    -------
    list of Operation
        In the order of execution; the inputs come first. Operations that do not lie between
        input and output are left out.

    Raises
    ------
    InputError
        If the network does not run on such inputs, or its result does not come from them.
    """
    model = plain_module(model, input_shape, inputs)
    operations = _run(model, input_shape, inputs, 1)
    if inputs is None:
        try:
            twice = _run(model, input_shape, None, 2)
        except InputError:  # the network is made for one image at a time
            twice = []
        alike = [op.kind for op in operations] == [op.kind for op in twice]
        shapes = [op.shape for op in twice] if alike else [None] * len(operations)
        operations = [
            replace(op, shape=_of_one(op.shape, two))
            for op, two in zip(operations, shapes, strict=True)
        ]
    return operations


def _run(
    model: nn.Module, input_shape: Sequence[int], inputs: Inputs | None, batch: int
) -> list[Operation]:
    args, kwargs = example_of(model, input_shape, inputs, batch)
    recorder = _Recorder({str(i): tensors_of(value) for i, value in enumerate(args, 1)})
    recorder.begin({name: tensors_of(value) for name, value in kwargs.items()})
    with watched_modules(model, recorder.enter, recorder.leave), recorder:
        result = run_once(model, (args, kwargs), images=inputs is None)
    ends = set(recorder.sources_of(tensors_of(result)))
    if not ends:
        raise InputError(
            f"diagram: {type(model).__name__} must return tensors, alone or in lists, tuples and "
            f"dicts, that torch made from the images. Got {type(result).__name__} without such a "
            "tensor instead; keep to torch from image to result, without numpy and vmap."
        )
    return _between(recorder.operations, ends)


def _of_one(shape: tuple[int, ...], of_two: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return what a shape is for one example, from that for a batch of one and that for two."""
    if of_two is None or len(of_two) != len(shape):
        return shape[1:] if shape[:1] == (1,) else shape
    return tuple(n for n, two in zip(shape, of_two, strict=True) if not (n == 1 and two == 2))


class _Recorder(TorchFunctionMode):  # type: ignore[misc, unused-ignore]
    """Notes every call that turns traced tensors into a tensor."""

    def __init__(self, inputs: dict[str, list[Tensor]]) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self.seen: dict[int, Tensor] = {}  # keeps every id in use
        self.source: dict[int, int] = {}
        self.learned: dict[int, list[nn.Parameter]] = {}  # what was made of parameters alone
        self.modules: list[tuple[str, nn.Module]] = []
        self.begin(inputs)

    def begin(self, inputs: dict[str, list[Tensor]]) -> None:
        """Note inputs by name; the first alone needs none."""
        for name, tensors in inputs.items():
            for tensor in tensors:
                label = "input" if not self.operations else f"input {name}"
                self.seen[id(tensor)], self.source[id(tensor)] = tensor, len(self.operations)
                self.operations.append(Operation("input", label, (), tuple(tensor.shape)))

    def enter(self, name: str, module: nn.Module) -> None:
        """Know which module is running."""
        self.modules.append((name, module))

    def leave(self, name: str, module: nn.Module, given: object, result: object) -> None:
        """Forget it; of one of TorchScript's nothing else was seen."""
        if isinstance(module, torch.jit.ScriptModule):
            made, inputs = tensors_of(result), self.sources_of(tensors_of(given))
            if made and inputs:
                kind = str(module.original_name)
                weights = list(module.parameters())
                position = self._add("other", kind, inputs, made[0], weights)
                for tensor in made:
                    self.seen[id(tensor)], self.source[id(tensor)] = tensor, position
        self.modules.pop()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        given = tensors_of([args, kwargs])
        versions = [_version(tensor) for tensor in given]
        result = func(*args, **kwargs)
        made = tensors_of(result)
        self.seen.update((id(tensor), tensor) for tensor in (*given, *made))
        # Views count their versions together: only the result, or the order, says which was meant.
        changed = [t for t, before in zip(given, versions, strict=True) if _version(t) != before]
        written = [t for t in changed if any(t is one for one in made)] or changed[:1]
        name = str(getattr(func, "__name__", func))
        # copy_ and out= do not read what they write to.
        read = args[1:] if name == "copy_" else args
        named = {key: value for key, value in kwargs.items() if key != "out"}
        inputs = self.sources_of(tensors_of([read, named]))
        if not inputs:
            weights = self._learned_in(given)
            self.learned.update((id(tensor), weights) for tensor in made if weights)
        if not inputs or not (made or written) or self._ends_augmented(name, inputs):
            return result
        if name in TRANSPARENT or name.startswith("__get__") or _adds_zero(name, args):
            position = inputs[0]
        else:
            position = self._note(name, args, kwargs, inputs, (made or written)[0])
        for tensor in (*made, *written):
            self.source[id(tensor)] = position
        for tensor in written:
            self._spread(tensor, position)
        return result

    def sources_of(self, tensors: list[Tensor]) -> tuple[int, ...]:
        """Return the operations that gave the tensors, as far as they were traced."""
        return tuple(self.source[id(t)] for t in tensors if id(t) in self.source)

    def _ends_augmented(self, name: str, inputs: tuple[int, ...]) -> bool:
        """Whether this is the end of ``y[i] += z``: Python writes y[i], long changed, into y."""
        if name != "__setitem__" or len(inputs) != 2:
            return False
        target = self.operations[inputs[0]]
        return target.label == WRITE and inputs[1] in target.inputs

    def _spread(self, written: Tensor, position: int) -> None:
        """Tell the tensors that share memory with the written one where their values come from."""
        memory, start, stop = _extent(written)
        dense = stop - start == written.numel() * written.itemsize
        for tensor in self.seen.values():
            where, first, last = _extent(tensor)
            if tensor is written or where != memory or last <= start or stop <= first:
                continue
            whole = dense and start <= first and last <= stop
            if whole and tensor.shape == written.shape:
                self.source[id(tensor)] = position
            else:
                kept = () if whole else self.sources_of([tensor])
                inputs = (*kept, position)
                self.source[id(tensor)] = self._note("__setitem__", (), {}, inputs, tensor)

    def _note(
        self,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        inputs: tuple[int, ...],
        made: Tensor,
    ) -> int:
        """Add an operation and return its position."""
        weights = self._learned_in(tensors_of([args, kwargs]))
        kind, label = label_operation(name, args, kwargs, len(inputs), made, learned=bool(weights))
        return self._add(kind, label, inputs, made, weights)

    def _add(
        self,
        kind: Kind,
        label: str,
        inputs: tuple[int, ...],
        made: Tensor,
        weights: list[nn.Parameter],
    ) -> int:
        module, container = "", ""
        if self.modules:
            module = self.modules[-1][0]
            for path, owner in self.modules:
                if next(owner.children(), None) is not None:
                    container = path
        parameters = sum(weight.numel() for weight in weights)
        shape = tuple(made.shape)
        self.operations.append(Operation(kind, label, inputs, shape, module, container, parameters))
        return len(self.operations) - 1

    def _learned_in(self, tensors: list[Tensor]) -> list[nn.Parameter]:
        """Return the parameters among tensors, and those of which they were made."""
        found: dict[int, nn.Parameter] = {}
        for tensor in tensors:
            alone = [tensor] if isinstance(tensor, nn.Parameter) else []
            for weight in (*alone, *self.learned.get(id(tensor), ())):
                found[id(weight)] = weight
        return list(found.values())


def _version(tensor: Tensor) -> int:
    """Return how often a tensor was written to; tensors of inference mode do not count it."""
    return 0 if tensor.is_inference() else tensor._version


def _extent(tensor: Tensor) -> tuple[int, int, int]:
    """Return which memory a tensor lies in, and its first byte and the one after its last."""
    try:
        memory = int(tensor.untyped_storage()._cdata)
        first = int(tensor.storage_offset())
        strides = zip(tensor.shape, tensor.stride(), strict=True)
        length = 1 + sum((n - 1) * stride for n, stride in strides) if tensor.numel() else 0
    except RuntimeError:  # sparse, nested and vmapped tensors have no memory of this kind
        return id(tensor), 0, 0
    return memory, first * tensor.itemsize, (first + length) * tensor.itemsize


def _adds_zero(name: str, args: tuple[Any, ...]) -> bool:
    """Whether this is how Python's ``sum`` begins."""
    if name not in ("add", "__radd__") or len(args) < 2:
        return False
    return isinstance(args[1], int) and args[1] == 0


def _between(operations: list[Operation], ends: set[int]) -> list[Operation]:
    """Keep what leads from the input to the result, renumbered."""
    needed = set(ends)
    for position in range(len(operations) - 1, -1, -1):
        if position in needed:
            needed.update(operations[position].inputs)
    kept = sorted(needed | {0})  # an input of which nothing is used is none
    place = {old: new for new, old in enumerate(kept)}
    return [
        Operation(
            **{
                **operations[old].__dict__,
                "inputs": tuple(place[i] for i in operations[old].inputs),
            }
        )
        for old in kept
    ]
