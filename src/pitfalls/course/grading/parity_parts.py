"""Questions 3a and 3b: the network, the weights set by hand, the hinge loss, the curves."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pitfalls.course.grading import oracles
from pitfalls.course.grading.calls import Call, Outcome
from pitfalls.course.grading.channel import Kept, Tensor
from pitfalls.course.grading.curves_part import CURVES_PART
from pitfalls.course.grading.properties import (
    Check,
    Desk,
    Part,
    Trial,
    Wrong,
    arrays,
    compare,
    shown,
)

__all__ = ["PARITY_PARTS"]

FILE: Final = "pitfalls.py"
NET: Final = Kept("network")


# ------------------------------------------------------------------------------- 3a


def _network(desk: Desk) -> None:
    d, k = desk.sheet.d, desk.sheet.k
    sizes = [(d, k), (d + 1, 2 * d + 5)]
    found = []
    for size in sizes:
        made = desk.ask(Call("Network", size, keep="network"), Call(":shapes", (NET,)))
        found.append((size, made))

    def shapes() -> str:
        for (d, k), (made, shape) in found:
            if made.error:
                arrays(made, (), "Network")
            came = _shapes(shape)
            if not _roles(came, d, k):
                due = [(k, d), (k,), (1, k), (1,)]
                return f"at d, k = {d}, {k}: parameters of shapes {came} where {due} are due"
        return ""

    desk.check(0, shapes)
    if desk.found[desk.part.checks[0].name]:
        reason = desk.found[desk.part.checks[0].name]
        desk.judge(1, reason)
        desk.judge(2, reason)
        return
    desk.check(1, lambda: _forward(desk, sizes, large=False))
    desk.check(2, lambda: _forward(desk, sizes, large=True))


def _shapes(outcome: Outcome) -> list[tuple[int, ...]]:
    if outcome.error:
        raise Wrong(f"Network has no parameters to read: {outcome.error}")
    value = outcome.value if isinstance(outcome.value, list) else []
    return [tuple(int(n) for n in shape) if isinstance(shape, list) else () for shape in value][:50]


def _roles(shapes: list[tuple[int, ...]], d: int, k: int) -> list[tuple[str, ...]]:
    """Say which parameter may be which of w, b, alpha, beta; two orders where shapes do not tell."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    if sorted(sizes) != sorted([k * d, k, k, 1]) or shapes[sizes.index(k * d)] not in (
        (k, d),
        (d, k),
    ):
        return []
    found = []
    for first, second in (("b", "alpha"), ("alpha", "b")):
        names = iter((first, second))
        roles = tuple("w" if n == k * d else "beta" if n == 1 else next(names) for n in sizes)
        if not any(r == "b" and len(s) == 2 for r, s in zip(roles, shapes, strict=True)):
            found.append(roles)
    return found


def _forward(desk: Desk, sizes: list[tuple[int, int]], *, large: bool) -> str:
    """Compare the network with the sheet's formula at weights of our own."""
    for d, k in sizes:
        net = oracles.random_network(d, k, desk.rng, 30.0 if large else 1.0)
        # not in {0, 1} alone: a network is a function of any x
        x = desk.rng.normal(size=(7, d)) if large else desk.rng.permutation(oracles.inputs(d))[:32]
        desk.ask(Call("Network", (d, k), keep="network"))
        came = _shapes(desk.ask(Call(":shapes", (NET,)))[0])
        reasons = []
        for roles in _roles(came, d, k):
            parts = dict(zip(("w", "b", "alpha", "beta"), map(np.asarray, net), strict=True))
            parts["w"] = net[0] if (k, d) in came else net[0].T
            filling = [
                parts[role].astype("f4").reshape(shape)
                for role, shape in zip(roles, came, strict=True)
            ]
            fill = Call(":fill", (NET, filling))
            filled, outcome = desk.ask(fill, Call(":forward", (NET, Tensor(x.astype("f4")))))
            if filled.error:
                raise Wrong(f"its weights cannot be set: {filled.error}")
            reasons.append(_differing(outcome, net, x))
            if not reasons[-1]:
                break
        if not reasons or reasons[-1]:
            return (reasons or [f"parameters of shapes {came}"])[0]
    return ""


