"""Which parameters the loss reaches, which matter to it, and which the optimizer knows."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor, nn

from pitfalls.diagnosis.evidence.wiring import Reach
from pitfalls.diagnosis.nested import leaves
from pitfalls.diagnosis.subject import Subject

__all__ = ["given_to", "reach"]

_MOST_TRIED_ONE_BY_ONE = 64
_LEAST_FOR_A_LAW = 16


def reach(subject: Subject, rows: NDArray[np.int64]) -> Reach:
    """Take one backward pass as the user would, and follow the graph to its leaves."""
    parameters = subject.parameters()
    with subject.mode("given"):
        value = subject.risk(rows)
    outside: list[Tensor] = []
    if value.requires_grad:
        known = {id(p) for p in parameters.values()}
        outside = [t for t in _graph_leaves(value) if id(t) not in known]
        with subject.users_code("the backward pass"):
            value.backward()  # type: ignore[no-untyped-call]
    subject.count(gradients=1)
    without = [n for n, p in parameters.items() if p.requires_grad and p.grad is None]
    still = [n for n, p in parameters.items() if not p.requires_grad]
    moves = _that_move_outputs(subject, rows, [*without, *still])
    frozen = tuple(n for n in still if n in moves)
    members = _members(subject.optimizer)
    outside_optimizer: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    if members is not None:
        outside_optimizer = tuple(
            n for n, p in parameters.items() if p.grad is not None and id(p) not in members
        )
        loose = tuple(
            f"a tensor of shape {tuple(t.shape)}" for t in outside if id(t) not in members
        )
    return Reach(
        cut=tuple(
            n for n in without if n in moves and (members is None or id(parameters[n]) in members)
        ),
        unused=tuple(n for n in without if n not in moves),
        frozen=frozen,
        frozen_fresh=tuple(n for n in frozen if _looks_fresh(subject.model, n, parameters)),
        not_in_optimizer=outside_optimizer,
        outside_model=loose,
        frozen_in_optimizer=tuple(
            n for n in frozen if members is not None and id(parameters[n]) in members
        ),
        gradients_kept=_keeps_gradients(subject),
    )


def _graph_leaves(value: Tensor) -> list[Tensor]:
    """Return the tensors whose gradient a backward pass would accumulate."""
    found: dict[int, Tensor] = {}
    seen: set[Any] = set()
    stack = [value.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if isinstance(variable, Tensor):
            found[id(variable)] = variable
        stack.extend(after for after, _ in node.next_functions)
    return list(found.values())


def _members(optimizer: Any) -> set[int] | None:
    groups = getattr(optimizer, "param_groups", None)
    return None if groups is None else {id(p) for group in groups for p in group["params"]}


def given_to(optimizer: Any, subject: Subject) -> tuple[str, ...] | None:
    """Name the parameters that an optimizer was given; None where it lists none."""
    members = _members(optimizer)
    if members is None:
        return None
    return tuple(name for name, p in subject.parameters().items() if id(p) in members)


@torch.no_grad()
def _that_move_outputs(subject: Subject, rows: NDArray[np.int64], names: list[str]) -> set[str]:
    """Change parameters at random, all together and then one by one: do outputs or loss move?"""
    if not names:
        return set()
    parameters = subject.parameters()
    generator = torch.Generator().manual_seed(int(subject.rng.integers(2**31)))

    def look() -> list[Tensor]:
        with subject.mode("eval"):
            x, y = subject.batch(rows)
            out = subject.forward(x)
            real = [t.double().flatten() for t in leaves(out) if t.is_floating_point()]
            return [*real, subject.loss_of(out, y).double().flatten()]

    before, again = look(), look()
    noise = max(float((a - b).abs().max()) for a, b in zip(before, again, strict=True))

    def moved(chosen: list[str]) -> bool:
        kept = {name: parameters[name].data.clone() for name in chosen}
        for name in chosen:
            data = parameters[name].data
            size = 0.1 * float(data.double().std(correction=0)) + 1e-2
            data += (size * torch.randn(data.shape, generator=generator)).to(data)
        try:
            after = look()
        finally:
            for name in chosen:
                parameters[name].data.copy_(kept[name])
        return any(
            not bool(torch.isclose(a, b, rtol=1e-6, atol=1e-12 + 10 * noise, equal_nan=True).all())
            for a, b in zip(after, before, strict=True)
        )

    real = [name for name in names if parameters[name].is_floating_point()]
    if not real or not moved(real):
        return set()
    if len(real) > _MOST_TRIED_ONE_BY_ONE:
        return set(real)
    return {name for name in real if moved([name])}


def _looks_fresh(model: nn.Module, name: str, parameters: dict[str, nn.Parameter]) -> bool:
    """Whether a layer's weight is still spread evenly or normally about 0, as random starts are.

    Trained weights are not, and sinusoids, one-hot tables and constants are not. A bias goes with
    the weight of its layer; norm layers start at constants and say nothing.
    """
    path, _, leaf = name.rpartition(".")
    try:
        module = model.get_submodule(path)
    except AttributeError:
        return False
    if not isinstance(module, nn.Linear | nn.modules.conv._ConvNd | nn.Embedding | nn.RNNBase):
        return False
    weight = f"{path}.weight" if path else "weight"
    values = parameters[weight if weight in parameters and leaf == "bias" else name]
    w = values.detach().double().cpu().numpy().ravel()
    if w.size < _LEAST_FOR_A_LAW or np.ptp(w) == 0:
        return False
    centred = abs(w.mean()) <= 4 * w.std() / np.sqrt(w.size)
    even = stats.kstest(np.abs(w) / np.abs(w).max(), "uniform").pvalue
    normal = stats.kstest(w / np.sqrt(np.mean(w**2)), "norm").pvalue
    return bool(centred and max(even, normal) > 0.01)


def _keeps_gradients(subject: Subject) -> bool:
    """Whether zero_grad() of the user's optimizer leaves what an earlier step left."""
    members = _members(subject.optimizer)
    if members is None:
        return False
    mine = [p for p in subject.trainable().values() if id(p) in members]
    for parameter in mine:
        parameter.grad = torch.ones_like(parameter)
    with subject.users_code("optimizer.zero_grad()"):
        subject.optimizer.zero_grad()
    kept = any(p.grad is not None and bool((p.grad != 0).any()) for p in mine)
    for parameter in mine:
        parameter.grad = None
    return kept
