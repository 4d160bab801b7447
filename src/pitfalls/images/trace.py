"""Watch one forward pass: which operations ran, on what, in which module.

The network runs once on zeros while every call into torch is noted. Python around the calls may do
what it likes (loops, conditions on shapes, its own helpers), so this works for networks that a
symbolic tracer refuses.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from pitfalls.errors import InputError

__all__ = ["Kind", "Operation", "trace"]

Kind = Literal[
    "input", "conv", "linear", "norm", "activation", "pool", "sum", "concat", "reshape", "other"
]

# Calls that hand their argument on: they are no step of the network.
TRANSPARENT = {"contiguous", "to", "detach", "clone", "float", "type", "requires_grad_", "cpu"}
ACTIVATIONS = {
    "relu": "ReLU", "relu_": "ReLU", "relu6": "ReLU6", "gelu": "GELU", "silu": "SiLU",
    "elu": "ELU", "selu": "SELU", "celu": "CELU", "leaky_relu": "leaky ReLU", "prelu": "PReLU",
    "mish": "Mish", "hardswish": "hard swish", "hardtanh": "hard tanh", "hardsigmoid":
    "hard sigmoid", "sigmoid": "sigmoid", "tanh": "tanh", "softplus": "softplus", "softmax":
    "softmax", "log_softmax": "log softmax", "dropout": "dropout", "dropout2d": "dropout",
}  # fmt: skip
NORMS = {
    "batch_norm": "BN", "layer_norm": "LN", "group_norm": "GN", "instance_norm": "IN",
    "rms_norm": "RMS norm", "local_response_norm": "LRN",
}  # fmt: skip
SUMS = {"add": "+", "add_": "+", "__add__": "+", "__iadd__": "+", "__radd__": "+",
        "mul": "×", "mul_": "×", "__mul__": "×", "__imul__": "×", "__rmul__": "×",
        "sub": "−", "__sub__": "−", "maximum": "max", "minimum": "min"}  # fmt: skip
RESHAPES = {"flatten", "view", "reshape", "squeeze", "unsqueeze", "permute", "transpose"}


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
        If the network does not run on such images.
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
    return _between(recorder.operations, recorder.sources_of(result))


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
        self.alive: list[Tensor] = [images]  # keeps every id in use
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
        result = func(*args, **kwargs)
        tensors = [*_tensors(args), *_tensors(kwargs.values())]
        inputs = tuple(self.source[id(t)] for t in tensors if id(t) in self.source)
        made = _tensors([result])
        if inputs and made:
            name = str(getattr(func, "__name__", func))
            if name in TRANSPARENT or name.startswith("__get__"):
                position = inputs[0]
            else:
                position = len(self.operations)
                self.operations.append(self._describe(name, args, kwargs, inputs, made[0]))
            for tensor in made:
                self.source[id(tensor)] = position
                self.alive.append(tensor)
        return result

    def sources_of(self, result: object) -> set[int]:
        """Return the operations that gave the network's result."""
        values = list(result.values()) if isinstance(result, dict) else [result]
        return {self.source[id(t)] for t in _tensors(values) if id(t) in self.source}

    def _describe(
        self,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        inputs: tuple[int, ...],
        made: Tensor,
    ) -> Operation:
        kind, label = _label(name, args, kwargs, len(inputs), made)
        module, container = "", ""
        if self.modules:
            module = self.modules[-1][0]
            for path, owner in self.modules:
                if next(owner.children(), None) is not None:
                    container = path
        weights = [t for t in _tensors([*args, *kwargs.values()]) if isinstance(t, nn.Parameter)]
        return Operation(
            kind,
            label,
            inputs,
            tuple(made.shape[1:]),
            module,
            container,
            sum(weight.numel() for weight in weights),
        )


def _tensors(values: Any) -> list[Tensor]:
    """Return the tensors among values, one level of lists deep."""
    found = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += [inner for inner in value if isinstance(inner, Tensor)]
    return found


def _label(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], n_inputs: int, made: Tensor
) -> tuple[Kind, str]:
    """Return what a call is and how to write it."""
    if name.startswith("conv") and len(args) > 1:
        weight = args[1]
        stride = _pair(kwargs.get("stride", args[3] if len(args) > 3 else 1))
        groups = kwargs.get("groups", args[6] if len(args) > 6 else 1)
        size = "×".join(str(n) for n in weight.shape[2:])
        step = "" if set(stride) == {1} else f" /{'×'.join(map(str, dict.fromkeys(stride)))}"
        split = f" ({groups} groups)" if groups > 1 else ""
        return "conv", f"conv {size}, {made.shape[1]}{step}{split}"
    if name == "linear":
        return "linear", f"linear {args[1].shape[1]} → {args[1].shape[0]}"
    if name in NORMS:
        return "norm", NORMS[name]
    if name in ACTIVATIONS:
        return "activation", ACTIVATIONS[name]
    if name in SUMS:
        return ("sum", SUMS[name]) if n_inputs > 1 else ("activation", f"{SUMS[name]} constant")
    if name in ("div", "__truediv__", "div_") and n_inputs == 1:
        return "activation", "÷ constant"
    if name in ("cat", "concat", "stack"):
        return "concat", "concatenate"
    if "pool" in name:
        side = "average" if "avg" in name else "maximum"
        if name.startswith("adaptive"):
            return "pool", f"{side} pool → {'×'.join(map(str, made.shape[2:]))}"
        window = _pair(kwargs.get("kernel_size", args[1] if len(args) > 1 else "?"))
        return "pool", f"{side} pool {'×'.join(map(str, window))}"
    if name in ("mean", "amax", "max", "sum") and made.ndim >= 1:
        word = {"mean": "average", "sum": "sum"}.get(name, "maximum")
        return "pool", f"global {word}" if made.ndim == 2 else word
    if name in RESHAPES:
        return "reshape", "flatten" if made.ndim == 2 else name
    return "other", name.strip("_")


def _pair(value: Any) -> tuple[Any, ...]:
    if isinstance(value, int | str):
        return (value, value)
    return tuple(value) * (2 if len(value) == 1 else 1)


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
