"""``pitfalls linear landscape``."""

from pitfalls.experiments.linear_landscape import EXPERIMENT, LandscapeConfig
from pitfalls.experiments.linear_verdict import held
from pitfalls.frame import options, perform, print_table

__all__ = ["command"]


@options
def command(config: LandscapeConfig) -> None:
    """Draw the line down from a strict saddle, and the plane to a global minimum."""
    result = perform(EXPERIMENT, config).result
    print_table(
        f"{result.data}, widths {'-'.join(map(str, result.widths))}",
        ("point", "holds", "risk", "above global minimum", "curvature"),
        [
            (point.verdict, held(point), point.risk, point.excess, point.curvature)
            for point in (result.saddle, result.minimum)
        ],
        caption=f"distance between them: {result.span:.4g}",
    )
