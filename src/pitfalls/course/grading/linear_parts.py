"""Question 2: capacity, risk, derivatives, minima, critical points, a sufficient condition."""

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np

from pitfalls.course.grading import oracles
from pitfalls.course.grading.calls import Call
from pitfalls.course.grading.capacity_part import CAPACITY_PART
from pitfalls.course.grading.properties import (
    Check,
    Desk,
    Part,
    Trial,
    compare,
    layers,
    shown,
    truth,
)

__all__ = ["LINEAR_PARTS"]

Case = tuple[np.ndarray, np.ndarray, str]

FILE: Final = "formulas.py"


def _draw(desk: Desk, n: int, d: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    x = desk.rng.normal(size=(n, d))
    return x, x @ desk.rng.normal(size=(d, p)) + desk.rng.normal(size=(n, p))


def _cases(desk: Desk) -> list[Case]:
    """Draw data of the sheet's sizes, of a wider and a taller map, and take the lecturer's own."""
    d, p, n = desk.sheet.widths[0], desk.sheet.widths[-1], desk.sheet.n_samples
    sizes = [(n, d, p), (n + 3, d + 2, p), (n, d, p + 3)]
    cases = [(*_draw(desk, *size), "n, d, p = {}, {}, {}".format(*size)) for size in sizes]
    if desk.data is not None:
        cases.append((*desk.data, "the data given with the sheet"))
    return cases


def _weights(desk: Desk, widths: Sequence[int], scale: float = 0.7) -> list[np.ndarray]:
    return [
        scale * desk.rng.normal(size=(after, before))
        for before, after in itertools.pairwise(widths)
    ]


def _widths_for(desk: Desk, x: np.ndarray, y: np.ndarray) -> tuple[int, ...]:
    """Return the sheet's hidden widths between the data's own, none below min(p, d)."""
    d, p = x.shape[1], y.shape[1]
    return (d, *(max(width, min(d, p)) for width in desk.sheet.widths[1:-1]), p)


# --------------------------------------------------------------------------- 2b, 2c


def _risk_trial(weights: list[np.ndarray], x: np.ndarray, y: np.ndarray, at: str) -> Trial:
    residual = oracles.product(weights) @ x.T - y.T
    wanted = oracles.risk(weights, x, y)
    return Trial(
        Call("risk", (weights, x, y)),
        wanted,
        at,
        {
            "leaving out the ½": 2 * wanted,
            "a mean over the samples instead of the sum": wanted / len(x),
            "a mean over the samples without the ½": 2 * wanted / len(x),
            "a mean over all entries": 2 * wanted / residual.size,
            "the norm without the square": 0.5 * np.linalg.norm(residual),
            "Y added instead of subtracted": 0.5
            * ((oracles.product(weights) @ x.T + y.T) ** 2).sum(),
        },
    )


def _risk(desk: Desk) -> None:
    trials = [
        _risk_trial(_weights(desk, _widths_for(desk, x, y)), x, y, at) for x, y, at in _cases(desk)
    ]
    desk.check(0, lambda: compare(desk, trials))
    x, y, at = _cases(desk)[0]
    deeper = [_weights(desk, (x.shape[1], *([4] * (n - 1)), y.shape[1])) for n in (1, 2, 5)]
    depths = [_risk_trial(w, x, y, f"{at} and L = {len(w)}") for w in deeper]
    desk.check(1, lambda: compare(desk, depths))


def _gradient(desk: Desk) -> None:
    trials = []
    for x, y, at in _cases(desk):
        w = desk.rng.normal(size=(y.shape[1], x.shape[1]))
        wanted = oracles.layer_differences([w], x, y)[0]
        faults = {
            "the other sign": -wanted,
            "leaving out the ½ of Q": 2 * wanted,
            "a mean over the samples": wanted / len(x),
            "the transpose": wanted.T,
            "stopping at E, without the factor X": w @ x.T - y.T,
        }
        trials.append(Trial(Call("risk_gradient", (w, x, y)), wanted, at, faults))
    desk.check(0, lambda: compare(desk, trials[:1]))
    desk.check(1, lambda: compare(desk, trials[1:]))
    x, y, at = _cases(desk)[0]
    least = oracles.least_squares(x, y)
    zero = Trial(
        Call("risk_gradient", (least, x, y)), np.zeros_like(least), f"the least-squares W, {at}"
    )
    desk.check(2, lambda: compare(desk, [zero], 1e-8))


# ------------------------------------------------------------------------------- 2d


def _deficient(desk: Desk) -> list[Case]:
    """Draw data whose X has not full column rank: repeated columns, and fewer samples than features."""
    # of one feature no column could repeat another
    d, p = max(desk.sheet.widths[0], 2), desk.sheet.widths[-1]
    n = max(desk.sheet.n_samples, d + 1)
    x, y = _draw(desk, n, d, p)
    x[:, -1] = x[:, 0]
    few = _draw(desk, 2, d + 1, p)
    return [
        (x, y, f"X (n, d = {n}, {d}) whose last column repeats its first"),
        (*few, f"n, d = 2, {d + 1}: fewer samples than features"),
    ]


def _minimal(desk: Desk) -> None:
    def trials(cases: list[Case]) -> list[Trial]:
        return [
            Trial(
                Call("minimal_risk", (x, y)),
                oracles.least_risk(x, y),
                at,
                {
                    "leaving out the ½": 2 * oracles.least_risk(x, y),
                    "a mean over the samples": oracles.least_risk(x, y) / len(x),
                    "always zero": 0.0,
                    "the risk of W = 0": 0.5 * (y**2).sum(),
                },
            )
            for x, y, at in cases
        ]

    full, deficient = trials(_cases(desk)), trials(_deficient(desk))
    desk.check(0, lambda: compare(desk, full))
    desk.check(1, lambda: compare(desk, deficient))


def _saddle(x: np.ndarray, y: np.ndarray, widths: Sequence[int]) -> list[np.ndarray]:
    """Return a critical point that misses the largest mode of the data: not a minimum, not zero."""
    values, vectors = np.linalg.eigh(x.T @ x)
    half = vectors / np.sqrt(values) @ vectors.T
    u, s, vt = np.linalg.svd(y.T @ x @ half, full_matrices=False)
    s = np.where(np.arange(len(s)) == 1, s, 0) if len(s) > 1 else 0 * s
    return oracles.split_map((u * s) @ vt @ half, widths)


def _minimum(desk: Desk) -> None:
    x, y, at = _cases(desk)[0]
    wide_x, wide_y, wide_at = _cases(desk)[1]
    bad_x, bad_y, bad_at = _deficient(desk)[0]
    free = oracles.least_squares(bad_x, bad_y)
    free[:, 0] += 3.0
    free[:, -1] -= 3.0  # the columns repeat: nothing changes on the data

    def split(a: np.ndarray, b: np.ndarray, target: np.ndarray) -> list[np.ndarray]:
        return oracles.split_map(target, _widths_for(desk, a, b))

    def zeros(a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
        return [0 * w for w in _weights(desk, _widths_for(desk, a, b))]

    near = [w.copy() for w in split(x, y, oracles.least_squares(x, y))]
    near[0] = 1.05 * near[0]
    asked = [
        [
            (split(x, y, oracles.least_squares(x, y)), x, y, f"a factorised least-squares map, {at}"),
            (split(wide_x, wide_y, oracles.least_squares(wide_x, wide_y)), wide_x, wide_y,
             f"a factorised least-squares map, {wide_at}"),
        ],
        [
            (zeros(x, y), x, y, f"all weights zero (critical, not a minimum), {at}"),
            (_saddle(x, y, _widths_for(desk, x, y)), x, y, f"a saddle with one mode, {at}"),
            (near, x, y, f"a minimum times 1.05, {at}"),
        ],
        [
            (split(bad_x, bad_y, free), bad_x, bad_y, f"another minimum at {bad_at}"),
            (zeros(bad_x, bad_y), bad_x, bad_y, f"all weights zero at {bad_at}"),
        ],
    ]  # fmt: skip
    wanted = [[True, True], [False, False, False], [True, False]]
    for number, (cases, answers) in enumerate(zip(asked, wanted, strict=True)):
        calls = [Call("is_global_minimum", (w, a, b)) for w, a, b, _ in cases]
        desk.check(number, lambda c=calls, k=cases, a=answers: _truths(desk, c, k, a))  # type: ignore[misc]


def _truths(
    desk: Desk, calls: Sequence[Call], cases: Sequence[tuple[object, ...]], wanted: Sequence[bool]
) -> str:
    outcomes = desk.ask(*calls)
    for outcome, case, due in zip(outcomes, cases, wanted, strict=True):
        if truth(outcome, calls[0].function) is not due:
            return f"at {case[-1]}: it says {not due} where {due} is due"
    return ""


# ------------------------------------------------------------------------------- 2e


def _layers(desk: Desk) -> None:
    x, y, at = _cases(desk)[0]
    sets = [_weights(desk, _widths_for(desk, x, y))]
    sets += [_weights(desk, (x.shape[1], *([4] * (n - 1)), y.shape[1])) for n in (1, 2, 4)]
    outcomes = desk.ask(*(Call("layer_gradients", (w, x, y)) for w in sets))
    differences = [oracles.layer_differences(w, x, y) for w in sets]

    def verify(which: Sequence[int], *, values: bool) -> str:
        for i in which:
            widths = (x.shape[1], *(len(w) for w in sets[i]))
            found = layers(outcomes[i], widths, "layer_gradients")
            for number, (a, b) in enumerate(zip(found, differences[i], strict=True), 1):
                off = float(np.abs(a - b).max())
                if values and off > 1e-5 * max(1.0, float(np.abs(b).max())):
                    place = f"at {at}, L = {len(sets[i])}: the gradient by W_{number}"
                    return f"{place} is off by {shown(off)} from finite differences{_ratio(a, b)}"
        return ""

    desk.check(0, lambda: verify([0, 1, 2, 3], values=False))
    desk.check(1, lambda: verify([0], values=True))
    desk.check(2, lambda: verify([1, 2, 3], values=True))


def _ratio(found: np.ndarray, wanted: np.ndarray) -> str:
    """Say so where what came is the due gradient times one number."""
    factor = float((found * wanted).sum() / max(float((wanted**2).sum()), 1e-300))
    if abs(factor) > 1e-6 and np.allclose(found, factor * wanted, rtol=1e-4, atol=1e-6):
        return f"; it is {shown(factor)} times the gradient"
    return ""


def _bad_point(desk: Desk) -> None:
    cases = _cases(desk)[:2]
    widths = [_widths_for(desk, x, y) for x, y, _ in cases]
    outcomes = desk.ask(
        *(
            Call("bad_critical_point", (tuple(w), x, y))
            for w, (x, y, _) in zip(widths, cases, strict=True)
        )
    )

    def verify(what: str) -> str:
        for outcome, w, (x, y, at) in zip(outcomes, widths, cases, strict=True):
            found = layers(outcome, w, "bad_critical_point")
            if what == "critical":
                largest = max(
                    float(np.abs(g).max()) for g in oracles.layer_differences(found, x, y)
                )
                if largest > 1e-6 * float(np.abs(y.T @ x).max()):
                    return f"at {at}: an entry of the gradient there is {shown(largest)}, not zero"
            if what == "bad":
                least, value = oracles.least_risk(x, y), oracles.risk(found, x, y)
                if value <= least + 1e-6 * float((y**2).sum()):
                    return f"at {at}: the risk there is {shown(value)}, the global minimum itself"
        return ""

    desk.check(0, lambda: verify("form"))
    desk.check(1, lambda: verify("critical"))
    desk.check(2, lambda: verify("bad"))


# ------------------------------------------------------------------------------- 2f


def _orthogonal(desk: Desk, d: int) -> np.ndarray:
    turn: np.ndarray = np.linalg.qr(desk.rng.normal(size=(d, d)))[0]
    return turn


def _invertible(desk: Desk, d: int) -> np.ndarray:
    """Draw a square matrix with singular values between a half and two."""
    scaled = _orthogonal(desk, d) * desk.rng.uniform(0.5, 2, d)
    drawn: np.ndarray = scaled @ _orthogonal(desk, d)
    return drawn


def _sufficient(desk: Desk) -> None:
    d = max(desk.sheet.widths[0], 2)  # of one number nothing has a low rank but zero
    x, y = _draw(desk, max(desk.sheet.n_samples, d + 1), d, d)
    square = (d,) * 4
    first, second = _saddle(x, y, (d,) * 3)
    bad = [
        ([0 * w for w in _weights(desk, square)], "all weights zero"),
        (_saddle(x, y, square), "a saddle that fits one mode"),
        ([np.eye(d), np.zeros((d, d)), np.zeros((d, d))], "W_1 = I, W_2 = W_3 = 0"),
        # one factor of full rank, none zero: the others may still hide the error
        ([np.eye(d), first, second], "a saddle that fits one mode, with W_1 = I"),
        ([first, np.eye(d), second], "a saddle that fits one mode, with W_2 = I"),
        ([first, second, np.eye(d)], "a saddle that fits one mode, with W_3 = I"),
    ]
    good = [
        ([_invertible(desk, d) for _ in range(3)], "random square weights"),
        ([np.eye(d), 2 * np.eye(d), -np.eye(d)], "multiples of I"),
    ]
    turn = _orthogonal(desk, d)
    small = [([1e-3 * turn, 1e-3 * turn.T, np.eye(d)], "W_1 = Q/1000 with Q orthogonal")]
    for number, (cases, due) in enumerate(((bad, False), (good, True), (small, True))):
        calls = [Call("ensures_global_minimum", (w,)) for w, _ in cases]
        desk.check(
            number,
            lambda c=calls, k=cases, a=due: _truths(desk, c, k, [a] * len(k)),  # type: ignore[misc]
        )


LINEAR_PARTS: Final = (
    CAPACITY_PART,
    Part(
        "2b", "The training loss", FILE, ("risk",),
        (
            Check("half the sum of squares, as defined", 3),
            Check("for one layer and for many", 1, hidden=True),
        ),
        _risk,
    ),
    Part(
        "2c", "The derivative by the product", FILE, ("risk_gradient",),
        (
            Check("equals finite differences at the sheet's sizes", 2),
            Check("equals finite differences for wide and tall maps", 2, hidden=True),
            Check("is zero at the least-squares map", 1),
        ),
        _gradient,
    ),
    Part(
        "2d-risk", "The least risk", FILE, ("minimal_risk",),
        (
            Check("the least risk of any linear map", 3),
            Check("also where X has not full rank", 2, hidden=True),
        ),
        _minimal,
    ),
    Part(
        "2d", "Which weights are a global minimum", FILE, ("is_global_minimum",),
        (
            Check("says yes at global minima", 2),
            Check("says no at saddles and elsewhere", 2),
            Check("right where X has not full rank", 1, hidden=True),
        ),
        _minimum,
    ),
    Part(
        "2e", "The derivative by each layer", FILE, ("layer_gradients",),
        (
            Check("one gradient a layer, of its shape", 1),
            Check("equals finite differences at the sheet's widths", 4),
            Check("for one layer and for many", 2, hidden=True),
        ),
        _layers,
    ),
    Part(
        "2e-point", "A critical point that is no minimum", FILE, ("bad_critical_point",),
        (
            Check("weights of the widths asked for", 1),
            Check("every gradient is zero there", 2),
            Check("its risk is above the least", 2),
        ),
        _bad_point,
    ),
    Part(
        "2f", "A condition that ensures a global minimum", FILE, ("ensures_global_minimum",),
        (
            Check("sound: no at critical points that are no minima", 3),
            Check("not empty: yes at invertible weights", 2),
            Check("does not depend on the weights' scale", 1, hidden=True),
        ),
        _sufficient,
    ),
)  # fmt: skip