def _differing(outcome: Outcome, net: oracles.Network, x: np.ndarray) -> str:
    value = outcome.value
    if isinstance(value, np.ndarray) and value.shape == (len(x),):
        outcome = Outcome(value[:, None])
    output = arrays(outcome, (len(x), 1), "Network.forward")[:, 0]
    due = oracles.network(net, x)
    worst = int(np.argmax(np.abs(output - due)))
    if abs(output[worst] - due[worst]) <= 1e-3 * max(1.0, float(np.abs(due).max())):
        return ""
    tells = {
        "leaving out the ReLU": (x @ net[0].T + net[1]) @ net[2] + net[3],
        "leaving out the output's bias": due - net[3],
        "a ReLU on the output": np.maximum(due, 0),
        "a tanh on the output": np.tanh(due),
        "a sigmoid in place of the ReLU": _sigmoid_network(net, x),
        "a sign on the output": np.sign(due),
    }
    told = [n for n, v in tells.items() if np.allclose(output, v, rtol=1e-3, atol=1e-3)]
    k, d = net[0].shape
    return (
        f"at weights and an input drawn at random, d, k = {d}, {k}: it gives "
        f"{shown(output[worst])} where {shown(due[worst])} is due"
        + (f"; {told[0]} gives just that" if told else "")
    )


def _sigmoid_network(net: oracles.Network, x: np.ndarray) -> np.ndarray:
    z = np.clip(x @ net[0].T + net[1], -500, 500)
    found: np.ndarray = (1 / (1 + np.exp(-z))) @ net[2] + net[3]
    return found


@dataclass(frozen=True)
class _Failure:
    """A mask with the first input at which the network is wrong, and whether the input of ones is all."""

    mask: np.ndarray
    x: np.ndarray
    value: float
    at_ones_alone: bool


