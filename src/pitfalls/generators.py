"""Seeding the global generators, which networks and other people's code draw from."""

import random

import numpy as np
import torch

__all__ = ["seed_generators", "seed_torch"]


def seed_torch(seed: int) -> None:
    """Seed torch's generators of the processor and of every device in use, as ``torch.manual_seed`` does.

    That one leaves word for devices that are not in use, too, each time with the stack of calls as text
    (torch 2.13): half a millisecond at forty calls deep, in which a small network takes a quarter of a step.
    """
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)
    if torch.xpu.is_initialized():  # type: ignore[no-untyped-call]
        torch.xpu.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)


def seed_generators(seed: int) -> None:
    """Seed torch's, NumPy's and Python's global generators."""
    seed_torch(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the global one is what others draw from
    random.seed(seed)
