"""What the report says of the flows from saddle to saddle."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.linear_tour.records import Flow, TourResult
from pitfalls.prose import (
    Basis,
    Block,
    Markup,
    Paragraph,
    Picture,
    counted,
    listed,
    number,
    say,
    table,
)

__all__ = ["account", "basis", "charts", "setting", "stays"]


def account(result: TourResult) -> tuple[Block, ...]:
    """Return what lies on the way, which of it each depth came near, and the staircase."""
    return (
        Paragraph(setting(result)),
        table(
            ("Layers", "Near the saddles of rank", "Their verdicts", "Leaves zero at",
             "Near the minimum at"),
            [_row(result, flow) for flow in result.flows],
            say(
                "Times of the flow; near: closer than {near}, a tenth of the strongest mode. One "
                "flow a depth.",
                near=number(result.near, 2),
            ),
            words=(1, 2),
        ),
        Paragraph(stays(result)),
        Picture("staircase"),
    )  # fmt: skip


def setting(result: TourResult) -> Markup:
    """Say where the flow begins, and how many saddles lie on the way."""
    begins = (
        "near which the flow begins"
        if all(result.begins_near_zero(flow) for flow in result.flows)
        else "not near which the flow begins"
    )
    return say(
        "Between zero, {begins} (singular values of {strength}), and the global minimum "
        "lie the best maps of each lower rank, {n}. ",
        begins=begins, strength=number(result.strength), n=counted(result.n_between, "critical map"),
    )  # fmt: skip


def stays(result: TourResult) -> Markup:
    """Say that deeper networks stay longer near zero; needs every pair of depths to agree."""
    if not result.longer_near_zero_with_depth:
        return ()
    return say(
        "In this tour the deeper network stayed near zero longer, at each of the depths {depths}. ",
        depths=listed([flow.depth for flow in result.by_depth]),
    )


def basis(result: TourResult) -> Basis:
    """Say that each depth is one flow."""
    return Basis(
        n=f"1 flow a depth, {counted(len(result.flows), 'depth')}",
        spread="none, one start a depth",
        data=result.data,
    )


def charts(result: TourResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}


def _row(result: TourResult, flow: Flow) -> tuple[Any, ...]:
    passed = result.passed(flow)
    leaves, arrives = result.leaves_zero(flow), result.arrives(flow)
    return (
        flow.depth,
        ", ".join(str(visit.rank) for visit in passed) or "none",
        ", ".join(dict.fromkeys(visit.verdict for visit in passed)) or None,
        None if leaves is None else number(leaves, 2),
        None if arrives is None else number(arrives, 2),
    )
