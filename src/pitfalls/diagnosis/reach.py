"""Which parameters the loss reaches, which matter to it, and which the optimizer knows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor, nn

from pitfalls.diagnosis.evidence.wiring import Reach
from pitfalls.diagnosis.guard import SAME_NUMBERS
from pitfalls.diagnosis.nested import leaves
from pitfalls.diagnosis.subject import Mode, Subject

__all__ = ["given_to", "graph_leaves", "reach"]

_MOST_TRIED = 64  # groups of parameters; of more parameters than that, neighbours share one
_PASSES = 8
_LEAST_FOR_A_LAW = 16


def reach(subject: Subject, rows: NDArray[np.int64]) -> Reach:
    """Take backward passes as the user would, and follow the graph to its leaves.

    What a pass skips at random (a layer dropped, an expert that got no example) is not cut: a parameter
    is, if it moves the outputs of the very pass, in the same mode and with the same numbers drawn, and
    gets no gradient in that pass or any other.
    """
    parameters = subject.parameters()
    first = _pass(subject, rows, SAME_NUMBERS)
    without = [n for n, p in parameters.items() if p.requires_grad and n not in first.reached]
    still = [n for n, p in parameters.items() if not p.requires_grad]
    moves = _that_move_outputs(subject, rows, [*without, *still], "eval")
    moves_pass = _that_move_outputs(subject, rows, without, "given")
    members = _members(subject.optimizer)
    got, made_anew = _in_other_passes(subject, rows, first, more=bool(moves_pass))
    frozen = tuple(n for n in still if n in moves)
    outside_optimizer: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    if members is not None:
        outside_optimizer = tuple(
            n for n, p in parameters.items() if n in got and id(p) not in members
        )
        loose = tuple(
            f"a tensor of shape {tuple(t.shape)}"
            for t in first.outside
            if id(t) not in members and id(t) not in made_anew
        )
    return Reach(
        cut=tuple(
            n
            for n in without
            if n in moves_pass - got and (members is None or id(parameters[n]) in members)
        ),
        unused=tuple(n for n in without if n not in moves | moves_pass | got),
        frozen=frozen,
        frozen_fresh=tuple(n for n in frozen if _looks_fresh(subject.model, n, parameters)),
        not_in_optimizer=outside_optimizer,
        outside_model=loose,
        frozen_in_optimizer=tuple(
            n for n in frozen if members is not None and id(parameters[n]) in members
        ),
        gradients_kept=_keeps_gradients(subject),
    )


@dataclass(frozen=True)
class _Pass:
    """Parameters that a backward pass gave a gradient, and leaves of its graph that are none."""

    reached: set[str]
    outside: list[Tensor]


def _pass(subject: Subject, rows: NDArray[np.int64], seed: int) -> _Pass:
    parameters = subject.parameters()
    for parameter in parameters.values():
        parameter.grad = None
    with subject.mode("given"), subject.same_numbers(seed):
        value = subject.risk(rows)
    outside: list[Tensor] = []
    if value.requires_grad:
        known = {id(p) for p in parameters.values()}
        outside = [t for t in graph_leaves(value) if id(t) not in known]
        with subject.users_code("the backward pass"):
            value.backward()  # type: ignore[no-untyped-call]
    subject.count(gradients=1)
    return _Pass({n for n, p in parameters.items() if p.grad is not None}, outside)


def _in_other_passes(
    subject: Subject, rows: NDArray[np.int64], first: _Pass, *, more: bool
) -> tuple[set[str], set[int]]:
    """Return what gets a gradient in any pass, and the first pass's leaves that another makes anew.

    A tensor that every pass makes (a first state of zeros, a copy of the input to be differentiated by)
    cannot be meant to train. ``first`` holds its leaves, so that no later one has their identity.
    """
    reached, made_anew = set(first.reached), set[int]()
    for k in range(1, _PASSES if more else 2 if first.outside else 1):
        again = _pass(subject, rows, SAME_NUMBERS + k)
        reached |= again.reached
        if k == 1:
            made_anew = {id(t) for t in first.outside} - {id(t) for t in again.outside}
    return reached, made_anew


def graph_leaves(value: Tensor) -> list[Tensor]:
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
def _that_move_outputs(
    subject: Subject, rows: NDArray[np.int64], names: list[str], mode: Mode
) -> set[str]:
    """Change parameters at random, all together and then one by one: do outputs or loss move?"""
    parameters = subject.parameters()
    real = [name for name in names if parameters[name].is_floating_point()]
    if not real:
        return set()
    generator = torch.Generator().manual_seed(int(subject.rng.integers(2**31)))
    before, again = _seen(subject, rows, mode), _seen(subject, rows, mode)
    noise = max(float((a - b).abs().max()) for a, b in zip(before, again, strict=True))

    def moved(chosen: list[str]) -> bool:
        kept = {name: parameters[name].data.clone() for name in chosen}
        for name in chosen:
            data = parameters[name].data
            size = 0.1 * float(data.double().std(correction=0)) + 1e-2
            data += (size * torch.randn(data.shape, generator=generator)).to(data)
        try:
            after = _seen(subject, rows, mode)
        finally:
            for name in chosen:
                parameters[name].data.copy_(kept[name])
        return any(
            a.shape != b.shape
            or not torch.isclose(a, b, rtol=1e-6, atol=1e-12 + 10 * noise, equal_nan=True).all()
            for a, b in zip(after, before, strict=True)
        )

    if not moved(real):
        return set()
    together = -(-len(real) // _MOST_TRIED)
    groups = [real[at : at + together] for at in range(0, len(real), together)]
    return {name for group in groups if moved(group) for name in group}


def _seen(subject: Subject, rows: NDArray[np.int64], mode: Mode) -> list[Tensor]:
    """Return outputs and loss with the numbers of the first pass; batch norms keep their statistics."""
    kept = [(b, b.clone()) for b in subject.model.buffers()]
    with subject.mode(mode), subject.same_numbers():
        x, y = subject.batch(rows)
        out = subject.forward(x)
        value = subject.loss_of(out, y)
    for buffer, copied in kept:
        buffer.data.copy_(copied)
    real = [t.double().flatten() for t in leaves(out) if t.is_floating_point()]
    return [*real, value.double().flatten()]


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
