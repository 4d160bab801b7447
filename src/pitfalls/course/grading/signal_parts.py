"""Question 3c: the network's gradient, the split of the risk's gradient, parities, the bound."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from pitfalls.course.grading import oracles
from pitfalls.course.grading.calls import Call, Outcome
from pitfalls.course.grading.properties import (
    Check,
    Desk,
    Part,
    Trial,
    arrays,
    compare,
    number,
    shown,
)
from pitfalls.course.grading.telling import telling_networks

__all__ = ["SIGNAL_PARTS"]

FILE: Final = "formulas.py"
SIZES: Final = ((3, 5), (4, 3), (5, 7))


def _networks(desk: Desk) -> list[oracles.Network]:
    """Draw networks of several sizes and scales, biases both ways."""
    scales = (0.5, 1.0, 2.0)
    return [
        oracles.random_network(d, k, desk.rng, scale)
        for (d, k), scale in zip(SIZES, scales, strict=True)
    ]


def _size(net: oracles.Network, words: str = "") -> str:
    k, d = net[0].shape
    return f"d, k = {d}, {k}" + (f" ({words})" if words else "")


# ----------------------------------------------------------------------------- 3c(i)


def _gradient(desk: Desk) -> None:
    trials = []
    for net in _networks(desk):
        for _ in range(2):
            x = desk.rng.integers(0, 2, net[0].shape[1])
            wanted = oracles.network_differences(net, x.astype(float))
            at = f"{_size(net)}, x = {shown(x)}"
            trials.append(Trial(Call("network_gradient", (*net, x)), wanted, at))
    outcomes = desk.ask(*(trial.call for trial in trials))

    def verify(block: int) -> str:
        for trial, outcome in zip(trials, outcomes, strict=True):
            k, d = trial.call.arguments[0].shape
            found = arrays(outcome, trial.wanted.shape, "network_gradient")
            cuts = (0, k * d, k * d + k, k * d + 2 * k, k * d + 2 * k + 1)
            part = slice(cuts[block], cuts[block + 1])
            off = np.abs(found[part] - trial.wanted[part])
            if off.max() > 1e-4:
                i = int(np.argmax(off))
                return (
                    f"at {trial.at}: entry {cuts[block] + i} is {shown(found[part][i])} where "
                    f"finite differences give {shown(trial.wanted[part][i])}"
                )
        return ""

    for check in range(4):
        desk.check(check, lambda b=check: verify(b))  # type: ignore[misc]


def _bound(desk: Desk) -> None:
    nets = [*_networks(desk), *_networks(desk)]
    quiet = oracles.random_network(4, 3, desk.rng, 0.01)
    dead = (np.full((3, 4), -1.0), np.full(3, -1.0), np.ones(3), 0.0)
    w, b = oracles.random_network(4, 3, desk.rng, 0.01)[:2]
    # an entry by b is the largest: with b > 0 every unit is active somewhere, at x = 0
    loud = (w, np.abs(b), np.array([1.0, -7.0, 2.0]), 0.5)
    late = (w + 3, b, 0.01 * np.ones(3), 0.0)  # and one by alpha
    nets += [quiet, dead, loud, late]
    cases = [*(("", net) for net in nets), *telling_networks(desk.rng)]
    outcomes = desk.ask(*(Call("gradient_bound", net) for _, net in cases))

    def largest(net: oracles.Network) -> float:
        return float(np.abs(oracles.network_gradient(net, oracles.inputs(net[0].shape[1]))).max())

    def holds() -> str:
        for (words, net), outcome in zip(cases, outcomes, strict=True):
            bound, due = number(outcome, "gradient_bound"), largest(net)
            if bound < due * (1 - 1e-9):
                return (
                    f"at {_size(net, words)}: the bound is {shown(bound)}, and an entry is {shown(due)}; "
                    "which inputs and which of w, b, α, β does it forget?"
                )
        return ""

    def sharp() -> str:
        for (words, net), outcome in zip(cases, outcomes, strict=True):
            w, b, alpha, _ = net
            due = 1 + np.abs(alpha).max() + (np.abs(w).sum(1) + np.abs(b)).max()
            bound = number(outcome, "gradient_bound")
            if bound > 10 * w.size * due:
                return f"at {_size(net, words)}: the bound is {shown(bound)}, where {shown(due)} is enough"
        return ""

    desk.check(0, holds)
    desk.check(1, sharp)


# ---------------------------------------------------------------------------- 3c(ii)


def _split(desk: Desk) -> None:
    nets = _networks(desk)
    outcomes = desk.ask(*(Call("split_risk_gradient", net) for net in nets))

    def parts(net: oracles.Network, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        k, d = net[0].shape
        n = d * k + 2 * k + 1
        pair: Sequence[object] = outcome.value if isinstance(outcome.value, list) else ()
        if outcome.error or len(pair) != 2:
            arrays(outcome, (2, n), "split_risk_gradient (a pair a, g)")
        a = arrays(Outcome(pair[0]), (n,), "split_risk_gradient, a:")
        return a, arrays(Outcome(pair[1]), (2**d, n), "split_risk_gradient, g:")

    def shapes() -> str:
        for net, outcome in zip(nets, outcomes, strict=True):
            parts(net, outcome)
        return ""

    def free() -> str:
        for net, outcome in zip(nets, outcomes, strict=True):
            a = parts(net, outcome)[0]
            x = oracles.inputs(net[0].shape[1])
            f, slope = oracles.network(net, x), oracles.network_gradient(net, x)
            due = -(((f < 1).astype(float) - (-f < 1)) / 2 @ slope) / len(x)
            for factor, name in ((1, ""), (-1, "the other sign"), (2, "leaving out the ½")):
                if np.allclose(a, factor * due, atol=1e-9):
                    if not name:
                        break
                    return f"at {_size(net)}: a is not the sheet's; {name} gives just that"
            else:
                i = int(np.argmax(np.abs(a - due)))
                return f"at {_size(net)}: a_{i} is {shown(a[i])} where {shown(due[i])} is due"
        return ""

    def identity() -> str:
        for net, outcome in zip(nets, outcomes, strict=True):
            a, g = parts(net, outcome)
            x = oracles.inputs(net[0].shape[1])
            due = oracles.risk_gradients(net, x, x)
            came = a + oracles.parities(x, x) @ g / len(x)
            off = np.abs(came - due)
            if off.max() > 1e-9 * max(1.0, float(np.abs(due).max())):
                v, i = np.unravel_index(int(np.argmax(off)), off.shape)
                return (
                    f"at {_size(net)}, v = {shown(x[v])}: entry {i} of a + E[χ_v g] is "
                    f"{shown(came[v, i])}, and of ∇R it is {shown(due[v, i])}"
                )
        return ""

    desk.check(0, shapes)
    desk.check(1, free)
    desk.check(2, identity)


# ----------------------------------------------------------------- 3c(iii) and 3c(iv)


def _correlations(desk: Desk) -> None:
    masks = oracles.inputs(4)
    pairs = [(u, v) for u in masks for v in masks]
    long = desk.rng.integers(0, 2, (4, desk.sheet.d))

    def trial(u: np.ndarray, v: np.ndarray) -> Trial:
        call = Call("correlation", (u, v))
        return Trial(call, float((u == v).all()), f"u = {shown(u)}, v = {shown(v)}")

    same = [trial(v, v) for v in (*masks, *long)]
    other = [trial(u, v) for u, v in pairs if (u != v).any()]
    far = [trial(u, v) for u in long for v in long]
    desk.check(0, lambda: compare(desk, same, 1e-9))
    desk.check(1, lambda: compare(desk, [*other, *far], 1e-9))


def _variance(desk: Desk) -> None:
    nets = [*_networks(desk), oracles.random_network(6, 4, desk.rng, 0.3)]
    cases = [*(("", net) for net in nets), *telling_networks(desk.rng)]
    outcomes = desk.ask(*(Call("variance_bound", net) for _, net in cases))

    def spread(net: oracles.Network) -> float:
        """2^d E_v |∇R_v - a|^2 = E_x |g(x)|^2, exactly."""
        x = oracles.inputs(net[0].shape[1])
        f, slope = oracles.network(net, x), oracles.network_gradient(net, x)
        g = -(((f < 1).astype(float) + (-f < 1)) / 2)[:, None] * slope
        return float((g**2).sum(1).mean())

    def holds() -> str:
        for (words, net), outcome in zip(cases, outcomes, strict=True):
            bound, due = number(outcome, "variance_bound"), spread(net)
            if bound < due * (1 - 1e-9):
                return (
                    f"at {_size(net, words)}: C_p is {shown(bound)}, but 2^d E|∇R - a|² is {shown(due)} "
                    "there; which of d, k, w, b, α, β does it forget?"
                )
        return ""

    def polynomial() -> str:
        for (words, net), outcome in zip(cases, outcomes, strict=True):
            w, b, alpha, _ = net
            if len(w) > 7:  # a sum over so many units is generous, and a polynomial none the less
                continue
            c = 1 + np.abs(alpha).max() + (np.abs(w).sum(1) + np.abs(b)).max()
            due = (w.size + 2 * len(w) + 1) * float(c) ** 2
            bound = number(outcome, "variance_bound")
            if bound > 100 * w.shape[1] * due:
                return (
                    f"at {_size(net, words)}: C_p is {shown(bound)}, where {shown(due)} is enough"
                )
        return ""

    desk.check(0, holds)
    desk.check(1, polynomial)


SIGNAL_PARTS: Final = (
    Part(
        "3c-i", "The network's gradient", FILE, ("network_gradient",),
        (
            Check("by w, equal to finite differences", 2),
            Check("by b, equal to finite differences", 1),
            Check("by α, equal to finite differences", 1),
            Check("by β, equal to finite differences", 1),
        ),
        _gradient,
    ),
    Part(
        "3c-i-bound", "A bound on every entry", FILE, ("gradient_bound",),
        (
            Check("holds at every input of every network tried", 3),
            Check("is not wasteful beyond a factor 10 d k", 1, hidden=True),
        ),
        _bound,
    ),
    Part(
        "3c-ii", "The risk's gradient split", FILE, ("split_risk_gradient",),
        (
            Check("a and g of the right shapes", 1),
            Check("a as the sheet defines it", 2),
            Check("∇R = a + E[χ_v g] for every mask v", 3, hidden=True),
        ),
        _split,
    ),
    Part(
        "3c-iii", "Parities are orthonormal", FILE, ("correlation",),
        (
            Check("1 for a mask with itself", 1),
            Check("0 for two masks, at every pair", 2),
        ),
        _correlations,
    ),
    Part(
        "3c-iv", "The bound on the variance", FILE, ("variance_bound",),
        (
            Check("holds exactly at every network tried", 3),
            Check("grows no faster than a polynomial of d", 2, hidden=True),
        ),
        _variance,
    ),
)  # fmt: skip
