"""The risk falling from saddle to saddle, for several depths."""

import numpy as np
from matplotlib.axes import Axes

from pitfalls.experiments.linear_tour.records import Flow, TourResult
from pitfalls.plots import CYCLE, GREY, PAGE, Drawing, Figure, panels
from pitfalls.prose import listed, number, plain

__all__ = ["FIGURES", "closeness", "nearness"]

NOTHING = 2.5e-5
"""A distance below this share of what is near is drawn as that: the flow never arrives."""


def staircase(result: TourResult, ax: Axes | None = None) -> Drawing:
    """Draw the risk on the left and the distance to the nearest critical map on the right."""
    figure, (left, right) = panels(ax, 1, 2, figsize=(PAGE[0], 4.0))
    for place, flow in enumerate(result.flows):
        _draw(left, right, flow, result, CYCLE[place % len(CYCLE)])
    for rank, level in enumerate(result.levels[:-1]):
        left.axhline(level, color=GREY, linewidth=0.8, linestyle="--")
        left.annotate(
            f"rank {rank}", (1.15, level), (2, 2), textcoords="offset points", color=GREY,
            ha="right", va="bottom", fontsize=8.5,
        )  # fmt: skip
    left.set(xlabel="share of the time to the minimum", ylabel="risk above the global minimum")
    left.set_title(nearness(result))
    left.legend(loc="upper right", bbox_to_anchor=(1.0, 0.93))
    right.set(
        xlabel="share of the time to the minimum",
        ylabel="distance to the nearest critical map",
        yscale="log",
    )
    right.set_title(closeness(result))
    right.axhline(result.near, color=GREY, linewidth=0.8, linestyle="--")
    right.annotate(
        "near", (1, result.near), (-2, 2), xycoords=("axes fraction", "data"),
        textcoords="offset points", color=GREY, ha="right", va="bottom", fontsize=8.5,
    )  # fmt: skip
    told = "; ".join(_told(result, flow) for flow in result.flows)
    text = (
        f"{result.data}; gradient flow from balanced weights, all singular values at "
        f"{number(result.strength)}. "
        f"Balanced saddles between zero and the minimum that the flow comes near (closer than "
        f"{number(result.near, 2)}, a tenth of the strongest mode; nearest distance in brackets): "
        f"{told}. One flow a depth."
    )
    return Drawing(figure, alt=f"Staircase of the risk for several depths. {text}", caption=text)


def nearness(result: TourResult) -> str:
    """Say which depths come near all saddles between zero and the minimum."""
    if not result.n_between:
        return "No saddle lies between zero and the minimum"
    all_of = [
        str(flow.depth) for flow in result.flows if len(result.passed(flow)) == result.n_between
    ]
    if not all_of:
        return "No depth comes near every saddle"
    if len(all_of) == len(result.flows) > 1:
        return "Every depth comes near every saddle"
    return f"{plain(listed(all_of))} layers come near every saddle"


def closeness(result: TourResult) -> str:
    """Say whether deeper networks pass closer; needs two depths and a saddle that both passed."""
    if len(result.flows) < 2 or not result.n_between:
        return "Distance to the nearest critical map"
    if result.deeper_passes_closer:
        return "Deeper networks pass closer"
    return "Deeper networks do not always pass closer"


def _draw(left: Axes, right: Axes, flow: Flow, result: TourResult, colour: str) -> None:
    above = np.flatnonzero(flow.excess > 1e-3 * result.levels[0])
    done = int(above[-1]) + 1 if len(above) else len(flow.time)
    share = flow.time / flow.time[min(done, len(flow.time) - 1)]
    keep = share <= 1.15
    left.plot(share[keep], flow.excess[keep], color=colour, label=f"{flow.depth} layers")
    distance = np.maximum(flow.saddle_distance[keep], NOTHING * result.near)
    right.plot(share[keep], distance, color=colour)


def _told(result: TourResult, flow: Flow) -> str:
    passed = ", ".join(
        f"rank {visit.rank} {visit.verdict} ({number(visit.distance, 2)})"
        for visit in result.passed(flow)
    )
    return f"{flow.depth} layers: {passed or 'none'}"


FIGURES = (Figure("staircase", staircase),)
