"""Schedulers that work on an optimizer, and how high they take its rate."""

import gc
from typing import Any

from torch.optim.lr_scheduler import LRScheduler

__all__ = ["highest_rate", "schedulers_of"]


def schedulers_of(optimizer: Any) -> list[LRScheduler]:
    """Find schedulers that work on this optimizer: a hook of it may step them."""
    if not any("initial_lr" in group for group in getattr(optimizer, "param_groups", ())):
        return []  # every scheduler leaves its mark in the groups
    return [
        found
        for found in gc.get_objects()
        # the type, not isinstance: proxies answer for the objects behind them
        if issubclass(type(found), LRScheduler) and vars(found).get("optimizer") is optimizer
    ]


def highest_rate(optimizer: Any) -> float:
    """Return the largest rate that a scheduler starts from, or rises to; 0 without one."""
    groups = getattr(optimizer, "param_groups", ())
    named = (g.get(key) for g in groups for key in ("initial_lr", "max_lr"))
    rates = [float(rate) for rate in named if rate is not None]
    for scheduler in schedulers_of(optimizer):
        rates += map(float, vars(scheduler).get("max_lrs", ()))
    return max(rates, default=0.0)
