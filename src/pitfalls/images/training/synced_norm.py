"""Batch normalisation over the images of all processes: the statistics of one process on them all."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import SyncBatchNorm, _BatchNorm

from pitfalls.errors import InputError
from pitfalls.images.training.distributed import world

__all__ = ["synced_norms"]


@contextmanager
def synced_norms(model: nn.Module) -> Iterator[None]:
    """Let a model's batch normalisations in training take the statistics of all processes' images.

    Alone, nothing changes. torch's ``SyncBatchNorm`` does the same on GPUs only; a model that has
    some keeps them.

    Raises
    ------
    InputError
        If a TorchScript module hides its batch normalisation.
    """
    if world().size == 1:
        yield
        return
    if any(getattr(m, "original_name", "").startswith("BatchNorm") for m in model.modules()):
        raise InputError(
            "train: a TorchScript module's batch normalisation cannot be shared by several "
            "processes. Train the module that it was made from, or in one process."
        )
    norms = [
        m for m in model.modules() if isinstance(m, _BatchNorm) and not isinstance(m, SyncBatchNorm)
    ]
    for norm in norms:
        norm.forward = partial(_forward, norm)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for norm in norms:
            del norm.forward


def _forward(norm: _BatchNorm, x: Tensor) -> Tensor:
    if not (norm.training or norm.running_mean is None):
        plain: Tensor = type(norm).forward(norm, x)
        return plain
    norm._check_input_dim(x)  # type: ignore[no-untyped-call]
    z = x.float() if x.dtype.itemsize < 4 else x
    # each process' own statistics, put together in float64: no rounding is added to theirs
    variance, mean = torch.var_mean(z, [0, *range(2, x.ndim)], correction=0)
    here = torch.tensor([x.numel() / x.shape[1]], dtype=torch.float64, device=x.device)
    wide = mean.double()
    sums = torch.cat([here, here * wide, here * (variance.double() + wide**2)])
    sums = _SumOverProcesses.apply(sums)  # type: ignore[no-untyped-call]
    count = sums[0]
    first, second = sums[1:].chunk(2)
    wide = first / count
    spread = (second / count - wide**2).clamp_min(0.0)
    _track(norm, wide.detach(), (spread * count / (count - 1)).detach())
    gain = (spread + norm.eps).rsqrt()
    shape = [1, -1, *(1 for _ in x.shape[2:])]
    y = (z - wide.to(z.dtype).view(shape)) * gain.to(z.dtype).view(shape)
    if norm.affine:
        y = torch.addcmul(norm.bias.view(shape), y, norm.weight.view(shape))
    normalised: Tensor = y.to(x.dtype)
    return normalised


class _SumOverProcesses(torch.autograd.Function):
    """The sum over all processes; the loss is summed over them as well, so gradients are too."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


@torch.no_grad()
def _track(norm: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Move the running averages on, as batch normalisation does."""
    if norm.running_mean is None or norm.running_var is None or not norm.training:
        return
    share = norm.momentum
    if norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
        if share is None:
            share = 1.0 / float(norm.num_batches_tracked)
    norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), share or 0.0)
    norm.running_var.lerp_(variance.to(norm.running_var.dtype), share or 0.0)
