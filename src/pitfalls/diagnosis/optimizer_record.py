"""Write an optimizer down, where names and numbers say all of it."""

import json

import torch

from pitfalls.diagnosis.run_witnesses import OptimizerRecord
from pitfalls.diagnosis.subject import Subject

__all__ = ["record_optimizer"]


def record_optimizer(subject: Subject) -> OptimizerRecord | None:
    """Record the user's optimizer; None where its class, hooks, state or settings are its own.

    Notes
    -----
    Hooks and schedulers change steps by code, a state by tensors of earlier steps, and a class of one's
    own by anything: none of them is names and numbers.
    """
    optimizer = subject.optimizer
    kind = type(optimizer)
    if getattr(torch.optim, kind.__name__, None) is not kind or optimizer.state:
        return None
    hooks = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
    if any(getattr(optimizer, name, None) for name in hooks):
        return None
    names = {id(p): name for name, p in subject.parameters().items()}
    groups, settings = [], []
    for group in optimizer.param_groups:
        if any(id(p) not in names for p in group["params"]):
            return None
        groups.append(tuple(names[id(p)] for p in group["params"]))
        values = {
            key: value for key, value in group.items() if key not in ("params", "param_names")
        }
        try:
            settings.append(json.dumps(values, sort_keys=True))
        except (TypeError, ValueError):
            return None  # a rate that is a tensor, say
    return OptimizerRecord(kind.__name__, tuple(groups), tuple(settings))
