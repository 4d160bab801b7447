"""Diagnose a set-up of the zoo and hold the answer against what is known to be wrong with it."""

import hashlib
import random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pitfalls.diagnosis.entry import diagnose
from pitfalls.diagnosis.zoo.judgement import Judgement
from pitfalls.diagnosis.zoo.setup import Setup

__all__ = ["judge", "state_digest"]


def judge(setup: Setup, seed: int, *, budget: float = 60.0) -> Judgement:
    """Build the set-up anew and diagnose it.

    Parameters
    ----------
    setup : Setup
    seed : int
        Of the set-up and of the diagnosis.
    budget : float
        Seconds.
    """
    case = setup.build(seed)
    before = state_digest(case.model, case.optimizer)
    found = diagnose(
        case.model, case.loss, case.x, case.y, case.optimizer, budget=budget, seed=seed
    )
    after = state_digest(case.model, case.optimizer)
    held = all(
        card.check(case.model, case.loss, case.x, case.y)
        for card in found.cards
        if card.witness is not None
    )
    first = found.attributions[0]
    return Judgement(
        setup.name,
        setup.part,
        seed,
        setup.right,
        first.cause,
        found.causes,
        first.rule,
        before == after,
        held,
        found.seconds,
        sum(card.cost.gradients + 4 * card.cost.products for card in found.cards),
    )


def state_digest(model: nn.Module, optimizer: Any) -> str:
    """Hash everything a diagnosis must leave as it was.

    Parameters and buffers with their gradients and flags, modes and hooks of all modules, the
    optimizer's state and groups, and the global generators of torch, numpy and Python.
    """
    digest = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, Tensor):
            digest.update(f"{value.dtype}{tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().view(-1).numpy().tobytes())
        elif isinstance(value, dict):
            for key, item in value.items():
                digest.update(str(key if not isinstance(key, Tensor) else "").encode())
                add(item)
        elif isinstance(value, list | tuple):
            for item in value:
                add(item)
        else:
            digest.update(repr(value).encode())

    for name, parameter in model.named_parameters():
        add([name, parameter, parameter.requires_grad, parameter.grad])
    add(dict(model.named_buffers()))
    for module in model.modules():
        add([module.training, len(module._forward_hooks), len(module._backward_hooks)])
    add(dict(getattr(optimizer, "state", {})))
    for group in getattr(optimizer, "param_groups", ()):
        add({key: value for key, value in group.items() if key != "params"})
    add(torch.get_rng_state())
    add(repr(np.random.get_state()))  # noqa: NPY002 - the global one is meant
    add(random.getstate())
    return digest.hexdigest()
