"""What the report says of the phase diagram."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pitfalls.experiments.parity_sweep.records import Cell, Pair, SweepResult
from pitfalls.prose import (
    Basis,
    Block,
    Chart,
    Markup,
    Paragraph,
    Picture,
    counted,
    listed,
    number,
    percent,
    say,
    series,
)

__all__ = ["account", "basis", "charts", "edges", "partly", "tally"]


MOST_LISTED = 30
"""Pairs or dimensions that a sentence names."""
MOST_POINTS = 300_000
"""Of all curves of a chart together; each has at least ten."""


def account(result: SweepResult) -> tuple[Block, ...]:
    """Return how many pairs are learned, where the edge lies, and the maps."""
    maps = (Picture("phase-diagram"), Picture("iterations-to-99"))
    return (
        Paragraph(tally(result) + edges(result) + partly(result)),
        Chart("phase", "Phase diagram; a cell shows its curves", maps),
    )


def tally(result: SweepResult) -> Markup:
    """Count the pairs of d and m that every training learned, and those that none did."""
    pairs = result.pairs
    return say(
        "Of the {pairs} of $d$ and $m$ tried, {won} learned by every training within {time} and "
        "{lost} by none. ",
        pairs=counted(len(pairs), "pair"), time=counted(result.n_iterations, "iteration"),
        won=_are(sum(pair.n_learned == pair.n for pair in pairs)),
        lost=sum(pair.n_learned == 0 for pair in pairs),
    )  # fmt: skip


def edges(result: SweepResult) -> Markup:
    """Give, for each d with a weight that none learned, the smallest such and the largest won."""
    parts = []
    for d in sorted({pair.n_features for pair in result.pairs}):
        mine = [pair for pair in result.pairs if pair.n_features == d]
        lost = [pair.weight for pair in mine if pair.n_learned == 0]
        won = [pair.weight for pair in mine if pair.n_learned == pair.n]
        if lost and won:
            parts.append(
                say(
                    "at $d = {d}$ every training learned $m = {won}$ and none $m = {lost}$",
                    d=d, won=max(won), lost=min(lost),
                )
            )  # fmt: skip
        elif lost:
            parts.append(say("at $d = {d}$ none learned $m = {lost}$", d=d, lost=min(lost)))
    if not parts:
        return ()
    return say(
        "The largest weight that was won and the smallest that was lost, of those tried: {edges}. ",
        edges=_first(parts, "dimension"),
    )


def partly(result: SweepResult) -> Markup:
    """Name the pairs that some trainings learned and some did not."""
    some = [pair for pair in result.pairs if 0 < pair.n_learned < pair.n]
    if not some:
        return ()
    return say("Only some learned {pairs}. ", pairs=_first([_pair(pair) for pair in some], "pair"))


def basis(result: SweepResult) -> Basis:
    """Say how many trainings a cell has."""
    return Basis(
        n=f"{counted(result.n_seeds, 'training')} a cell",
        spread="share of the trainings whose last network is 99 % accurate",
    )


def charts(result: SweepResult) -> Mapping[str, Any]:
    """Return the share that learned by d and weight, at the first width and rate, with the curves."""
    name, first = result.panels[0]
    n = len(result.panels)
    which = f" ({name}, the first of {n} widths and rates)" if n > 1 else ""
    ds = sorted({cell.n_features for cell in first})
    weights = sorted({cell.weight for cell in first})
    at = {(cell.n_features, cell.weight): cell for cell in first}

    def grid(value: Any, nothing: Any = None) -> list[list[Any]]:
        return [[value(at[d, w]) if (d, w) in at else nothing for d in ds] for w in weights]

    points = int(np.clip(MOST_POINTS // sum(cell.n for cell in first), 10, 200))
    # the cell that says most: half learned, else the last on the way that failed
    start = min(first, key=lambda cell: (abs(cell.share - 0.4), -cell.n_features))
    return {
        "phase": {
            "label": "Share of trainings that learned parity, by dimension and weight of the mask",
            "axes": [f"dimension d{which}", "ones of the mask |v*|"],
            "x": [str(d) for d in ds],
            "y": [str(w) for w in weights],
            "rate": grid(lambda cell: cell.share),
            "text": grid(lambda cell: f"{cell.n_learned}/{cell.n}", ""),
            "keys": grid(_key),
            "cells": {_key(cell): _chart(cell, points) for cell in sorted(first, key=_key)},
            "start": _key(start),
            "curve": ["iterations", "accuracy"],
        }
    }


def _chart(cell: Cell, points: int) -> dict[str, Any]:
    name = f"d = {cell.n_features}, |v*| = {cell.weight}"
    took = cell.median_iterations
    when = f"; median of {took:,.0f} iterations to 99 %" if took is not None else ""
    return {
        "name": f"{name}: {cell.n_learned}/{cell.n}",
        "says": f"{name}, k = {cell.n_hidden}: {cell.n_learned} of {counted(cell.n, 'training')} "
        f"learned{when}; accuracy at the end {number(cell.median_accuracy)}"
        f"{' (median)' if cell.n > 1 else ''}.",
        "series": [
            series(f"training {i + 1}", cell.step, curve, points=points)
            for i, curve in enumerate(cell.accuracy_curve)
        ],
    }


def _first(items: Sequence[Markup], noun: str) -> Markup:
    """List what a sentence can hold, and count the rest."""
    rest = len(items) - MOST_LISTED
    if rest <= 0:
        return listed(items)
    return listed([*items[:MOST_LISTED], f"{counted(rest, noun)} more"])


def _key(cell: Cell) -> str:
    return f"{cell.n_features},{cell.weight}"


def _pair(pair: Pair) -> Markup:
    best = max(cell.median_accuracy for cell in pair.cells)
    return say(
        "$m = {m}$ at $d = {d}$ ({some} of {all}, accuracy at the end {accuracy})",
        m=pair.weight, d=pair.n_features, some=pair.n_learned, all=pair.n, accuracy=percent(best),
    )  # fmt: skip


def _are(n: int) -> str:
    return f"{n} {'was' if n == 1 else 'were'}"
