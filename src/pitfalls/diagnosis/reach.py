"""Which parameters the loss reaches, which matter to it, and which the optimizer knows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor, nn

from pitfalls.diagnosis.evidence.wiring import Reach
from pitfalls.diagnosis.guard import SAME_NUMBERS
from pitfalls.diagnosis.nested import leaves, map_leaves
from pitfalls.diagnosis.subject import Mode, Subject, SubjectError, widened

__all__ = ["given_to", "graph_leaves", "graph_nodes", "reach"]

_MOST_TRIED = 64  # groups of parameters; of more parameters than that, neighbours share one
_PASSES = 8
_LEAST_FOR_A_LAW = 16
_NO_START = 1e-6  # p-value below which weights are those of no random start
_ALIKE = 0.5  # cosine of the angle to a trained weight from which on one is its copy


def reach(subject: Subject, rows: NDArray[np.int64]) -> Reach:
    """Take backward passes as the user would, and follow the graph to its leaves.

    What a pass skips at random (a layer dropped, an expert that got no example) is not cut: a parameter
    is, if it moves the outputs of the very pass, in the same mode and with the same numbers drawn, and
    gets no gradient in that pass or any other.
    """
    parameters = subject.parameters()
    heard = _heard(subject, rows)
    first = _pass(subject, rows, SAME_NUMBERS)
    without = [n for n, p in parameters.items() if p.requires_grad and n not in first.reached]
    still = [n for n, p in parameters.items() if not p.requires_grad]
    moves = _that_move_outputs(subject, rows, [*without, *still], "eval", heard)
    moves_pass = _that_move_outputs(subject, rows, without, "given", heard)
    members = _members(subject.optimizer)
    got, made_anew = _in_other_passes(subject, rows, first, more=bool(moves_pass))
    frozen = tuple(n for n in still if n in moves)
    outside_optimizer: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    if members is not None:
        left_out = tuple(n for n, p in parameters.items() if n in got and id(p) not in members)
        outside_optimizer = () if _was_trained(subject.model, left_out, parameters) else left_out
        kept = left_out if not outside_optimizer else ()
        unknown = [t for t in first.outside if id(t) not in members and id(t) not in made_anew]
        loose = _described(t for t in unknown if id(t) in first.in_outputs)
        beside = _described(t for t in unknown if id(t) not in first.in_outputs)
    cut = tuple(
        n
        for n in without
        if n in moves_pass - got and (members is None or id(parameters[n]) in members)
    )
    wide = [n for n in cut if parameters[n].ndim > 1]
    taught = bool(wide) and all(_is_copy(parameters[n], got, parameters) for n in wide)
    return Reach(
        cut=() if taught else cut,
        unused=tuple(n for n in without if n not in moves | moves_pass | got),
        frozen=frozen,
        frozen_fresh=tuple(n for n in frozen if _looks_fresh(subject.model, n, parameters, got)),
        not_in_optimizer=outside_optimizer,
        outside_model=loose,
        beside_model=beside,
        kept_out=kept,
        frozen_in_optimizer=tuple(
            n for n in frozen if members is not None and id(parameters[n]) in members
        ),
        gradients_kept=_keeps_gradients(subject),
    )


@dataclass(frozen=True)
class _Pass:
    """Parameters that a backward pass gave a gradient, and leaves of its graph that are none.

    ``in_outputs`` are the identities of those that the model's outputs come from.
    """

    reached: set[str]
    outside: list[Tensor]
    in_outputs: set[int]


def _described(tensors: Iterable[Tensor]) -> tuple[str, ...]:
    return tuple(f"a tensor of shape {tuple(t.shape)}" for t in tensors)


def _pass(subject: Subject, rows: NDArray[np.int64], seed: int) -> _Pass:
    parameters = subject.parameters()
    for parameter in parameters.values():
        parameter.grad = None
    with subject.mode("given"), subject.same_numbers(seed):
        x, y = subject.batch(rows)
        out = subject.forward(x)
        value = subject.loss_of(out, y)
    outside: list[Tensor] = []
    in_outputs = {id(t) for t in graph_leaves(*leaves(out))}
    if value.requires_grad:
        known = {id(p) for p in parameters.values()}
        outside = [t for t in graph_leaves(value) if id(t) not in known]
        with subject.users_code("the backward pass"):
            value.backward()  # type: ignore[no-untyped-call]
    subject.count(gradients=1)
    reached = {n for n, p in parameters.items() if p.grad is not None}
    return _Pass(reached, outside, in_outputs)


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


def graph_leaves(*values: Tensor) -> list[Tensor]:
    """Return the tensors whose gradient a backward pass from these would accumulate."""
    variables = (getattr(node, "variable", None) for node in graph_nodes(*values))
    return list({id(v): v for v in variables if isinstance(v, Tensor)}.values())


def graph_nodes(*values: Tensor) -> Iterator[Any]:
    """Yield what a backward pass from these runs through, each once."""
    seen: set[Any] = set()
    stack: list[Any] = [value.grad_fn for value in values]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        stack.extend(after for after, _ in node.next_functions)


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
    subject: Subject, rows: NDArray[np.int64], names: list[str], mode: Mode, heard: list[bool]
) -> set[str]:
    """Change parameters at random, all together and then one by one: do outputs or loss move?

    Of several outputs, those that the loss looks at: a head that it leaves out is not cut off from it.
    """
    parameters = subject.parameters()
    real = [n for n in names if parameters[n].is_floating_point() or parameters[n].is_complex()]
    if not real:
        return set()
    generator = torch.Generator().manual_seed(SAME_NUMBERS)  # a witness changes them alike
    before, again = _seen(subject, rows, mode, heard), _seen(subject, rows, mode, heard)
    noise = max(
        float((a - b).abs().nan_to_num(0.0).max()) for a, b in zip(before, again, strict=True)
    )

    def moved(chosen: list[str]) -> bool:
        kept = {name: parameters[name].data.clone() for name in chosen}
        for name in chosen:
            data = parameters[name].data
            size = 0.1 * float(widened(data).std(correction=0)) + 1e-2
            data += (size * torch.randn(data.shape, generator=generator)).to(data)
        try:
            after = _seen(subject, rows, mode, heard)
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


@torch.no_grad()
def _heard(subject: Subject, rows: NDArray[np.int64]) -> list[bool]:
    """Whether the loss looks at each output that is a real number; one alone it must look at."""
    with subject.kept_buffers(), subject.mode("given"), subject.same_numbers():
        x, y = subject.batch(rows)
        out = subject.forward(x)
    real = [i for i, t in enumerate(leaves(out)) if t.is_floating_point()]
    if len(real) < 2:
        return [True] * len(real)

    def loss(changed: int | None) -> float:
        place = iter(range(len(list(leaves(out)))))
        generator = torch.Generator().manual_seed(SAME_NUMBERS)

        def other(t: Tensor) -> Tensor:
            if next(place) != changed:
                return t.clone()
            return t + (t.abs().mean() + 1) * torch.randn(t.shape, generator=generator).to(t)

        with subject.same_numbers():
            return float(subject.loss_of(map_leaves(other, out), y))

    try:
        here = loss(None)
        return [loss(i) != here for i in real]
    except SubjectError:
        return [True] * len(real)  # it does not take what is no network's output


def _seen(subject: Subject, rows: NDArray[np.int64], mode: Mode, heard: list[bool]) -> list[Tensor]:
    """Return what the loss hears, and the loss, with the numbers of the first pass.

    Batch norms keep their statistics.
    """
    with subject.kept_buffers(), subject.mode(mode), subject.same_numbers():
        x, y = subject.batch(rows)
        out = subject.forward(x)
        value = subject.loss_of(out, y)
    real = [t.double().flatten() for t in leaves(out) if t.is_floating_point()]
    if len(real) == len(heard):  # evaluation may give fewer
        real = [t for t, is_heard in zip(real, heard, strict=True) if is_heard]
    return [*real, value.double().flatten()]


def _looks_fresh(
    model: nn.Module, name: str, parameters: dict[str, nn.Parameter], trained: set[str]
) -> bool:
    """Whether a layer's weight is still spread as random starts are, and is no copy of a trained one."""
    p = _as_started(model, name, parameters)
    own = _weight_of(name, parameters)
    return p is not None and p > 0.01 and not _is_copy(own, trained, parameters)


