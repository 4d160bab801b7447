"""Open an examination: checks that one can take place, the guard around it, and its end."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from pitfalls.diagnosis.contact import make_contact
from pitfalls.diagnosis.guard import StateGuard
from pitfalls.diagnosis.samples import Samples, generators_of, take_samples, to_device
from pitfalls.diagnosis.subject import Subject, quiet
from pitfalls.errors import InputError
from pitfalls.generators import seed_generators

__all__ = ["checked_model", "examine"]

_ENTROPY = 0x73616D706C6573


@contextmanager
def examine(
    model: nn.Module,
    loss: Any,
    x: Any,
    y: Any = None,
    optimizer: Any = None,
    *,
    who: str,
    seconds: float = 60.0,
    seed: int = 0,
) -> Iterator[Subject]:
    """Take the samples, run model and loss once, and hand out the subject inside a guard.

    Raises
    ------
    InputError
        If the model, the loss or the data cannot be used; one line says which and why.
    """
    model = checked_model(model, who)
    _check_callables(loss, optimizer, seconds, seed, who)
    first = next(model.parameters())
    with (
        quiet(),
        _nothing_compiled(),
        StateGuard(model, loss, optimizer, generators_of(x)) as guard,
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        # not a generator in the user's seed: the same seed must not give the user's own numbers
        rng = np.random.default_rng(np.random.SeedSequence([_ENTROPY, seed]))
        seed_generators(int(rng.integers(2**31)))
        dtype = first.dtype if first.dtype.is_floating_point else torch.get_default_dtype()
        found = take_samples(x, y, rng, who=who, dtype=dtype)
        samples = Samples(
            to_device(found.x, first.device),
            to_device(found.y, first.device),
            found.n,
            found.n_total,
            found.batch_size,
            found.order,
        )
        subject = Subject(
            model, loss, samples, optimizer, guard, seconds=seconds, seed=seed, who=who
        )
        make_contact(subject)
        yield subject


def _nothing_compiled() -> AbstractContextManager[Any]:
    """Run compiled parts and functions as what they wrap: the same, without waiting for a compiler."""
    if "torch._dynamo" not in sys.modules:  # whatever compiles imports it
        return nullcontext()
    stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance


def checked_model(model: Any, who: str) -> nn.Module:
    """Return the module that can be looked at: what a compiled one wraps, or itself.

    Raises
    ------
    InputError
        If it is no module, or has no numbers to look at.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"{who}: model must be a torch.nn.Module. Got {type(model).__name__}.")
    model = getattr(model, "_orig_mod", model)  # what torch.compile wraps: the same function
    parameters = list(model.parameters())
    if not parameters:
        raise InputError(f"{who}: the model has no parameters, so there is nothing to train.")
    if any(is_lazy(p) for p in [*parameters, *model.buffers()]):
        raise InputError(
            f"{who}: the model has lazy modules without shapes. Run it once on a batch first."
        )
    if any(p.is_meta for p in parameters):
        raise InputError(
            f"{who}: the model is on the meta device and has no numbers. Give it weights first, "
            "by model.to_empty(device=...) and its initialisation."
        )
    if any(p.is_inference() for p in parameters):
        raise InputError(
            f"{who}: the model was made in torch.inference_mode, so it cannot be trained. Make it "
            "outside."
        )
    devices = {str(p.device) for p in parameters}
    if len(devices) > 1:
        raise InputError(
            f"{who}: the model must lie on one device. Got {', '.join(sorted(devices))}."
        )
    checked: nn.Module = model
    return checked


def _check_callables(loss: Any, optimizer: Any, seconds: Any, seed: int, who: str) -> None:
    if not callable(loss):
        raise InputError(
            f"{who}: loss must be a function of (outputs, y). Got {type(loss).__name__}."
        )
    if isinstance(optimizer, type):
        raise InputError(
            f"{who}: optimizer must be made for the model's parameters. Got the class "
            f"{optimizer.__name__}; call it with model.parameters()."
        )
    if optimizer is not None and not (
        callable(getattr(optimizer, "step", None))
        and callable(getattr(optimizer, "zero_grad", None))
    ):
        raise InputError(
            f"{who}: optimizer must have step() and zero_grad(), as torch.optim's have. Got "
            f"{type(optimizer).__name__}."
        )
    if not isinstance(seconds, int | float | np.number) or not seconds > 0:
        raise InputError(f"{who}: budget must be a positive number of seconds. Got {seconds!r}.")
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"{who}: seed must be a whole number of at least 0. Got {seed!r}.")
