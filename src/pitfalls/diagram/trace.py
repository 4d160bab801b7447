"""Watch one forward pass: which operations ran, on what, in which module.

The network runs once on zeros while every call into torch is noted. Python around the calls may do
what it likes (loops, conditions on shapes, its own helpers), so this works for networks that a
symbolic tracer refuses.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

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
        Of the result, without the batch axis.
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


def trace(model: nn.Module, input_shape: Sequence[int]) -> list[Operation]:
    """Run ``model`` once, in evaluation mode and without gradients, and return its operations.

    Parameters
    ----------
    model : nn.Module
        Takes a batch of images. Its mode and its buffers stay as they are.
    input_shape : sequence of int
        (C, H, W) of one image.

    Returns
    -------
    list of Operation
        In the order of execution; the first is the input. Operations that do not lie between
        input and output are left out.

    Raises
    ------
    InputError
        If the network does not run on such images, or its result does not come from them.
    """
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    images = torch.zeros(1, *input_shape, device=device)
    recorder = _Recorder(images)
    with ExitStack() as stack:
        stack.enter_context(_evaluating(model))
        stack.enter_context(recorder.watching(model))
        stack.enter_context(torch.no_grad())
        try:
            with recorder:
                result = model(images)
        except Exception as error:
            shape = "×".join(map(str, input_shape))
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise InputError(
                f"{type(model).__name__} does not run on images of shape {shape}: {reason}"
            ) from error
    ends = set(recorder.sources_of(_tensors(result)))
    if not ends:
        raise InputError(
            f"diagram: {type(model).__name__} must return tensors, alone or in lists, tuples and "
            f"dicts, that torch made from the images. Got {type(result).__name__} without such a "
            "tensor instead; keep to torch from image to result, without numpy and vmap."
        )
    return _between(recorder.operations, ends)


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


class _Recorder(TorchFunctionMode):  # type: ignore[misc, unused-ignore]
    """Notes every call that turns traced tensors into a tensor."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.operations = [Operation("input", "input", (), tuple(images.shape[1:]))]
        self.seen = {id(images): images}  # keeps every id in use
        self.source = {id(images): 0}
        self.modules: list[tuple[str, nn.Module]] = []

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Know at any time which module is running."""
        handles = []
        for name, module in model.named_modules():

            def enter(module: nn.Module, *_: object, name: str = name) -> None:
                self.modules.append((name, module))

            def leave(*_: object) -> None:
                self.modules.pop()

            handles += [
                module.register_forward_pre_hook(enter),
                module.register_forward_hook(leave),
            ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        given = _tensors([args, kwargs])
        versions = [_version(tensor) for tensor in given]
        result = func(*args, **kwargs)
        made = _tensors(result)
        self.seen.update((id(tensor), tensor) for tensor in (*given, *made))
        # Views count their versions together: only the result, or the order, says which was meant.
        changed = [t for t, before in zip(given, versions, strict=True) if _version(t) != before]
        written = [t for t in changed if any(t is one for one in made)] or changed[:1]
        name = str(getattr(func, "__name__", func))
        # copy_ and out= do not read what they write to.
        read = args[1:] if name == "copy_" else args
        named = {key: value for key, value in kwargs.items() if key != "out"}
        inputs = self.sources_of(_tensors([read, named]))
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
        kind, label = label_operation(name, args, kwargs, len(inputs), made)
        module, container = "", ""
        if self.modules:
            module = self.modules[-1][0]
            for path, owner in self.modules:
                if next(owner.children(), None) is not None:
                    container = path
        weights = [t for t in _tensors([args, kwargs]) if isinstance(t, nn.Parameter)]
        parameters = sum(weight.numel() for weight in weights)
        shape = tuple(made.shape[1:])
        self.operations.append(Operation(kind, label, inputs, shape, module, container, parameters))
        return len(self.operations) - 1


def _tensors(value: object) -> list[Tensor]:
    """Return the tensors in a value, however deep in lists, tuples and dicts."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for inner in value for tensor in _tensors(inner)]
    return []


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
    kept = sorted(needed | {0})
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
