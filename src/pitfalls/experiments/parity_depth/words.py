"""What the report says of depth."""

from collections.abc import Mapping, Sequence
from typing import Any

from pitfalls.experiments.parity_depth.records import DepthResult, DepthStart, TrainedDepth
from pitfalls.prose import (
    Basis,
    Block,
    Markup,
    Paragraph,
    Picture,
    counted,
    listed,
    number,
    percent,
    say,
    table,
)

__all__ = ["account", "basis", "charts", "contrast", "fading"]


def account(result: DepthResult) -> tuple[Block, ...]:
    """Return the message at the start, what was learned, and the figures."""
    middle = "" if result.n_seeds == 1 else "Median a"
    return (
        Paragraph(fading(result)),
        Picture("layer-gradients"),
        table(
            ("Activation", "Hidden layers", "Learned", f"{middle or 'A'}ccuracy",
             "First layer's gradient at the start", "at most"),
            [
                (
                    cell.activation, cell.depth, f"{cell.n_learned} of {cell.n}",
                    percent(cell.median_accuracy), number(cell.gradient_at_start, 2),
                    number(cell.gradient_at_most, 2),
                )
                for cell in result.trained
            ],
            say(
                "Parity of {m} of {d} features, {iterations} at learning rate {rate}, by activation "
                "and depth.",
                m=result.weight, d=result.n_features, rate=result.learning_rate,
                iterations=counted(result.n_iterations, "iteration"),
            ),
        ),
        Paragraph(contrast(result)),
        Picture("depth-and-learning"),
    )  # fmt: skip


def fading(result: DepthResult) -> Markup:
    """Say by what a layer multiplies the message at the start; needs two hidden layers or more."""
    said = [_factor(start) for start in result.starts if start.factor_a_layer is not None]
    if not said:
        return ()
    return say(
        "Before training, with {shown} of {units}, a layer multiplies what comes back by {factors}. ",
        shown=counted(result.shown, "hidden layer"), units=counted(result.width, "unit"),
        factors=listed(said),
    )  # fmt: skip


def contrast(result: DepthResult) -> Markup:
    """Name the depths at which no sigmoid network learned and every ReLU network did.

    Needs a depth of both kinds that was trained for both activations: only there is the activation
    all that differs.
    """
    sigmoid = {cell.depth: cell for cell in result.of("sigmoid")}
    both = [(cell, sigmoid[cell.depth]) for cell in result.of("relu") if cell.depth in sigmoid]
    apart = [a.depth for a, b in both if a.n_learned == a.n and b.n_learned == 0]
    said: Markup = ()
    if apart:
        said += say(
            "With {layers} {all} ReLU {networks} learned and no sigmoid network did. ",
            layers=_layers(apart), all="the one" if result.n_seeds * len(apart) == 1 else "every",
            networks="network",
        )  # fmt: skip
    won = [cell.depth for cell in sigmoid.values() if cell.n_learned == cell.n]
    if won:
        said += say("Sigmoid networks with {layers} learned every time. ", layers=_layers(won))
    return said


def basis(result: DepthResult) -> Basis:
    """Say how many trainings a network has."""
    return Basis(
        n=f"{counted(result.n_seeds, 'training')} a network",
        spread="median; each training in the figure" if result.n_seeds > 1 else "none, one each",
    )


def charts(result: DepthResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}


def _factor(start: DepthStart) -> Markup:
    factor, bound = start.factor_a_layer, start.bound_a_layer
    assert factor is not None
    assert bound is not None
    return say(
        "{factor} for {activation} (its bound: {bound})",
        factor=number(factor, 2), activation=start.activation, bound=number(bound, 2),
    )  # fmt: skip


def _layers(depths: Sequence[int]) -> Markup:
    ordered = sorted(set(depths))
    return listed(ordered, last="or") + say(
        " hidden {layers}", layers="layer" if ordered == [1] else "layers"
    )


def told(cell: TrainedDepth) -> str:
    """Say what one kind of network learned, for a caption."""
    return (
        f"{cell.activation}, {counted(cell.depth, 'hidden layer')}: {cell.n_learned} of {cell.n} "
        f"learned, first-layer gradient {number(cell.gradient_at_start, 2)} at the start"
    )
