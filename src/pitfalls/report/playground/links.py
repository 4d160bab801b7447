"""Which state of the playground shows a figure of the report: the address, from the run's own settings."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from urllib.parse import quote_plus

import numpy as np

from pitfalls.errors import RunError
from pitfalls.experiments.linear_descend import DescendResult
from pitfalls.experiments.linear_landscape import LandscapeResult
from pitfalls.experiments.linear_tour import TourResult, rotation
from pitfalls.experiments.parity_along import AlongConfig, AlongResult
from pitfalls.experiments.parity_curves import CurvesConfig, CurvesResult
from pitfalls.experiments.parity_exact import ExactConfig, ExactResult
from pitfalls.experiments.parity_signal import SignalConfig, SignalResult
from pitfalls.experiments.parity_sweep import SweepConfig, SweepResult
from pitfalls.experiments.parity_targets import TargetsConfig, TargetsResult
from pitfalls.parity import LearningConfig, ParityTask
from pitfalls.prose import counted
from pitfalls.runs import config_from_dict

__all__ = ["Link", "links_of"]

LARGEST = 10
"""The playground's largest d: everything over 2^d inputs, in every frame."""
WIDEST, MOST_MODES, MOST_STEPS = 400, 8, 50_000
PATIENCE = 20_000
"""Steps that a reader waits for; a training that learned later, or never, is shown so far."""


@dataclass(frozen=True)
class Link:
    """A state of the playground.

    Attributes
    ----------
    text : str
        What it shows, in a few words.
    href : str
        The fragment of the page's address.
    """

    text: str
    href: str


Links: TypeAlias = Mapping[str, tuple[Link, ...]]


def links_of(experiment: str, config: Mapping[str, Any], result: Any) -> Links:
    """Return for each figure the states that show it; none for one that the playground cannot show.

    Parameters
    ----------
    experiment : str
        Its name.
    config : mapping
        As the run's manifest has it.
    result : object
        What the run found.
    """
    if experiment in _PARITY:
        kind, maker = _PARITY[experiment]
        try:
            return maker(config_from_dict(kind, config), result)
        except RunError:  # settings of another version
            return {}
    # a problem's source may be of several types, which a manifest does not name
    return _LINEAR[experiment](config, result) if experiment in _LINEAR else {}


def _address(lab: str, settings: Mapping[str, object]) -> str:
    pairs = {"lab": lab, **settings}
    return "#play?" + "&".join(f"{key}={quote_plus(str(value))}" for key, value in pairs.items())


