"""How many threads a training takes: as many as its work keeps busy."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

__all__ = ["threads_for"]

WORK_A_THREAD = 1e9
"""Floating-point operations of one batch, forward, that keep a thread busy.

With less, threads mostly wait for each other at the end of each layer, and beside other processes they
wait for whole time slices. Counted, not timed: the number of threads decides in which order sums are
rounded, so the same training must take the same number on the same machine.
"""


def threads_for(
    network: nn.Module, image_shape: tuple[int, ...], batch_size: int, available: int
) -> int:
    """Return how many threads the steps of a training keep busy.

    Parameters
    ----------
    network : Module
        Evaluated once, on one black image; left as it was.
    image_shape : tuple of int
        (channels, height, width).
    batch_size : int
        Images a step.
    available : int
        The most threads to take.

    Returns
    -------
    int
        One for each `WORK_A_THREAD` of a batch, at least 1. All that are available where nothing can
        be counted: the network's operators are unknown, or it takes no such image.
    """
    work = _operations(getattr(network, "_orig_mod", network), image_shape) * batch_size
    return max(1, min(available, int(work / WORK_A_THREAD))) if work else available


def _operations(network: nn.Module, image_shape: tuple[int, ...]) -> int:
    """Count multiplications and additions for one image, 0 where they cannot be counted."""
    like = next((p for p in network.parameters() if p.is_floating_point()), torch.zeros(0))
    training = {module: module.training for module in network.modules()}
    counter = FlopCounterMode(display=False)
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad(), counter:
            network.eval()(torch.zeros(1, *image_shape, dtype=like.dtype, device=like.device))
    except Exception:  # whatever a network of somebody else's raises, the training itself will say
        return 0
    finally:
        for module, mode in training.items():
            module.training = mode
    return counter.get_total_flops()
