"""``pitfalls linear``: parse, call, print."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from pitfalls.cli.performing import perform
from pitfalls.errors import DataError, InputError
from pitfalls.experiments.catalogue import add_commands
from pitfalls.frame.session import say, settings
from pitfalls.frame.tables import print_table

if TYPE_CHECKING:
    from pitfalls.experiments.linear_source import LinearSource

__all__ = ["app"]

app = App(
    name="linear",
    help="Deep linear networks: capacity, minima, and a verdict on every critical point.",
    help_format="markdown",
)

Numbers = Annotated[str, Parameter(negative="")]
PLANTED_MODES = "4,3,2,1"


@app.command
def capacity(*, widths: Numbers = "8,6,4,6", rank: int = 4) -> None:
    """Factorise a random map into layers, or say why it cannot be done.

    Parameters
    ----------
    widths
        Layer widths, input first, separated by commas.
    rank
        Rank of the map.
    """
    from pitfalls.experiments.linear import CapacityConfig

    run = perform(
        CapacityConfig(widths=_integers(widths, "--widths"), rank=rank, seed=settings().seed)
    )
    results = run.results()
    if results["refusal"]:
        say(results["refusal"])
    print_table(
        f"A map of rank {results['rank']} by widths {_dashed(results['widths'])}",
        ("capacity d*", "representable", "relative error", "largest imbalance"),
        [
            (
                results["capacity"],
                results["representable"],
                results["relative_error"],
                results["balancedness"],
            )
        ],
        caption=None
        if results["representable"]
        else "error and imbalance are those of the nearest map it can represent",
    )


@app.command
def minimum(
    *,
    data: str | None = None,
    modes: Numbers = PLANTED_MODES,
    max_rank: int | None = None,
    subset_train: int | None = None,
) -> None:
    """Find the least risk of every rank (reduced-rank regression).

    Parameters
    ----------
    data
        An .npz file with x and y, a data set of pictures, "digits" or "cifar10"; by default a small
        problem with planted modes.
    modes
        The planted problem's modes, strongest first.
    max_rank
        The highest rank, a network's narrowest width (default: no bound).
    subset_train
        Take so many pictures of the training set.
    """
    from pitfalls.experiments.linear import MinimumConfig

    run = perform(MinimumConfig(data=_source(data, modes, subset_train), max_rank=max_rank))
    results = run.results()
    strengths = [None, *results["modes"]]
    print_table(
        f"{results['data']}: {results['n']:,} rows, {results['n_features']} features, "
        f"{results['n_outputs']} outputs",
        ("rank", "mode added", "least risk", "unique on the data"),
        [(r["rank"], strengths[r["rank"]], r["risk"], r["unique"]) for r in results["by_rank"]],
        caption=f"rank of X {results['rank_x']}, rank of Y'X {results['rank_yx']}; least squares "
        f"leaves {_left(results['floor'], results['floor_rounding'])}",
    )


def _left(floor: float, rounding: float) -> str:
    """State a risk with no more digits than it has."""
    if floor <= rounding:
        return f"nothing above rounding ({rounding:.0e})"
    digits = int(math.log10(floor / rounding))
    return (
        f"{floor:.4g}" if digits >= 4 else f"{floor:.{max(digits, 1)}g} (known to {digits} digits)"
    )


@app.command
def classify(
    *,
    data: str | None = None,
    modes: Numbers = PLANTED_MODES,
    widths: Numbers | None = None,
    hold: Numbers | None = None,
    kind: Literal["global minimum", "strict saddle", "non-strict saddle"] | None = None,
    weights: Path | None = None,
    tol: float = 1e-8,
) -> None:
    """Say what kind of critical point a network's weights are, and prove it by a witness.

    Parameters
    ----------
    data
        An .npz file with x and y, a data set of pictures, "digits" or "cifar10"; by default a small
        problem with planted modes.
    modes
        The planted problem's modes, strongest first.
    widths
        Layer widths of the point to make, input first (default: three layers).
    hold
        The modes that the point to make shall hold, counted from 1, or "none".
    kind
        What the point to make shall be.
    weights
        Judge these instead: an .npz file with w1, w2, ... (w1 takes the inputs).
    tol
        Gradients below this share of their scale count as zero.
    """
    from pitfalls.experiments.linear import ClassifyConfig

    source = _source(data, modes, None)
    layers = _read_layers(weights) if weights else None
    if not tol > 0:
        raise InputError(f"--tol must be positive, got {tol}.")
    run = perform(
        ClassifyConfig(
            data=source,
            widths=_integers(widths, "--widths") if widths else _default_widths(source),
            modes=None if hold is None else _integers(hold, "--hold", empty="none"),
            kind=kind,
            layers=layers,
            tol=tol,
            seed=settings().seed,
        )
    )
    _print_point(run.results())


@app.command
def descend(
    *,
    data: str | None = None,
    modes: Numbers = PLANTED_MODES,
    hidden: Numbers = "4,4",
    method: Literal["gradient", "momentum", "flow"] = "flow",
    start: Literal["aligned", "random", "saddle"] = "aligned",
    size: float = 0.01,
    learning_rate: float | None = None,
    steps: int = 20_000,
) -> None:
    """Descend on white inputs and compare every mode with its exact solution.

    Parameters
    ----------
    data
        An .npz file with x and y, a data set of pictures, "digits" or "cifar10"; by default a small
        problem with planted modes.
    modes
        The planted problem's modes, strongest first.
    hidden
        Widths of the hidden layers.
    method
        Gradient descent, heavy-ball momentum, or the gradient flow by an adaptive solver.
    start
        Small and aligned with the modes, small and random, or on a strict saddle, which gradient
        descent leaves along its witness.
    size
        Strength of the map to start from.
    learning_rate
        Default: safe by a bound on the curvature.
    steps
        At most so many.
    """
    from pitfalls.experiments.linear import DescendConfig

    if learning_rate is not None and method == "flow":
        raise InputError(
            "--learning-rate goes with --method gradient or momentum: the flow's solver chooses its "
            "steps by itself."
        )
    run = perform(
        DescendConfig(
            data=_source(data, modes, None),
            hidden=_integers(hidden, "--hidden"),
            method=method,
            start=start,
            size=size,
            learning_rate=learning_rate,
            steps=steps,
            seed=settings().seed,
        )
    )
    results = run.results()
    for escape in results["escapes"]:
        say(
            f"step {escape['step']}: left a {escape['verdict']} (modes {_listed(escape['modes'])}), "
            f"curvature {escape['curvature']:.4g}, risk {escape['risk_before']:.4g} to "
            f"{escape['risk_after']:.4g}"
        )
    print_table(
        f"{results['data']}, widths {_dashed(results['widths'])}, {results['method']} from "
        f"{results['start']}",
        ("steps", "stopped", "excess", "gap to exact", "imbalance drift", "ends at"),
        [
            (
                results["steps"],
                results["stopped"],
                results["final_excess"],
                results["largest_gap_to_exact"],
                results["balancedness_drift"],
                results["end"]["verdict"],
            )
        ],
    )


@app.command
def tour(
    *,
    data: str | None = None,
    modes: Numbers = PLANTED_MODES,
    depths: Numbers = "2,3,4",
    size: float = 0.005,
    max_rank: int = 9,
) -> None:
    """Follow the flow from saddle to saddle; on pictures, fit every rank and judge what came out.

    Parameters
    ----------
    data
        An .npz file with x and y, a data set of pictures, "digits" or "cifar10"; by default a small
        problem with planted modes.
    modes
        The planted problem's modes, strongest first.
    depths
        Numbers of layers to compare.
    size
        Strength of every mode to start from.
    max_rank
        On given data: fit networks of hidden width 1 up to this.
    """
    from pitfalls.experiments.linear import LandscapeConfig, RanksConfig, TourConfig

    source = _source(data, modes, None)
    if data is not None:
        run = perform(RanksConfig(data=source, max_rank=max_rank, seed=settings().seed))
        _print_ranks(run.results())
        return
    run = perform(
        TourConfig(
            data=source,
            depths=_integers(depths, "--depths"),
            size=size,
            seed=settings().seed,
        )
    )
    results = run.results()
    print_table(
        f"{results['data']}: the critical points that the flow passes",
        ("layers", "rank", "risk above minimum", "comes as near as", "share of time", "which is a"),
        [
            (
                t["depth"],
                v["rank"],
                v["level"],
                v["distance"],
                v["share_of_time"],
                v["verdict"],
            )
            for t in results["tours"]
            for v in t["visits"]
        ],
        caption="the verdict is that of the balanced critical point of the rank",
    )
    widths = _default_widths(source)
    perform(LandscapeConfig(data=source, widths=widths, seed=settings().seed))


def _print_ranks(results: dict[str, Any]) -> None:
    accuracies = results["has_accuracy"]
    columns = ["rank", "risk", "least risk", "descent found", "steps"]
    if accuracies:
        columns += ["train accuracy", "test accuracy"]
    print_table(
        f"{results['data']}: {results['n']:,} rows, {results['n_layers']} layers, hidden width = rank",
        columns,
        [
            [row["rank"], row["risk"], row["minimum"], row["verdict"], row["steps"]]
            + ([row["train_accuracy"], row["test_accuracy"]] if accuracies else [])
            for row in results["rows"]
        ],
    )


def _print_point(results: dict[str, Any]) -> None:
    witness = results["witness"]
    print_table(
        f"{results['data']}, widths {_dashed(results['widths'])}",
        ("verdict", "rank", "modes held", "risk", "above global minimum", "decided by"),
        [
            (
                results["verdict"],
                results["rank"],
                _listed(results["modes"]),
                results["risk"],
                results["excess"],
                results["decided_by"],
            )
        ],
    )
    for line in _evidence(results, witness):
        say(line)


def _evidence(results: dict[str, Any], witness: dict[str, Any]) -> list[str]:
    lines = []
    if witness["kind"] == "escape direction":
        lines.append(
            f"witness: a direction of curvature {witness['curvature']:.6g} ({witness['origin']})"
        )
    elif witness["kind"] == "certificate":
        lines.append(
            f"witness: rank {witness['rank']} of at most {witness['max_rank']}; the weakest mode kept "
            f"is {witness['weakest_kept']:.6g}, the strongest left {witness['strongest_left']:.3g}"
        )
        if witness["inequality_holds"]:
            lines.append(
                f"certificate (2f), layer {witness['layer']}: |dR/dW| = {witness['gradient_norm']:.3g} "
                f">= {witness['constant']:.4g} * {witness['residual_norm']:.3g}, so the excess is at "
                f"most {witness['excess_bound']:.3g}"
            )
        else:
            lines.append("certificate (2f): no layer has it; the rank decides")
    elif witness["kind"] == "gradient":
        norms = ", ".join(f"{v:.4g}" for v in witness["norms"])
        lines.append(f"witness: the gradient by layer has norms {norms}")
    elif witness["kind"] is not None and witness["lowest_curvature"] is not None:
        lines.append(
            f"witness: all pivots tightened; lowest curvature found {witness['lowest_curvature']:.3g} "
            f"against a largest of {witness['largest_curvature']:.4g}"
        )
    if results["pivots"]:
        loose = [p for p in results["pivots"] if not p["tightened"]]
        named = ", ".join(f"({p['after']}, {p['before']})" for p in loose)
        lines.append(
            f"pivots: {len(results['pivots'])}, "
            + (f"not tightened: {named}" if loose else "all tight")
        )
    lines += [f"assumption of the published theorem not met: {f}" for f in results["failing"]]
    lines += [f"in doubt: {d}" for d in results["doubts"]]
    return lines


def _source(data: str | None, modes: str, subset_train: int | None) -> "LinearSource":
    from pitfalls.experiments.linear_source import Planted, find_source

    if data is not None:
        return find_source(data, subset_train=subset_train, seed=settings().seed)
    strengths = _floats(modes, "--modes")
    return Planted(
        modes=strengths,
        n_features=len(strengths) + 2,
        n_samples=max(200, 10 * len(strengths)),
        seed=settings().seed,
    )


def _default_widths(source: "LinearSource") -> tuple[int, ...]:
    from pitfalls.experiments.linear_source import shape_of

    d, p = shape_of(source)
    return (d, p, p, p)


def _read_layers(path: Path) -> tuple[tuple[tuple[float, ...], ...], ...]:
    import numpy as np

    from pitfalls.images.data import read_arrays

    stored = read_arrays(path)
    names = sorted(stored, key=lambda n: (len(n), n))
    if not names or names != [f"w{i}" for i in range(1, len(names) + 1)]:
        raise DataError(f"{path}: expected arrays w1, w2, ..., got {', '.join(names) or 'none'}.")
    for name in names:
        if stored[name].ndim != 2 or stored[name].dtype.kind not in "biuf":
            raise DataError(
                f"{path}: every layer must be a matrix of real numbers. Got {name} of shape "
                f"{stored[name].shape} and type {stored[name].dtype} instead."
            )
    layers = [np.asarray(stored[name], dtype=np.float64) for name in names]
    return tuple(tuple(tuple(map(float, row)) for row in w) for w in layers)


def _integers(text: str, option: str, empty: str | None = None) -> tuple[int, ...]:
    if text == empty:
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"{option} takes whole numbers with commas, as 8,4,2. Got {text!r}."
        ) from None


def _floats(text: str, option: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{option} takes numbers with commas, as 3,2,0.5. Got {text!r}.") from None


def _dashed(widths: Sequence[int]) -> str:
    return "-".join(map(str, widths))


def _listed(modes: Sequence[int]) -> str:
    return ", ".join(map(str, modes)) if modes else "none"


add_commands(app, "linear")