def _was_trained(
    model: nn.Module, names: Iterable[str], parameters: dict[str, nn.Parameter]
) -> bool:
    """Whether these hold weights that no random start gives, and none that one may give."""
    found = [p for p in (_as_started(model, n, parameters) for n in names) if p is not None]
    return bool(found) and max(found) < _NO_START


def _as_started(model: nn.Module, name: str, parameters: dict[str, nn.Parameter]) -> float | None:
    """Return the p-value of a layer's weight being spread evenly or normally about 0.

    Random starts are. Trained weights are not, and sinusoids, one-hot tables and constants are not. A
    bias goes with the weight of its layer; norm layers start at constants and say nothing: None.
    """
    path = name.rpartition(".")[0]
    try:
        module = model.get_submodule(path)
    except AttributeError:
        return None
    if not isinstance(module, nn.Linear | nn.modules.conv._ConvNd | nn.Embedding | nn.RNNBase):
        return None
    w = widened(_weight_of(name, parameters)).cpu().numpy().ravel()
    if w.size < _LEAST_FOR_A_LAW or np.ptp(w) == 0:
        return None
    if abs(w.mean()) > 4 * w.std() / np.sqrt(w.size):
        return 0.0
    even = stats.kstest(np.abs(w) / np.abs(w).max(), "uniform").pvalue
    normal = stats.kstest(w / np.sqrt(np.mean(w**2)), "norm").pvalue
    return float(max(even, normal))


def _weight_of(name: str, parameters: dict[str, nn.Parameter]) -> nn.Parameter:
    """Return the weight of a bias's layer, or the parameter itself."""
    path, _, leaf = name.rpartition(".")
    weight = f"{path}.weight" if path else "weight"
    return parameters[weight if weight in parameters and leaf == "bias" else name]


def _is_copy(weight: Tensor, trained: set[str], parameters: dict[str, nn.Parameter]) -> bool:
    """Whether a weight follows a trained one of its shape, as a teacher's do that averages them.

    Two random starts are correlated by about one over the root of their size.
    """
    if weight.numel() < _LEAST_FOR_A_LAW or weight.ndim < 2:
        return False  # biases and gains of many layers are alike
    least = min(0.99, max(_ALIKE, 5 / weight.numel() ** 0.5))
    others = (p for n, p in parameters.items() if n in trained and p.shape == weight.shape)
    own = widened(weight).flatten()
    return any(float(torch.cosine_similarity(own, widened(p).flatten(), 0)) > least for p in others)


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
