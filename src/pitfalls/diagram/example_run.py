"""Run a network once on an example, unharmed: what it is given, and which module is at work."""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules import module as hooks
from torch.nn.parameter import is_lazy

from pitfalls.errors import InputError
from pitfalls.escaping import first_line

__all__ = ["Inputs", "example_of", "plain_module", "run_once", "tensors_of", "watched_modules"]

Inputs: TypeAlias = Tensor | Sequence[Any] | Mapping[str, Any]
"""What a network is called with: one tensor, a sequence of arguments, or arguments by name."""


def plain_module(model: nn.Module, input_shape: Sequence[int], inputs: Inputs | None) -> nn.Module:
    """Return the module itself: not its compiled form, and a copy in which lazy layers have shape."""
    model = getattr(model, "_orig_mod", model)
    if any(map(is_lazy, (*model.parameters(), *model.buffers()))):
        model = copy.deepcopy(model)
        run_once(model, example_of(model, input_shape, inputs), images=inputs is None)
    return model


def example_of(
    model: nn.Module, input_shape: Sequence[int], inputs: Inputs | None, batch: int = 1
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments for a call, by place and by name.

    Parameters
    ----------
    model : nn.Module
        Images get the dtype and the device of its first floating-point parameter.
    input_shape : sequence of int
        (C, H, W) of one image; does not count if there are ``inputs``.
    inputs : Tensor, sequence or mapping, optional
        What to call the network with, as it is.
    batch : int, default=1
        How many images.
    """
    if inputs is None:
        first = next((p for p in model.parameters() if p.is_floating_point()), torch.empty(0))
        return (torch.zeros(batch, *input_shape, dtype=first.dtype, device=first.device),), {}
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    if isinstance(inputs, Tensor | np.ndarray):
        return (inputs,), {}
    return tuple(inputs), {}


def run_once(
    model: nn.Module, example: tuple[tuple[Any, ...], dict[str, Any]], *, images: bool
) -> Any:
    """Call the network in evaluation mode; modes, random numbers and gradients stay as they are.

    Attention and recurrent layers run as the products that they are, not as one fused call.

    Raises
    ------
    InputError
        If the network does not run on the example; ``images`` says whether that is one image.
    """
    args, kwargs = example
    modes = [(module, module.training) for module in model.modules()]
    buffers = [
        (module._buffers, name, buffer, buffer.clone())
        for module in model.modules()
        if not isinstance(module, torch.jit.ScriptModule)
        for name, buffer in module._buffers.items()
        if buffer is not None and not is_lazy(buffer)
    ]
    fused = torch.backends.mha.get_fastpath_enabled()
    onednn = torch._C._get_mkldnn_enabled()
    try:
        model.eval()
        torch.backends.mha.set_fastpath_enabled(False)
        torch._C._set_mkldnn_enabled(False)
        with ExitStack() as stack:
            stack.enter_context(torch.random.fork_rng(devices=[]))
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
            stack.enter_context(torch.no_grad())
            if any(type(module).__name__ == "OptimizedModule" for module in model.modules()):
                stack.enter_context(torch.compiler.set_stance("force_eager"))
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Lazy modules are a new feature")
                return model(*args, **kwargs)
    except Exception as error:
        what = "these inputs"
        if images:
            what = f"images of shape {'×'.join(map(str, args[0].shape[1:]))}"
        raise InputError(
            f"{type(model).__name__} does not run on {what}: {first_line(error)}"
        ) from error
    finally:
        torch._C._set_mkldnn_enabled(onednn)
        torch.backends.mha.set_fastpath_enabled(fused)
        for module, training in modes:
            module.training = training
        for held, name, buffer, before in buffers:
            held[name] = buffer
            if not torch.equal(buffer, before):
                buffer.copy_(before)


@contextmanager
def watched_modules(
    model: nn.Module,
    enter: Callable[[str, nn.Module], None],
    leave: Callable[[str, nn.Module, Any, Any], None],
) -> Iterator[None]:
    """Call ``enter`` (name, module) and ``leave`` (name, module, what was given, result) around calls.

    The hooks are global, because TorchScript's modules take none of their own.
    """
    names = {id(module): name for name, module in model.named_modules()}

    def before(module: nn.Module, _: object) -> None:
        if id(module) in names:
            enter(names[id(module)], module)

    def after(module: nn.Module, args: object, kwargs: object, result: object) -> None:
        if id(module) in names:
            leave(names[id(module)], module, [args, kwargs], result)

    handles = [
        hooks.register_module_forward_pre_hook(before),
        hooks.register_module_forward_hook(after, with_kwargs=True),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
            # torch leaves this mark, and would take compiled modules to have global hooks ever after
            hooks._global_forward_hooks_with_kwargs.pop(handle.id, None)


def tensors_of(value: object) -> list[Tensor]:
    """Return the tensors in a value, however deep in lists, tuples, dicts and objects of their own."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    elif not isinstance(value, list | tuple) and hasattr(value, "__dict__"):
        if isinstance(value, type | nn.Module):
            return []
        value = list(vars(value).values())
    if isinstance(value, list | tuple):
        return [tensor for inner in value for tensor in tensors_of(inner)]
    return []
