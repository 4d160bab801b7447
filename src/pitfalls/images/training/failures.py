"""Why a training step failed: which layer left the finite numbers, and whether memory ran out."""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from pitfalls.errors import InputError, PitfallsError, ResourceError
from pitfalls.escaping import first_line
from pitfalls.images.networks.outputs import input_dtype
from pitfalls.images.training.averaging import real_tensors
from pitfalls.images.training.config import TrainConfig
from pitfalls.images.training.distributed import world

__all__ = ["bad_tensor", "first_bad_layer", "told_failure"]


def bad_tensor(model: nn.Module) -> str | None:
    """Name the first weight or statistic that is not finite, in one wait for the device."""
    tensors = real_tensors(model)
    finite = [value.isfinite().all() for value in tensors.values()]
    if not finite or bool(torch.stack(finite).all()):
        return None
    return next(name for name, good in zip(tensors, finite, strict=True) if not good)


def first_bad_layer(model: nn.Module, inputs: Tensor) -> str:
    """Name the first layer, in the order of computation, whose weights or output are not finite."""
    found: list[str] = []

    def look(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            if found:
                return
            for kind, parameter in module.named_parameters(recurse=False):
                if not bool(parameter.isfinite().all()):
                    found.append(f"the first bad layer is {name}, its {kind} is not finite")
                    return
            if isinstance(output, Tensor) and not bool(output.isfinite().all()):
                found.append(f"the first bad layer is {name}, its output is not finite")

        return hook

    if not bool(inputs.isfinite().all()):
        return "the normalised images are not finite"
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        bad = bad_tensor(model)  # its layers take no hooks
        return f"{bad} is not finite" if bad else "of a TorchScript module no layer is told"
    leaves = [(k, m) for k, m in model.named_modules() if not any(m.children())]
    handles = [module.register_forward_hook(look(name or "the model")) for name, module in leaves]
    try:
        with torch.no_grad():
            model(inputs.to(input_dtype(model)))
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else "every layer is finite, the loss itself is not"


def is_out_of_memory(error: BaseException) -> bool:
    """Tell a lack of memory, on any device, from other failures."""
    if isinstance(error, ResourceError):
        return False
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "can't allocate memory" in str(error)
        or "not enough memory" in str(error)
        or re.search(r"(calculation|multiplication) overflow", str(error)) is not None
    )


def told_failure(error: BaseException, config: TrainConfig) -> PitfallsError | None:
    """Return what to say of a step that failed; None of what has no known cause."""
    if is_out_of_memory(error):
        return ResourceError(memory_message(config))
    if config.image_sizes:
        return InputError(
            f"train: a step failed on images scaled by image_sizes {config.image_sizes} "
            f"({first_line(error)[:200]}). If one without image_sizes does not, take sizes that the "
            "network takes."
        )
    return None


def memory_message(config: TrainConfig) -> str:
    """Say how to take the same steps with less memory."""
    size, parts = config.batch_size, config.micro_batches
    more = parts * 2
    return (
        f"train: memory ran out at batch size {size}"
        + (f" in {parts} micro-batches" if parts > 1 else "")
        + f". micro_batches={more} (--micro-batches {more}) takes the same steps with about "
        f"half the memory, {max(size // more // world().size, 1)} images at a time."
    )