def _training(
    task: ParityTask, training: LearningConfig, seed: int, reached: int | None
) -> Iterator[Link]:
    """Link to one training, to where it has learned; nothing where the page cannot repeat it."""
    d, k = task.n_features, training.width(task.n_features)
    usual = training.betas == (0.9, 0.999) and training.epsilon == 1e-8
    if d > LARGEST or k > WIDEST or training.n_samples or training.batch_size > 1000 or not usual:
        return
    step = min(training.n_iterations, PATIENCE)
    if reached is not None:
        step = min(training.n_iterations, reached + max(1, reached // 5), MOST_STEPS)
    settings = {
        "d": d,
        "mask": "".join(map(str, task.mask)),
        "k": k,
        "seed": seed,
        "loss": training.loss,
        "optimizer": training.optimizer,
        "rate": training.learning_rate,
        "momentum": training.momentum,
        "batch": training.batch_size,
        "step": step,
    }
    words = f"d = {d}, mask with {counted(task.weight, 'one')}, seed {seed}, to step {step:,}"
    yield Link(words, _address("parity", settings))


def _curves(config: CurvesConfig, result: CurvesResult) -> Links:
    found: list[Link] = []
    for (d, weight), case in zip(config.cases, result.cases, strict=True):
        first = case.replicas[0]
        task = ParityTask.random(d, first.seed, weight)
        found += _training(task, config.training, first.seed, first.reached)
    return {"loss-curves": tuple(found)}


def _sweep(config: SweepConfig, result: SweepResult) -> Links:
    cells = [cell for cell in result.cells if cell.n_features <= LARGEST]
    largest = max((cell.n_features for cell in cells), default=0)
    chosen = sorted((c for c in cells if c.n_features == largest), key=lambda cell: cell.weight)
    found: list[Link] = []
    for cell in chosen if len(chosen) < 2 else (chosen[0], chosen[-1]):
        training = replace(
            config.training, n_hidden=cell.n_hidden, learning_rate=cell.learning_rate
        )
        task = ParityTask.random(cell.n_features, training.seed, cell.weight)
        at = int(cell.iterations[0])
        found += _training(task, training, training.seed, at if at > 0 else None)
    return dict.fromkeys(("phase-diagram", "iterations-to-99"), tuple(found))


def _along(config: AlongConfig, result: AlongResult) -> Links:
    found: list[Link] = []
    for d, weight in config.cases:
        near = min(d, LARGEST)
        fits = weight if weight is None or weight <= near else near
        task = ParityTask.random(near, config.training.seed, fits)
        found += _training(task, config.training, config.training.seed, None)
    return {"signal-along-training": tuple(dict.fromkeys(found))}


def _untrained(d: int, factor: int, loss: str, seed: int) -> tuple[Link, ...]:
    """Link to a network at its initialisation: the figure's own, or of the largest d there is here."""
    near = min(d, LARGEST)
    if near * factor > WIDEST:
        return ()
    mask = ("1" * min(3, near)).ljust(near, "0")
    state = {
        "d": near,
        "k": near * factor,
        "mask": mask,
        "start": "torch",
        "seed": seed,
        "loss": loss,
    }
    return (Link(f"the network with d = {near}, seed {seed}", _address("parity", state)),)


def _signal(config: SignalConfig, result: SignalResult) -> Links:
    if config.boundary != "relu":
        return {}
    d = max((d for d in config.n_features if d <= LARGEST), default=LARGEST)
    return {"signal-by-dimension": _untrained(d, config.width_factor, config.loss, config.seed)}


def _targets(config: TargetsConfig, result: TargetsResult) -> Links:
    made = _untrained(config.n_features, config.width_factor, config.loss, config.seed)
    return {"signal-by-weight": made}


def _exact(config: ExactConfig, result: ExactResult) -> Links:
    links = tuple(
        Link(
            words,
            _address("parity", {"d": d, "mask": "1" * d, "k": 10 * d, "start": start}),
        )
        for d, start, words in (
            (10, "printed", "the printed construction at d = 10, with its one failing input"),
            (9, "printed", "at d = 9"),
            (10, "corrected", "the corrected one"),
        )
    )
    return {"exact-networks": links}


def _modes(values: Iterable[float]) -> str | None:
    kept = [float(value) for value in values]
    return (
        "modes " + " ".join(f"{value:.15g}" for value in kept)
        if 1 <= len(kept) <= MOST_MODES
        else None
    )


def _planted(config: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the modes of a planted problem; none for other data."""
    return tuple(config["problem"]["source"].get("modes", ()))


def _landscape(config: Mapping[str, Any], result: LandscapeResult) -> Links:
    data, depth = _modes(_planted(config)), len(result.widths) - 1
    hidden, held = set(result.widths[1:-1]), ",".join(map(str, config["held"]))
    if data is None or depth not in (2, 3) or len(hidden) > 1 or max(hidden) > 12 or not held:
        return {}
    state = {
        "data": data,
        "depth": depth,
        "hidden": max(hidden),
        "start": "saddle",
        "held": held,
    }
    links = (
        Link(
            "descent at this saddle, where nothing moves",
            _address("linear", {**state, "strength": 0, "step": 300}),
        ),
        Link(
            "descent from beside it, down to the minimum",
            _address("linear", {**state, "strength": 0.001, "step": 2000}),
        ),
    )
    return dict.fromkeys(("escape-line", "plane"), links)


def _steps(time: float, rate: float) -> int:
    return max(1, min(MOST_STEPS, math.ceil(time / rate)))


def _descend(config: Mapping[str, Any], result: DescendResult) -> Links:
    data, hidden = _modes(result.modes), set(result.widths[1:-1])
    inner = len(result.widths) - 1 in (2, 3) and len(hidden) == 1 and max(hidden) <= 12
    if data is None or not inner or result.start != "aligned" or result.method == "momentum":
        return {}
    rate = 0.002 if result.method == "flow" else float(result.learning_rate or 0.002)
    near = np.flatnonzero(result.excess <= 1e-4 * result.excess[0])
    end = float(result.time[near[0]] if near.size else result.time[-1])
    state = {
        "data": data,
        "depth": len(result.widths) - 1,
        "hidden": max(hidden),
        "start": "aligned",
        "strength": result.strength,
        "rate": rate,
        "step": _steps(end, rate),
    }
    return {"modes": (Link("this descent, step by step", _address("linear", state)),)}


def _tour(config: Mapping[str, Any], result: TourResult) -> Links:
    data, n = _modes(result.modes), len(result.modes)
    # the turn is drawn for every mode of the data, zeros among them
    if data is None or len(_planted(config)) != n:
        return {}
    turn, found = rotation(n, config["seed"]), []
    for flow in result.by_depth:
        arrives = result.arrives(flow)
        if flow.depth not in (2, 3) or arrives is None:
            continue
        state = {
            "data": data,
            "depth": flow.depth,
            "hidden": n,
            "start": "rotated",
            "strength": result.strength,
            "map": ",".join(map(repr, turn.ravel().tolist())),
            "rate": 0.002,
            "step": _steps(1.3 * arrives, 0.002),
        }
        found.append(Link(f"the flow of {flow.depth} layers", _address("linear", state)))
    return {"staircase": tuple(found)}


_PARITY: Mapping[str, tuple[type, Callable[[Any, Any], Links]]] = {
    "parity-exact": (ExactConfig, _exact),
    "parity-curves": (CurvesConfig, _curves),
    "parity-sweep": (SweepConfig, _sweep),
    "parity-signal": (SignalConfig, _signal),
    "parity-targets": (TargetsConfig, _targets),
    "parity-along": (AlongConfig, _along),
}
_LINEAR: Mapping[str, Callable[[Mapping[str, Any], Any], Links]] = {
    "linear-landscape": _landscape,
    "linear-descend": _descend,
    "linear-tour": _tour,
}
