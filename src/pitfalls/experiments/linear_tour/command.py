"""``pitfalls linear tour``."""

from pitfalls.experiments.linear_tour import EXPERIMENT, TourConfig
from pitfalls.frame import options, perform, print_table

__all__ = ["command"]


@options
def command(config: TourConfig) -> None:
    """Follow the flow from saddle to saddle, for several depths."""
    result = perform(EXPERIMENT, config).result
    print_table(
        f"{result.data}: the critical points that the flow passes",
        ("layers", "rank", "risk above minimum", "comes as near as", "share of time", "which is a"),
        [
            (
                flow.depth, visit.rank, visit.level, visit.distance, visit.share_of_time,
                visit.verdict,
            )
            for flow in result.flows
            for visit in flow.visits
        ],
        caption="the verdict is that of the balanced critical point of the rank",
    )  # fmt: skip