def _weights(desk: Desk) -> None:
    """Set the weights for every mask and look at every input."""
    d = desk.sheet.d
    masks, x = oracles.inputs(d), oracles.inputs(d)
    failures: list[_Failure] = []
    wrong = ""
    per_call = max(1, 2**15 // len(x))
    for start in range(0, len(masks), per_call):
        block = masks[start : start + per_call]
        try:
            output = _outputs(desk, block, x)
        except Wrong as error:
            wrong = str(error)
            break
        off = np.abs(output - oracles.parities(block, x)) > 1e-2
        for mask, values, missed in zip(block, output, off, strict=True):
            if missed.any():
                first = int(np.argmax(missed))
                at_ones = bool(missed[-1]) and missed.sum() == 1  # the last input is all ones
                failures.append(_Failure(mask, x[first], float(values[first]), at_ones))
    ones = [f for f in failures if f.mask.all()]
    example = np.array([int(c) for c in desk.sheet.example_mask])
    named = [f for f in failures if (f.mask == example).all()]
    rest = [f for f in failures if not f.mask.all()]
    printed = bool(ones) and ones[0].at_ones_alone
    forgiven = printed and desk.sheet.accept_printed
    desk.judge(0, wrong or ("" if forgiven and example.all() else _failing(named)))
    desk.judge(1, wrong or _failing(rest))
    text = _failing(ones)
    if text and printed:
        text += (
            "; the construction as printed fails at just this input: its last group of units has "
            "no weights. Give w_i = v* to 3(d/2 + 1) units"
        )
    desk.judge(2, wrong or ("" if forgiven else text))


def _outputs(desk: Desk, masks: np.ndarray, x: np.ndarray) -> np.ndarray:
    calls = [Call("Network", (desk.sheet.d, desk.sheet.k), keep="network")]
    for mask in masks:
        calls.append(Call("set_weights", (NET, Tensor(mask))))  # whole numbers, as in the script
        calls.append(Call(":forward", (NET, Tensor(x.astype("f4")))))
    made, *outcomes = desk.ask(*calls)
    if made.error:
        arrays(made, (), "Network")
    rows = []
    for setting, outcome in zip(outcomes[::2], outcomes[1::2], strict=True):
        if setting.error:
            arrays(setting, (), "set_weights")
        if np.size(outcome.value) == len(x) and isinstance(outcome.value, np.ndarray):
            outcome = Outcome(outcome.value.reshape(-1))
        rows.append(arrays(outcome, (len(x),), "Network.forward"))
    return np.array(rows)


def _failing(failures: list[_Failure]) -> str:
    if not failures:
        return ""
    mask, x = failures[0].mask, failures[0].x
    due = int(oracles.parities(mask[None], x[None])[0, 0])
    more = f"; {len(failures)} masks fail" if len(failures) > 1 else ""
    return f"at v = {shown(mask)}, x = {shown(x)}: f(x) = {failures[0].value:.4g} where {due} is due{more}"


# ------------------------------------------------------------------------------- 3b


def _mixed(desk: Desk, batch: int) -> np.ndarray:
    """Draw margins on both sides of the hinge, so that no mistake passes by luck."""
    rng = desk.rng
    first = [rng.uniform(1.5, 3), rng.uniform(-1.5, -0.5), rng.uniform(0.2, 0.8)]
    margins = np.concatenate([first, 1.5 * rng.normal(size=max(0, batch - 3))])[:batch]
    return rng.permutation(margins)


def _loss_trial(desk: Desk, margins: np.ndarray) -> Trial:
    """Make a batch with outputs (B, 1), as the network gives them, and labels (B,), as the data does."""
    batch = len(margins)
    labels = desk.rng.permutation(np.resize([1.0, -1.0], batch))
    output = labels * margins
    crossed = np.maximum(0, 1 - labels[None, :] * output[:, None])
    losses = np.maximum(0, 1 - margins)
    squares = np.maximum(0, 1 - margins) ** 2
    given = Tensor(output[:, None].astype("f4"), gradient=True), Tensor(labels.astype("f4"))
    return Trial(
        Call("myLoss", given),
        losses.mean(),
        f"a batch of {batch}, f = {_some(output)}, y = {_some(labels)}",
        {
            "broadcasting (B, 1) against (B,) to a table (B, B)": crossed.mean(),
            "broadcasting to a table (B, B), summed": crossed.sum(),
            "the sum over the batch instead of its mean": losses.sum(),
            "leaving out the clamp at zero": (1 - margins).mean(),
            "the clamp after the mean": max(0.0, float((1 - margins).mean())),
            "the wrong sign, 1 + f y": np.maximum(0, 1 + margins).mean(),
            "labels taken as 0 and 1": np.maximum(0, 1 - output * (labels > 0)).mean(),
            "labels taken from 0 and 1 to -1 and 1": np.maximum(
                0, 1 - output * (2 * labels - 1)
            ).mean(),
            "the margin 0 in place of 1": np.maximum(0, -margins).mean(),
            "the square of the hinge": squares.mean(),
            "the logistic loss": np.log1p(np.exp(-margins)).mean(),
            "the mean squared error": ((output - labels) ** 2).mean(),
        },
    )


def _some(values: np.ndarray) -> str:
    text = ", ".join(f"{float(v):.2f}" for v in values[:3])
    return f"({text}{', ...' if len(values) > 3 else ''})"


def _loss(desk: Desk) -> None:
    def uniform(low: float, high: float, batch: int) -> np.ndarray:
        return desk.rng.uniform(low, high, batch)

    # a mean margin above 1 tells a clamp after the mean from one before it
    skewed = np.append(uniform(2, 4, 8), -0.7)
    plain = [_loss_trial(desk, m) for m in (*(_mixed(desk, b) for b in (2, 7, 100)), skewed)]
    sets = [
        plain,
        [_loss_trial(desk, 20 * _mixed(desk, b)) for b in (5, 64)],
        [_loss_trial(desk, uniform(-2, -0.5, 1)), _loss_trial(desk, uniform(0.2, 0.8, 1))],
        [_loss_trial(desk, uniform(1.5, 4, b)) for b in (3, 50)],
        [_loss_trial(desk, uniform(-4, -1.5, b)) for b in (3, 50)],
    ]
    for check, trials in enumerate(sets):
        desk.check(check, lambda t=trials: compare(desk, t, 1e-4))  # type: ignore[misc]
    outcomes = desk.ask(*(trial.call for trial in plain))
    desk.check(5, lambda: _hangs_together(outcomes))
    desk.check(6, lambda: _slopes(plain, outcomes))
    first, second = desk.ask(plain[1].call, plain[1].call)

    def pure() -> str:
        for outcome in (first, second):
            arrays(outcome, (), "myLoss")
        if float(np.ravel(first.value)[0]) != float(np.ravel(second.value)[0]):
            return "the same batch gives two losses"
        return ""

    desk.check(7, pure)


def _hangs_together(outcomes: list[Outcome]) -> str:
    for outcome in outcomes:
        arrays(outcome, (), "myLoss")
        if not outcome.graph:
            return (
                "the loss does not hang on the outputs any more: no gradient reaches the network. "
                "Use torch's own functions, without numpy, .item(), .detach() or float()"
            )
        if outcome.value.ndim:
            return f"the loss is an array of shape {outcome.value.shape}, not a number"
    return ""


def _slopes(trials: list[Trial], outcomes: list[Outcome]) -> str:
    """Compare autograd's gradient with finite differences of the definition."""
    for trial, outcome in zip(trials, outcomes, strict=True):
        output, labels = (a.array.astype(float) for a in trial.call.arguments)
        arrays(outcome, (), "myLoss")
        if not outcome.graph or not outcome.gradients:
            return "there is no gradient: the loss does not hang on the outputs"
        found = arrays(Outcome(outcome.gradients[0]), output.shape, "the gradient of myLoss")
        due = oracles.differences(lambda f, y=labels: oracles.hinge(f, y), output, 1e-6)  # type: ignore[misc]
        off = np.abs(found - due)
        off[np.abs(1 - output.ravel() * labels) < 1e-4] = (
            0  # at the kink any slope between is right
        )
        if off.max() > 1e-4:
            at = int(np.argmax(off))
            return (
                f"at {trial.at}: the slope by output {at} is {shown(found.ravel()[at])} where "
                f"{shown(due.ravel()[at])} is due"
            )
    return ""


PARITY_PARTS: Final = (
    Part(
        "3a-network", "The network's structure", FILE, ("Network",),
        (
            Check("d k + 2 k + 1 parameters of the sheet's shapes", 1),
            Check("equals the sheet's formula on {0, 1}^d", 2),
            Check("equals the sheet's formula at other inputs and large weights", 1, hidden=True),
        ),
        _network,
    ),
    Part(
        "3a", "Weights set by hand: exact at every input", FILE, ("Network", "set_weights"),
        (
            Check("exact for the script's own mask", 3),
            Check("exact for every mask but all ones", 4, hidden=True),
            Check("exact for the mask of all ones", 2, hidden=True),
        ),
        _weights,
    ),
    Part(
        "3b", "The hinge loss", FILE, ("myLoss",),
        (
            Check("the mean hinge loss of outputs (B, 1) and labels (B,)", 3),
            Check("the same for large outputs", 1, hidden=True),
            Check("a batch of one", 1),
            Check("zero where every margin is above 1", 1),
            Check("large where every margin is negative", 1, hidden=True),
            Check("a number that hangs on the outputs", 2),
            Check("its gradient equals finite differences of the definition", 2, hidden=True),
            Check("the same batch gives the same loss", 1),
        ),
        _loss,
    ),
    CURVES_PART,
)  # fmt: skip
